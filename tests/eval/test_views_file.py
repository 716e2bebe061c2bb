"""Solutions that a benchmark keeps for drawing, and their file."""

import json
import re

import pytest

from schedlab.envs.core import InputError
from schedlab.envs.core.view import Bar, GanttView
from schedlab.envs.job_shop import PROBLEM, JobShopConfig
from schedlab.eval.cli import main
from schedlab.eval.instance_sets import Entry, expand_instances
from schedlab.eval.views import MAX_VIEWS_BYTES, Views, entry_text, read_views, view_entry, wanted_views

from .rows import row

CONFIG = JobShopConfig()
VIEW = GanttView(("machine 0",), ("job 0",), ("work",), (Bar(0, 0, 3, 0, 0),), (), 3)
TEXT = json.dumps(VIEW.to_json())
ROW = row("spt", "ft06", 3.0)


def test_the_first_instance_of_each_class_is_wanted_with_its_first_seed():
    entries = expand_instances("la01-la40,ft06", (4, 5), PROBLEM, CONFIG)
    assert wanted_views(PROBLEM, entries, "none") == {}
    assert wanted_views(PROBLEM, entries, "first") == {
        name: {4} for name in ("la01", "la06", "la11", "la16", "la21", "la26")
    }
    assert wanted_views(PROBLEM, entries, "all") == {entry.name: {4, 5} for entry in entries}
    random = expand_instances("random-6x6", (4, 5), PROBLEM, CONFIG)
    assert wanted_views(PROBLEM, random, "first") == {"random-6x6/4": {4}}
    assert wanted_views(PROBLEM, [Entry("x", random[0].instance, ())], "first") == {"x": set()}


def test_views_come_back_from_their_file_in_the_order_of_the_rows(tmp_path):
    views = Views({"ft06": frozenset({0})})
    assert views.wants("ft06", 0)
    assert not views.wants("ft06", 1)
    assert not views.wants("la01", 0)
    other = row("mor", "ft06", None, None, feasible=False)
    assert views.add(other, TEXT) is not None
    assert views.add(ROW, TEXT) is not None
    views.write(tmp_path, [ROW.key])
    found = read_views(tmp_path)
    assert [(view.key, view.objective, view.view) for view in found] == [(ROW.key, 3.0, VIEW), (other.key, None, VIEW)]
    data = json.loads((tmp_path / "views.json").read_text())
    assert data["format"] == 1
    assert data["views"][0] == {
        "instance": "ft06", "agent": "spt", "seed": 0, "objective": 3.0, "view": VIEW.to_json()
    }  # fmt: skip
    assert view_entry(json.loads(entry_text(found[0])), "x") == found[0]


def test_a_file_without_changes_is_not_written_again(tmp_path):
    views = Views({})
    views.write(tmp_path)
    assert not (tmp_path / "views.json").exists()
    assert read_views(tmp_path) == []


def test_views_that_do_not_fit_are_left_out_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("schedlab.eval.views.MAX_VIEWS_BYTES", 2 * len(TEXT) + 300)
    views = Views({})
    for name in ("a", "b", "c", "d"):
        views.add(row(name, "ft06", 3.0), TEXT)
    assert (len(views), views.left_out) == (2, 2)
    assert views.add(row("a", "ft06", 2.0), TEXT) is not None, "it takes the place of the one before"
    views.write(tmp_path)
    assert [(view.agent, view.objective) for view in read_views(tmp_path)] == [("a", 2.0), ("b", 3.0)]


def test_a_resumed_benchmark_keeps_its_views_and_adds_others(capsys, tmp_path):
    words = ["benchmark", "job-shop", "--instances", "ft06,la01,la02", "--out", str(tmp_path), "--agents"]
    assert main([*words, "spt"]) == 0
    before = read_views(tmp_path)
    assert [view.key for view in before] == [("ft06", "spt", 0), ("la01", "spt", 0)]
    assert "views.json" in capsys.readouterr().out
    main([*words, "spt,random", "--seeds", "0,1", "--resume", "--views", "all"])
    after = read_views(tmp_path)
    assert [view for view in after if view in before] == before
    assert {view.key for view in after} - {view.key for view in before} == {
        (instance, "random", seed) for instance in ("ft06", "la01", "la02") for seed in (0, 1)
    }
    main([*words, "mor", "--resume", "--views", "none"])
    assert read_views(tmp_path) == after
    main([*words, "spt", "--views", "none"])
    assert not (tmp_path / "views.json").exists(), "without --resume it begins anew"


def test_views_are_of_the_solutions_that_were_measured(tmp_path):
    main(["benchmark", "job-shop", "--instances", "ft06", "--agents", "spt,mor", "--out", str(tmp_path)])
    for view in read_views(tmp_path):
        assert max(bar.end for bar in view.view.bars) == view.objective


def test_a_view_that_cannot_be_made_does_not_cost_the_row(tmp_path, monkeypatch):
    def fail(*_):
        raise ValueError("no picture")

    monkeypatch.setattr(type(PROBLEM), "view", fail)
    with pytest.warns(RuntimeWarning, match="no view of spt on ft06: no picture"):
        assert main(["benchmark", "job-shop", "--instances", "ft06", "--agents", "spt", "--out", str(tmp_path)]) == 0
    assert read_views(tmp_path) == []


def test_a_full_file_is_told_of(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("schedlab.eval.views.MAX_VIEWS_BYTES", 10)
    main(["benchmark", "job-shop", "--instances", "ft06", "--agents", "spt,mor", "--out", str(tmp_path)])
    assert capsys.readouterr().err == "schedlab: views.json: full at 24 MiB; 2 further solutions are left out\n"


ENTRY = {"instance": "x", "agent": "a", "seed": 0, "objective": None, "view": VIEW.to_json()}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "it must be an object"),
        ({}, "it has no format"),
        ({"format": 2, "views": []}, "its format is not 1"),
        ({"format": 1}, "it has no views"),
        ({"format": 1, "views": {}}, "views must be a list"),
        ({"format": 1, "views": [], "more": 1}, "it has the unknown field 'more'"),
        ({"format": 1, "views": [3]}, "entry 1 must be an object"),
        ({"format": 1, "views": [{**ENTRY, "seed": "0"}]}, "entry 1: seed must be a whole number"),
        ({"format": 1, "views": [{**ENTRY, "agent": "\x1b[2J"}]}, "entry 1: agent must be printable"),
        ({"format": 1, "views": [{**ENTRY, "view": {"kind": "film"}}]}, "entry 1, view"),
        ({"format": 1, "views": [ENTRY, ENTRY]}, "row 2 has the instance, agent and seed of row 1"),
    ],
)
def test_a_foreign_views_file_is_refused_in_one_line(tmp_path, data, message):
    (tmp_path / "views.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=f"views.json: not a views file of schedlab .*{re.escape(message)}") as refused:
        read_views(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_views_file_that_is_too_large_is_not_read(tmp_path):
    with open(tmp_path / "views.json", "wb") as file:
        file.truncate(MAX_VIEWS_BYTES + 2**20 + 1)
    with pytest.raises(InputError, match="larger than 25 MiB"):
        read_views(tmp_path)
