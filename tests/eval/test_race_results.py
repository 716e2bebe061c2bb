"""Races after they have run: the objective at a time, means, references, the table, files and the picture."""

import csv
from typing import ClassVar

import numpy as np
import pytest

from schedlab.agents import make_agent
from schedlab.agents.core import AgentOptions
from schedlab.envs.core.problem import Bound
from schedlab.envs.job_shop import PROBLEM, JobShopConfig
from schedlab.envs.job_shop.problem import JobShop
from schedlab.eval.instance_sets import Entry
from schedlab.eval.race import Race
from schedlab.eval.race_plot import draw_race, race_lines
from schedlab.eval.race_report import race_table
from schedlab.eval.race_results import (
    RaceRow,
    Yardstick,
    objectives_at,
    overtime,
    read_race,
    standings,
    write_race,
    yardstick,
)

CONFIG = JobShopConfig()
SPT = make_agent("spt", PROBLEM, CONFIG)


def entries(*names):
    return [Entry(name, PROBLEM.load(name, CONFIG), (0,)) for name in names]


def row(agent="a", instance="x", points=((1.0, 12.0), (3.0, 11.0)), seed=0, error=""):
    objective = points[-1][1] if points else None
    return RaceRow("job-shop", instance, agent, seed, 10.0, objective, tuple(points), error)


def test_the_objective_at_a_time_is_that_of_the_last_improvement_before():
    found = objectives_at(row(), np.array([0.5, 1.0, 2.9, 3.0, 9.0]), time_limit=10)
    assert np.array_equal(found, [np.nan, 12, 12, 11, 11], equal_nan=True)
    assert np.isnan(objectives_at(row(points=(), error="infeasible"), np.array([5.0]), time_limit=10)).all()


def test_a_last_solution_shortly_after_the_time_limit_counts_there_and_only_there():
    assert (overtime(30), overtime(0.5)) == (1.5, 0.1)
    late = row(points=((1.0, 12.0), (10.4, 11.0)))
    assert objectives_at(late, np.array([9.9, 10.0]), time_limit=10).tolist() == [12, 11]
    assert objectives_at(row(points=((1.0, 12.0), (10.6, 11.0))), np.array([10.0]), time_limit=10).tolist() == [12]


MEASURE = Yardstick({"x": 10.0, "y": 10.0}, {"x": "best-known", "y": "best-known"}, gaps=True)


def test_means_say_over_how_many_instances_they_go():
    rows = [row(), row(instance="y", points=((2.0, 14.0),))]
    ((early, before, late),) = standings(rows, ["x", "y"], MEASURE, [0.5, 1, 3], 10).values()
    assert (early.mean, early.count, early.complete) == (None, 0, False)
    assert (before.mean, before.count, before.of) == (pytest.approx(0.2), 1, 2)
    assert (late.mean, late.complete) == (pytest.approx((0.1 + 0.4) / 2), True)


def test_seeds_are_averaged_first_and_an_instance_needs_all_of_them():
    rows = [row(points=((1.0, 12.0),)), row(points=((2.0, 14.0),), seed=1), row(instance="y", points=((0.5, 10.0),))]
    ((one, two),) = standings(rows, ["x", "y"], MEASURE, [1, 2], 10).values()
    assert (one.mean, one.count) == (0, 1), "of x only one seed has a solution"
    assert (two.mean, two.count) == (pytest.approx((0.3 + 0.0) / 2), 2)


def test_an_instance_that_nobody_solved_has_no_reference_and_no_value():
    rows = [row(), row(instance="z", points=(), error="infeasible")]
    ((late,),) = standings(rows, ["x", "z"], MEASURE, [5], 10).values()
    assert (late.mean, late.count, late.of) == (pytest.approx(0.1), 1, 2)


@pytest.mark.parametrize("minimise", [True, False])
def test_many_objectives_are_measured_as_one_is(minimise):
    measured_by = Yardstick({"x": 7.0}, {"x": "best-known"}, gaps=True, minimise=minimise)
    values = np.array([np.nan, 3.0, 7.0, 11.3])
    alone = [measured_by.measure("x", float(value)) for value in values]
    assert np.array_equal(measured_by.measure_all("x", values), alone, equal_nan=True)


def test_agents_stand_by_what_they_have_at_the_last_time_those_with_all_instances_first():
    points = {"good": 11.0, "best": 10.0, "bad": 20.0}
    rows = [row(agent, name, ((1.0, value),)) for agent, value in points.items() for name in "xy"]
    rows.append(row("half", points=((1.0, 10.0),)))
    assert list(standings(rows, ["x", "y"], MEASURE, [5], 10)) == ["best", "good", "bad", "half"]


class Bounded(JobShop):
    """Knows the bounds that a test wants."""

    bounds: ClassVar[dict[str, float]] = {}

    def bound(self, instance, config):
        value = self.bounds.get(instance.name)
        return None if value is None else Bound(value, "best-known")


@pytest.mark.parametrize(
    ("bounds", "references", "gaps"),
    [
        ({"ft06": 55.0, "la01": 666.0}, [55, 666], True),
        ({"la01": 666.0}, [60, 666], True),
        ({}, [60, 700], True),
        ({"ft06": 0.0}, [0, 700], False),
    ],
)
def test_gaps_are_to_the_bound_or_else_to_the_best_found_here(monkeypatch, bounds, references, gaps):
    monkeypatch.setattr(Bounded, "bounds", bounds)
    rows = [row(a, name, ((1.0, value),)) for name, pair in (("ft06", (60, 70)), ("la01", (800, 700)))
            for a, value in zip("ab", pair, strict=True)]  # fmt: skip
    found = yardstick(Bounded(), CONFIG, entries("ft06", "la01"), rows)
    assert list(found.references.values()) == references
    assert found.gaps is gaps
    assert found.measure("la01", 770.0) == (pytest.approx(770 / references[1] - 1) if gaps else 770)


@pytest.mark.parametrize(
    ("bounds", "note", "cell"),
    [
        ({"ft06": 55.0}, "mean gap to the best known value (published)", "60.0 %"),
        ({}, "mean gap to the best found here", "0.00 %"),
        ({"ft06": 0.0}, "mean objective", "88.0"),
    ],
)
def test_the_table_says_what_its_numbers_are(monkeypatch, bounds, note, cell):
    monkeypatch.setattr(Bounded, "bounds", bounds)
    race = Race(Bounded(), CONFIG, entries("ft06"), {"spt": SPT}, AgentOptions(time_limit=5))
    list(race.run())
    table = race_table(race, [5.0], "t")
    assert table.notes[0].startswith(note)
    assert table.rows == [["spt", "1", cell]]
    assert "checked: feasible" in table.notes[-1]


def test_the_table_shows_errors_gaps_in_time_and_overtime():
    done = [
        row("a", "ft06", ((1.0, 66.0), (10.3, 55.0))),
        row("b", "ft06", (), error="infeasible: so"),
        row("c", "la01", ((11.0, 666.0),)),
    ]
    race = Race(PROBLEM, CONFIG, entries("ft06", "la01"), {}, AgentOptions(time_limit=10), done)
    table = race_table(race, [1.0, 10.0], "t")
    assert list(table.headings) == ["agent", "runs", "1 s", "10 s", "errors"]
    assert table.rows == [
        ["a", "1", "20.0 % (1/2)", "0.00 % (1/2)", "-"],
        ["b", "1", "-", "-", "1 ERROR"],
        ["c", "1", "-", "-", "-"],
    ]
    notes = " ".join(table.notes)
    assert "1 of 3 runs gave their last solution up to 0.30 s after the time limit of 10 s" in notes
    assert "1 of 3 runs gave it more than 0.5 s after" in notes
    assert "1 of 3 runs in ERROR" in notes


def test_a_race_comes_back_from_its_file(tmp_path):
    rows = [row(points=((0.1 + 0.2, 1 / 3), (1.0, 0.25))), row("b", points=(), error="infeasible: so")]
    write_race(tmp_path, rows, {"workers": 1})
    assert read_race(tmp_path) == ({"workers": 1}, rows)
    lines = list(csv.reader((tmp_path / "progress.csv").open()))
    assert lines[0] == ["instance", "agent", "seed", "seconds", "objective"]
    assert lines[1:] == [["x", "a", "0", repr(0.1 + 0.2), repr(1 / 3)], ["x", "a", "0", "1.0", "0.25"]]


def drawn(rows, instances, measured_by=MEASURE, times=(1.0, 10.0)):
    agents = list(dict.fromkeys(item.agent for item in rows))
    lines = race_lines(rows, agents, instances, measured_by, times, 10.0)
    return lines, draw_race(lines, "t", measured_by, times, len(instances), "w").axes[0]


def test_lines_are_steps_that_begin_when_every_instance_has_a_solution():
    rows = [row(), row(instance="y", points=((2.0, 14.0),)), row("b", points=((1.0, 10.0),))]
    lines, axes = drawn(rows, ["x", "y"])
    assert lines["a"].seconds.tolist() == [2, 3, 10]
    assert lines["a"].means.tolist() == pytest.approx([30, 25, 25])
    assert axes.lines[0].get_drawstyle() == "steps-post"
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert len(lines["b"].seconds) == 0
    assert axes.lines[1].get_label() == "b: no line, 1 of 2 solved"


def test_a_picture_with_a_gap_of_0_or_below_is_linear():
    for objective in (10.0, 9.0):
        _, axes = drawn([row(points=((1.0, 12.0), (2.0, objective)))], ["x"])
        assert axes.get_yscale() == "linear"


def test_a_line_of_many_improvements_has_a_bounded_number_of_points_and_none_too_early():
    points = tuple((0.001 * k, 1e5 - k) for k in range(1, 9000))
    lines, _ = drawn([row(points=points)], ["x"], Yardstick({"x": 1.0}, {"x": "found-here"}, gaps=False))
    line = lines["a"]
    assert len(line.seconds) <= 502
    assert np.all(line.means >= 1e5 - 1000 * line.seconds - 1e-6)
    assert line.means[-1] == points[-1][1]


def test_a_picture_of_nothing_can_be_drawn():
    _, axes = drawn([row(points=(), error="infeasible: so")], ["x"])
    assert axes.lines[0].get_label() == "a: no line, 0 of 1 solved"
