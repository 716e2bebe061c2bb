"""The simulator against plain enumeration, the checker and the reward's promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.job_shop import (
    BUILDERS,
    OBJECTIVES,
    PROBLEM,
    JobShopConfig,
    JobShopInstance,
    JobShopSolution,
    kernels,
)
from schedlab.envs.job_shop.check import check_schedule

from .enumerate_schedules import all_schedules, cost, legal_jobs
from .strategies import shops


def play(instance, builder="nondelay", objective="makespan", seed=0, on_step=None):
    """One random legal episode; returns the simulator and the sum of rewards."""
    simulator = PROBLEM.simulator_for([instance], JobShopConfig(builder=builder, objective=objective))
    simulator.reset([instance])
    rng, total = np.random.default_rng(seed), 0.0
    while simulator.done_count < 1:
        legal = np.flatnonzero(simulator.action_mask[0])
        action = int(rng.choice(legal))
        reward = simulator.step(np.array([action]))[0]
        total += reward
        if on_step:
            on_step(simulator, reward)
    return simulator, total


@pytest.mark.parametrize("builder", BUILDERS)
def test_random_play_reaches_exactly_the_schedules_that_the_builder_allows(odd, builder):
    reached = set()
    for seed in range(400):
        simulator, _ = play(odd, builder, seed=seed)
        reached.add(tuple(tuple(row) for row in simulator.solution(0).to_json(odd)["start"]))
    assert reached == all_schedules(odd, builder)


@pytest.mark.parametrize("builder", BUILDERS)
@settings(max_examples=60, deadline=None)
@given(instance=shops(), seed=st.integers(0, 2**20))
def test_the_mask_holds_exactly_the_jobs_of_the_builders_definition(builder, instance, seed):
    lengths = np.diff(instance.first_operation)

    def compare(simulator, _):
        if simulator.done[0]:
            assert simulator.action_mask[0].any()
            return
        position = (lengths - simulator.remaining_operations[0]).tolist()
        ready, machines = simulator.job_ready[0].tolist(), simulator.machine_ready[0].tolist()
        expected = legal_jobs(instance, builder, position, ready, machines)
        assert np.flatnonzero(simulator.action_mask[0]).tolist() == expected

    play(instance, builder, seed=seed, on_step=compare)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("builder", BUILDERS)
@settings(max_examples=40, deadline=None)
@given(instance=shops(), seed=st.integers(0, 2**20))
def test_rewards_sum_to_minus_the_objective_that_the_checker_finds(builder, objective, instance, seed):
    rewards = []
    simulator, total = play(instance, builder, objective, seed, lambda _, reward: rewards.append(reward))
    report = check_schedule(instance, simulator.solution(0), objective)
    assert report.feasible, report.violations
    assert -total == report.objective == simulator.objective()[0]
    assert all(reward <= 0 for reward in rewards), "the bound never falls"


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_append_and_active_builders_contain_an_optimal_schedule_of_the_tiny_case(odd, objective):
    best = {b: min(cost(odd, s, objective) for s in all_schedules(odd, b)) for b in BUILDERS}
    assert best["append"] == best["active"] <= best["nondelay"]


def test_the_tiny_shop_has_makespan_7(tiny):
    assert min(cost(tiny, s, "makespan") for s in all_schedules(tiny, "append")) == 7


def test_a_batch_of_different_shops_equals_each_shop_alone(odd, tiny, ft06):
    instances = [odd, tiny, ft06, odd]
    config = JobShopConfig(builder="active")
    together = PROBLEM.simulator_for(instances, config)
    together.reset(instances)
    alone = []
    for instance in instances:
        alone.append(PROBLEM.simulator_for([instance], config))
        alone[-1].reset([instance])
    while together.done_count < 4:
        action = together.action_mask.argmax(axis=1)
        rewards = together.step(action).copy()
        for row, simulator in enumerate(alone):
            assert simulator.step(action[row : row + 1])[0] == rewards[row]
            jobs = instances[row].num_jobs
            assert np.array_equal(simulator.action_mask[0], together.action_mask[row, :jobs])
    for row, simulator in enumerate(alone):
        assert np.array_equal(simulator.solution(0).start, together.solution(row).start)


def test_an_illegal_action_changes_nothing(ft06):
    simulator = PROBLEM.simulator_for([ft06], JobShopConfig())
    simulator.reset([ft06])
    illegal = int(np.flatnonzero(~simulator.action_mask[0])[0]) if not simulator.action_mask.all() else 6
    before = simulator.snapshot()
    for action in (illegal, -1, 6, 10**9):
        assert simulator.step(np.array([action]))[0] == 0
        assert simulator.illegal[0]
        assert simulator.illegal_count == 1
        simulator.illegal[0] = False
        for name, array in simulator.state_arrays().items():
            assert np.array_equal(array, before.arrays[name]), name


def test_a_finished_row_stays_as_it_is_while_others_go_on(tiny, ft06):
    simulator = PROBLEM.simulator_for([tiny, ft06], JobShopConfig())
    simulator.reset([tiny, ft06])
    while simulator.done_count < 2:
        was_done = bool(simulator.done[0])
        reward = simulator.step(simulator.action_mask.argmax(axis=1))
        assert not was_done or reward[0] == 0
    assert check_schedule(tiny, simulator.solution(0)).feasible


def test_restoring_a_snapshot_returns_to_its_state_also_after_another_instance(tiny, ft06):
    simulator = PROBLEM.simulator_for([ft06], JobShopConfig())
    simulator.reset([ft06])
    for _ in range(10):
        simulator.step(simulator.action_mask.argmax(axis=1))
    snapshot = simulator.snapshot()
    observed = simulator.observe().features.copy()

    def finish():
        while not simulator.done_count:
            simulator.step(simulator.action_mask.argmax(axis=1))
        return simulator.solution(0).start

    first = finish()
    simulator.reset([tiny])
    simulator.restore(snapshot)
    assert simulator.instances[0] is ft06
    assert np.array_equal(simulator.observe().features, observed)
    assert np.array_equal(finish(), first)


def test_a_snapshot_of_another_batch_size_is_refused(ft06):
    one = PROBLEM.simulator_for([ft06], JobShopConfig())
    two = PROBLEM.simulator_for([ft06, ft06], JobShopConfig())
    one.reset([ft06])
    with pytest.raises(ValueError, match="snapshot of 1 rows"):
        two.restore(one.snapshot())


def test_an_instance_that_is_too_large_is_refused(tiny, ft06):
    simulator = PROBLEM.simulator_for([tiny], JobShopConfig())
    with pytest.raises(ValueError, match="does not fit"):
        simulator.reset([ft06])


def test_stepping_and_observing_in_one_pass_equals_doing_one_after_the_other(odd, ft06):
    instances = [odd, ft06]
    config = JobShopConfig(objective="total-weighted-tardiness", builder="append", due_date_factor=1.3)
    instances = [odd, ft06.with_due_dates(1.3)]
    fused, plain = (PROBLEM.simulator_for(instances, config) for _ in range(2))
    fused.reset(instances)
    plain.reset(instances)
    rng = np.random.default_rng(0)
    while fused.done_count < 2:
        action = np.array([rng.choice(np.flatnonzero(mask)) for mask in fused.action_mask])
        reward, state = fused.step_and_observe(action)
        assert np.array_equal(reward, plain.step(action))
        for name, part in plain.observe().dynamic().items():
            assert np.array_equal(part, state.dynamic()[name]), name


def test_the_kernels_and_the_configuration_number_builders_and_objectives_alike():
    assert tuple(map(BUILDERS.index, ("nondelay", "active", "append"))) == (
        kernels.NONDELAY,
        kernels.ACTIVE,
        kernels.APPEND,
    )
    named = [
        OBJECTIVES[i] for i in (kernels.MAKESPAN, kernels.TARDINESS, kernels.WEIGHTED_TARDINESS, kernels.FLOW_TIME)
    ]
    assert named == ["makespan", "total-tardiness", "total-weighted-tardiness", "total-flow-time"]


def test_the_checker_names_each_kind_of_violation(odd):
    simulator, _ = play(odd)
    good = simulator.solution(0).start
    assert check_schedule(odd, JobShopSolution(good)).feasible
    for change, words in (
        ({0: -1}, "no start time"),
        ({1: 0}, "before the end of operation 0"),
        ({3: 0}, "before its release"),
        ({2: int(good[0])}, "before the end of"),
    ):
        start = good.copy()
        for operation, value in change.items():
            start[operation] = value
        report = check_schedule(odd, JobShopSolution(start))
        assert not report.feasible
        assert any(words in violation for violation in report.violations), report.violations
        assert np.isnan(report.objective)


def test_the_checker_lets_an_empty_operation_stand_at_a_border_but_not_inside():
    shop = JobShopInstance.from_jobs([[(0, 0)], [(0, 5)]])
    for start, feasible in (([0, 0], True), ([5, 0], True), ([2, 0], False)):
        assert check_schedule(shop, JobShopSolution(np.array(start))).feasible == feasible
