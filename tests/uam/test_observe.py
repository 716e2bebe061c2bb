"""What policies see: every feature by its description on days of all sorts, some by hand, and what holds on all."""

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.uam import features as f
from schedlab.envs.uam.instance import UamInstance
from schedlab.envs.uam.observe import AIRCRAFT_FEATURES, CANDIDATE_FEATURES, CONTEXT_FEATURES, NODE_FEATURES
from schedlab.envs.uam.simulate import UamSimulator, sizes_of
from schedlab.envs.uam.terms import Aircraft, Terms

from .days import tiny_day
from .seen import Watched, count
from .strategies import SEEDS, days, random_actions, started

EXACT = {"rel": 1e-5, "abs": 1e-5}
MARGIN, WATT = 1.5 - 0.64, 0.4  # dollars per passenger and mile, and of electricity per mile, of tiny days


def named(names, values):
    return dict(zip(names, np.asarray(values).tolist(), strict=True))


def option(simulator, port):
    """The features of a choice, by name."""
    return named(simulator.spec.candidate_features, simulator.observe().features[0, port])


def context(simulator):
    return named(CONTEXT_FEATURES, simulator.observe().context[0])


def nodes(simulator):
    return [named(NODE_FEATURES, row) for row in simulator.observe().nodes[0]]


def wrong(seen, expected):
    """Features that are not as expected, by name: what is seen, and what is expected."""
    return {
        name: (seen[name], float(value))
        for name, value in expected.items()
        if seen[name] != pytest.approx(float(value), **EXACT)
    }


def shows(seen, **expected):
    assert not wrong(seen, expected)


def test_names_and_columns_agree():
    for index, name in enumerate(CANDIDATE_FEATURES):
        assert getattr(f, name.upper()) == index
    for index, name in enumerate(AIRCRAFT_FEATURES, len(CANDIDATE_FEATURES)):
        assert getattr(f, name.removeprefix("plane_").upper()) == index
    for index, name in enumerate(CONTEXT_FEATURES):
        assert getattr(f, name.upper()) == index


# --- by their descriptions


@settings(max_examples=25, deadline=None)
@given(instance=days(), seed=SEEDS, wait=st.sampled_from([0.1, 0.5]))
def test_features_are_those_of_their_descriptions(instance, seed, wait):
    simulator, plain, rng = started(instance, show_all=True), Watched(instance), np.random.default_rng(seed)
    ports, place = instance.num_vertiports, simulator.numbers.place[0]
    while not plain.done:
        state = simulator.observe()
        assert not wrong(named(CONTEXT_FEATURES, state.context[0]), plain.whole())
        for port in range(ports):
            seen = named(simulator.spec.candidate_features, state.features[0, port])
            expected = plain.option(port) | dict.fromkeys(AIRCRAFT_FEATURES, 0.0)
            assert not wrong(seen, expected), port
        for plane in range(instance.num_aircraft):
            seen = named(simulator.spec.candidate_features, state.features[0, ports + plane])
            expected = dict.fromkeys(CANDIDATE_FEATURES, 0.0) | plain.aircraft(plane, place)
            assert not wrong(seen, expected), plane
        assert state.candidate[0].tolist() == [*range(ports), *plain.place]
        assert state.action_mask[0].nonzero()[0].tolist() == plain.legal()
        # a few states of each day
        for _ in range(rng.integers(1, 9)):
            if not plain.done:
                action = random_actions(simulator, rng, wait)
                simulator.step(action)
                plain.step(int(action[0]))


@settings(max_examples=40, deadline=None)
@given(instance=days())
def test_vertiports_are_shown_with_their_place_stands_demand_and_fares(instance):
    simulator, plain = started(instance), Watched(instance)
    middle = np.array([instance.x.mean(), instance.y.mean()])
    for port, seen in enumerate(nodes(simulator)):
        east, north = (np.array([instance.x[port], instance.y[port]]) - middle) / 25
        shows(
            seen, east=east, north=north, centre=np.hypot(east, north), parking=instance.parking[port] / 10,
            chargers=instance.chargers[port] / 10, is_vertistop=instance.chargers[port] == 0,
            delay=instance.delay[port] / 600, open=plain.open_out(port),
        )  # fmt: skip
        for part in range(12):
            period = part * len(instance.forecast) // 12
            leaves = instance.forecast[period, port] * plain.possible[port]
            comes = sum(instance.forecast[period, j, port] for j in range(len(leaves)) if plain.possible[j][port])
            shows(seen, **{f"out_{part}": min(leaves.sum() / 50, 10), f"in_{part}": min(comes / 50, 10)})
            margin = instance.fares(instance.forecast)[period, port] - instance.terms.cost * instance.distance[port]
            if leaves.sum() > 0:
                shows(seen, **{f"fare_{part}": (leaves * margin).sum() / leaves.sum() / 25})
    edges = simulator.observe().edges["routes"][0]
    assert edges[:, edges[0] >= 0].T.tolist() == np.argwhere(instance.full_legs).tolist()


# --- by hand


def test_a_flight_is_seen_with_what_it_earns_now_and_what_may_follow():
    simulator = started(tiny_day())
    rate = [12 * (4 * MARGIN - WATT), 16 * (4 * MARGIN - WATT), 20 * (4 * MARGIN - WATT)]
    hours = [1896 / 3600, 2288 / 3600, 2680 / 3600]
    shows(
        option(simulator, 1), is_wait=0, profit=rate[0] / 100, hours=hours[0], rate=rate[0] / hours[0] / 100,
        load=1, pair_now=count(10), pair_left=count(6), pair_next=count(10), miles=0.24, battery_then=0.76,
        stands_left=1, there_then=0, coming_later=0, here_now=0, late=0, hours_left=(7200 - 1896) / 43200,
        # from B the flight to C earns most per hour
        best_then=rate[2] / hours[2] / 100, top_then=(rate[0] / hours[0] + rate[2] / hours[2]) / 3 / 100,
        two_leg_rate=(rate[0] + rate[2]) / (hours[0] + hours[2]) / 100, demand_then=count(20), crowded=20 / 4,
        behind_best=rate[0] / hours[0] / 100 - rate[1] / hours[1] / 100, value_now=10 * 32 * MARGIN / 1000,
        full_now=count(4), to_period=(3600 - 1896) / 3600,
    )  # fmt: skip
    shows(
        option(simulator, 0), is_wait=1, profit=0, hours=0.25, rate=0, here_now=count(1), there_then=count(1), load=0,
        behind_best=-rate[1] / hours[1] / 100, hours_left=(7200 - 900) / 43200, blocked_rate=0,
    )  # fmt: skip
    shows(
        context(simulator), time=0, day_left=7200 / 43200, choices=1, idle=1, flying=0, free_soon=1, rivals=count(1),
        demand_now=60 / 8, chargers_free=1, best_rate=rate[1] / hours[1] / 100, on_charger=0, my_battery=1,
    )  # fmt: skip


def test_a_flight_that_ends_after_the_day_has_no_second():
    simulator = started(tiny_day(day=1800, slot=900))
    seen = option(simulator, 1)
    shows(seen, late=1, hours_left=0, best_then=0, demand_then=0, two_leg_rate=seen["rate"])
    shows(seen, useful_rate=seen["profit"] / 0.5)


def test_an_aircraft_that_will_be_free_at_the_very_second_counts_as_there():
    """Whatever single precision makes of the hours: who has just left for B is there when the next one would be."""
    for speed in (60.0, 66.0, 72.0, 74.5, 81.0, 93.0):
        simulator = started(tiny_day(speed=speed, chargers=[1, 2, 1]))
        simulator.step(np.array([1]))
        shows(option(simulator, 1), there_then=count(1), coming_later=0)


def test_a_taken_stand_is_seen_with_when_it_may_be_free_and_what_waiting_for_it_is_worth():
    simulator = started(tiny_day())
    simulator.step(np.array([1]))
    shows(option(simulator, 1), stands_left=0, free_in=1896 / 3600)
    profit = 12 * (4 * MARGIN - WATT) / 100
    shows(option(simulator, 0), blocked_rate=profit / (1896 / 3600 + 1896 / 3600), free_in=0)


def test_a_flight_beyond_the_battery_does_not_only_lack_a_stand():
    # after A-B there are 36 of 60 kWh left, 40 are needed to C, whose charger aircraft 1 has taken
    simulator = started(tiny_day(battery=60.0, charging="waiting", demand={(0, 1, 0): 0}))
    for action in (1, 2):
        simulator.step(np.array([action]))
    assert simulator.plane[0] == 0
    assert simulator.action_mask[0].tolist() == [True, True, False]
    shows(option(simulator, 1), is_wait=1, blocked_rate=0)


def test_where_nothing_earns_anything_the_second_leg_is_a_wait():
    for changes in ({}, {"forecast": np.zeros((2, 3, 3))}):
        nobody = {(h, 1, j): 0 for h in range(2) for j in range(3)}
        simulator = started(tiny_day(demand=nobody, wait=600, **changes))
        profit, hours = 12 * (4 * MARGIN - WATT), 1896 / 3600
        shows(option(simulator, 1), best_then=0, two_leg_rate=profit / (hours + 600 / 3600) / 100)
    # and so in a later hour, by forecast
    simulator = started(tiny_day(demand={(1, 1, j): 0 for j in range(3)}, wait=600))
    for _ in range(2 * 4):
        simulator.step(np.array([0]))
    assert simulator.now[0] == 2400
    shows(option(simulator, 1), best_then=0, two_leg_rate=profit / (hours + 600 / 3600) / 100)


def test_a_corridor_is_seen_with_how_long_it_must_be_waited_for():
    simulator = started(tiny_day(corridors=1, separation=1200, chargers=[1, 2, 1]))
    shows(option(simulator, 1), hold=0)
    simulator.step(np.array([1]))
    shows(option(simulator, 1), hold=1200 / 900)
    shows(option(simulator, 2), hold=0)


def test_aircraft_are_seen_with_where_they_are_going():
    simulator = started(tiny_day(failure=[0.01, 0.03]), show_all=True)
    simulator.step(np.array([2]))
    state = simulator.observe()
    flying, here = (named(simulator.spec.candidate_features, state.features[0, action]) for action in (3, 4))
    shows(flying, is_aircraft=1, plane_east=-4 / 25, plane_north=(16 - 16 / 3) / 25, battery=1, decides=0, full=1)
    shows(flying, to_landing=1520 / 3600, to_decision=2288 / 3600, failure=0.1)
    shows(here, is_aircraft=1, plane_east=-4 / 25, plane_north=-16 / 3 / 25, decides=1, full=0, to_decision=0)
    assert state.candidate[0].tolist() == [0, 1, 2, 2, 0]


# --- on any day


@pytest.mark.parametrize("show_all", [False, True])
@settings(max_examples=40, deadline=None)
@given(instance=days(), seed=SEEDS)
def test_features_are_finite_and_bounded_and_what_is_static_stays(show_all, instance, seed):
    simulator, rng = started(instance, show_all=show_all), np.random.default_rng(seed)
    static = {key: value.copy() for key, value in simulator.observe().static().items()}
    while True:
        state = simulator.observe()
        for array in (state.nodes, state.features, state.context):
            assert np.isfinite(array).all()
            assert np.abs(array).max() <= 10
        for key, value in state.static().items():
            np.testing.assert_array_equal(value, static[key], err_msg=key)
        if simulator.done[0]:
            break
        simulator.step(random_actions(simulator, rng))


def a_chain(**changes):
    """Fifteen vertiports in a row, 40 miles apart."""
    count = 15
    demand = 1000 * (1 - np.eye(count, dtype=np.int64))[None]
    fields = {
        "name": "chain", "vertiports": tuple(f"V{port}" for port in range(count)), "x": 40.0 * np.arange(count),
        "y": np.zeros(count), "parking": np.full(count, 10_000), "chargers": np.full(count, 10_000),
        "start": np.array([0, 0]), "forecast": demand.astype(float), "demand": demand, "delay": np.zeros(count),
        "closure": np.zeros((count, count)), "closed": np.zeros((48, count, count), bool), "failure": np.ones(2),
        "aircraft": Aircraft(), "terms": Terms(),
    }  # fmt: skip
    return UamInstance(**fields | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"delay": np.full(15, 43_200.0)},
        {"terms": Terms(fare=1e6, surge=1e-3)},
        {"terms": Terms(cost=1e6, repair=86_400.0)},
        {"aircraft": Aircraft(seats=1000)},
        {"terms": Terms(corridors=1, separation=86_400)},
        {"demand": np.full((1, 15, 15), 10**6) * (1 - np.eye(15, dtype=np.int64))},
    ],
    ids=["far", "late", "dear", "costly", "large", "held", "crowded"],
)
def test_features_of_extreme_days_are_within_their_limits_too(changes):
    simulator, rng = started(a_chain(**changes), show_all=True), np.random.default_rng(0)
    while True:
        state = simulator.observe()
        for names, array in (
            (NODE_FEATURES, state.nodes),
            (simulator.spec.candidate_features, state.features),
            (CONTEXT_FEATURES, state.context),
        ):
            assert np.isfinite(array).all()
            beyond = np.abs(array).reshape(-1, len(names)).max(axis=0) > 10
            assert not beyond.any(), [name for name, wrong in zip(names, beyond, strict=True) if wrong]
        if simulator.done[0]:
            break
        simulator.step(random_actions(simulator, rng))


def test_only_the_rows_that_are_asked_for_are_written():
    simulator = UamSimulator(sizes_of([tiny_day()]), 3)
    simulator.reset([tiny_day()] * 3)
    simulator.observe()
    before = {key: value.copy() for key, value in simulator.observe().dynamic().items()}
    simulator.step(np.array([1, 2, 0]))
    state = simulator.observe(rows=np.array([1]))
    for key, value in state.dynamic().items():
        for row in (0, 2):
            np.testing.assert_array_equal(value[row], before[key][row], err_msg=key)
    assert not np.array_equal(state.context[1], before["context"][1])
    np.testing.assert_array_equal(simulator.observe().context[1], state.context[1])


def test_counts_are_logarithms():
    assert count(10) == log(11) / 2
