"""The trained agents of air taxis that ship."""

import numpy as np
import pytest

from schedlab.agents import make_agent, play
from schedlab.envs.uam import PROBLEM

DAYS = 12


def profits(agent, preset, count=DAYS, first=4242, **changes):
    """Profit of each day, checked; days that are neither test days nor validation's."""
    config = PROBLEM.configure({**PROBLEM.presets()[preset], **changes})
    sample = PROBLEM.sampler(config)
    days = [sample(np.random.default_rng(first + k)) for k in range(count)]
    simulator = play(make_agent(agent, PROBLEM, config), PROBLEM, days, config)
    reports = [PROBLEM.check(day, simulator.solution(row), config) for row, day in enumerate(days)]
    assert all(report.feasible for report in reports)
    return np.array([report.objective for report in reports])


@pytest.mark.parametrize("preset", ["balanced-40", "storm-40"])
def test_the_agent_earns_clearly_more_than_the_best_rule(preset):
    ahead = profits("ppo", preset) - profits("greedy-hour", preset)
    assert ahead.mean() > 4 * ahead.std(ddof=1) / DAYS**0.5
    assert ahead.mean() > {"balanced-40": 1000, "storm-40": 400}[preset]


def test_it_keeps_its_lead_on_a_larger_network_and_fleet_than_it_was_trained_on():
    lead = {preset: (profits("ppo", preset, 6) / profits("greedy-hour", preset, 6)).mean()
            for preset in ("balanced-40", "balanced-60")}  # fmt: skip
    assert lead["balanced-60"] > 0.95 * lead["balanced-40"]
    assert lead["balanced-60"] > 1


@pytest.mark.parametrize(
    "changes", [{"vertistops": 2}, {"charging": "waiting"}, {"corridors": 1, "separation": 2.0}, {"chargers": 2}]
)
def test_it_plays_rules_that_it_never_saw_without_falling_behind_random_play(changes):
    assert profits("ppo", "balanced-40", 4, **changes).mean() > profits("random", "balanced-40", 4, **changes).mean()


def test_the_network_in_the_manner_of_captain_is_ahead_of_the_rules_too():
    ahead = profits("captain", "balanced-40", 6) - profits("greedy-hour", "balanced-40", 6)
    assert ahead.mean() > 0
