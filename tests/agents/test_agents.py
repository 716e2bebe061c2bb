"""Agents by name, best of K samples, and the exact solver."""

import numpy as np
import pytest
from hypothesis import given, settings

from schedlab.agents import BestOf, Policy, agent_specs, make_agent, run_policy
from schedlab.agents.core import AgentOptions
from schedlab.agents.job_shop import CpSat, best_rule_schedule
from schedlab.agents.random_policy import RandomPolicy
from schedlab.envs.core import InputError
from schedlab.envs.job_shop import OBJECTIVES, PROBLEM, JobShopConfig
from schedlab.envs.job_shop.catalog import named_instance
from schedlab.envs.job_shop.check import check_schedule

from ..job_shop.enumerate_schedules import all_schedules, cost
from ..job_shop.strategies import shops

CONFIG = JobShopConfig()


@pytest.mark.parametrize("name", agent_specs("job-shop"))
def test_every_listed_agent_can_be_built(name):
    assert make_agent(name, PROBLEM, CONFIG) is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sptt", "did you mean spt"),
        ("spt@4", "makes no random choices"),
        ("random@0", "K from 1"),
        ("random@x", "K from 1"),
        ("random@9999999", "K from 1"),
        ("cp-sat@2", "makes no random choices"),
        ("ppo:", "ppo:FOLDER"),
        ("spt:folder", "ppo:FOLDER"),
        ("ppo:/no/such/folder", "no such checkpoint"),
        ("", "unknown agent"),
    ],
)
def test_bad_agent_names_are_refused_in_one_line(text, words):
    with pytest.raises(InputError, match=words) as caught:
        make_agent(text, PROBLEM, CONFIG)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"time_limit": 0},
        {"time_limit": float("nan")},
        {"workers": -1},
        {"temperature": 0},
        {"temperature": float("inf")},
        {"quantile": 1.0},
        {"quantile": -0.1},
    ],
)
def test_bad_options_are_refused(values):
    with pytest.raises(ValueError, match="must"):
        AgentOptions(**values)


def test_more_samples_with_the_same_seed_are_never_worse_and_repeat_exactly(ft06):
    values = []
    for samples in (1, 8, 64):
        agent = BestOf(RandomPolicy(), samples, PROBLEM, CONFIG)
        results = [agent.solve(ft06, time_limit=1, seed=3) for _ in range(2)]
        assert np.array_equal(results[0].solution.start, results[1].solution.start)
        assert results[0].samples == samples
        values.append(check_schedule(ft06, results[0].solution).objective)
    assert values[2] <= values[0]
    assert values[2] < 70


def test_best_of_solves_several_instances_in_one_batch(ft06, tiny):
    agent = BestOf(RandomPolicy(), 16, PROBLEM, CONFIG)
    for instance, result in zip((ft06, tiny), agent.solve_many([ft06, tiny], seed=0), strict=True):
        assert check_schedule(instance, result.solution).feasible


def test_more_samples_than_fit_into_a_batch_are_split(ft06, monkeypatch):
    monkeypatch.setattr("schedlab.agents.sampling.MAX_ROWS", 8)
    split = BestOf(RandomPolicy(), 20, PROBLEM, CONFIG).solve_many([ft06, ft06], seed=1)
    assert [result.samples for result in split] == [20, 20]
    first = BestOf(RandomPolicy(), 4, PROBLEM, CONFIG).solve_many([ft06, ft06], seed=1)
    for whole, part in zip(split, first, strict=True):
        assert check_schedule(ft06, whole.solution).objective <= check_schedule(ft06, part.solution).objective


def test_a_policy_that_breaks_the_rules_is_stopped(ft06):
    class Cheat(Policy):
        def act(self, simulator):
            return np.full(simulator.batch_size, 99)

    with pytest.raises(RuntimeError, match="Cheat chose the illegal action 99"):
        run_policy(Cheat(), PROBLEM.simulator_for([ft06], CONFIG), [ft06])


@pytest.mark.parametrize(("name", "optimum"), [("ft06", 55), ("la01", 666)])
def test_cp_sat_proves_known_optima(name, optimum):
    instance = named_instance(name)
    result = CpSat(CONFIG, workers=2).solve(instance, time_limit=60, seed=0)
    assert result.proved
    assert result.bound == optimum
    assert check_schedule(instance, result.solution).objective == optimum


@pytest.mark.parametrize("objective", OBJECTIVES)
@settings(max_examples=12, deadline=None)
@given(instance=shops(max_jobs=3, max_length=3))
def test_cp_sat_equals_enumeration_on_tiny_shops(objective, instance):
    best = min(cost(instance, schedule, objective) for schedule in all_schedules(instance, "append"))
    result = CpSat(JobShopConfig(objective=objective), workers=1).solve(instance, time_limit=30, seed=0)
    report = check_schedule(instance, result.solution, objective)
    assert report.feasible, report.violations
    assert result.proved
    assert report.objective == result.bound == best


def test_cp_sat_without_time_returns_a_schedule_no_worse_than_the_best_rules():
    instance = named_instance("ta71")
    result = CpSat(CONFIG, workers=1).solve(instance, time_limit=0.2, seed=0)
    _, _, hint = best_rule_schedule(instance, CONFIG)
    report = check_schedule(instance, result.solution)
    assert report.feasible
    assert report.objective <= hint
    assert result.bound <= report.objective
