from dataclasses import replace
from pathlib import Path

import pytest

from schedlab.eval.html.charts import section_charts
from schedlab.eval.html.collect import Section, collect
from schedlab.eval.html.leaderboard import leaderboard, race_board, seconds_text, sweep_board
from schedlab.eval.html.rows import instance_table

from .folders import rows_of, write_folder, write_race_folder


def section_of(rows, minimise=True, **more) -> Section:
    return Section("benchmark", Path("x"), rows[0].problem, minimise, tuple(rows), **more)


def cells(board, agent):
    line = next(line for line in board.lines if line.agent == agent)
    return dict(zip((heading for heading, _ in board.headings), line.cells, strict=True))


def test_agents_come_best_first_with_the_best_rule_as_reference():
    board = leaderboard(section_of(rows_of(("mwkr", "ppo", "spt"))))
    assert board.agents == ["mwkr", "ppo", "spt"]
    assert board.reference == "mwkr"
    assert [line.kind for line in board.lines if line.role != "hindsight"] == ["rule", "learned", "rule"]
    assert [line.role for line in board.lines].count("hindsight") == 1


def test_a_line_says_what_the_rows_say():
    board = leaderboard(section_of(rows_of(("spt", "ppo"), measures=("tardy_share",))), "ppo")
    own = cells(board, "spt")
    assert own["runs"].text == "2"
    assert own["mean objective"].text == "1,003.5"
    assert own["mean gap"].text == "0.35 %"
    assert own["mean gap"].low
    assert own["difference from ppo"].text.startswith("-103.5 (")
    assert own["win rate"].text == "100 %"
    assert own["win rate"].low == "2 / 0 / 0"
    assert own["seconds each"].text == "500 ms"
    assert own["feasible"].text == "all"
    assert own["tardy share"].text == "1.0 %"
    assert cells(board, "ppo")["difference from ppo"].text == "reference"


def test_without_a_rule_nothing_is_compared():
    board = leaderboard(section_of(rows_of(("ppo", "cp-sat"))))
    assert board.reference is None
    assert not any("difference" in heading for heading, _ in board.headings)


def test_infeasible_runs_are_counted_and_said():
    rows = rows_of()
    rows[0] = replace(rows[0], objective=None, gap=None, feasible=False, error="the time was over")
    section = section_of(rows)
    board = leaderboard(section)
    assert cells(board, "spt")["feasible"].text == "1 of 2"
    assert cells(board, "spt")["mean gap"].low.endswith("of 1 runs")
    assert "1 of 6 runs have no feasible solution." in board.notes
    assert "the time was over" in instance_table(section, board.agents)["error"]


def test_profits_are_better_where_larger():
    rows = [replace(row, bound=None, gap=None) for row in rows_of(("greedy-hour", "ppo"), problem="uam")]
    section = section_of(rows, minimise=False)
    board = leaderboard(section)
    assert board.agents == ["ppo", "greedy-hour"]
    chart = section_charts(section, board.agents)[0]
    assert "higher" in chart["note"]
    # ppo is both faster and better here: the line has one point
    assert len(chart["choices"][0]["front"]["x"]) == 1


def test_a_race_is_shown_at_its_times(tmp_path):
    (section,) = collect([write_race_folder(tmp_path / "race")])
    board = race_board(section, section.race)
    assert [heading for heading, _ in board.headings] == ["runs", "after 1 s", "after 3 s"]
    assert cells(board, "tabu")["after 1 s"].text == "30.0 %"
    assert cells(board, "tabu")["after 3 s"].text == "10.0 %"
    (chart,) = section_charts(section, board.agents)
    assert [choice["name"] for choice in chart["choices"]] == ["mean of all instances", "ta01", "ta02"]
    line = chart["choices"][0]["series"][0]
    assert (line["x"], line["y"]) == ([0.1, 1.5, 3], [30, 10, 10])


def test_a_sweep_has_a_table_and_a_chart_by_value(tmp_path):
    instances = [f"load={value}/{seed}" for value in ("0.5", "0.9") for seed in range(2)]
    folder = write_folder(tmp_path / "a", rows_of(instances=instances), {"option": "load", "values": ["0.5", "0.9"]})
    (section,) = collect([folder])
    board = sweep_board(section, ["spt", "mwkr", "ppo"])
    assert [heading for heading, _ in board.headings] == ["load 0.5", "load 0.9"]
    assert cells(board, "spt")["load 0.9"].text == "1,017.5"
    chart = section_charts(section, ["spt", "mwkr", "ppo"])[0]
    assert chart["choices"][0]["series"][0]["x"] == [0.5, 0.9]
    assert chart["choices"][0]["x"]["ticks"] == [[0.5, "0.5"], [0.9, "0.9"]]


def test_values_that_are_words_stand_side_by_side(tmp_path):
    instances = [f"builder={value}/{seed}" for value in ("active", "delay") for seed in range(2)]
    folder = write_folder(tmp_path / "a", rows_of(instances=instances), {"option": "builder"})
    (section,) = collect([folder])
    chart = section_charts(section, ["spt", "mwkr", "ppo"])[0]
    assert chart["choices"][0]["series"][0]["x"] == [0, 1]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0000412, "41.2 µs"), (0.25, "250 ms"), (12.34, "12.3 s"), (1234.0, "1,234 s")]
)
def test_seconds_have_a_unit_that_fits(seconds, text):
    assert seconds_text(seconds) == text
