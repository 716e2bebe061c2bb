"""The checker's verdicts."""

import math

import numpy as np
import pytest

from schedlab.envs.uam.check import check_day
from schedlab.envs.uam.solution import UamSolution

from .days import by_list, played, solution_of, tiny_day

AIRCRAFT, DECIDED, LANDED, READY, PASSENGERS = 0, 3, 5, 6, 7


def verdict(rows, day=None):
    return check_day(day or tiny_day(), solution_of(rows))


def rows_of(*destinations, **changes):
    """Rows of a tiny day on which aircraft fly there in turn and then wait."""
    day = tiny_day(**changes)
    return day, played(day, by_list(*destinations)).rows


def complaints(rows, day):
    """Violations without what they are about."""
    report = verdict(rows, day)
    assert report.feasible == (not report.violations)
    return [text.split(": ", 1)[-1] for text in report.violations]


# --- what is right


def test_profit_is_fares_less_cost_and_electricity():
    day, rows = rows_of(1, 2, 0)
    report = verdict(rows, day)
    assert report.feasible, report.violations
    # aircraft 0 flies A-B and back, aircraft 1 A-C, 4 passengers each
    miles = 12 + 12 + 16
    assert report.objective == pytest.approx(4 * miles * (1.5 - 0.64) - 0.2 * 2 * miles)


def test_measures_count_flights_passengers_and_time():
    day, rows = rows_of(1, 2, 0, demand={(0, 0, 1): 0, (0, 1, 0): 3})
    measures = verdict(rows, day).measures
    assert list(measures) == [
        "passengers", "flights", "empty_share", "load_share", "served_share", "waiting_share", "charging_share"
    ]  # fmt: skip
    assert measures == pytest.approx(
        {
            "passengers": 7, "flights": 3, "empty_share": 1 / 3, "load_share": 7 / 12, "served_share": 7 / 103,
            # A-B and A-C from 0 s, charged at 1896 s and 2288 s; B-A takes 1896 s once more
            "waiting_share": (2 * 7200 - 2 * 1896 - 2288) / 14400, "charging_share": (2 * 576 + 768) / 14400,
        }
    )  # fmt: skip


def test_who_does_nothing_is_right_too():
    day, rows = rows_of()
    report = verdict(rows, day)
    assert report.feasible
    assert report.objective == 0
    assert report.measures == dict.fromkeys(report.measures, 0) | {"waiting_share": 1}


def test_flights_under_way_at_the_end_count_in_full():
    day, rows = rows_of(1, 1, day=1200, wait=600, slot=600, chargers=[1, 2, 1])
    assert [row[READY] for row in rows] == [1896, 1896]
    report = verdict(rows, day)
    assert report.feasible, report.violations
    assert report.measures["passengers"] == 8
    assert report.measures["charging_share"] == 0, "it begins later"


def test_fares_rise_with_demand_and_are_cut_to_dollars():
    demand = {(0, 0, 1): 60}
    day, rows = rows_of(1, surge=10.0, demand=demand, fare=1.6)
    assert verdict(rows, day).objective == pytest.approx(4 * (1.6 * 12 * math.log(6) - 0.64 * 12) - 4.8)
    day, rows = rows_of(1, surge=10.0, demand=demand, fare=1.6, whole_fares=True)
    assert verdict(rows, day).objective == pytest.approx(4 * (19 * math.log(6) - 0.64 * 12) - 4.8)
    day, rows = rows_of(1, surge=30.0, demand=demand)
    assert verdict(rows, day).objective == pytest.approx(4 * 0.86 * 12 - 4.8), "never falls"


def test_whoever_is_charged_while_it_waits_is_charging():
    day, rows = rows_of(1, charging="waiting", start=[0])
    report = verdict(rows, day)
    assert report.feasible, report.violations
    assert rows[0][LANDED] == rows[0][READY] == 1320
    # 24 kWh take 576 s of the first wait, and parking is free in the second
    assert report.measures["charging_share"] == pytest.approx(576 / 7200)
    assert report.measures["waiting_share"] == pytest.approx((7200 - 1320 - 576) / 7200)


def test_a_stand_is_free_when_the_aircraft_that_leaves_has_decided():
    # aircraft 0 leaves A's charger for B, and at the same moment aircraft 2 of B may come
    day, rows = rows_of(1, 2, 0, parking=[0, 1, 1], start=[0, 1, 1], chargers=[1, 2, 1])
    assert verdict(rows, day).feasible
    assert [row[:4] for row in rows[:3]] == [[0, 0, 1, 0], [1, 1, 2, 0], [2, 1, 0, 0]]


# --- what is wrong, case by case


def test_a_violation_names_the_decision():
    rows = rows_of(1, 2)[1]
    assert verdict(rows, tiny_day(start=[0, 2])).violations == (
        "decision 1, aircraft 1, 'A' to 'C' at 0 s: the aircraft is at 'C'",
    )
    assert verdict([[0, 0, 0, 0, 0, 0, 900, 1]]).violations[0] == (
        "decision 0, aircraft 0, waiting at 'A' at 0 s: has 1 passengers, but does not fly"
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([2, 0, 1, 0, 360, 1320, 1896, 4], "decision 0: aircraft are numbered 0..1, not 2"),
        ([-1, 0, 1, 0, 360, 1320, 1896, 4], "decision 0: aircraft are numbered 0..1, not -1"),
        ([0, 3, 1, 0, 360, 1320, 1896, 4], "decision 0: vertiports are numbered 0..2, not 3"),
        ([0, 0, -1, 0, 360, 1320, 1896, 4], "decision 0: vertiports are numbered 0..2, not -1"),
    ],
)
def test_what_does_not_exist_is_reported(row, words):
    assert verdict([row]).violations[0] == words


def test_tables_of_another_form_are_reported():
    wrong = {
        "decisions must be a table of 8 columns, not of the shape (3,)": np.zeros(3, np.int64),
        "decisions must be a table of 8 columns, not of the shape (1, 7)": np.zeros((1, 7), np.int64),
        "decisions must be whole numbers, not float64": np.zeros((1, 8)),
    }
    for words, legs in wrong.items():
        report = check_day(tiny_day(), UamSolution(legs))
        assert report.violations == (words,)
        assert math.isnan(report.objective)
        assert not report.measures


def test_a_forgotten_aircraft_is_reported():
    day, rows = rows_of(1)
    only = [row for row in rows if row[AIRCRAFT] == 0]
    assert complaints(only, day) == ["aircraft 1 is ready at 0 s, before the day ends, and is forgotten"]
    assert complaints(rows[:-2], day) == [
        "aircraft 0 is ready at 6396 s, before the day ends, and is forgotten",
        "aircraft 1 is ready at 6300 s, before the day ends, and is forgotten",
    ]


def test_a_decision_after_the_day_is_reported():
    day, rows = rows_of()
    late = [0, 0, 0, 7200, 7200, 7200, 8100, 0]
    assert complaints([*rows, late], day) == ["aircraft decide from 0 s to 7199 s, while the day lasts"]


def test_aircraft_of_one_moment_decide_by_their_number():
    day, rows = rows_of(1, 2)
    assert complaints([rows[1], rows[0], *rows[2:]], day) == ["comes after one of aircraft 1 at 0 s"]


def test_earlier_decisions_come_first():
    day, rows = rows_of(1, 2)
    assert complaints([*rows[:2], rows[3], rows[2], *rows[4:]], day) == ["comes after one of aircraft 1 at 2288 s"]


def test_a_closed_route_is_reported():
    rows = rows_of(1, 2, 0)[1]
    day = tiny_day(closed=[(0, 0, 2), (1, 0, 1), (2, 1, 0)])
    assert verdict(rows, day).violations == (
        "decision 1, aircraft 1, 'A' to 'C' at 0 s: the route is closed",
        "decision 2, aircraft 0, 'B' to 'A' at 1896 s: the route is closed",
    )


def test_a_leg_beyond_the_battery_is_reported():
    # 24 + 24 of 60 kWh are used, there is no time to charge; 32 more are not there
    rows = rows_of(1, 0, 2, charging="waiting", start=[0])[1]
    day = tiny_day(charging="waiting", start=[0], battery=60.0)
    assert complaints(rows, day)[0] == "needs 32000 Wh, has 12000 Wh"


def test_charging_while_waiting_counts():
    changes = {"charging": "waiting", "start": [0], "battery": 60.0, "charger": 36.0}
    # 9 kWh are charged in a wait
    rows = [
        [0, 0, 1, 0, 360, 1320, 1320, 4], [0, 1, 0, 1320, 1680, 2640, 2640, 4], [0, 0, 0, 2640, 2640, 2640, 3540, 0],
        [0, 0, 0, 3540, 3540, 3540, 4440, 0], [0, 0, 2, 4440, 4800, 5960, 5960, 4],
    ]  # fmt: skip
    assert complaints(rows, tiny_day(**changes))[0] == "needs 32000 Wh, has 30000 Wh"
    assert not any("needs" in text for text in complaints(rows, tiny_day(**changes | {"charger": 40.0})))


def test_the_way_from_a_vertistop_to_a_charger_must_be_left():
    # C is a vertistop, 32 kWh from A's charger and 40 from B's
    changes = {"chargers": [1, 1, 0], "start": [0]}
    rows = rows_of(2, **changes)[1]
    assert verdict(rows, tiny_day(**changes, battery=64.0)).feasible
    low = tiny_day(**changes | {"charging": "waiting"}, battery=72.0)
    rows = played(tiny_day(**changes, charging="waiting"), by_list(1, 2)).rows
    assert complaints(rows, low)[0] == "needs 40000 Wh and 32000 Wh in reserve, has 48000 Wh"


def test_nobody_is_charged_at_a_vertistop():
    changes = {"chargers": [1, 1, 0], "start": [0]}
    day, rows = rows_of(2, **changes)
    assert rows[0][READY] == rows[0][LANDED]
    rows[0][READY] += 768
    assert complaints(rows, day)[0] == "is ready at 2288 s, must be 1520 s"


def test_a_taken_charger_is_reported():
    rows = rows_of(1, 1, chargers=[1, 2, 1])[1]
    assert verdict(rows, tiny_day(chargers=[1, 2, 1])).feasible
    assert verdict(rows, tiny_day()).violations == (
        "decision 1, aircraft 1, 'A' to 'B' at 0 s: no charger is free there",
    )


def test_a_charger_is_taken_from_the_decision_to_fly_there():
    # aircraft 0 lands at B at 1320 s; at 900 s its charger is taken already, though parking is free
    rows = rows_of(1, 0, 1, chargers=[1, 2, 1])[1]
    assert rows[2][:4] == [1, 0, 1, 900]
    assert complaints(rows, tiny_day())[0] == "no charger is free there"


def test_a_taken_parking_stand_of_a_vertistop_is_reported():
    rows = rows_of(2, 2, chargers=[1, 1, 0], parking=[2, 1, 2])[1]
    assert complaints(rows, tiny_day(chargers=[1, 1, 0])) == ["no parking stand is free there"]


def test_a_full_aircraft_on_a_charger_goes_to_parking_when_it_waits():
    # aircraft 0 flies to B and waits: the charger is free for aircraft 1
    day, rows = rows_of(1, 0, 0, 0, 1, 1)
    assert [row[:4] for row in rows[4:6]] == [[0, 1, 1, 1896], [1, 0, 1, 2700]]
    assert verdict(rows, day).feasible


def test_a_full_aircraft_that_blocks_a_charger_is_reported_if_it_can_fly():
    changes = {"parking": [2, 0, 1], "start": [0]}
    rows = [
        [0, 0, 1, 0, 360, 1320, 1896, 4], [0, 1, 1, 1896, 1896, 1896, 2796, 0],
        [0, 1, 0, 2796, 3156, 4116, 4692, 4], [0, 0, 2, 4692, 5052, 6212, 6980, 4], [0, 2, 2, 6980, 6980, 6980, 7880, 0]
    ]  # fmt: skip
    assert complaints(rows, tiny_day(**changes)) == [
        "full on a charger, no parking is free, and the aircraft could fly to 'A'"
    ]
    assert complaints(rows, tiny_day(closed=[(2, 1, 0)], **changes)) == [
        "full on a charger, no parking is free, and the aircraft could fly to 'C'"
    ]
    assert not complaints(rows, tiny_day(closed=[(2, 1, 0), (2, 1, 2)], **changes)), "it has nowhere to go"


def test_an_aircraft_that_is_not_full_may_wait_on_its_charger():
    changes = {"parking": [2, 0, 1], "start": [0], "charging": "waiting", "charger": 60.0}
    # 15 of 24 kWh are charged in a wait; the third is too much
    day, rows = rows_of(1, 1, 1, 0, **changes)
    assert verdict(rows, day).feasible
    rows = [row for row in rows_of(1, 1, 1, 1, **changes | {"parking": [2, 1, 1]})[1] if row[AIRCRAFT] == 0]
    assert complaints(rows, day)[0] == "full on a charger, no parking is free, and the aircraft could fly to 'A'"


def test_passengers_are_as_many_as_seats_or_left():
    day, rows = rows_of(1, 1, demand={(0, 0, 1): 6}, chargers=[1, 2, 1])
    assert [row[PASSENGERS] for row in rows[:2]] == [4, 2]
    for wrong, row, words in [
        (3, 0, ["has 3 passengers; there are 4 seats and 6 passengers",
                "has 2 passengers; there are 4 seats and 3 passengers"]),
        (5, 0, ["has 5 passengers; there are 4 seats and 6 passengers",
                "has 2 passengers; there are 4 seats and 1 passengers"]),
        (3, 1, ["has 3 passengers; there are 4 seats and 2 passengers"]),
        (-1, 1, ["has -1 passengers; there are 4 seats and 2 passengers"]),
    ]:  # fmt: skip
        changed = [list(other) for other in rows]
        changed[row][PASSENGERS] = wrong
        assert complaints(changed, day) == words


def test_passengers_of_one_hour_are_not_there_in_the_next():
    # aircraft 1 flies A-B at 3600 s: five passengers of the first hour are lost
    day, rows = rows_of(1, 0, 0, 0, 1, 0, 1, 1, demand={(0, 0, 1): 9, (1, 0, 1): 1}, chargers=[1, 2, 1])
    row = next(row for row in rows if row[:3] == [1, 0, 1])
    assert (row[DECIDED], row[PASSENGERS]) == (3600, 1)
    assert verdict(rows, day).feasible
    row[PASSENGERS] = 4
    assert complaints(rows, day) == ["has 4 passengers; there are 4 seats and 1 passengers"]


def test_delays_failures_and_corridors_make_the_times():
    changes = {"delay": [100, 0, 0], "failure": [1, 0], "repair": 1000, "repair_spread": 0}
    changes |= {"chargers": [1, 2, 1], "parking": [2, 2, 1]}
    day, rows = rows_of(1, 1, **changes, corridors=1, separation=120)
    assert rows[0] == [0, 0, 1, 0, 460, 1420, 2996, 4]
    assert rows[1] == [1, 0, 1, 0, 580, 1540, 2116, 4]
    assert verdict(rows, day).feasible
    assert complaints(rows, tiny_day(**changes)) == ["enters its corridor at 580 s, must be 460 s"]
    assert complaints(rows, tiny_day(**changes, corridors=2, separation=120))[0].startswith("enters its corridor")
    assert complaints(rows, tiny_day(**changes | {"failure": [0, 0]}, corridors=1, separation=120)) == [
        "is ready at 2996 s, must be 1996 s"
    ]


def test_the_first_hundred_violations_are_told():
    rows = [[0, 0, 0, 0, 0, 0, 900, 1]] * 300
    assert len(verdict(rows).violations) == 100
