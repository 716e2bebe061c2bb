"""The simulator against plain Python, the checker, itself in other shapes, and days by hand."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.uam import state as s
from schedlab.envs.uam.check import check_day
from schedlab.envs.uam.problem import PROBLEM
from schedlab.envs.uam.simulate import SIZE_NAMES, UamSimulator, sizes_of

from .days import by_list, played, tiny_day
from .plain import CHARGER, PARKED, PlainDay
from .strategies import SEEDS, days, random_actions, rest_of, started

CHANGES_EVERY_STEP = ("reward", "illegal")
WAIT_TIMES = st.sampled_from([0.1, 0.3, 0.9])

# --- days and what they earn


@settings(max_examples=120, deadline=None)
@given(instance=days(), seed=SEEDS, wait=WAIT_TIMES)
def test_simulator_plain_python_and_checker_agree_on_random_play(instance, seed, wait):
    simulator, plain, rng = started(instance), PlainDay(instance), np.random.default_rng(seed)
    while not plain.done:
        assert not simulator.done[0]
        assert (simulator.plane[0], simulator.now[0]) == (plain.plane, plain.time)
        assert np.flatnonzero(simulator.action_mask[0]).tolist() == plain.legal()
        action = random_actions(simulator, rng, wait)
        assert simulator.step(action)[0] == pytest.approx(plain.step(int(action[0])))
        planes = simulator.state.plane[0]
        stands = [CHARGER if stand == s.CHARGER else PARKED for stand in planes[:, s.STAND]]
        for column, expected in (
            (s.WHERE, plain.place), (s.BATTERY, plain.battery), (s.NEXT, plain.next), (s.FLOWN, plain.flights)
        ):  # fmt: skip
            assert planes[:, column].tolist() == expected
        assert stands == plain.stand
        assert simulator.state.remaining[0].tolist() == plain.left
    assert simulator.done[0]
    solution = simulator.solution(0)
    assert solution.legs.tolist() == plain.rows
    report = check_day(instance, solution)
    assert report.feasible, report.violations
    assert report.objective == pytest.approx(simulator.objective()[0]) == pytest.approx(plain.profit)


@settings(max_examples=60, deadline=None)
@given(instance=days(), seed=SEEDS)
def test_rewards_sum_to_the_objective(instance, seed):
    (total,), (objective,), _ = rest_of(started(instance), seed)
    assert total == pytest.approx(objective)


def test_a_day_by_hand():
    # aircraft 0 flies A-B, aircraft 1 A-C; back at A both wait to the end of the day
    simulator = started(tiny_day())
    fare, electricity = 4 * (1.5 - 0.64), 0.2 * 2
    assert simulator.step(np.array([1]))[0] == pytest.approx(12 * (fare - electricity))
    assert simulator.step(np.array([2]))[0] == pytest.approx(16 * (fare - electricity))
    # 360 s to take off, 600 s in the air, 360 s to land, 576 s to charge 24 kWh
    assert (simulator.plane[0], simulator.now[0]) == (0, 1896)
    assert simulator.step(np.array([0]))[0] == pytest.approx(12 * (fare - electricity))
    assert simulator.solution(0).legs.tolist() == [
        [0, 0, 1, 0, 360, 960 + 360, 1896, 4], [1, 0, 2, 0, 360, 1160 + 360, 2288, 4],
        [0, 1, 0, 1896, 2256, 2856 + 360, 3792, 4],
    ]  # fmt: skip


def test_times_of_delays_repairs_and_corridors_by_hand():
    day = tiny_day(
        start=[0, 0], delay=[100, 0, 0], failure=[1, 0], repair=1000.0, repair_spread=0.0, corridors=1, separation=120,
        chargers=[1, 2, 1],
    )  # fmt: skip
    simulator = started(day)
    simulator.step(np.array([1]))
    simulator.step(np.array([1]))
    first, second = simulator.solution(0).legs.tolist()
    assert first == [0, 0, 1, 0, 460, 1420, 1420 + 576 + 1000, 4]
    assert second == [1, 0, 1, 0, 460 + 120, 1540, 1540 + 576, 4]


# --- what is kept


@settings(max_examples=80, deadline=None)
@given(instance=days(), seed=SEEDS)
def test_aircraft_passengers_and_energy_are_conserved_and_no_limit_is_exceeded(instance, seed):
    simulator, rng = started(instance), np.random.default_rng(seed)
    full, most = instance.aircraft.battery_wh, instance.aircraft.charger * instance.terms.wait / 3.6
    demand = instance.demand.sum()
    while not simulator.done[0]:
        before, plane = simulator.state.plane[0].copy(), int(simulator.plane[0])
        simulator.step(random_actions(simulator, rng))
        port, planes = simulator.state.port[0], simulator.state.plane[0]
        for stand, column in ((s.PARKED, s.PARKED_THERE), (s.CHARGER, s.CHARGERS_TAKEN)):
            there = np.bincount(planes[planes[:, s.STAND] == stand, s.WHERE], minlength=instance.num_vertiports)
            np.testing.assert_array_equal(port[:, column], there)
        assert (port[:, s.PARKED_THERE] <= instance.parking).all()
        assert (port[:, s.CHARGERS_TAKEN] <= instance.chargers).all()
        assert port.sum() == instance.num_aircraft
        assert ((planes[:, s.BATTERY] >= 0) & (planes[:, s.BATTERY] <= full)).all()
        legs = simulator.solution(0).legs
        assert demand == simulator.state.remaining.sum() + legs[:, 7].sum()
        assert (simulator.state.remaining >= 0).all()
        _, origin, destination, _, _, landed, ready, passengers = legs[-1].tolist()
        assert 0 <= passengers <= instance.aircraft.seats
        # what was charged: never more than the charger gives in the time on it
        charged = planes[plane, s.BATTERY] - before[plane, s.BATTERY]
        if origin != destination:
            charged += instance.energy[origin, destination]
            most_here = instance.aircraft.charger * (ready - landed) / 3.6
            assert 0 <= charged <= most_here
        else:
            assert 0 <= charged <= most
            assert charged == 0 or before[plane, s.STAND] == s.CHARGER
        others = np.arange(instance.num_aircraft) != plane
        np.testing.assert_array_equal(planes[others], before[others])


@settings(max_examples=60, deadline=None)
@given(instance=days(), seed=SEEDS)
def test_the_mask_is_never_empty_and_time_never_runs_back(instance, seed):
    simulator, rng, before = started(instance), np.random.default_rng(seed), 0
    while not simulator.done[0]:
        assert simulator.action_mask[0].any()
        assert before <= simulator.now[0] < instance.terms.day
        assert simulator.elapsed()[0] == simulator.now[0]
        before = simulator.now[0]
        simulator.step(random_actions(simulator, rng))
    assert simulator.action_mask.sum() == 1
    assert simulator.now[0] == instance.terms.day
    steps = simulator.steps[0]
    assert simulator.step(np.array([0]))[0] == 0
    assert not simulator.illegal[0]
    assert simulator.steps[0] == steps, "nothing happens after the end"


@settings(max_examples=40, deadline=None)
@given(instance=days(corridors=0), seeds=st.tuples(SEEDS, SEEDS))
def test_chance_meets_an_aircrafts_flights_whatever_was_decided_before(instance, seeds):
    for seed in seeds:
        _, _, (legs,) = rest_of(started(instance), seed)
        count = [0] * instance.num_aircraft
        for plane, origin, destination, decided, entered, landed, ready, _ in legs:
            if origin == destination:
                continue
            late = instance.take_off_delay(plane, count[plane], origin)
            assert entered - decided == late + instance.aircraft.take_off
            standing = instance.repair_time(plane, count[plane])
            if instance.terms.charging == "waiting" or instance.chargers[destination] == 0:
                assert ready - landed == standing
            else:
                assert ready - landed >= standing
            count[plane] += 1


# --- where aircraft may stand


def test_an_aircraft_that_is_full_moves_to_parking_when_it_waits_and_must_leave_its_charger_if_none_is_free():
    free = started(tiny_day(start=[0]))
    free.step(np.array([1]))
    assert free.state.port[0, 1].tolist() == [0, 1]
    free.step(np.array([1]))
    assert free.state.port[0, 1].tolist() == [1, 0], "parked"
    crowded = started(tiny_day(start=[0], parking=[2, 0, 1]))
    crowded.step(np.array([1]))
    assert crowded.action_mask[0].tolist() == [True, False, True], "no parking at B"
    slot = 1896 // 900
    shut = started(tiny_day(start=[0], parking=[2, 0, 1], closed=[(slot, 1, 0), (slot, 1, 2)]))
    shut.step(np.array([1]))
    assert shut.action_mask[0].tolist() == [False, True, False], "it cannot leave"
    shut.step(np.array([1]))
    assert shut.state.port[0, 1].tolist() == [0, 1], "it stays on the charger"


def test_an_aircraft_is_charged_while_it_waits_and_may_stay_until_it_is_full():
    simulator = started(tiny_day(start=[0], charging="waiting", charger=60.0, parking=[2, 0, 1]))
    battery = []
    for action in (1, 1, 1):
        assert simulator.action_mask[0, action]
        simulator.step(np.array([action]))
        battery.append(int(simulator.state.plane[0, 0, s.BATTERY]))
    # 24 of 100 kWh are used; 15 are charged in a wait
    assert battery == [76_000, 91_000, 100_000]
    assert not simulator.action_mask[0, 1]


def test_a_stand_is_taken_when_the_flight_is_decided_and_its_own_is_free_at_once():
    simulator = started(tiny_day(chargers=[1, 1, 1]))
    simulator.step(np.array([1]))
    assert simulator.state.port[0].tolist() == [[1, 0], [0, 1], [0, 0]]
    assert simulator.action_mask[0].tolist() == [True, False, True], "B's only charger is taken"


def test_a_vertistop_offers_parking_only_and_is_reached_with_enough_to_leave_it():
    # C is a vertistop, 40 kWh from B, where 72 are left of 96 after the flight from A, and then 32 from a charger
    for battery, legal in ((95.9, False), (96.0, True)):
        simulator = started(tiny_day(chargers=[1, 1, 0], battery=battery, start=[0], charging="waiting"))
        simulator.step(np.array([1]))
        assert simulator.action_mask[0, 2] == legal
    simulator = started(tiny_day(chargers=[1, 1, 0]))
    simulator.step(np.array([2]))
    assert simulator.state.port[0, 2].tolist() == [1, 0]
    assert not simulator.action_mask[0, 2], "its only stand is taken"
    assert simulator.state.plane[0, 0, s.BATTERY] == 68_000, "nobody is charged there"


def test_who_starts_on_a_charger_because_parking_is_taken_is_full():
    simulator = started(tiny_day(start=[0, 0, 0]))
    assert simulator.state.plane[0, :, s.STAND].tolist() == [s.PARKED, s.PARKED, s.CHARGER]
    assert (simulator.state.plane[0, :, s.BATTERY] == 100_000).all()
    simulator.step(np.array([0]))
    simulator.step(np.array([0]))
    assert simulator.action_mask[0].tolist() == [False, True, True]


def test_passengers_of_an_hour_are_gone_in_the_next():
    simulator = started(tiny_day(start=[0], demand={(0, 0, 1): 9, (1, 0, 1): 1}, wait=3600))
    simulator.step(np.array([0]))
    assert simulator.now[0] == 3600
    simulator.step(np.array([1]))
    assert simulator.solution(0).legs[-1, 7] == 1


# --- batches


@pytest.mark.parametrize("show_all", [False, True])
@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=SEEDS)
def test_a_batch_of_days_of_several_sizes_equals_each_alone(show_all, data, seed):
    drawn = data.draw(st.lists(days(), min_size=3, max_size=3))
    together, alone = started(*drawn, show_all=show_all), [started(day, show_all=show_all) for day in drawn]
    rng = np.random.default_rng(seed)
    while True:
        state = together.observe()
        for row, simulator in enumerate(alone):
            seen, (ports, planes) = simulator.observe(), simulator.sizes[:2]
            where = [*range(ports), *(range(together.sizes[0], together.sizes[0] + planes) if show_all else ())]
            np.testing.assert_array_equal(seen.action_mask[0], state.action_mask[row, where])
            np.testing.assert_array_equal(seen.features[0], state.features[row, where])
            np.testing.assert_array_equal(seen.candidate[0], state.candidate[row, where])
            np.testing.assert_array_equal(seen.context[0], state.context[row])
            np.testing.assert_array_equal(seen.nodes[0], state.nodes[row, :ports])
            padding = np.setdiff1d(np.arange(together.spec.num_actions), where)
            assert not state.action_mask[row, padding].any()
            assert not state.features[row, padding].any()
            assert (state.candidate[row, padding] == -1).all()
            assert not state.nodes[row, ports:].any()
        if together.done_count == len(drawn):
            break
        actions = random_actions(together, rng)
        rewards = together.step(actions)
        for row, simulator in enumerate(alone):
            assert simulator.step(actions[row : row + 1])[0] == rewards[row]
    np.testing.assert_array_equal(together.objective(), [simulator.objective()[0] for simulator in alone])
    for row, simulator in enumerate(alone):
        np.testing.assert_array_equal(simulator.solution(0).legs, together.solution(row).legs)


@settings(max_examples=30, deadline=None)
@given(large=days(ports=6, planes=7, corridors=2), small=days(ports=3, planes=2, vertistops=0), seed=SEEDS)
def test_a_small_day_leaves_nothing_of_a_large_one_that_was_played_before(large, small, seed):
    simulator = UamSimulator(sizes_of([large, small]), 1, True)
    simulator.reset([large])
    rest_of(simulator, seed)
    simulator.reset([small])
    fresh = UamSimulator(sizes_of([large, small]), 1, True)
    fresh.reset([small])
    for _ in range(5):
        one, other = simulator.observe(), fresh.observe()
        for key, value in {**one.static(), **one.dynamic()}.items():
            np.testing.assert_array_equal(value, {**other.static(), **other.dynamic()}[key], err_msg=key)
        action = random_actions(simulator, np.random.default_rng(seed))
        simulator.step(action)
        fresh.step(action)
    assert rest_of(simulator, seed) == rest_of(fresh, seed)


def test_resetting_one_row_leaves_the_others_as_they_are():
    first, second = tiny_day(), tiny_day(start=[1, 2])
    simulator = started(first, first)
    simulator.step(np.array([1, 2]))
    before = {name: array[0].copy() for name, array in simulator.state_arrays().items()}
    simulator.reset([second], [1])
    for name, array in simulator.state_arrays().items():
        np.testing.assert_array_equal(array[0], before[name], err_msg=name)
    assert len(simulator.solution(0)) == 1
    assert len(simulator.solution(1)) == 0
    assert simulator.where.tolist() == [0, 1]


@settings(max_examples=30, deadline=None)
@given(instance=days(), seed=SEEDS, steps=st.integers(0, 30))
def test_play_goes_on_from_a_snapshot_and_in_a_pickle_as_it_did_before(instance, seed, steps):
    simulator, rng = started(instance, instance), np.random.default_rng(seed)
    for _ in range(steps):
        simulator.step(random_actions(simulator, rng))
    here, twin = simulator.snapshot(), pickle.loads(pickle.dumps(simulator))
    expected = rest_of(simulator, seed + 1)
    simulator.restore(here)
    assert rest_of(simulator, seed + 1) == expected
    assert rest_of(twin, seed + 1) == expected
    other = UamSimulator(simulator.sizes, 2)
    other.restore(here)
    assert rest_of(other, seed + 1) == expected


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_the_same_seeds_play_the_same_day_and_others_another(seed):
    config = PROBLEM.configure({"num_vertiports": 5, "num_aircraft": 6})
    one, same, other = (PROBLEM.sampler(config)(np.random.default_rng(number)) for number in (seed, seed, seed + 1))
    assert rest_of(started(one), seed) == rest_of(started(same), seed)
    assert rest_of(started(one), seed) != rest_of(started(other), seed)
    assert rest_of(started(one), seed) != rest_of(started(replace(one, seed=one.seed ^ 1)), seed), "other delays"


# --- what is refused


@settings(max_examples=30, deadline=None)
@given(instance=days(), seed=SEEDS)
def test_an_illegal_action_changes_nothing_and_earns_nothing(instance, seed):
    simulator, rng = started(instance, show_all=True), np.random.default_rng(seed)
    while not simulator.done[0]:
        before = simulator.snapshot().arrays
        for action in (-1, simulator.spec.num_actions, 2**40, *np.flatnonzero(~simulator.action_mask[0]).tolist()):
            assert simulator.step(np.array([action]))[0] == 0
            assert simulator.illegal[0]
            assert simulator.illegal_count == 1
        for name, array in simulator.state_arrays().items():
            if name not in CHANGES_EVERY_STEP:
                np.testing.assert_array_equal(array, before[name], err_msg=name)
        simulator.step(random_actions(simulator, rng))
        assert not simulator.illegal[0]


def test_aircraft_that_are_shown_are_never_legal():
    simulator = started(tiny_day(), show_all=True)
    assert simulator.spec.num_actions == 3 + 2
    assert not simulator.action_mask[0, 3:].any()
    simulator.step(np.array([3]))
    assert simulator.illegal_count == 1


def test_a_day_that_is_too_large_is_refused_by_what_is_too_many():
    day = tiny_day(corridors=2, separation=60)
    fitting = sizes_of([day])
    UamSimulator(fitting, 1).reset([day])
    for index, what in enumerate(SIZE_NAMES):
        less = tuple(size - (position == index) for position, size in enumerate(fitting))
        words = f"tiny: {fitting[index]} {what}; this simulator was made for at most {less[index]}"
        with pytest.raises(ValueError, match=words):
            UamSimulator(less, 1).reset([day])
    with pytest.raises(ValueError, match="1 actions for 2 rows"):
        UamSimulator(fitting, 2).step(np.array([0]))


def test_every_day_has_a_positive_scale_and_is_about_what_a_full_fleet_earns():
    day = tiny_day()
    fare, electricity = 4 * (1.5 - 0.64), 0.2 * 2
    rates = [miles * (fare - electricity) / seconds for miles, seconds in ((12, 1896), (16, 2288), (20, 2680))]
    assert started(day).scale[0] == pytest.approx(2 * 7200 * np.mean(rates))
    assert started(tiny_day(fare=0.0)).scale[0] == 1


def test_as_many_decisions_and_flights_as_a_day_can_have_are_kept():
    """As many decisions and flights as there can be: none is lost."""
    day = tiny_day(start=[0], day=43_200, take_off=0, landing=0, speed=720.0, charger=1e5, wait=60, slot=43_200)
    for action in ([0] * 800, [1, 0] * 600):
        expected = played(day, by_list(*action), most=len(action))
        simulator = started(day)
        for destination in action:
            if not simulator.done[0]:
                simulator.step(np.array([destination]))
        assert simulator.solution(0).legs.tolist() == expected.rows
