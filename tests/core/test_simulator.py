"""What every simulator promises beyond one step at a time."""

import numpy as np
import pytest

from schedlab.agents.random_policy import random_legal_actions
from schedlab.envs import PROBLEMS
from schedlab.envs.core import Simulator, load_problem

from .short_episodes import SHORT, start_of

EVERY_PROBLEM = pytest.mark.parametrize("name", PROBLEMS)


def started(name, batch=16, seed=0):
    problem = load_problem(name)
    config = problem.configure(SHORT.get(PROBLEMS[name].env_id, {}))
    sample, rng = problem.sampler(config), np.random.default_rng(seed)
    simulator = problem.simulator_for_config(config, batch)
    simulator.reset([sample(rng) for _ in range(batch)])
    return simulator


@EVERY_PROBLEM
def test_forced_steps_end_where_there_is_a_choice_or_the_end(name):
    simulator, rng = started(name), np.random.default_rng(1)
    while simulator.done_count < simulator.batch_size:
        simulator.play_forced()
        assert ((simulator.action_mask.sum(axis=1) > 1) | simulator.done).all()
        assert simulator.done_count == simulator.done.sum()
        assert not simulator.illegal.any()
        simulator.step(random_legal_actions(simulator.action_mask, rng))


@EVERY_PROBLEM
def test_a_simulators_own_forced_steps_equal_one_step_at_a_time(name):
    own, plain = started(name), started(name)
    rng = np.random.default_rng(2)
    while own.done_count < own.batch_size:
        earned, expected = own.play_forced().copy(), Simulator.play_forced(plain)
        np.testing.assert_allclose(earned, expected)
        for key, array in own.state_arrays().items():
            if key not in ("reals", "flags"):  # the last reward and the flag of an illegal action, of the last call
                np.testing.assert_array_equal(array, plain.state_arrays()[key])
        np.testing.assert_array_equal(own.action_mask, plain.action_mask)
        action = random_legal_actions(own.action_mask, rng)
        own.step(action)
        plain.step(action)
    np.testing.assert_array_equal(own.objective(), plain.objective())


@EVERY_PROBLEM
def test_steps_count_legal_actions_forced_ones_included(name):
    simulator, rng = started(name), np.random.default_rng(3)
    counted = np.zeros(simulator.batch_size, np.int64)
    while simulator.done_count < simulator.batch_size:
        np.testing.assert_array_equal(simulator.steps, counted)
        counted += ~simulator.done
        simulator.step(random_legal_actions(simulator.action_mask, rng))
    np.testing.assert_array_equal(simulator.steps, counted)


@EVERY_PROBLEM
def test_rewards_with_forced_steps_sum_to_the_objective(name):
    simulator, rng = started(name), np.random.default_rng(4)
    start = start_of(name, simulator)
    total = simulator.play_forced().copy()
    while simulator.done_count < simulator.batch_size:
        total += simulator.step(random_legal_actions(simulator.action_mask, rng))
        total += simulator.play_forced()
    sign = -1 if load_problem(name).minimise else 1
    np.testing.assert_allclose(total, sign * (simulator.objective() - start), atol=1e-12)
