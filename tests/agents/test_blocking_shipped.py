"""The trained agent of the blocking job shop."""

import numpy as np
import pytest

from schedlab.agents.blocking_job_shop import RULES, RulePolicy
from schedlab.agents.core import play
from schedlab.agents.registry import make_agent
from schedlab.envs.blocking_job_shop import PROBLEM
from schedlab.envs.core import InputError


@pytest.mark.parametrize("probability", [0.0, 0.01])
def test_it_is_better_than_every_rule_with_and_without_failures(probability):
    config = PROBLEM.configure({"breakdown_probability": probability})
    sample, rng = PROBLEM.sampler(config), np.random.default_rng(77_000)
    instances = [sample(rng) for _ in range(24)]
    simulator = play(make_agent("ppo", PROBLEM, config), PROBLEM, instances, config)
    for row, instance in enumerate(instances):
        report = PROBLEM.check(instance, simulator.solution(row), config)
        assert report.feasible
        assert report.objective == simulator.objective()[row]
    rules = [play(RulePolicy(rule), PROBLEM, instances, config).objective().mean() for rule in RULES.values()]
    assert simulator.objective().mean() < min(rules)


def test_none_ships_for_shops_without_exchanges():
    with pytest.raises(InputError, match="no-swap"):
        make_agent("ppo", PROBLEM, PROBLEM.configure({"swap": False}))
