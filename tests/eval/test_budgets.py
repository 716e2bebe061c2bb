import json
from pathlib import Path

import numpy as np
import pytest

from schedlab.envs.core.errors import InputError
from schedlab.envs.core.problem import load_problem
from schedlab.eval.budget_command import read_trials
from schedlab.eval.budgets import (
    GAP,
    OBJECTIVE,
    TOTAL_GAP,
    Trial,
    Trials,
    best_of_each_kind,
    final_means,
    measure,
    objectives_within,
)
from schedlab.eval.cli import main
from schedlab.eval.pages import fill_page

BUDGETS = (0.01, 1.0)


def trials(runs, bounds=None, decisions=None, hindsight=(), problem="job-shop"):
    """``{(agent, instance): [(seconds, objective), ...]}`` as what was measured."""
    made = [Trial(agent, instance, 0, tuple(points)) for (agent, instance), points in runs.items()]
    known = {name: (value, "best-known") for name, value in (bounds or {}).items()}
    return Trials(load_problem(problem), made, known, decisions or {}, frozenset(hindsight))


def cell_of(cells, kind, budget):
    (found,) = [cell for cell in cells if (cell.kind, cell.budget) == (kind, budget)]
    return found


def test_a_solution_counts_from_its_time_on():
    found = objectives_within(((0.1, 9.0), (2.0, 7.0)), np.array([0.05, 0.1, 1.0, 2.0]))
    assert np.array_equal(found, [np.nan, 9, 9, 7], equal_nan=True)
    assert np.isnan(objectives_within((), np.array([1.0]))).all()


def test_an_agent_is_chosen_where_it_is_not_reported():
    runs = {(agent, name): [(0.001, value)] for agent, value in (("spt", 20), ("mwkr", 15)) for name in "ab"}
    found = trials(runs, bounds={"a": 10, "b": 10})
    measured = measure(found, BUDGETS)
    assert cell_of(best_of_each_kind(found, measured), "rule", 0.01).choice == "hindsight"
    chosen = cell_of(best_of_each_kind(found, measured, {"spt": 0.1, "mwkr": 0.2}), "rule", 0.01)
    assert (chosen.agent, chosen.choice) == ("spt", "elsewhere")
    assert chosen.mean == pytest.approx(1.0)
    # somebody who was not measured there cannot be passed over for it
    assert cell_of(best_of_each_kind(found, measured, {"spt": 0.1}), "rule", 0.01).agent == "mwkr"


def test_who_is_alone_needs_no_choice():
    found = trials({("spt", name): [(0.001, 20)] for name in "ab"}, bounds={"a": 10, "b": 10})
    assert [cell.choice for cell in best_of_each_kind(found, measure(found, BUDGETS))] == ["only", "only"]


def test_agents_are_chosen_by_the_measure_that_is_reported():
    runs = {("spt", "c"): [(5.0, 11)], ("spt", "d"): [(0.001, 300)], ("mwkr", "c"): [(0.001, 20)]}
    runs[("mwkr", "d")] = [(0.001, 295)]
    others = trials(runs, bounds={"c": 10, "d": 290})
    assert final_means(others, GAP)["spt"] < final_means(others, GAP)["mwkr"]
    assert final_means(others, OBJECTIVE) == {"spt": 155.5, "mwkr": 157.5}
    incomplete = trials({**runs, ("spt", "d"): []})
    assert set(final_means(incomplete, OBJECTIVE)) == {"mwkr"}
    profits = trials({("random", "a"): [(0.1, 5)], ("greedy-hour", "a"): [(0.1, 9)]}, problem="uam")
    assert final_means(profits, TOTAL_GAP) == {"random": -5, "greedy-hour": -9}


def test_an_agent_must_solve_every_instance_in_time():
    runs = {
        ("spt", "a"): [(0.001, 20)], ("spt", "b"): [(0.001, 20)],
        ("mwkr", "a"): [(0.001, 12)], ("mwkr", "b"): [(0.5, 12)],
    }  # fmt: skip
    found = trials(runs, bounds={"a": 10, "b": 10})
    cells = best_of_each_kind(found, measure(found, BUDGETS))
    assert cell_of(cells, "rule", 0.01).agent == "spt"
    assert cell_of(cells, "rule", 1.0).agent == "mwkr"
    assert cell_of(cells, "rule", 1.0).mean == pytest.approx(0.2)


def test_the_best_kind_is_marked_and_so_is_what_cannot_be_told_from_it():
    instances = "abcdef"
    runs = {("spt", name): [(0.001, 20 + number)] for number, name in enumerate(instances)}
    runs |= {("tabu", name): [(0.001, 20 + (5 - number))] for number, name in enumerate(instances)}
    runs |= {("ppo", name): [(0.001, 11)] for name in instances}
    found = trials(runs, bounds=dict.fromkeys(instances, 10))
    cells = best_of_each_kind(found, measure(found, (0.01,)))
    assert [cell.kind for cell in cells if cell.best] == ["learned"]
    assert not any(cell.level for cell in cells)
    without = trials({key: value for key, value in runs.items() if key[0] != "ppo"}, dict.fromkeys(instances, 10))
    cells = best_of_each_kind(without, measure(without, (0.01,)))
    assert sum(cell.best for cell in cells) == sum(cell.level for cell in cells) == 1


def test_who_knows_what_nobody_can_know_never_wins():
    runs = {(agent, name): [(0.001, value)] for agent, value in (("spt", 20), ("tabu", 10)) for name in "ab"}
    found = trials(runs, bounds={"a": 10, "b": 10}, hindsight=["tabu"])
    cells = best_of_each_kind(found, measure(found, (0.01,)))
    assert [cell.kind for cell in cells if cell.best] == ["rule"]
    assert cell_of(cells, "hindsight", 0.01).agent == "tabu"


def test_a_budget_per_decision_is_as_much_more_for_an_instance_as_it_has_decisions():
    runs = {("spt", "a"): [(0.5, 20)], ("spt", "b"): [(5.0, 20)]}
    found = trials(runs, decisions={"a": 100, "b": 1000})
    assert not np.isnan(measure(found, (0.01,)).values).any()
    shorter = trials(runs, decisions={"a": 100, "b": 10})
    assert np.isnan(measure(shorter, (0.01,)).values).sum() == 1


def test_gaps_are_to_bounds_or_to_the_best_found_and_of_sums_where_one_is_zero():
    runs = {("spt", "a"): [(0.001, 20)], ("spt", "b"): [(0.001, 30)], ("tabu", "a"): [(0.001, 10)]}
    runs[("tabu", "b")] = [(0.001, 10)]
    assert measure(trials(runs), BUDGETS).what == GAP
    assert "best found" in measure(trials(runs), BUDGETS).reference
    sums = measure(trials(runs, bounds={"a": 0, "b": 10}), BUDGETS)
    assert sums.what == TOTAL_GAP
    assert sums.values[0, :, 0].mean() == pytest.approx(50 / 10 - 1)
    assert measure(trials(runs, decisions={"a": 1, "b": 1}), BUDGETS).what == OBJECTIVE


def test_profits_are_better_when_larger():
    runs = {(agent, name): [(0.001, value)] for agent, value in (("random", 5), ("greedy-hour", 9)) for name in "ab"}
    found = trials(runs, decisions={"a": 1, "b": 1}, problem="uam")
    cells = best_of_each_kind(found, measure(found, (0.01,)))
    assert cell_of(cells, "rule", 0.01).agent == "greedy-hour"


def test_one_instance_is_too_few_to_choose_on_others():
    with pytest.raises(InputError, match="at least two"):
        measure(trials({("spt", "a"): [(0.001, 20)]}), BUDGETS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A race, and a benchmark with one agent of it once more."""
    race, rules = tmp_path_factory.mktemp("race"), tmp_path_factory.mktemp("rules")
    words = ["--instances", "ft06,la01", "--workers", "1", "--time-limit", "0.2"]
    assert main(["race", "job-shop", *words, "--agents", "spt,tabu", "--at", "0.1", "--out", str(race)]) == 0
    assert main(["benchmark", "job-shop", *words, "--agents", "spt,mwkr", "--out", str(rules)]) == 0
    return race, rules


def test_races_and_benchmarks_are_taken_together(folders):
    found, _ = read_trials(folders)
    # the rule that ran twice is told apart by its folder
    assert found.agents == ["spt", "tabu", f"spt ({folders[1].name})", "mwkr"]
    assert found.bounds["ft06"][0] == 55
    assert {found.kind(agent) for agent in found.agents} == {"rule", "search"}


def test_the_verb_writes_numbers_a_picture_and_its_part_of_a_page(folders, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- job-shop -->\nold\n<!-- /job-shop -->\nafter\n")
    out, plot = tmp_path / "numbers.json", tmp_path / "picture.png"
    words = ["--at", "0.05,10", "--out", str(out), "--plot", str(plot), "--page", str(page)]
    assert main(["budgets", *map(str, folders), *words]) == 0
    assert "per instance" in capsys.readouterr().out
    numbers = json.loads(out.read_text())
    assert numbers["instances"] == ["ft06", "la01"]
    assert {cell["agent"] for cell in numbers["cells"] if cell["budget"] == 10 and cell["best"]} == {"tabu"}
    assert plot.read_bytes().startswith(b"\x89PNG")
    text = page.read_text()
    assert text.startswith("before\n<!-- job-shop -->\n| per instance | rule | search |")
    assert text.endswith("<!-- /job-shop -->\nafter\n")
    assert "old" not in text


def test_agents_can_be_chosen_in_another_folder(folders, tmp_path):
    others, out = tmp_path / "others", tmp_path / "numbers.json"
    words = ["--instances", "la02,la03", "--agents", "spt,mwkr", "--out", str(others)]
    assert main(["benchmark", "job-shop", *words]) == 0
    assert main(["budgets", str(folders[1]), "--at", "10", "--choose-on", str(others), "--out", str(out)]) == 0
    numbers = json.loads(out.read_text())
    assert [cell["choice"] for cell in numbers["cells"]] == ["elsewhere"]
    assert set(numbers["chosen_on"]) == {"spt", "mwkr"}


def test_budgets_can_be_per_decision(folders, tmp_path):
    out = tmp_path / "numbers.json"
    words = ["--decisions-of", "spt", "--instances", "ft06,la01", "--out", str(out)]
    assert main(["budgets", str(folders[0]), *words]) == 0
    numbers = json.loads(out.read_text())
    assert numbers["per"] == "decision"
    assert 0 < numbers["decisions"]["ft06"] <= 36


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "neither a race nor a benchmark"),
        (["RACE", "--at", "1,1"], "must be positive and increase"),
        (["RACE", "--at", "soon"], "not understood"),
        (["RACE", "--hindsight", "nobody"], "did not run"),
        (["RACE", "--decisions-of", "spt"], "needs --instances"),
        (["RACE", "--decisions-of", "tabu", "--instances", "ft06,la01"], "names a solver"),
        (["RACE", "--decisions-of", "spt", "--instances", "ft06"], "la01 was measured"),
        (["RACE", "--choose-on", "RACE"], "which is reported"),
        (["RACE", "--page", "nowhere.md"], "no such page"),
        (["RACE", "--plot", "picture.txt"], "picture"),
    ],
)
def test_mistakes_are_told_in_one_line(folders, words, message, capsys):
    given = [str(folders[0]) if word == "RACE" else word for word in words]
    assert main(["budgets", *given]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_race_file_of_other_origin_is_refused(tmp_path, capsys):
    (tmp_path / "race.json").write_text('{"runs": [], "time_limit": 1}')
    assert main(["budgets", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_a_page_without_the_part_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing to fill\n")
    with pytest.raises(InputError, match="once each and in this order"):
        fill_page(Path(page), "job-shop", "text")
    assert page.read_text() == "nothing to fill\n"
