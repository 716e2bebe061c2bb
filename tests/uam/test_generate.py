"""Random days: what the presets promise, what chance draws, and that the known policies earn what they should."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.agents.core import run_policy
from schedlab.agents.random_policy import RandomPolicy
from schedlab.agents.uam import RULES, RandomWithoutWaiting, RulePolicy
from schedlab.envs.core import InputError
from schedlab.envs.uam import generate
from schedlab.envs.uam.config import HOURS, UamConfig
from schedlab.envs.uam.generate import EVENING, MORNING, central_ports, random_day
from schedlab.envs.uam.instance import UamInstance
from schedlab.envs.uam.problem import PROBLEM
from schedlab.envs.uam.simulate import sizes_of

PRESETS = PROBLEM.presets()


def drawn(config, seed=0):
    return random_day(config, np.random.default_rng(seed))


def of_preset(name, seeds=range(1), **values):
    config = PROBLEM.configure({**PRESETS[name], **values})
    return [drawn(config, seed) for seed in seeds]


def off_diagonal(table):
    return table[..., ~np.eye(table.shape[-1], dtype=bool)]


def everything(instance):
    return [getattr(instance, name) for name in UamInstance.__dataclass_fields__ if name not in ("aircraft", "terms")]


CONFIGS = st.fixed_dictionaries(
    {
        "num_vertiports": st.sampled_from([2, 4, [2, 6], [5, 9]]),
        "num_aircraft": st.sampled_from([1, 6, [1, 8]]),
        "vertistops": st.integers(0, 1),
        "area": st.sampled_from([10.0, 30.0, 50.0]),
        "apart": st.sampled_from([0.0, 0.1, 2.0]),
        "parking": st.integers(4, 6),
        "chargers": st.integers(1, 3),
        "demand": st.sampled_from(["hourly", "stock"]),
        "level": st.sampled_from([0.0, 2.0, [0.5, 3.0]]),
        "peak": st.sampled_from([0.0, 10.0, [1.0, 20.0]]),
        "central": st.sampled_from([0, 3, 50]),
        "whole_fares": st.booleans(),
        "closure_minutes": st.sampled_from([1.0, 7.0, 15.0, 720.0]),
        "corridors": st.integers(1, 3),
        "separation": st.sampled_from([0.0, 2.0]),
        "charging": st.sampled_from(["full", "waiting"]),
        "show": st.sampled_from(["vertiports", "all"]),
    }
)


@settings(max_examples=60, deadline=None)
@given(values=CONFIGS, seed=st.integers(0, 999))
def test_the_same_seed_gives_the_same_day_and_every_day_fits_what_was_made_for_its_configuration(values, seed):
    config = PROBLEM.configure(values)
    first, second = drawn(config, seed), drawn(config, seed)
    for one, other in zip(everything(first), everything(second), strict=True):
        np.testing.assert_array_equal(one, other)
    assert first.terms == second.terms == config.terms
    assert first.aircraft == second.aircraft == config.aircraft
    simulator = PROBLEM.simulator_for_config(config, 1)
    assert all(size <= limit for size, limit in zip(sizes_of([first]), simulator.sizes, strict=True))
    simulator.reset([first])
    assert not simulator.done[0]
    assert simulator.observe().action_mask.any()


def test_another_seed_gives_another_day():
    (one, other) = of_preset("balanced-40", range(2))
    for name in ("x", "start", "demand", "delay", "closure", "closed", "failure", "seed"):
        assert not np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_makes_days_of_its_size_that_can_be_played(name):
    config = PROBLEM.configure(PRESETS[name])
    (instance,) = of_preset(name)
    assert (instance.num_vertiports, instance.num_aircraft) == (config.num_vertiports, config.num_aircraft)
    assert name.endswith(f"-{instance.num_aircraft}")
    assert (instance.parking == config.parking).all()
    assert (instance.chargers == config.chargers).all()
    assert (instance.terms.day, instance.terms.wait, instance.terms.opens) == (12 * 3600, 900, 6.0)
    simulator = PROBLEM.simulator_for_config(config, 1)
    run_policy(RulePolicy(RULES["greedy-hour"]), simulator, [instance])
    report = PROBLEM.check(instance, simulator.solution(0), config)
    assert report.feasible, report.violations
    assert report.objective == pytest.approx(simulator.objective()[0])


# --- network and fleet


@pytest.mark.parametrize(("area", "apart"), [(50.0, 5.0), (30.0, 0.5), (20.0, 6.0)])
def test_vertiports_are_in_the_square_as_far_apart_as_asked_and_connected(area, apart):
    for seed in range(10):
        instance = drawn(UamConfig(area=area, apart=apart), seed)
        places = np.stack([instance.x, instance.y])
        assert 0 <= places.min() <= places.max() <= area
        assert off_diagonal(instance.distance).min() >= apart
        reach = np.linalg.matrix_power(instance.full_legs + np.eye(8), 8)
        assert (reach > 0).all()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"num_vertiports": 50, "area": 20.0}, "no network of 50 vertiports, 5 miles apart or more"),
        ({"num_vertiports": 50, "area": 20.0}, "was found in 20 x 20 miles"),
        ({"num_vertiports": 2, "area": 5000.0, "apart": 60.0}, "in reach of each other"),
    ],
)
def test_networks_for_which_there_is_no_room_are_refused_in_one_line(monkeypatch, values, words):
    monkeypatch.setattr(generate, "ATTEMPTS", 100)
    with pytest.raises(InputError) as caught:
        drawn(UamConfig(num_aircraft=1, **values))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_so_many_vertiports_as_asked_have_no_charger():
    for stops in range(4):
        instance = drawn(UamConfig(num_vertiports=6, vertistops=stops, num_aircraft=5))
        assert (instance.chargers == 0).sum() == stops
        assert (instance.chargers[instance.chargers > 0] == 6).all()
    assert drawn(UamConfig(num_vertiports=6, vertistops=5, num_aircraft=5)).chargers.tolist().count(0) == 5


def test_all_aircraft_begin_where_there_is_parking_and_a_full_house_has_room_for_all():
    starts = []
    for seed in range(20):
        instance = drawn(UamConfig(num_vertiports=4, num_aircraft=8, parking=2), seed)
        assert np.bincount(instance.start, minlength=4).tolist() == [2, 2, 2, 2]
        starts.append(tuple(drawn(UamConfig(num_vertiports=4, num_aircraft=3, parking=2), seed).start.tolist()))
    assert len(set(starts)) > 5
    assert np.bincount(np.concatenate(starts), minlength=4).min() > 5


def test_pairs_are_drawn_anew_for_every_day_both_ends_included():
    config = UamConfig(num_vertiports=[3, 5], num_aircraft=[2, 4], level=[1.0, 9.0], peak=[0.0, 3.0])
    days = [drawn(config, seed) for seed in range(60)]
    assert {day.num_vertiports for day in days} == {3, 4, 5}
    assert {day.num_aircraft for day in days} == {2, 3, 4}
    levels = [off_diagonal(day.forecast).min() for day in days]
    assert 1 <= min(levels) < 2 < 8 < max(levels) <= 9.1
    assert days[0].name == f"{days[0].num_vertiports}x{days[0].num_aircraft}"


# --- passengers


def test_as_many_passengers_come_to_balanced_days_as_was_measured():
    days = of_preset("balanced-40", range(30))
    assert np.mean([day.forecast.sum() for day in days]) == pytest.approx(2360, abs=10)
    assert np.mean([day.demand.sum() for day in days]) == pytest.approx(2360, rel=0.01)
    # their variance is their mean, as of Poisson numbers
    error = np.concatenate([off_diagonal(day.demand - day.forecast).ravel() for day in days])
    forecast = np.concatenate([off_diagonal(day.forecast).ravel() for day in days])
    assert (error**2).mean() == pytest.approx(forecast.mean(), rel=0.05)


@pytest.mark.parametrize("name", ["proto-19", "proto-40"])
def test_days_of_the_prototype_have_all_passengers_from_the_start(name):
    days = of_preset(name, range(60))
    assert np.mean([day.demand.sum() for day in days]) == pytest.approx(56 * 49.5, rel=0.02)
    for day in days:
        assert day.demand.shape == (1, 8, 8)
        np.testing.assert_array_equal(day.demand, day.forecast)
        assert 0 <= off_diagonal(day.demand).min() <= off_diagonal(day.demand).max() <= 99
        assert not day.closed.any()
        assert not day.uncertain
        assert day.chance.delay.shape == (int(name[-2:]), day.most_legs)
        assert day.repair_time(0, 0) == day.take_off_delay(0, 0, 0) == 0
        np.testing.assert_array_equal(off_diagonal(day.margin[0]), np.floor(1.5 * off_diagonal(day.distance)))


def test_most_fly_into_the_central_vertiports_in_the_morning_and_out_of_them_in_the_evening():
    (day,) = of_preset("balanced-40")
    central = central_ports(np.stack([day.x, day.y], axis=1), 3)
    assert central.sum() == 3
    middle = np.array([day.x.mean(), day.y.mean()])
    away = np.hypot(day.x - middle[0], day.y - middle[1])
    assert away[central].max() <= away[~central].min()
    hour = 6 + np.arange(HOURS) + 0.5
    into = day.forecast[:, ~central][:, :, central].mean(axis=(1, 2))
    out = day.forecast[:, central][:, :, ~central].mean(axis=(1, 2))
    np.testing.assert_allclose(into, 2 + 10 * np.exp(-((hour - 8.5) ** 2) / 2))
    np.testing.assert_allclose(out, 2 + 10 * np.exp(-((hour - 16.5) ** 2) / 2))
    assert hour[into.argmax()] == MORNING
    assert hour[out.argmax()] == EVENING
    assert (off_diagonal(day.forecast[:, ~central][:, :, ~central]) == 2).all()
    inner = off_diagonal(day.forecast[:, central][:, :, central])
    assert (inner[hour == 8.5] > 11.9).all()
    assert (inner[hour == 16.5] > 11.9).all()
    assert (np.einsum("hii->hi", day.demand) == 0).all()


def test_fares_rise_where_demand_is_beyond_e_times_the_surge():
    (day,) = of_preset("balanced-40", peak=60.0)
    base = 1.5 * day.distance
    rise = np.maximum(1.0, np.log(np.maximum(day.demand, 1) / 10))
    np.testing.assert_allclose(day.margin, base * rise - 0.64 * day.distance)
    assert (off_diagonal(rise) > 1).any()


# --- chance


def test_delays_closures_and_failures_of_balanced_days_are_in_their_ranges_and_about_as_often_as_expected():
    days = of_preset("balanced-40", range(40))
    delay = np.concatenate([day.delay for day in days])
    closure = np.stack([off_diagonal(day.closure) for day in days])
    failure = np.concatenate([day.failure for day in days])
    for values, highest in ((delay, 360.0), (closure, 0.05), (failure, 0.005)):
        assert 0 <= values.min() < 0.05 * highest
        assert 0.95 * highest < values.max() <= highest
        assert values.mean() == pytest.approx(highest / 2, rel=0.1)
    for day in days:
        assert day.closed.shape == (48, 8, 8)
        assert not np.einsum("sii->si", day.closed).any()
        assert not np.diag(day.closure).any()
        assert day.uncertain
    assert np.mean([off_diagonal(day.closed).mean() for day in days]) == pytest.approx(0.025, rel=0.1)
    # take-offs are late by a normal number of minutes around the mean of the vertiport
    late = np.array([[day.take_off_delay(k, n, 0) - day.delay[0] for n in range(9)] for day in days for k in range(40)])
    far = np.repeat([day.delay[0] > 180 for day in days], 40)
    assert late[far].mean() == pytest.approx(0, abs=3)
    assert late[far].std() == pytest.approx(60, rel=0.05)
    assert min(day.take_off_delay(k, 0, port) for day in days for k in range(40) for port in range(8)) == 0
    repair = np.concatenate([day.chance.repair.ravel() for day in days])
    assert repair.mean() == pytest.approx(1800, rel=0.01)
    assert repair.std() == pytest.approx(300, rel=0.02)


def test_aircraft_fail_as_often_as_they_are_likely_to():
    days = of_preset("storm-40", range(10))
    fails = [[day.repair_time(k, n) > 0 for n in range(20)] for day in days for k in range(40)]
    likely = np.concatenate([day.failure for day in days])
    assert np.mean(fails) == pytest.approx(likely.mean(), rel=0.1)
    assert np.corrcoef(np.mean(fails, axis=1), likely)[0, 1] > 0.3


def test_nothing_is_left_to_chance_where_nothing_is_asked_for():
    day = drawn(UamConfig(delay=0.0, delay_spread=0.0, closure=0.0, failure=0.0, demand="stock"))
    assert not day.uncertain
    for value in ({"delay": 1.0}, {"delay_spread": 1.0}, {"closure": 0.5}, {"failure": 0.1}, {"demand": "hourly"}):
        calm = {"delay": 0.0, "delay_spread": 0.0, "closure": 0.0, "failure": 0.0, "demand": "stock"}
        assert drawn(UamConfig(**calm | value)).uncertain, value


# --- what policies are known to earn


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("proto-19", {"random": 30_433, "random-no-wait": 31_613, "greedy-trip": 38_836, "greedy-hour": 38_897}),
        ("proto-40", {"random": 56_284, "greedy-hour": 71_961}),
        ("balanced-40", {"random": 14_900, "greedy-hour": 24_521}),
    ],
)
def test_policies_earn_about_what_a_separate_simulator_measured(name, expected):
    """Means of 30 to 100 other days, of a program that shares nothing with this one."""
    config, days = PROBLEM.configure(PRESETS[name]), of_preset(name, range(1000, 1010))
    for policy, profit in expected.items():
        made = {"random": RandomPolicy, "random-no-wait": RandomWithoutWaiting}.get(policy)
        simulator = PROBLEM.simulator_for_config(config, len(days))
        run_policy(made() if made else RulePolicy(RULES[policy]), simulator, days)
        assert simulator.objective().mean() == pytest.approx(profit, rel=0.06), policy


# --- what is refused


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"instance": 3}, "instance must be a name, a file or a list of them, got 3"),
        ({"num_vertiports": 1}, "num_vertiports must be at least 2, got 1"),
        ({"num_vertiports": 8.0}, "num_vertiports must be an integer or a pair"),
        ({"num_vertiports": [5, 2]}, "num_vertiports must be an integer or a pair"),
        ({"num_vertiports": 1001}, "num_vertiports must be at most 1000, got 1001"),
        ({"num_aircraft": 0}, "num_aircraft must be at least 1, got 0"),
        ({"num_aircraft": "many"}, "num_aircraft must be an integer or a pair"),
        ({"num_aircraft": 10_001}, "num_aircraft must be at most 10000"),
        ({"num_aircraft": 81}, "num_aircraft: 81 aircraft do not fit on 8 vertiports with parking for 10"),
        ({"num_vertiports": [2, 8]}, "num_aircraft: 40 aircraft do not fit on 2 vertiports with parking for 10"),
        ({"num_aircraft": [1, 99]}, "num_aircraft: 99 aircraft do not fit on 8 vertiports"),
        ({"vertistops": 8}, "vertistops must be an integer in 0..7, got 8"),
        ({"vertistops": -1}, "vertistops must be an integer in 0..7"),
        ({"num_vertiports": [4, 8], "vertistops": 4}, "vertistops must be an integer in 0..3"),
        ({"area": 0}, "area must be a number in 1..10000"),
        ({"area": math.nan}, "area must be a number"),
        ({"apart": -1}, "apart must be a number in 0..50, got -1"),
        ({"apart": 51.0}, "apart must be a number in 0..50"),
        ({"parking": 0}, "parking must be an integer in 1..10000"),
        ({"parking": 2.5}, "parking must be an integer"),
        ({"chargers": 0}, "chargers must be an integer in 1..10000"),
        ({"chargers": True}, "chargers must be an integer"),
        ({"demand": "daily"}, "demand 'daily' not understood; use one of hourly, stock"),
        ({"level": -1}, "level must lie in 0..10000, got -1"),
        ({"level": [2, 1]}, "level must be a number or a pair"),
        ({"peak": [0, 10_001]}, "peak must lie in 0..10000"),
        ({"peak": math.inf}, "peak must lie in 0..10000"),
        ({"central": -1}, "central must be an integer in 0..1000"),
        ({"whole_fares": 1}, "whole_fares must be true or false, got 1"),
        ({"surge": -1}, "surge must be a number in 0..10000"),
        ({"cost": "high"}, "cost must be a number in 0..10000, got 'high'"),
        ({"delay": 721}, "delay must be a number in 0..720"),
        ({"delay_spread": -0.5}, "delay_spread must be a number in 0..720"),
        ({"closure": 1.1}, "closure must be a number in 0..1"),
        ({"closure_minutes": 0.5}, "closure_minutes must be a number in 1..720"),
        ({"failure": -0.1}, "failure must be a number in 0..1"),
        ({"repair": None}, "repair must be a number in 0..720, got None"),
        ({"repair_spread": math.nan}, "repair_spread must be a number in 0..720"),
        ({"corridors": 1.0}, "corridors must be an integer in 0..100"),
        ({"separation": -1}, "separation must be a number in 0..720"),
        ({"separation": 2.0}, "a separation needs corridors: set corridors to at least 1"),
        ({"charging": "fast"}, "charging 'fast' not understood; use one of full, waiting"),
        ({"show": "aircraft"}, "show 'aircraft' not understood; use one of vertiports, all"),
        ({"planes": 3}, "unknown uam option 'planes'"),
    ],
)
def test_wrong_configurations_are_refused_by_name(values, words):
    with pytest.raises(InputError) as caught:
        PROBLEM.configure(values)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
