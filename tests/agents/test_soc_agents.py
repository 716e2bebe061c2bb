"""The agents of the SoC problem on streams: the literature's numbers, bounds, and what ships."""

from dataclasses import replace

import numpy as np
import pytest

from schedlab.agents import make_agent, play
from schedlab.agents.soc import RULES
from schedlab.agents.soc.rules import RulePolicy
from schedlab.envs.core import load_problem
from schedlab.envs.soc.system import system_of

PROBLEM = load_problem("soc")
SINGLE = [f"top{k}" for k in range(1, 11)]


def streams(preset, count, first=0, **changes):
    config = PROBLEM.configure({**PROBLEM.presets()[preset], **changes})
    sample = PROBLEM.sampler(config)
    return config, [sample(np.random.default_rng(first + seed)) for seed in range(count)]


def mean_latency(name, config, instances):
    return float(play(make_agent(name, PROBLEM, config), PROBLEM, instances, config).objective().mean())


@pytest.mark.parametrize(
    ("agent", "published", "tolerance"),
    [("etf", 115.6, 2.0), ("met", 124.0, 3.0), ("eft", 119.0, 2.0), ("heft-rt", 132.1, 3.0), ("random", 175.6, 7.0)],
)
def test_the_pseudo_steady_state_of_socrates_is_that_of_its_code(agent, published, tolerance):
    config, instances = streams("top5-pss", 20)
    config = replace(config, action="pair", offer="every", defer=False)
    assert mean_latency(agent, config, instances) == pytest.approx(published, abs=tolerance)


def test_late_binding_beats_early_binding_on_a_loaded_soc():
    config, instances = streams("ds3", 3, rate=50 / 3, length=30_000, warm_up=3_000)
    etf, srpt = (mean_latency(name, config, instances) for name in ("etf", "late-srpt"))
    assert srpt < 0.94 * etf


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", [*RULES, "rollout", "random", "deepsocs", "ppo"])
def test_no_agent_is_below_the_bounds_and_every_run_passes_the_checker(name, seed):
    for preset, changes in (("ds3-mix", {"length": 4_000, "warm_up": 0}), ("random", {"length": 1500})):
        config, (instance,) = streams(preset, 1, first=seed, **changes)
        agent = make_agent(name, PROBLEM, config)
        simulator = play(agent, PROBLEM, [instance], config)
        solution = simulator.solution(0)
        report = PROBLEM.check(instance, solution, config)
        assert report.feasible, report.violations[:3]
        assert report.objective == pytest.approx(simulator.objective()[0])
        paths = system_of(instance, config).paths[instance.job_application]
        last = instance.first_task[1:] - 1
        for job in np.flatnonzero(solution.arrival >= 0):
            end = solution.end[instance.first_task[job] : last[job] + 1]
            if (end >= 0).all():
                assert end.max() - solution.arrival[job] >= paths[job]


def test_rules_are_as_good_one_by_one_as_in_a_batch():
    config, instances = streams("top5-pss", 3, length=800)
    for rule in RULES.values():
        together = play(RulePolicy(rule), PROBLEM, instances, config).objective()
        apart = [play(RulePolicy(rule), PROBLEM, [instance], config).objective()[0] for instance in instances]
        np.testing.assert_array_equal(together, apart)


def test_looking_ahead_comes_close_to_the_optimum_of_single_jobs_and_beats_etf_on_streams():
    config = PROBLEM.configure({})
    instances = [PROBLEM.load(name, config) for name in SINGLE]
    optima = np.array([PROBLEM.bound(instance, config).value for instance in instances])
    found = play(make_agent("rollout", PROBLEM, config), PROBLEM, instances, config).objective()
    assert (found >= optima).all()
    assert (found / optima - 1).mean() < 0.03
    config, instances = streams("top5-pss", 6)
    assert mean_latency("rollout", config, instances) < mean_latency("etf", config, instances) - 5


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_the_shipped_agent_beats_run_time_rules_on_streams_of_unseen_graphs(noise):
    config, instances = streams("top5-pss", 6, first=500, noise=noise)
    mine = mean_latency("ppo", config, instances)
    assert mine < mean_latency("etf", config, instances) - 4
    assert mine < mean_latency("rollout", config, instances) + 1
