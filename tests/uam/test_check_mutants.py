"""The checker on random days: what is played by the rules is right, and whatever is changed then is reported."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.uam.check import check_day

from .days import played, random_day, randomly, solution_of

AIRCRAFT, ORIGIN, DESTINATION, DECIDED, ENTERED, LANDED, READY, PASSENGERS = range(8)

kinds = st.fixed_dictionaries(
    {
        "ports": st.integers(3, 6),
        "planes": st.integers(1, 7),
        "vertistops": st.integers(0, 2),
        "charging": st.sampled_from(["full", "waiting"]),
        "corridors": st.integers(0, 2),
        "parking": st.integers(1, 3),
        "chargers": st.integers(2, 3),
        "battery": st.sampled_from([70.0, 110.0]),
        "wait": st.sampled_from([300, 900, 1234]),
        "delay_spread": st.sampled_from([0.0, 60.0, 400.0]),
        "whole_fares": st.booleans(),
        "surge": st.sampled_from([0.0, 1.0]),
        "level": st.sampled_from([0.5, 3.0, 20.0]),
    }
)
seeds = st.integers(0, 10**6)


def verdict(rows, day):
    return check_day(day, solution_of(rows))


@settings(max_examples=200, deadline=None)
@given(kinds, seeds)
def test_whatever_is_played_by_the_rules_is_right(kind, seed):
    instance = random_day(seed, **kind)
    day = played(instance, randomly(seed))
    report = verdict(day.rows, instance)
    assert report.feasible, report.violations
    assert report.objective == pytest.approx(day.profit, rel=1e-12, abs=1e-9)
    assert all(0 <= value <= 1 for name, value in report.measures.items() if name.endswith("_share"))
    assert report.measures["passengers"] == sum(row[PASSENGERS] for row in day.rows)


@st.composite
def days(draw, **fixed):
    """A day and the rows of a random play."""
    kind, seed = draw(kinds) | fixed, draw(seeds)
    instance = random_day(seed, **kind)
    return instance, played(instance, randomly(seed, draw(st.sampled_from([0.1, 0.5])))).rows


def changed(rows, index, column, by):
    return [[*row[:column], row[column] + by, *row[column + 1 :]] if index == k else row for k, row in enumerate(rows)]


@settings(max_examples=100, deadline=None)
@given(days(), st.data())
def test_any_number_that_is_off_is_reported(day, data):
    instance, rows = day
    index = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from([ORIGIN, DECIDED, ENTERED, LANDED, READY, PASSENGERS, AIRCRAFT]))
    by = data.draw(st.sampled_from([-1, 1, 60, -3600]))
    report = verdict(changed(rows, index, column, by), instance)
    assert not report.feasible
    assert math.isnan(report.objective)
    where = f"decision {index}"
    if column != AIRCRAFT:  # another may be ready there, too: then it is late when its own turn comes
        assert any(text.startswith((f"{where},", f"{where}:")) for text in report.violations), report.violations


@settings(max_examples=100, deadline=None)
@given(days(), st.data())
def test_decisions_left_out_told_twice_or_swapped_are_reported(day, data):
    instance, rows = day
    index = data.draw(st.integers(0, len(rows) - 1))
    assert not verdict([*rows[:index], *rows[index + 1 :]], instance).feasible
    assert not verdict([*rows[: index + 1], *rows[index:]], instance).feasible
    if index:
        assert not verdict([*rows[: index - 1], rows[index], rows[index - 1], *rows[index + 1 :]], instance).feasible


@settings(max_examples=100, deadline=None)
@given(days(), st.data())
def test_days_with_less_are_reported(day, data):
    """Closed routes, passengers who do not come, and stands that are not there: on flights that need them."""
    instance, rows = day
    flights = [row for row in rows if row[ORIGIN] != row[DESTINATION]]
    if not flights:
        return
    row = data.draw(st.sampled_from(flights))
    pair = row[ORIGIN], row[DESTINATION]

    closed = instance.closed.copy()
    closed[(row[DECIDED] // instance.terms.slot, *pair)] = True
    assert any("the route is closed" in text for text in verdict(rows, replace(instance, closed=closed)).violations)

    period = row[DECIDED] // instance.period
    alike = [other for other in flights if (other[ORIGIN], other[DESTINATION]) == pair]
    carried = sum(other[PASSENGERS] for other in alike if other[DECIDED] // instance.period == period)
    if carried:
        demand = instance.demand.copy()
        demand[(period, *pair)] = carried - 1
        report = verdict(rows, replace(instance, demand=demand))
        assert any("passengers; there are" in text for text in report.violations)

    port = row[DESTINATION]
    kind = "chargers" if instance.chargers[port] else "parking"
    most = int(most_taken(instance, rows)[int(kind == "chargers"), port])
    started = int((instance.start == port).sum())
    if most > 1 and started == 0:
        stands = getattr(instance, kind).copy()
        stands[port] = most - 1
        report = verdict(rows, replace(instance, **{kind: stands}))
        assert any("is free there" in text for text in report.violations)


def most_taken(instance, rows):
    """How many aircraft are on their way to, or have come to and not left, each vertiport: the most at a time.

    Nobody who has come may have waited: then it may have moved from a charger to parking.
    """
    most = np.zeros((2, instance.num_vertiports), np.int64)
    for port in range(instance.num_vertiports):
        came = {}
        waited = False
        for row in rows:
            if row[ORIGIN] == row[DESTINATION] == port:
                waited = True
            elif row[ORIGIN] == port:
                came.pop(row[AIRCRAFT], None)
            elif row[DESTINATION] == port:
                came[row[AIRCRAFT]] = True
            vertistop = instance.chargers[port] == 0
            if vertistop or not waited:
                most[int(not vertistop), port] = max(most[int(not vertistop), port], len(came))
    return most
