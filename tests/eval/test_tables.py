"""Tables of a benchmark: what they show, and how wide they are."""

import pytest
from rich.console import Console

from schedlab.eval.comparison import compare
from schedlab.eval.report import PIPE_WIDTH, print_table
from schedlab.eval.results import summarise_by_class
from schedlab.eval.tables import (
    class_table,
    comparison_table,
    details_table,
    exact_number,
    measures_text,
    percent,
    summary_table,
)

from .rows import row

GAPS = ["aggregate gap", "mean gap (95 % interval)", "median gap", "at the bound"]


def headings(table):
    return [str(column.header).replace("\n", " ") for column in table.columns]


def cells(table, heading):
    return list(table.columns[headings(table).index(heading)].cells)


def printed(table, width=PIPE_WIDTH):
    screen = Console(width=width)
    with screen.capture() as capture:
        print_table(screen, table)
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.0047, "0.47 %"),
        (0.0999, "9.99 %"),
        (0.09996, "10.0 %"),
        (0.123, "12.3 %"),
        (-0.05, "-5.00 %"),
        (-1e-9, "0.00 %"),
    ],
)
def test_gaps_below_ten_percent_have_two_decimals(fraction, text):
    assert percent(fraction) == text


def test_objectives_keep_all_their_digits():
    assert [exact_number(value) for value in (1234567.0, 0.1 + 0.2, 12.5)] == ["1234567", "0.3", "12.5"]


def test_shares_are_said_in_percent_and_other_measures_as_they_are():
    assert measures_text({"tardy_share": 0.1234, "max_tardiness": 340.0, "mean_flow_time": 7.25}) == (
        "tardy share 12.3 %, max tardiness 340, mean flow time 7.2"
    )


def test_a_summary_shows_four_columns_of_gaps_where_any_row_has_a_bound():
    rows = [row(instance="x", objective=9.0, gap=0.0), row(instance="y", objective=12.0, bound=None, gap=None)]
    table = summary_table(rows, "t")
    assert headings(table) == ["agent", "runs", "mean objective", "to the best", *GAPS, "seconds each"]
    assert [cells(table, heading) for heading in GAPS] == [["0.00 %"], ["0.00 % of 1"], ["0.00 %"], ["100.0 %"]]
    assert "1 of 2 runs have no bound" in table.caption
    without = summary_table([row(bound=None, gap=None)], "t")
    assert not set(GAPS) & set(headings(without))
    assert "no bound is known" in without.caption


def test_bounds_of_zero_order_the_summary_by_the_aggregate_gap_and_are_explained():
    rows = [
        row("lucky", "x", objective=50.0, bound=0.0, gap=None),
        row("lucky", "y", objective=10.0, bound=10.0, gap=0.0),
        row("steady", "x", objective=0.0, bound=0.0, gap=0.0),
        row("steady", "y", objective=12.0, bound=10.0, gap=0.2),
    ]
    table = summary_table(rows, "t")
    assert cells(table, "agent") == ["steady", "lucky"], (
        "lucky's mean gap is 0 because it leaves out the worse instance"
    )
    assert cells(table, "aggregate gap") == ["20.0 %", "500.0 %"]
    assert "bound 0 in 2 of 4 runs" in table.caption


def test_infeasible_results_stand_out():
    table = summary_table([row("a"), row("b", objective=None, gap=None, feasible=False)], "t")
    assert cells(table, "feasible") == ["yes", "NO"]
    assert "1 of 2 INFEASIBLE" in table.caption
    assert "every solution checked" in summary_table([row()], "t").caption


def test_a_summary_without_measures_fits_the_width_of_a_pipe():
    rows = [
        row("ppo:runs/demo/makespan", str(k), objective=123456.7 + 99999 * k, bound=91234.0, gap=0.353 + 1.1 * k)
        for k in range(100)
    ]
    lines = printed(summary_table(rows, "t"))
    assert max(map(len, lines)) <= PIPE_WIDTH
    assert sum("ppo:runs/demo/makespan" in line for line in lines) == 1, "no cell is folded"


def test_every_measure_has_a_column_and_wide_tables_are_not_folded_in_a_pipe():
    measures = {"tardy_share": 0.123, **{f"quite_long_measure_{k}": 100.25 * k for k in range(8)}}
    table = summary_table([row(instance=str(k), measures=measures) for k in range(3)] + [row("b", gap=0.2)], "t")
    assert headings(table)[-9:-7] == ["tardy share", "quite long measure 0"]
    assert cells(table, "tardy share") == ["12.3 %", "-"]
    assert cells(table, "quite long measure 2") == ["200.5", "-"]
    lines = printed(table)
    assert max(map(len, lines)) > PIPE_WIDTH
    assert sum("12.3 %" in line and "701.8" in line for line in lines) == 1


def test_a_table_of_classes_shows_mean_gaps_where_every_row_has_a_bound_and_else_objectives():
    rows = [row("a", "x", 10.0, 0.1), row("a", "y", 20.0, 0.3), row("b", "x", 12.0, 0.2)]
    classes = {"x": "small", "y": "large", "z": "large"}
    table = class_table(summarise_by_class(rows, classes))
    assert headings(table) == ["agent", "small", "large"]
    assert table.title == "mean gap by class"
    assert cells(table, "small") == ["10.0 %", "20.0 %"]
    assert cells(table, "large") == ["30.0 %", "-"]
    some = class_table(summarise_by_class([*rows, row("b", "z", 9.0, None, bound=None)], classes))
    assert some.title == "mean objective by class", "a mean over the few instances with a bound would mislead"


def test_a_class_with_bounds_of_zero_shows_its_aggregate_gap():
    rows = [
        row("a", "x", 11.0, 0.1, bound=10.0),
        row("a", "y", 5.0, None, bound=0.0),
        row("a", "z", 30.0, 0.5, bound=20.0),
        row("a", "w", 7.0, None, bound=0.0),
    ]
    classes = {"x": "plain", "y": "mixed", "z": "mixed", "w": "zero"}
    table = class_table(summarise_by_class(rows, classes))
    assert headings(table) == ["agent", "plain mean gap", "mixed aggregate gap", "zero mean objective"]
    assert [list(column.cells) for column in table.columns] == [["a"], ["10.0 %"], ["75.0 %"], ["7.0"]]


def test_a_comparison_has_one_column_per_measure():
    rows = [
        row(agent, str(k), objective=10.0 * k + step, measures={"max_tardiness": 5.0 * step * k, "tardy_share": 0.1})
        for agent, step in (("rule", 0), ("ppo", 1))
        for k in range(3)
    ]
    table = comparison_table(compare([*rows, row("plain", "0")], "rule"))
    assert headings(table)[-2:] == ["max tardiness", "tardy share (% points)"]
    assert cells(table, "max tardiness") == ["+5.0 (+0.0 .. +10.0)", "-"]
    assert cells(table, "tardy share (% points)") == ["+0.0 (+0.0 .. +0.0)", "-"]
    plain = comparison_table(compare([row("rule"), row("ppo")], "rule"))
    assert headings(plain)[-1] == "win rate (95 % interval)"


def test_details_show_objective_and_gap_of_each_instance():
    table = details_table([row("a", "x", 1234567.0, 0.0123), row("b", "x", None, None, feasible=False)])
    assert cells(table, "a") == ["1234567 (1.23 %)"]
    assert cells(table, "b") == ["-"]


def test_profits_have_columns_for_the_worst_days_and_for_scores():
    rows = [row("random", "x", 40.0, bound=100.0), row("good", "x", 70.0, bound=100.0)]
    headings = [column.header for column in summary_table(rows, "t", minimise=False).columns]
    assert "5th per-\ncentile" in headings
    assert "score" in headings
    costs = [column.header for column in summary_table(rows, "t").columns]
    assert "score" not in costs
