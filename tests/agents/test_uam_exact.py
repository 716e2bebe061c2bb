"""Linear programs of air taxis against everything that can be done; bounds where everything goes wrong."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from schedlab.agents import make_agent, play
from schedlab.agents.uam import LpDual, RollingMip
from schedlab.agents.uam.bounds import open_slots, profit_bound, slots_of
from schedlab.agents.uam.flow import FlowModel, Legs
from schedlab.agents.uam.offers import Offers, known_offers
from schedlab.agents.uam.worth import Outlook, mean_delay
from schedlab.envs.uam import PROBLEM, UamConfig

from ..uam.days import random_day, tiny_day
from ..uam.plain import PlainDay

SLOTS = 4


def best_profit(day):
    """The best profit of a day, by trying everything."""
    best, todo = -np.inf, [(PlainDay(day), 0.0)]
    while todo:
        plain, profit = todo.pop()
        if plain.done:
            best = max(best, profit)
            continue
        for action in plain.legal():
            branch = copy.deepcopy(plain, {id(day): day})
            todo.append((branch, profit + branch.step(action)))
    return best


def eventful_day(seed, planes):
    """A short day with delays, closed routes, failures and few stands; in any mode."""
    rng = np.random.default_rng(seed)
    return random_day(
        seed, ports=3, planes=planes, vertistops=int(rng.integers(0, 3)), charging=["full", "waiting"][seed % 2],
        corridors=int(seed % 3 == 0), hours=int(rng.integers(1, 3)), area=25.0, delay=float(rng.choice([0, 600])),
        delay_spread=float(rng.choice([0, 300])), wait=1800,
    )  # fmt: skip


def small_flow(rng, aircraft, demand=None, whole=True):
    """A tiny network in two hours of two slots each; legs last one slot or two."""
    day = tiny_day()
    legs = Legs.of(day)
    if demand is None:
        demand = rng.integers(0, 10, (2, 3, 3)) * (1 - np.eye(3, dtype=np.int64))
    supply = np.zeros((3, SLOTS))
    supply[0, 0] = aircraft
    duration, period = rng.integers(1, 3, len(legs)), np.arange(SLOTS) // 2
    model = FlowModel(legs, duration, period, supply, known_offers(day, demand, day.margin, whole))
    return model, best_of_all_routes(day, legs, duration, demand, aircraft)


def best_of_all_routes(day, legs, duration, demand, aircraft):
    """The most that aircraft earn, each by one of all its ways through the slots."""
    tables = []

    def extend(place, slot, flown):
        if slot >= SLOTS:
            tables.append(flown)
            return
        extend(place, slot + 1, flown)
        for leg in np.flatnonzero(legs.origin == place):
            more = flown.copy()
            more[slot // 2, leg] += 1
            extend(legs.destination[leg], slot + duration[leg], more)

    extend(0, 0, np.zeros((2, len(legs)), np.int64))
    routes = total = np.array(tables)
    for _ in range(aircraft - 1):
        total = np.unique((total[:, None] + routes).reshape(-1, *routes.shape[1:]), axis=0)
    served = np.minimum(total * day.aircraft.seats, legs.at(demand))
    return float(((served * legs.at(day.margin)).sum(axis=(1, 2)) - (total * legs.cost).sum(axis=(1, 2))).max())


@pytest.mark.parametrize("seed", range(6))
def test_one_aircraft_earns_what_the_best_of_all_its_routes_earns(seed):
    # so many passengers that every flight is full: then flows are not split
    crowd = np.broadcast_to(100 * (1 - np.eye(3, dtype=np.int64)), (2, 3, 3))
    model, best = small_flow(np.random.default_rng(seed), 1, crowd)
    found = model.solve()
    assert found.value == pytest.approx(best)
    assert found.worth[0, 0] == pytest.approx(best)


@pytest.mark.parametrize("seed", range(6))
def test_whole_offers_lower_the_bound_and_keep_it_above_whole_aircraft(seed):
    tight, best = small_flow(np.random.default_rng(seed), 2)
    loose, _ = small_flow(np.random.default_rng(seed), 2, whole=False)
    tight_value, loose_value = tight.solve().value, loose.solve().value
    assert best - 1e-6 <= tight_value <= loose_value + 1e-6


def test_whole_offers_make_a_difference():
    gaps = []
    for seed in range(6):
        (tight, _), (loose, _) = (small_flow(np.random.default_rng(seed), 2, whole=whole) for whole in (True, False))
        gaps.append(loose.solve().value - tight.solve().value)
    assert max(gaps) > 10


def test_legs_within_a_slot_serve_all_passengers_and_no_more():
    day = tiny_day()
    legs, supply = Legs.of(day), np.zeros((3, SLOTS))
    supply[0, 0] = 1
    offers = known_offers(day, day.demand, day.margin)
    model = FlowModel(legs, np.zeros(len(legs), np.int64), np.arange(SLOTS) // 2, supply, offers)
    count = np.ceil(legs.at(day.demand) / day.aircraft.seats)
    everything = (legs.at(day.demand) * legs.at(day.margin)).sum() - (count * legs.cost).sum()
    assert model.solve().value == pytest.approx(everything)


def test_whole_offers_are_the_rounding_cuts_of_passengers():
    day = tiny_day()
    legs, seats = Legs.of(day), day.aircraft.seats
    demand = np.zeros_like(day.demand)
    demand[0, 0, 1] = full_and_some = 2 * seats + 3
    margin = day.margin[0, 0, 1]
    for flights in (0.5, 2.0, 2.4, 3.0, 4.0):
        # the flights leave, so that the best is what passengers pay for them
        model = FlowModel(
            legs, np.full(len(legs), 9), np.zeros(1, np.int64), np.array([[flights], [0.0], [0.0]]),
            known_offers(day, demand, day.margin),
            final=np.array([[-1e3], [1e3], [-1e3]]),
        )  # fmt: skip
        passengers = min(seats * flights, full_and_some, 3 * flights + 2 * (seats - 3))
        worth = 1e3 - day.leg_cost[0, 1]
        assert model.solve().value == pytest.approx(passengers * margin + flights * worth)


@pytest.mark.parametrize("seed", range(10))
def test_no_way_to_play_an_eventful_day_beats_its_bound(seed):
    day = eventful_day(seed, planes=1 + seed % 2)
    best = best_profit(day)
    for grid in (900, 1000, 420):
        assert profit_bound(day, grid) >= best - 1e-6


@pytest.mark.parametrize("charging", ["full", "waiting"])
@pytest.mark.parametrize("vertistops", [0, 2])
def test_no_policy_beats_the_bound_of_an_eventful_day(charging, vertistops):
    config = UamConfig()
    days = [random_day(seed, charging=charging, vertistops=vertistops, corridors=seed % 2) for seed in range(6)]
    bounds = np.array([profit_bound(day) for day in days])
    for agent in ("random", "greedy-hour", "rollout"):
        profit = play(make_agent(agent, PROBLEM, config), PROBLEM, days, config).objective()
        assert (profit <= bounds).all()
    hindsight = play(LpDual(known=True), PROBLEM, days, config).objective()
    assert (hindsight <= bounds).all()


def test_the_bound_counts_fleet_stands_and_energy():
    day = random_day(3, planes=6, closure=0.0, failure=0.0, level=8.0)
    # with twice the stands or with batteries that are charged at once it is no lower
    roomy = replace(day, chargers=2 * day.chargers)
    quick = replace(day, aircraft=replace(day.aircraft, charger=1e5))
    assert profit_bound(day) <= profit_bound(roomy) + 1e-3
    assert profit_bound(day) < profit_bound(quick)
    waiting = random_day(3, planes=6, closure=0.0, failure=0.0, level=8.0, charging="waiting")
    assert profit_bound(waiting) < profit_bound(replace(waiting, aircraft=quick.aircraft))


def test_routes_that_are_closed_a_whole_slot_are_not_flown_in_it():
    day = tiny_day(closed=[(0, 0, 1), (1, 0, 1), (2, 0, 2)], slot=450)
    legs = Legs.of(day)
    leg = {pair: index for index, pair in enumerate(zip(legs.origin.tolist(), legs.destination.tolist(), strict=True))}
    slots, length = slots_of(day, 900)
    possible = open_slots(day, legs, slots, length)
    assert not possible[0, leg[0, 1]]
    # half of a slot is enough
    assert possible[1].all()
    # slots of another length: 2 are closed from 0 to 800, and 3 to 900 is open a little
    possible = open_slots(day, legs, *slots_of(day, 400))
    assert not possible[:2, leg[0, 1]].any()
    assert possible[2, leg[0, 1]]


def test_the_grid_divides_periods_of_any_length():
    day = tiny_day(day=7000)
    assert day.period == 7000
    slots, length = slots_of(day, 900)
    assert slots == 8
    assert slots * length == 7000
    assert profit_bound(day) >= best_profit(tiny_day(day=7000, start=[0]))


@pytest.mark.parametrize("seed", range(3))
def test_the_worth_of_an_aircraft_lies_between_what_one_more_and_one_less_change(seed):
    day = random_day(seed, planes=6, failure=0.0, charging="full", vertistops=0)
    outlook = Outlook(day, 900)
    flow = outlook.day(day.demand[0])

    def value(start):
        other = replace(day, start=np.array(start), failure=np.zeros(len(start)), chargers=day.chargers + 3)
        return Outlook(other, 900).day(day.demand[0]).value

    start = day.start.tolist()
    for port in set(start):
        more = value([*start, port]) - flow.value
        fewer = start.copy()
        fewer.remove(port)
        assert more - 1e-6 <= flow.worth[port, 0] <= flow.value - value(fewer) + 1e-6


def test_an_aircraft_is_worth_less_the_later_it_is_free():
    day = PROBLEM.sampler(UamConfig(num_vertiports=5, num_aircraft=12))(np.random.default_rng(4))
    worth = Outlook(day, 900).day(day.demand[0]).worth
    # it may wait, so an earlier one can do all that a later one can
    assert (np.diff(worth, axis=1) <= 1e-6).all()
    assert (worth >= -1e-6).all()


def test_delays_are_expected_as_they_are_drawn():
    day = random_day(0, delay=400.0, delay_spread=200.0)
    rng = np.random.default_rng(0)
    drawn = np.maximum(day.delay + 200.0 * rng.standard_normal((200_000, 1)), 0.0).mean(axis=0)
    np.testing.assert_allclose(mean_delay(day), drawn, rtol=0.02)
    np.testing.assert_array_equal(mean_delay(random_day(0, delay_spread=0.0)), random_day(0, delay_spread=0.0).delay)


def test_flows_keep_aircraft():
    config = UamConfig(num_vertiports=5, num_aircraft=12)
    day = PROBLEM.sampler(config)(np.random.default_rng(5))
    outlook = Outlook(day, 900)
    flow = outlook.day(day.demand[0])
    legs, duration = outlook.legs, outlook.duration(outlook.length)
    there = np.bincount(day.start, minlength=5).astype(float)
    arrivals = np.zeros((outlook.slots + int(duration.max()) + 1, 5))
    for slot in range(outlook.slots):
        there = there + arrivals[slot]
        out = np.bincount(legs.origin, flow.flights[slot], minlength=5)
        there = there - out
        np.testing.assert_allclose(there, flow.waiting[:, slot], atol=1e-6)
        np.add.at(arrivals, (slot + duration, legs.destination), flow.flights[slot])


def test_nothing_is_gained_where_nobody_comes():
    day = tiny_day()
    offers = Offers(np.zeros((2, 3, 3, 1)), np.zeros((2, 3, 3, 1)))
    legs = Legs.of(day)
    model = FlowModel(legs, np.ones(len(legs), np.int64), np.arange(8) // 4, np.ones((3, 8)), offers)
    found = model.solve()
    assert found.value == pytest.approx(0.0)
    assert found.flights.sum() == pytest.approx(0.0)


@pytest.mark.parametrize("charging", ["full", "waiting"])
@pytest.mark.parametrize("make", [lambda: LpDual(every=900), lambda: RollingMip(time_limit=20.0), LpDual])
def test_dispatchers_play_eventful_days_by_the_rules(make, charging):
    days = [random_day(seed, charging=charging, vertistops=seed % 2, corridors=seed % 2) for seed in range(3)]
    simulator = play(make(), PROBLEM, days, UamConfig())
    for row, day in enumerate(days):
        report = PROBLEM.check(day, simulator.solution(row), UamConfig())
        assert report.feasible, report.violations
        assert report.objective == pytest.approx(float(simulator.objective()[row]))


def test_days_of_different_sizes_are_played_side_by_side_as_alone():
    config = UamConfig(num_vertiports=(3, 5), num_aircraft=(4, 7))
    sample = PROBLEM.sampler(config)
    days = [sample(np.random.default_rng(seed)) for seed in range(2)] + [tiny_day()]
    for make in (LpDual, lambda: LpDual(every=3600)):
        together = play(make(), PROBLEM, days, config).objective().copy()
        alone = [play(make(), PROBLEM, [day], config).objective()[0] for day in days]
        np.testing.assert_allclose(together, alone)


@pytest.mark.parametrize("make", [lambda: LpDual(every=900), lambda: RollingMip(time_limit=60.0)])
def test_who_plans_anew_does_not_know_what_chance_has_in_store(make):
    """Until something differs that was seen, decisions are the same whatever comes later."""
    day = random_day(2, hours=3, closure=0.0, failure=0.0)
    demand, closed = day.demand.copy(), day.closed.copy()
    demand[2] = demand[2][::-1, ::-1]
    closed[-4:] = ~np.eye(day.num_vertiports, dtype=bool)
    legs = []
    for one in (day, replace(day, demand=demand, closed=closed)):
        simulator = play(make(), PROBLEM, [one], UamConfig())
        rows = simulator.solution(0).legs
        legs.append(rows[rows[:, 3] < 7200])
    np.testing.assert_array_equal(*legs)
