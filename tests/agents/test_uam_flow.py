"""Flows of aircraft: the bound, and what dispatchers make of dual prices."""

from dataclasses import replace

import numpy as np
import pytest

from schedlab.agents import make_agent, play
from schedlab.agents.uam import LpDual, LpDualKnown, RollingMip
from schedlab.agents.uam.bounds import profit_bound
from schedlab.agents.uam.offers import expected_offers, known_offers
from schedlab.agents.uam.worth import Outlook
from schedlab.envs.uam import PROBLEM, UamConfig

from ..uam.days import tiny_day
from ..uam.plain import PlainDay


def best_profit(day):
    """The best profit of a day, by trying everything."""
    best, todo = -np.inf, [[]]
    while todo:
        actions = todo.pop()
        plain, profit = PlainDay(day), 0.0
        for action in actions:
            profit += plain.step(action)
        if plain.done:
            best = max(best, profit)
        else:
            todo += [[*actions, action] for action in plain.legal()]
    return best


def simulator_of(days):
    simulator = PROBLEM.simulator_for(days, UamConfig())
    simulator.reset(days)
    return simulator


@pytest.mark.parametrize("seed", range(4))
def test_the_bound_is_never_below_the_best_that_can_be_done(seed):
    rng = np.random.default_rng(seed)
    demand = {(h, i, j): int(rng.integers(9)) for h in range(2) for i in range(3) for j in range(3) if i != j}
    day = tiny_day(demand, start=[0], wait=1800, charging="full" if seed % 2 else "waiting")
    assert profit_bound(day) >= best_profit(day) - 1e-6


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


def test_offers_are_what_whole_flights_can_take():
    day = tiny_day()
    demand = np.zeros_like(day.demand)
    demand[0, 0, 1] = 2 * day.aircraft.seats + 3
    offers = known_offers(day, demand, np.full(demand.shape, 10.0))
    assert offers.count[0, 0, 1].tolist() == [2, 1]
    assert offers.gain[0, 0, 1].tolist() == [10.0 * day.aircraft.seats, 30.0]
    assert offers.count.sum() == 3


def test_expected_offers_hold_as_many_passengers_as_are_expected():
    config = UamConfig(num_vertiports=4, num_aircraft=5, closure=0.0, surge=0.0)
    day = PROBLEM.sampler(config)(np.random.default_rng(0))
    offers = expected_offers(day)
    margin = day.fares(day.forecast) - day.terms.cost * day.distance
    earned = (offers.count * offers.gain).sum(axis=-1)
    np.testing.assert_allclose(earned, day.forecast * margin, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("make", [LpDual, lambda: LpDual(every=3600.0), lambda: RollingMip(time_limit=5.0)])
def test_dispatchers_play_legal_days_and_earn_more_than_random_play(make):
    config = UamConfig(num_vertiports=5, num_aircraft=8)
    sample = PROBLEM.sampler(config)
    days = [sample(np.random.default_rng(seed)) for seed in range(2)]
    simulator = play(make(), PROBLEM, days, config)
    for row, day in enumerate(days):
        report = PROBLEM.check(day, simulator.solution(row), config)
        assert report.feasible
        assert report.objective <= profit_bound(day)
    profit = simulator.objective().copy()
    assert profit.sum() > play(make_agent("random", PROBLEM, config), PROBLEM, days, config).objective().sum()


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


def test_an_aircraft_more_is_worth_about_what_its_price_says():
    config = UamConfig(num_vertiports=4, num_aircraft=6)
    day = PROBLEM.sampler(config)(np.random.default_rng(2))
    outlook = Outlook(day, 900)
    flow = outlook.day(day.demand[0])
    for port in range(4):
        more = replace(day, start=np.append(day.start, port), failure=np.append(day.failure, 0.0))
        gain = Outlook(more, 900).day(day.demand[0]).value - flow.value
        # concave: the next one brings at most the price of the last
        assert 0 <= gain <= flow.worth[port, 0] + 30
