"""Days from outside: what is read, what is refused, and how."""

import copy
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.core.errors import InputError
from schedlab.envs.uam.formats import day_from, day_to, read_day, write_day
from schedlab.envs.uam.terms import Aircraft, Terms

from ..mutants import mutants
from .days import random_day, tiny_day

DELETED = object()
DAY = {
    "name": "mine",
    "seed": 7,
    "vertiports": [
        {"name": "airport", "x": 0.0, "y": 0, "parking": 2, "chargers": 1.0, "delay": 90},
        {"name": "centre", "x": 12.5, "y": 0.0, "parking": 1, "chargers": 2},
        {"name": "roof", "x": 0.0, "y": 16.0, "parking": 3, "chargers": 0},
    ],
    "aircraft": {"seats": 5, "speed": 80, "start": ["airport", "roof"], "failure": [0.25, 0]},
    "terms": {"day": 7200, "slot": 1800, "wait": 600.0, "whole_fares": True, "charging": "waiting"},
    "demand": [[[0, 3, 1], [2, 0, 4.0], [0, 0, 0]], [[0, 1, 0], [9, 0, 0], [1, 1, 0]]],
    "forecast": [[[0, 2.5, 1], [2, 0, 4.5], [0, 0, 0]], [[0, 1, 0], [8, 0, 0], [1, 1.25, 0]]],
    "closure": 0.125,
    "closed": [[0, "airport", "roof"], [3, "roof", "centre"]],
}


def changed(path, value):
    """The day with another value at a path such as ``"vertiports.0.x"``."""
    data = copy.deepcopy(DAY)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = data
    for part in way:
        place = place[part]
    if value is DELETED:
        del place[last]
    else:
        place[last] = value
    return data


def refusal(data):
    """Why a day cannot be read; ``None`` if it can."""
    try:
        day_from(data, "d.json")
    except InputError as error:
        return str(error)
    return None


def same(one, other):
    """Whether two days are the same, to the last bit."""
    for name in one.__dataclass_fields__:
        mine, its = getattr(one, name), getattr(other, name)
        if isinstance(mine, np.ndarray):
            if mine.dtype != its.dtype or not np.array_equal(mine, its):
                return False
        elif mine != its:
            return False
    return True


# --- what is read


def test_everything_that_is_said_is_read():
    day = day_from(DAY, "d.json")
    assert (day.name, day.seed, day.vertiports) == ("mine", 7, ("airport", "centre", "roof"))
    assert day.x.tolist() == [0, 12.5, 0]
    assert day.y.tolist() == [0, 0, 16]
    assert day.parking.tolist() == [2, 1, 3]
    assert day.chargers.tolist() == [1, 2, 0]
    assert day.delay.tolist() == [90, 0, 0]
    assert day.start.tolist() == [0, 2]
    assert day.failure.tolist() == [0.25, 0]
    assert day.aircraft == Aircraft(seats=5, speed=80.0)
    assert day.terms == Terms(day=7200, slot=1800, wait=600, whole_fares=True, charging="waiting")
    assert isinstance(day.terms.wait, int)
    assert day.demand.tolist() == DAY["demand"]
    assert day.forecast.tolist() == DAY["forecast"]
    assert (day.closure == 0.125).all()
    assert np.argwhere(day.closed).tolist() == [[0, 0, 2], [3, 2, 1]]


def test_what_is_left_out_has_defaults():
    data = {name: copy.deepcopy(DAY[name]) for name in ("vertiports", "aircraft", "demand")}
    data["aircraft"] = {"start": ["centre"]}
    day = day_from(data, "d.json", "tuesday")
    assert (day.name, day.seed, day.terms, day.aircraft) == ("tuesday", 0, Terms(), Aircraft())
    assert np.array_equal(day.forecast, day.demand)
    assert not day.closure.any()
    assert day.closed.shape == (48, 3, 3)
    assert not day.closed.any()
    assert day.failure.tolist() == [0]


def test_one_failure_is_for_all_aircraft_and_a_table_of_closures_for_each_route():
    table = [[0, 0.5, 0], [0, 0, 0.25], [1, 0, 0]]
    day = day_from(changed("aircraft.failure", 0.5) | {"closure": table}, "d.json")
    assert day.failure.tolist() == [0.5, 0.5]
    assert day.closure.tolist() == table


def test_a_file_without_a_name_is_called_as_it_is(tmp_path):
    path = tmp_path / "wednesday.json"
    path.write_text(json.dumps(changed("name", DELETED)))
    assert read_day(path).name == "wednesday"


# --- what is written


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(3, 6), st.integers(0, 2), st.sampled_from(["full", "waiting"]),
    st.booleans(), st.floats(0.001, 1e6), st.text(min_size=1, max_size=20).filter(str.isprintable),
)  # fmt: skip
def test_days_are_written_and_read_again_to_the_last_bit(seed, ports, vertistops, charging, known, fare, name):
    day = random_day(seed, ports, vertistops=vertistops, charging=charging, fare=fare)
    day = replace(day, name=name, forecast=day.demand.astype(float) if known else day.forecast)
    assert same(day_from(json.loads(json.dumps(day_to(day))), "d.json"), day)


def test_files_are_written_and_read_again(tmp_path):
    path = tmp_path / "day.json"
    for day in (random_day(1), tiny_day(closed=[(1, 0, 2)]), day_from(DAY, "d.json")):
        write_day(path, day)
        assert same(read_day(path), day)
    assert [left.name for left in tmp_path.iterdir()] == ["day.json"]


def test_files_are_laid_out_for_people(tmp_path):
    write_day(tmp_path / "day.json", day_from(DAY, "d.json"))
    lines = (tmp_path / "day.json").read_text().splitlines()
    assert '  {"name": "centre", "x": 12.5, "y": 0.0, "parking": 1, "chargers": 2, "delay": 0.0},' in lines
    assert "   [2, 0, 4]," in lines
    assert '  [0, "airport", "roof"],' in lines
    assert ' "closure": 0.125,' in lines


# --- what is refused


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("vertiports", DELETED, "'vertiports' is missing"),
        ("vertiports", {}, "'vertiports' must be a list, got an object"),
        ("vertiports", [DAY["vertiports"][0]], "'vertiports' must be 2 to 1000, got 1"),
        ("vertiports.1", 3, "vertiports[1]: must be an object, got 3"),
        ("vertiports.1.name", DELETED, "vertiports[1]: 'name' is missing"),
        ("vertiports.1.name", "airport", "two vertiports are called 'airport'"),
        ("vertiports.1.name", "", "vertiports[1]: 'name' must be a text of 1 to 200 printable characters, got ''"),
        ("vertiports.1.name", "a\nb", "vertiports[1]: 'name' must be a text of 1 to 200 printable characters, "
         "got 'a\\nb'"),
        ("vertiports.2.x", DELETED, "vertiports[2]: 'x' is missing"),
        ("vertiports.2.x", "0", "vertiports[2]: 'x' must be a number within 1e+15, got '0'"),
        ("vertiports.2.x", math.nan, "vertiports[2]: 'x' must be a number within 1e+15, got nan"),
        ("vertiports.2.x", math.inf, "vertiports[2]: 'x' must be a number within 1e+15, got inf"),
        ("vertiports.2.y", 10**400, "vertiports[2]: 'y' must be a number within 1e+15, got a huge number"),
        ("vertiports.2.y", 1e9, "y[2] must lie in -100000..100000, got 1000000000.0"),
        ("vertiports.0.parking", 1.5, "vertiports[0]: 'parking' must be a whole number below 2**63, got 1.5"),
        ("vertiports.0.parking", True, "vertiports[0]: 'parking' must be a whole number below 2**63, got True"),
        ("vertiports.0.parking", 2**63, "vertiports[0]: 'parking' must be a whole number below 2**63, "
         "got 9223372036854775808"),
        ("vertiports.0.parking", -1, "parking[0] must lie in 0..10000, got -1"),
        ("vertiports.0.chargers", 2**62, "chargers[0] must lie in 0..10000, got 4611686018427387904"),
        ("vertiports.2.parking", 0, "vertiport 'roof' has neither parking nor chargers"),
        ("vertiports.0.delay", -1, "delay[0] must lie in 0..86400, got -1.0"),
        ("vertiports.0.delays", 3, "vertiports[0]: unknown field 'delays'; did you mean delay?"),
        ("vertiports.2.y", 100.0, "the network is not connected: nothing flies from vertiport 'airport' to 'roof' "
         "within the range of 50.0 miles"),
        ("aircraft", DELETED, "'aircraft' is missing"),
        ("aircraft", [], "aircraft: must be an object, got a list"),
        ("aircraft.wings", 2, "aircraft: unknown field 'wings'; did you mean "),
        ("aircraft.seats", 4.5, "aircraft: 'seats' must be a whole number below 2**63, got 4.5"),
        ("aircraft.seats", 0, "aircraft: seats must be an integer in 1..1000, got 0"),
        ("aircraft.battery", 0, "aircraft: battery must be a number in 0.001..100000, got 0.0"),
        ("aircraft.start", DELETED, "aircraft: 'start' is missing"),
        ("aircraft.start", [], "aircraft: 'start' must have 1 to 10000 aircraft, got 0"),
        ("aircraft.start", "roof", "aircraft: 'start' must be a list, got 'roof'"),
        ("aircraft.start.1", "rof", "aircraft: start[1]: unknown vertiport 'rof'; did you mean roof?"),
        ("aircraft.start.1", 2, "aircraft: start[1]: a vertiport's name is expected, got 2"),
        ("aircraft.failure", [0.5], "aircraft: failure must be a list of 2, got one of 1"),
        ("aircraft.failure", [0.5, "x"], "aircraft: failure[1] must be a number within 1e+15, got 'x'"),
        ("aircraft.failure", None, "aircraft: 'failure' must be a number within 1e+15, got None"),
        ("aircraft.failure", 1.5, "failure[0] must lie in 0..1, got 1.5"),
        ("terms", [], "terms: must be an object, got a list"),
        ("terms.waits", 60, "terms: unknown field 'waits'; did you mean wait?"),
        ("terms.wait", 0, "terms: wait must be an integer in 60..86400, got 0"),
        ("terms.wait", 0.5, "terms: 'wait' must be a whole number below 2**63, got 0.5"),
        ("terms.whole_fares", 1, "terms: 'whole_fares' must be true or false, got 1"),
        ("terms.charging", "never", "terms: charging 'never' not understood; use one of full, waiting"),
        ("terms.charging", 3, "terms: 'charging' must be a text of 1 to 200 printable characters, got 3"),
        ("terms.fare", math.nan, "terms: 'fare' must be a number within 1e+15, got nan"),
        ("terms.day", 7201, "demand: 2 periods do not divide a day of 7201 seconds"),
        ("demand", DELETED, "'demand' is missing"),
        ("demand.1", 3, "demand[1] must be a list of 3, got 3"),
        ("demand.1", [[0, 1, 2]], "demand[1] must be a list of 3, got one of 1"),
        ("demand.1.2", [0], "demand[1, 2] must be a list of 3, got one of 1"),
        ("demand.1.2.0", -1, "demand[1, 2, 0] must lie in 0..1e+06, got -1"),
        ("demand.1.2.0", 0.5, "demand[1, 2, 0] must be a whole number, got 0.5"),
        ("demand.1.2.0", None, "demand[1, 2, 0] must be a whole number, got None"),
        ("demand.1.2.2", 1, "demand must be 0 from a vertiport to itself"),
        ("forecast.0.0.1", math.inf, "forecast[0, 0, 1] must be a number within 1e+15, got inf"),
        ("forecast.0.0.1", -0.5, "forecast[0, 0, 1] must lie in 0..1e+06, got -0.5"),
        ("forecast.0.1.1", 0.5, "forecast must be 0 from a vertiport to itself"),
        ("forecast.0", DELETED, "forecast must be a list of 2, got one of 1"),
        ("forecast", None, "forecast must be a list of 2, got None"),
        ("closure", 2, "closure[0, 0] must lie in 0..1, got 2.0"),
        ("closure", "no", "'closure' must be a number within 1e+15, got 'no'"),
        ("closure", [[0, 0]], "closure must be a list of 3, got one of 1"),
        ("closed", {}, "'closed' must be a list, got an object"),
        ("closed.1", [0, "roof"], "closed[1] must be a list [slot, from, to], got a list"),
        ("closed.1.0", 4, "closed[1]: slots are numbered 0..3, not 4"),
        ("closed.1.0", -1, "closed[1]: slots are numbered 0..3, not -1"),
        ("closed.1.2", "sea", "closed[1]: unknown vertiport 'sea'; known: airport, centre, roof"),
        ("seed", -1, "seed must lie in 0..2**63 - 1, got -1"),
        ("seed", "x", "'seed' must be a whole number below 2**63, got 'x'"),
        ("name", 3, "'name' must be a text of 1 to 200 printable characters, got 3"),
        ("weather", "fine", "unknown field 'weather'; did you mean "),
    ],
)  # fmt: skip
def test_wrong_fields_are_refused_by_name(path, value, words):
    message = refusal(changed(path, value))
    assert message is not None
    assert message.startswith(f"d.json: {words}")
    assert words.endswith("did you mean ") or message == f"d.json: {words}"


def test_what_does_not_fit_together_is_refused():
    many = changed("aircraft", {"start": ["airport"] * 4})
    stands = "4 aircraft start at vertiport 'airport', which has 2 parking stands and 1 chargers"
    assert refusal(many) == f"d.json: {stands}"
    near = changed("aircraft", DAY["aircraft"] | {"take_off": 20, "landing": 20})
    near["vertiports"][2]["y"] = 0.1
    words = "vertiports 'airport' and 'roof' are less than 60 seconds apart, take-off and landing included"
    assert refusal(near) == f"d.json: {words}"
    empty = changed("demand", [])
    del empty["forecast"]
    assert refusal(empty) == "d.json: demand: 0 periods do not divide a day of 7200 seconds"


def test_a_network_without_chargers_is_refused():
    data = copy.deepcopy(DAY)
    for port in data["vertiports"]:
        port["chargers"] = 0
    assert refusal(data) == "d.json: no vertiport has a charger"


def test_more_closures_than_memory_holds_are_refused():
    data = copy.deepcopy(DAY)
    data["vertiports"] = [{"name": str(k), "x": k, "y": 0, "parking": 1, "chargers": 1} for k in range(100)]
    data["aircraft"] = {"start": ["0"]}
    data["terms"] = {"day": 86400, "slot": 1}
    data["demand"] = np.zeros((1, 100, 100), int).tolist()
    data["closed"] = []
    del data["forecast"]
    assert refusal(data) == "d.json: terms: slot: 86400 slots are too many for 100 vertiports"


@pytest.mark.parametrize("data", [None, 3, "text", [], [DAY], math.nan])
def test_what_is_no_object_is_refused(data):
    assert refusal(data).startswith("d.json: must be an object, got ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON: Expecting value (line 1, column 1)"),
        (b'{"a": 1,\n "b": }', "not JSON: Expecting value (line 2, column 7)"),
        (b"[" * 10**5, "not JSON that can be read: too deep"),
        (b"9" * 10**4, "not JSON that can be read: too deep, or a number is too long"),
        (b"\xff\xfe", "not a text file"),
        (b"NaN", "must be an object, got nan"),
        (b'{"seed": 1, "seed": 2}', "an object has the field 'seed' twice"),
        (b'{"vertiports": [' + b"[" * 900 + b"]" * 900 + b"]}", "vertiports[0]: must be an object, got a list"),
        (json.dumps(DAY).replace('"x": 12.5', '"x": 1e999').encode(), "vertiports[1]: 'x' must be a number within"),
        (json.dumps(DAY).replace('"x": 12.5', '"x": -Infinity').encode(), "vertiports[1]: 'x' must be a number"),
    ],
)
def test_files_that_hold_something_else_are_refused(tmp_path, content, words):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_day(path)
    assert str(error.value).startswith(f"{path}: {words}")
    assert "\n" not in str(error.value)


def test_missing_files_and_folders_are_refused(tmp_path):
    path = tmp_path / "missing.json"
    with pytest.raises(InputError, match=r"missing\.json: no such file"):
        read_day(path)
    path.mkdir()
    with pytest.raises(InputError, match=r"missing\.json: is a folder, not an instance file"):
        read_day(path)


# --- anything at all

ODD = st.one_of(
    st.none(), st.booleans(), st.sampled_from(["", "roof", "a\nb", "\ud800", "full"]),
    st.sampled_from([0, -1, 1, 3, 10**6, 2**63, -(10**400), 0.5, -0.0, 1e308, math.nan, math.inf]),
    st.sampled_from([[], [[]], {}, {"x": 1}, [0, 1, 2], [["airport"]]]),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(mutants(DAY, ODD, "name"))
def test_whatever_is_in_a_file_is_read_or_refused_in_one_line(mutant):
    try:
        day = day_from(mutant, "d.json")
    except InputError as error:
        message = str(error)
        assert message.startswith("d.json: ")
        assert "\n" not in message
        assert len(message) < 400
    else:
        assert same(day_from(day_to(day), "d.json"), day)
