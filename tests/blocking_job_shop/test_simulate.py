"""Random legal play never gets stuck, and the checker, which shares no code, agrees with it."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedlab.agents.random_policy import random_legal_actions
from schedlab.envs.blocking_job_shop import PROBLEM, BlockingInstance, Breakdowns, Terms
from schedlab.envs.blocking_job_shop import state as s
from schedlab.envs.job_shop import JobShopInstance

from .strategies import blocking_shops

CONFIG = PROBLEM.configure({})
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def play(simulator, rng, waiting=1.0):
    """A random play; waiting is taken with that share of its chance. Returns the rewards' sums."""
    earned = np.zeros(simulator.batch_size)
    while simulator.done_count < simulator.batch_size:
        mask = simulator.action_mask.copy()
        mask[:, -1] &= (rng.random() < waiting) | (mask.sum(axis=1) == 1)
        earned += simulator.step(random_legal_actions(mask, rng))
        assert simulator.illegal_count == 0
    return earned


@SLOW
@given(blocking_shops(), st.integers(0, 2**32), st.sampled_from([0.0, 0.3, 1.0]))
def test_random_legal_play_ends_and_the_checker_agrees(instance, seed, waiting):
    simulator = PROBLEM.simulator_for([instance], CONFIG)
    simulator.reset([instance])
    earned = play(simulator, np.random.default_rng(seed), waiting)
    report = PROBLEM.check(instance, simulator.solution(0), CONFIG)
    assert report.feasible, report.violations
    assert report.objective == simulator.objective()[0] == -earned[0]
    assert 0 <= report.measures["blocked_share"] <= 1


@SLOW
@given(blocking_shops(), st.integers(0, 2**32))
def test_the_bound_never_falls_and_a_wait_moves_time(instance, seed):
    simulator = PROBLEM.simulator_for([instance], CONFIG)
    simulator.reset([instance])
    rng, bound, now = np.random.default_rng(seed), simulator.objective()[0], simulator.now[0]
    while not simulator.done[0]:
        action = random_legal_actions(simulator.action_mask, rng)
        waits = action[0] == instance.shop.num_jobs
        simulator.step(action)
        assert simulator.objective()[0] >= bound
        assert simulator.now[0] > now if waits else simulator.now[0] >= now
        bound, now = simulator.objective()[0], simulator.now[0]
    assert now == bound


@pytest.mark.parametrize("swap", [True, False])
def test_shops_side_by_side_play_as_alone(swap):
    config = PROBLEM.configure(
        {"num_jobs": [2, 6], "num_machines": [2, 5], "swap": swap, "breakdown_probability": 0.02}
    )
    sample, rng = PROBLEM.sampler(config), np.random.default_rng(3)
    instances = [sample(rng) for _ in range(8)]
    batch, alone = PROBLEM.simulator_for(instances, config), PROBLEM.simulator_for(instances, config, 1)
    batch.reset(instances)
    actions = []
    while batch.done_count < 8:
        actions.append(random_legal_actions(batch.action_mask, rng))
        batch.step(actions[-1])
    for row, instance in enumerate(instances):
        alone.reset([instance])
        for action in actions:
            alone.step(action[row : row + 1])
        assert alone.done[0]
        np.testing.assert_array_equal(alone.solution(0).start, batch.solution(row).start)


def test_a_snapshot_brings_back_the_state_and_what_will_fail():
    config = PROBLEM.configure({"num_jobs": 5, "num_machines": 4, "breakdown_probability": 0.05})
    instance = PROBLEM.sampler(config)(np.random.default_rng(0))
    simulator = PROBLEM.simulator_for([instance], config)
    simulator.reset([instance])
    for _ in range(4):
        simulator.step(random_legal_actions(simulator.action_mask, np.random.default_rng(0)))
    here = simulator.snapshot()
    play(simulator, np.random.default_rng(1))
    first = simulator.solution(0).start
    simulator.restore(here)
    play(simulator, np.random.default_rng(1))
    np.testing.assert_array_equal(simulator.solution(0).start, first)


def one_machine(after_repair, repair=(3, 3)):
    shop = JobShopInstance.from_jobs([[(0, 10)], [(0, 10)]])
    return BlockingInstance(shop, Terms(True, Breakdowns(0.1, "bernoulli", *repair, after_repair)), luck=11)


@pytest.mark.parametrize("after_repair", ["resume", "restart", "finish"])
def test_a_failure_interrupts_as_the_terms_say(after_repair):
    """Worked out by hand from the failures of machine 0, which do not depend on what is played."""
    instance = one_machine(after_repair)
    from schedlab.envs.blocking_job_shop.check import failures_of

    failures = failures_of(instance)[0]
    failures.until(200)
    down = {t for b, e in zip(failures.begin, failures.end, strict=True) for t in range(b, e)}
    simulator = PROBLEM.simulator_for([instance], CONFIG)
    simulator.reset([instance])
    while not simulator.done[0]:
        simulator.step(np.array([int(simulator.action_mask[0].argmax())]))
    time, starts = 0, []
    for _ in range(2):
        while time in down:
            time += 1
        starts.append(time)
        done = 0
        while done < 10:
            if time in down and after_repair == "restart":
                done = 0
            elif time not in down or after_repair == "finish":
                done += 1
            time += 1
    assert simulator.solution(0).start.tolist() == starts
    assert simulator.objective()[0] == time


def test_jobs_may_leave_a_machine_that_is_down_but_not_enter_one():
    found = [0, 0]
    config = PROBLEM.configure({"num_jobs": 6, "num_machines": 4, "breakdown_probability": 0.05})
    sample, rng = PROBLEM.sampler(config), np.random.default_rng(0)
    simulator = PROBLEM.simulator_for_config(config, 1)
    for _ in range(20):
        simulator.reset([sample(rng)])
        while not simulator.done[0]:
            job, machine = simulator.state.job[0], simulator.state.machine[0]
            for j in range(6):
                if job[j, s.TO] != s.NOWHERE and machine[job[j, s.TO], s.IS_DOWN]:
                    assert not simulator.action_mask[0, j]
                    found[0] += 1
                elif job[j, s.ON] != s.NOWHERE and machine[job[j, s.ON], s.IS_DOWN]:
                    found[1] += int(simulator.action_mask[0, j])
            simulator.step(random_legal_actions(simulator.action_mask, rng))
    assert min(found) > 0


def test_an_instance_that_does_not_fit_is_refused():
    simulator = PROBLEM.simulator_for([BlockingInstance(JobShopInstance.from_jobs([[(0, 1)]]))], CONFIG)
    large = BlockingInstance(JobShopInstance.from_jobs([[(0, 1), (1, 1)]]))
    with pytest.raises(ValueError, match="2 machines; this simulator was made for at most 1"):
        simulator.reset([large])
    with pytest.raises(ValueError, match="2 actions for 1 rows"):
        simulator.step(np.array([0, 0]))
