"""The simulator reaches the best schedule, knows deadlocks, and exchanges machines."""

import numpy as np
import pytest

from schedlab.envs.blocking_job_shop import PROBLEM, BlockingInstance, Breakdowns, Terms
from schedlab.envs.blocking_job_shop import state as s
from schedlab.envs.job_shop import JobShopInstance

from .plain import all_can_leave, best_makespan


def simulator_of(instance, batch=1):
    simulator = PROBLEM.simulator_for([instance], PROBLEM.configure({}), batch)
    simulator.reset([instance] * batch)
    return simulator


def step(simulator, action):
    reward = simulator.step(np.array([action]))
    assert simulator.illegal_count == 0
    return float(reward[0])


def legal(simulator):
    return np.flatnonzero(simulator.action_mask[0]).tolist()


def best_play(instance):
    """The least makespan over all plays."""
    simulator = simulator_of(instance)
    seen, best = set(), [np.inf]

    def explore():
        if simulator.done[0]:
            best[0] = min(best[0], float(simulator.objective()[0]))
            return
        key = simulator.state.job.tobytes() + simulator.state.machine.tobytes() + simulator.now.tobytes()
        if key in seen or simulator.objective()[0] >= best[0]:
            return
        seen.add(key)
        here = simulator.snapshot()
        for action in legal(simulator):
            step(simulator, action)
            explore()
            simulator.restore(here)

    explore()
    return best[0]


def random_shop(rng, jobs, machines, reentrant, shortest):
    routes = []
    for _ in range(jobs):
        length = int(rng.integers(1, machines + 1)) if reentrant else machines
        route = rng.integers(0, machines, length) if reentrant else rng.permutation(machines)
        routes.append([(int(m), int(rng.integers(shortest, 6))) for m in route])
    release = rng.integers(0, 5, jobs) if rng.random() < 0.4 else None
    return JobShopInstance.from_jobs(routes, machines, release=release)


@pytest.mark.parametrize("swap", [True, False])
@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("size", [(2, 2), (2, 3), (3, 2), (3, 3)])
def test_the_best_play_is_the_best_schedule_of_tiny_shops(swap, reentrant, size):
    rng = np.random.default_rng([*size, swap, reentrant])
    for _ in range(4 if size == (3, 3) else 10):
        shop = random_shop(rng, *size, reentrant, 1 if swap else 0)
        assert best_play(BlockingInstance(shop, Terms(swap=swap))) == best_makespan(shop, swap)


def crossing(swap, jobs=2):
    """Jobs on a circle of machines, each from its own to the next."""
    routes = [[(j, 2 + j), ((j + 1) % jobs, 3)] for j in range(jobs)]
    return BlockingInstance(JobShopInstance.from_jobs(routes), Terms(swap=swap))


def test_two_jobs_that_cross_exchange_machines_at_once():
    simulator = simulator_of(crossing(True))
    step(simulator, 0)
    step(simulator, 1)
    assert simulator.done[0]  # nothing was left to decide: both moved on at 3
    assert simulator.solution(0).start.tolist() == [0, 3, 0, 3]
    assert simulator.objective()[0] == 6


def test_without_swap_the_second_of_two_jobs_that_cross_may_not_enter():
    simulator = simulator_of(crossing(False))
    assert legal(simulator) == [0, 1]
    step(simulator, 0)
    assert 1 not in legal(simulator)
    while not simulator.done[0]:
        step(simulator, legal(simulator)[0])
    assert simulator.solution(0).start.tolist() == [0, 2, 5, 8]


def test_without_swap_the_last_of_a_larger_circle_may_not_enter():
    simulator = simulator_of(crossing(False, 4))
    for job in (0, 1, 2):
        step(simulator, job)
    assert 3 not in legal(simulator)


@pytest.mark.parametrize("swap", [True, False])
def test_a_job_that_needs_its_machine_again_goes_on_by_itself(swap):
    shop = JobShopInstance.from_jobs([[(0, 2), (0, 3), (1, 1)]], 2)
    simulator = simulator_of(BlockingInstance(shop, Terms(swap=swap)))
    step(simulator, 0)
    assert legal(simulator) == [0]
    assert simulator.now[0] == 5
    assert simulator.solution(0).start.tolist() == [0, 2, -1]


def test_a_blocked_machine_is_free_when_its_job_has_moved():
    shop = JobShopInstance.from_jobs([[(0, 1), (1, 1)], [(1, 5)], [(0, 2)]], 2)
    simulator = simulator_of(BlockingInstance(shop))
    step(simulator, 0)
    step(simulator, 1)
    assert simulator.now[0] == 5  # job 2 cannot enter before: job 0 blocks machine 0 until machine 1 is free
    assert legal(simulator) == [0]
    step(simulator, 0)
    step(simulator, 2)
    assert simulator.done[0]
    assert simulator.solution(0).start.tolist() == [0, 5, 0, 5]
    assert PROBLEM.check(simulator.instances[0], simulator.solution(0), PROBLEM.configure({})).objective == 7


def test_waiting_is_legal_while_work_or_a_release_is_to_come_and_only_then():
    shop = JobShopInstance.from_jobs([[(0, 4)], [(0, 1)], [(1, 2)]], 2, release=[0, 2, 0])
    simulator = simulator_of(BlockingInstance(shop))
    assert legal(simulator) == [0, 2, 3]  # job 1 is still to come
    step(simulator, 3)
    assert simulator.now[0] == 2
    assert legal(simulator) == [0, 1, 2]  # nothing else ever happens
    step(simulator, 2)
    assert legal(simulator) == [0, 1, 3]


def test_the_first_decision_is_at_the_first_release():
    simulator = simulator_of(BlockingInstance(JobShopInstance.from_jobs([[(0, 4)], [(0, 1)]], release=[7, 9])))
    assert simulator.now[0] == 7
    assert simulator.objective()[0] == 12  # all the work of the machine is still to come


@pytest.mark.parametrize("seed", range(6))
def test_the_mask_without_swap_is_exactly_what_is_safe(seed):
    rng = np.random.default_rng(seed)
    shop = random_shop(rng, 6, 4, seed % 2 == 1, 0)
    probability = 0.0 if seed < 4 else 0.1
    simulator = simulator_of(BlockingInstance(shop, Terms(False, Breakdowns(probability))))
    routes = [[m for m, _ in routing] for routing in shop.jobs()]
    refused = 0
    for _ in range(8):
        simulator.reset(simulator.instances)
        while not simulator.done[0]:
            job, machine = simulator.state.job[0], simulator.state.machine[0]
            inside = job[:, s.ON] != s.NOWHERE
            for j in range(6):
                could = job[j, s.STATUS] in (s.OUTSIDE, s.COMPLETE) and job[j, s.SINCE] <= simulator.now[0]
                if not could or machine[job[j, s.TO], s.HOLDER] != s.NOBODY or machine[job[j, s.TO], s.IS_DOWN]:
                    assert not simulator.action_mask[0, j]
                    continue
                at = np.where(inside, job[:, s.STARTED] - 1, -1)
                at[j] = job[j, s.STARTED]
                safe = all_can_leave(routes, at.tolist())
                assert simulator.action_mask[0, j] == safe
                refused += not safe
            step(simulator, int(rng.choice(legal(simulator))))
    assert refused > 0 or seed % 2 == 1
