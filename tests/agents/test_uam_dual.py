"""Dual prices and the bound against the rules, and what they may know."""

from dataclasses import replace

import numpy as np
import pytest

from schedlab.agents import make_agent, play
from schedlab.agents.uam import LpDual, LpDualKnown, RollingMip
from schedlab.agents.uam.bounds import profit_bound
from schedlab.agents.uam.offers import expected_offers
from schedlab.envs.uam import PROBLEM, UamConfig


def simulator_of(days):
    simulator = PROBLEM.simulator_for(days, UamConfig())
    simulator.reset(days)
    return simulator


@pytest.mark.parametrize(
    "changes", [{}, {"charging": "waiting"}, {"vertistops": 2}, {"corridors": 1, "separation": 3.0}, {"closure": 0.5},
                {"demand": "stock", "delay": 0.0, "delay_spread": 0.0}]
)  # fmt: skip
def test_the_bound_is_never_beaten_in_any_mode(changes):
    config = PROBLEM.configure({"num_vertiports": 5, "num_aircraft": 8, **changes})
    sample = PROBLEM.sampler(config)
    days = [sample(np.random.default_rng(seed)) for seed in range(4)]
    bounds = [profit_bound(day) for day in days]
    for agent in ("greedy-hour", "look-ahead", "random", "rollout"):
        profit = play(make_agent(agent, PROBLEM, config), PROBLEM, days, config).objective()
        assert (profit <= np.array(bounds) + 1e-6).all()
    # and it is of some use
    assert (
        np.mean(bounds) < 2.5 * play(make_agent("rollout", PROBLEM, config), PROBLEM, days, config).objective().mean()
    )


def test_a_finer_grid_gives_a_bound_that_holds_too():
    config = UamConfig(num_vertiports=4, num_aircraft=5)
    day = PROBLEM.sampler(config)(np.random.default_rng(0))
    best = play(make_agent("rollout", PROBLEM, config), PROBLEM, [day], config).objective()[0]
    for grid in (900, 450, 300):
        assert profit_bound(day, grid) >= best


def test_expected_offers_hold_as_many_passengers_as_are_expected():
    config = UamConfig(num_vertiports=4, num_aircraft=5, closure=0.0, surge=0.0)
    day = PROBLEM.sampler(config)(np.random.default_rng(0))
    offers = expected_offers(day)
    margin = day.fares(day.forecast) - day.terms.cost * day.distance
    earned = (offers.count * offers.gain).sum(axis=-1)
    np.testing.assert_allclose(earned, day.forecast * margin, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("preset", ["balanced-40", "storm-40"])
def test_dual_prices_are_ahead_of_the_best_rule(preset):
    config = PROBLEM.configure(PROBLEM.presets()[preset])
    sample = PROBLEM.sampler(config)
    days = [sample(np.random.default_rng(2000 + seed)) for seed in range(3)]
    ahead, rule = (play(make_agent(agent, PROBLEM, config), PROBLEM, days, config).objective().mean()
                   for agent in ("lp-dual", "greedy-hour"))  # fmt: skip
    assert ahead > rule


def test_the_forecaster_does_not_look_at_the_demand_that_comes():
    config = UamConfig(num_vertiports=4, num_aircraft=6)
    day = PROBLEM.sampler(config)(np.random.default_rng(0))
    demand = day.demand.copy()
    demand[1:] = demand[1:][::-1]
    tables = []
    for one in (day, replace(day, demand=demand)):
        policy = LpDual()
        policy.begin(simulator_of([one]), 0)
        tables.append(policy.worth.table.copy())
    np.testing.assert_array_equal(*tables)
    known = LpDual(known=True)
    known.begin(simulator_of([replace(day, demand=demand)]), 0)
    assert not np.array_equal(known.worth.table, tables[0])


def test_who_knows_the_demand_proves_a_bound():
    config = UamConfig(num_vertiports=4, num_aircraft=6)
    day = PROBLEM.sampler(config)(np.random.default_rng(1))
    found = LpDualKnown(config).solve(day, time_limit=10.0, seed=0)
    report = PROBLEM.check(day, found.solution, config)
    assert report.feasible
    assert found.bound == pytest.approx(profit_bound(day))
    assert report.objective <= found.bound


def test_a_rolling_program_without_time_still_plays():
    config = UamConfig(num_vertiports=4, num_aircraft=6)
    day = PROBLEM.sampler(config)(np.random.default_rng(1))
    simulator = play(RollingMip(time_limit=1e-4), PROBLEM, [day], config)
    assert PROBLEM.check(day, simulator.solution(0), config).feasible
