"""The simulator against enumeration, the checker and the rules' definitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.agents import play
from schedlab.agents.random_policy import RandomPolicy
from schedlab.agents.single_machine import RULES, RulePolicy
from schedlab.envs.single_machine import (
    OBJECTIVES,
    PROBLEM,
    SingleMachineConfig,
    SingleMachineInstance,
    SingleMachineSimulator,
    kernels,
)
from schedlab.envs.single_machine.check import check_sequence

from .strategies import instances


def cost(instance, sequence, objective):
    ends = np.cumsum(instance.processing[list(sequence)])
    late = np.maximum(ends - instance.due[list(sequence)], 0)
    return int((late * instance.weight[list(sequence)]).sum() if "weighted" in objective else late.sum())


def best_reachable(simulator):
    """The least objective over all ways to play on from here."""
    if simulator.done[0]:
        return simulator.objective()[0]
    here, best = simulator.snapshot(), np.inf
    for job in np.flatnonzero(simulator.action_mask[0]):
        simulator.step(np.array([job]))
        best = min(best, best_reachable(simulator))
        simulator.restore(here)
    return best


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("dominance", [False, True])
@settings(max_examples=40, deadline=None)
@given(instance=instances(), seed=st.integers(0, 2**20))
def test_rewards_sum_to_minus_the_objective_that_the_checker_finds(objective, dominance, instance, seed):
    simulator = SingleMachineSimulator(instance.num_jobs + 1, 1, objective, dominance)
    simulator.reset([instance])
    rng, total = np.random.default_rng(seed), 0.0
    while not simulator.done[0]:
        total += simulator.step(np.array([rng.choice(np.flatnonzero(simulator.action_mask[0]))]))[0]
    report = check_sequence(instance, simulator.solution(0), objective)
    assert report.feasible
    assert -total == report.objective == simulator.objective()[0]
    assert report.objective == cost(instance, simulator.solution(0).sequence, objective)


@pytest.mark.parametrize("objective", OBJECTIVES)
@settings(max_examples=60, deadline=None)
@given(instance=instances(max_jobs=6))
def test_an_optimal_sequence_survives_dominance(objective, instance):
    optimum = min(cost(instance, order, objective) for order in itertools.permutations(range(instance.num_jobs)))
    simulator = SingleMachineSimulator(instance.num_jobs, 1, objective, dominance=True)
    simulator.reset([instance])
    assert best_reachable(simulator) == optimum


@settings(max_examples=60, deadline=None)
@given(instance=instances())
def test_without_dominance_every_job_that_is_left_may_come_next(instance):
    simulator = SingleMachineSimulator(8, 1)
    simulator.reset([instance])
    while not simulator.done[0]:
        np.testing.assert_array_equal(simulator.action_mask, simulator.waiting)
        simulator.step(simulator.action_mask.argmax(axis=1))
    assert not simulator.waiting.any()


@pytest.mark.parametrize("objective", OBJECTIVES)
@settings(max_examples=60, deadline=None)
@given(instance=instances(max_jobs=8), first=st.integers(0, 7))
def test_an_estimate_is_what_the_modified_due_date_rule_would_cost(objective, instance, first):
    first %= instance.num_jobs
    simulator = SingleMachineSimulator(8, 1, objective)
    simulator.reset([instance])
    estimate = kernels.penalised_mdd_rest(0, first, 0, simulator._jobs, simulator._row)
    if objective != "total-tardiness":
        estimate = kernels.wmdd_rest(0, first, simulator._jobs, simulator._row)
    simulator.step(np.array([first]))
    rule = RulePolicy(RULES["mdd" if objective == "total-tardiness" else "wmdd"])
    while not simulator.done[0]:
        simulator.step(rule.act(simulator))
    assert simulator.objective()[0] == estimate


@settings(max_examples=60, deadline=None)
@given(instance=instances(max_jobs=8), which=st.integers(0, 3))
def test_penalised_estimates_follow_their_definition(instance, which):
    simulator = SingleMachineSimulator(8, 1)
    simulator.reset([instance])
    p, d, penalty = instance.processing, instance.due, kernels.PENALTIES[which]
    now, left, order = int(p[0]), list(range(1, instance.num_jobs)), [0]
    while left:
        left.sort(key=lambda j: (max(now + p[j], d[j]) + penalty * p[j], d[j], p[j], j))
        order.append(left.pop(0))
        now += int(p[order[-1]])
    estimate = kernels.penalised_mdd_rest(0, 0, which, simulator._jobs, simulator._row)
    assert estimate == cost(instance, order, "total-tardiness")


def test_a_batch_of_different_sizes_equals_each_alone():
    sample = PROBLEM.sampler(SingleMachineConfig(num_jobs=[1, 12]))
    rng = np.random.default_rng(0)
    drawn = [sample(rng) for _ in range(6)]
    config = SingleMachineConfig(dominance=True, look_ahead=True)
    together = PROBLEM.simulator_for(drawn, config)
    together.reset(drawn)
    alone = [PROBLEM.simulator_for([instance], config) for instance in drawn]
    for simulator, instance in zip(alone, drawn, strict=True):
        simulator.reset([instance])
    while together.done_count < len(drawn):
        state = together.observe()
        action = together.action_mask.argmax(axis=1)
        for row, simulator in enumerate(alone):
            jobs = drawn[row].num_jobs
            np.testing.assert_array_equal(simulator.observe().features[0], state.features[row, :jobs])
            np.testing.assert_array_equal(simulator.observe().context[0], state.context[row])
        rewards = together.step(action)
        for row, simulator in enumerate(alone):
            assert simulator.step(action[row : row + 1])[0] == rewards[row]
    for row, simulator in enumerate(alone):
        np.testing.assert_array_equal(simulator.solution(0).sequence, together.solution(row).sequence)


def test_an_illegal_action_changes_nothing():
    instance = SingleMachineInstance.from_arrays([3, 1], [1, 9])
    simulator = SingleMachineSimulator(3, 1)
    simulator.reset([instance])
    for action in (-1, 2, 10**9):
        assert simulator.step(np.array([action]))[0] == 0
        assert simulator.illegal_count == 1
    assert simulator.time[0] == 0
    simulator.step(np.array([0]))
    simulator.step(np.array([0]))
    assert simulator.illegal[0], "a job runs once"


def test_too_many_jobs_are_refused():
    simulator = SingleMachineSimulator(2, 1)
    with pytest.raises(ValueError, match="does not fit"):
        simulator.reset([SingleMachineInstance.from_arrays([1, 1, 1], [1, 1, 1])])
    with pytest.raises(ValueError, match="1 instances for 2 rows"):
        SingleMachineSimulator(2, 2).reset([SingleMachineInstance.from_arrays([1], [1])])


def test_features_are_bounded_and_the_same_seed_gives_the_same_play():
    config = SingleMachineConfig(num_jobs=[2, 30], look_ahead=True, objective="total-weighted-tardiness")
    runs = []
    for _ in range(2):
        rng, sample = np.random.default_rng(5), PROBLEM.sampler(config)
        drawn = [sample(rng) for _ in range(10)]
        simulator = play(RandomPolicy(), PROBLEM, drawn, config, seed=3)
        runs.append(simulator.objective())
        simulator.reset(drawn)
        state = simulator.observe()
        assert np.abs(state.features).max() <= 10
        assert np.abs(state.context).max() <= 10
        assert np.abs(state.nodes).max() <= 10
    np.testing.assert_array_equal(*runs)


def test_the_kernels_and_the_configuration_number_objectives_alike():
    assert OBJECTIVES[kernels.TARDINESS] == "total-tardiness"
    assert OBJECTIVES[kernels.WEIGHTED_TARDINESS] == "total-weighted-tardiness"
