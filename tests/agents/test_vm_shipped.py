"""The trained agents of VM rescheduling that ship."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from schedlab.agents import make_agent, play
from schedlab.agents.core import AgentOptions
from schedlab.agents.learned import likely
from schedlab.envs.core import InputError
from schedlab.envs.vm import PROBLEM, VmConfig

CONFIG = VmConfig(num_pms=60, mnl=11)


def clusters(config, count, first=4242):
    sample = PROBLEM.sampler(config)
    return [sample(np.random.default_rng(first + k)) for k in range(count)]


def mean(agent, instances, config):
    made = make_agent(agent, PROBLEM, config)
    if hasattr(made, "solve_many"):
        solutions = [result.solution for result in made.solve_many(instances, seed=0)]
    elif hasattr(made, "solve"):
        solutions = [made.solve(instance, time_limit=20, seed=0).solution for instance in instances]
    else:
        simulator = play(made, PROBLEM, instances, config)
        solutions = [simulator.solution(row) for row in range(len(instances))]
    reports = [
        PROBLEM.check(instance, solution, config) for instance, solution in zip(instances, solutions, strict=True)
    ]
    assert all(report.feasible for report in reports)
    return float(np.mean([report.objective for report in reports]))


def test_the_agent_closes_most_of_the_way_from_ha_to_the_optimum():
    instances = clusters(CONFIG, 12)
    ha, optimum = mean("ha", instances, CONFIG), mean("patterns", instances, CONFIG)
    greedy, best = mean("ppo", instances, CONFIG), mean("ppo@16", instances, CONFIG)
    assert optimum <= best <= greedy
    assert ha - greedy > 0.7 * (ha - optimum)
    assert ha - best > 0.8 * (ha - optimum)
    assert greedy < mean("ha-pair", instances, CONFIG)


@pytest.mark.parametrize(
    "changes", [{"mix": "large", "utilisation": 0.82, "churn": 0.6}, {"fragment": (32,)}, {"fragment": (8,)}]
)
def test_it_is_better_than_the_rules_on_other_clusters_and_fragments_too(changes):
    config = replace(CONFIG, **changes)
    instances = clusters(config, 8)
    assert mean("ppo", instances, config) < min(mean(rule, instances, config) for rule in ("no-op", "ha", "ha-pair"))


def test_it_never_breaks_an_anti_affinity_group_and_is_better_than_ha_with_them():
    config = replace(CONFIG, affinity=8, immovable=0.2)
    instances = clusters(config, 8)
    assert mean("ppo@4", instances, config) < mean("ha", instances, config)


def test_the_vmr2l_style_agent_plays_and_is_better_than_doing_nothing():
    config = replace(CONFIG, num_pms=20, mnl=5)
    instances = clusters(config, 4)
    assert mean("vmr2l", instances, config) < mean("no-op", instances, config)


def test_unlikely_choices_are_not_drawn_if_so_asked():
    table = torch.tensor([[0.0, 1.0, 2.0, 3.0], [5.0, 4.0, -torch.inf, -torch.inf]])
    count = torch.tensor([4, 2])
    kept = torch.isfinite(likely(table, count, 0.5))
    assert kept.tolist() == [[False, False, True, True], [True, False, False, False]]
    assert torch.isfinite(likely(table, count, 0.999)).sum(dim=1).tolist() == [1, 1], "the likeliest one is left"
    instances = clusters(CONFIG, 2)
    one = make_agent("ppo@4", PROBLEM, CONFIG, AgentOptions(quantile=0.9999)).solve_many(instances, seed=0)
    greedy = play(make_agent("ppo", PROBLEM, CONFIG), PROBLEM, instances, CONFIG).objective()
    found = [PROBLEM.check(i, r.solution, CONFIG).objective for i, r in zip(instances, one, strict=True)]
    np.testing.assert_allclose(found, greedy)


def test_the_best_of_several_plans_is_no_agent_where_they_are_applied_late():
    config = replace(CONFIG, delay=60)
    (instance,) = clusters(config, 1)
    with pytest.raises(InputError, match="picked in hindsight"):
        make_agent("random@4", PROBLEM, config).solve(instance, time_limit=1, seed=0)


def test_a_solver_starts_from_the_agents_plan():
    (instance,) = clusters(CONFIG, 1)
    solver = make_agent("cp-sat-ppo", PROBLEM, CONFIG, AgentOptions(workers=1))
    found = solver.solve(instance, time_limit=1, seed=0).solution
    plan = play(make_agent("ppo", PROBLEM, CONFIG), PROBLEM, [instance], CONFIG).objective()[0]
    assert PROBLEM.check(instance, found, CONFIG).objective <= plan + 1e-12
