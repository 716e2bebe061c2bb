"""Sweeps over an option: numbers, files, picture, and what is refused."""

import csv
import json

import numpy as np
import pytest

from schedlab.envs import PROBLEMS
from schedlab.envs.core import InputError
from schedlab.envs.core.problem import load_problem
from schedlab.envs.job_shop import PROBLEM
from schedlab.eval.cli import EXAMPLES, build_parser, main
from schedlab.eval.config_options import given_config_values
from schedlab.eval.plots import draw_sweep, value_places
from schedlab.eval.sweep import (
    Curves,
    Estimate,
    Sweep,
    make_settings,
    measure_curves,
    objective_curves,
    swept_option,
)
from schedlab.eval.tables import sweep_table

DUE = ("--objective", "total-tardiness", "--due-date-factor", "1.3")
SMALL = ("sweep", "job-shop", "--preset", "random-6x6", "--option", "num-jobs", "--values", "4,6")


def run(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def read(folder, name="results.json"):
    return json.loads((folder / name).read_text())


@pytest.mark.parametrize(
    ("problem", "preset", "option", "same", "agents", "given"),
    [
        ("job-shop", "random-15x15", "num-jobs", {"15": "random-15x15", "20": "random-20x15"}, "spt,mwkr,random@2", ()),
        ("job-shop", "random-15x15", "num_jobs", {"20": "random-20x15"}, "edd,mod", DUE),
        (
            "dynamic-job-shop",
            "transient90",
            "utilisation",
            {"0.7": "transient70", "0.8": "transient80"},
            "edd,cr-spt,random",
            (),
        ),
    ],
)
def test_numbers_are_those_of_benchmark_on_the_same_instances(
    capsys, tmp_path, problem, preset, option, same, agents, given
):
    words = ("--seeds", "3-5", "--agents", agents, *given)
    status, out, err = run(
        capsys, "sweep", problem, "--preset", preset, "--option", option, "--values", ",".join(same), *words,
        "--batch", 2, "--out", tmp_path / "sweep",
    )  # fmt: skip
    assert (status, err) == (0, "")
    instances = ",".join(same.values())
    run(capsys, "benchmark", problem, "--instances", instances, *words, "--out", tmp_path / "benchmark")
    rows = {(row["instance"], row["agent"]): row for row in read(tmp_path / "benchmark")}
    points = read(tmp_path / "sweep", "summary.json")["sweep"]
    name = option.replace("_", "-")
    assert len(read(tmp_path / "sweep")) == len(rows) == 3 * len(points)
    for row in read(tmp_path / "sweep"):
        value, seed = row["instance"].removeprefix(f"{name}=").split("/")
        other = rows[f"{same[value]}/{seed}", row["agent"]]
        assert {**row, "instance": "", "seconds": 0} == {**other, "instance": "", "seconds": 0}
    assert "means over 3 seeds; +- half of the 95 % interval, by bootstrap" in " ".join(out.split())
    for point in points:
        own = [rows[f"{same[point['value']]}/{seed}", point["agent"]]["objective"] for seed in (3, 4, 5)]
        low, high = point["interval_95"]
        assert point["mean_objective"] == pytest.approx(np.mean(own))
        assert f"{np.mean(own):.1f} +- {(high - low) / 2:.1f}" in out


def test_a_sweep_writes_rows_summary_and_picture(capsys, tmp_path):
    folder = tmp_path / "deep" / "sizes"
    status, out, _ = run(capsys, *SMALL, *DUE, "--agents", "edd,mod", "--measure", "tardy_share", "--out", folder)
    assert status == 0
    assert {path.name for path in folder.iterdir()} == {"results.json", "results.csv", "summary.json", "sweep.png"}
    assert (folder / "sweep.png").stat().st_size > 5000
    for text in ("total tardiness by num jobs", "tardy share by num jobs", "written:", "sweep.png"):
        assert text in out
    with (folder / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["instance"] for row in rows[::2]] == [f"num-jobs={n}/{seed}" for n in (4, 6) for seed in range(5)]
    assert all(row["measure_tardy_share"] for row in rows)
    summary = read(folder, "summary.json")
    assert (summary["preset"], summary["option"], summary["values"]) == ("random-6x6", "num-jobs", ["4", "6"])
    assert summary["command"].startswith("schedlab sweep job-shop")
    assert {"machine", "versions", "agents", "time_limit"} < set(summary)
    assert [(point["value"], point["agent"]) for point in summary["sweep"]] == [
        (value, agent) for value in ("4", "6") for agent in ("edd", "mod")
    ]
    assert set(summary["sweep"][0]["measures"]) == {"tardy_share", "max_tardiness"}


def test_what_the_user_gives_beside_the_option_replaces_the_presets_value(capsys, tmp_path):
    words = ("sweep", "dynamic-job-shop", "--preset", "transient90", "--option", "queue-limit", "--values", "8,64")
    run(capsys, *words, "--agents", "fifo", "--seeds", "0", "--out", tmp_path / "a")
    run(capsys, *words, "--agents", "fifo", "--seeds", "0", "--utilisation", "0.5", "--out", tmp_path / "b")
    mean = [read(tmp_path / folder, "summary.json")["sweep"][0]["mean_objective"] for folder in "ab"]
    assert mean[1] < mean[0]


def test_a_resumed_sweep_keeps_rows_and_refuses_another_option(capsys, tmp_path):
    base = ("--agents", "spt", "--seeds", "0-1", "--out", tmp_path)
    run(capsys, *SMALL, *base)
    before = read(tmp_path)
    assert run(capsys, *SMALL[:-1], "6,8", *base, "--resume")[0] == 0
    after = {row["instance"]: row for row in read(tmp_path)}
    assert all(after[row["instance"]] == row for row in before)
    assert len(after) == 6
    assert [point["value"] for point in read(tmp_path, "summary.json")["sweep"]] == ["6", "8"]
    status, _, err = run(capsys, *SMALL[:-3], "max-duration", "--values", "5", *base, "--resume")
    assert status == 2
    assert "was run with option num-jobs, not max-duration; use another --out" in err


DYNAMIC = ("dynamic-job-shop", "--preset", "transient80", "--agents", "edd", "--option")
JOB_SHOP = ("job-shop", "--preset", "random-6x6", "--agents", "spt", "--option")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*DYNAMIC, "utilization", "--values", "0.8"), "option 'utilization'; did you mean utilisation"),
        ((*DYNAMIC, "utilisation", "--values", "0.8,1.2"), "utilisation=1.2: utilisation must lie above 0 and below 1"),
        ((*DYNAMIC, "utilisation", "--values", "high"), "utilisation 'high' not understood; write N|LOW-HIGH"),
        ((*DYNAMIC, "utilisation", "--values", "0.8,,0.9"), "--values has an empty value"),
        ((*DYNAMIC, "utilisation", "--values", "0.8,0.80"), "--values has 0.8 twice"),
        ((*DYNAMIC, "utilisation", "--values", "0.8", "--utilisation", "0.9"), "is what the sweep varies"),
        ((*DYNAMIC, "horizon", "--values", "1e3"), "horizon '1e3' not understood; write N"),
        ((*DYNAMIC, "instance", "--values", "a.txt"), "a sweep plays random instances"),
        ((*DYNAMIC, "objective", "--values", "mean-tardiness"), "make one sweep for each"),
        ((*DYNAMIC, "horizon", "--values", "500", "--measure", "tardy"), "unknown dynamic-job-shop measure 'tardy'"),
        ((*DYNAMIC, "horizon", "--values", "500", "--seeds", "x"), "--seeds"),
        ((*DYNAMIC, "horizon", "--values", "500", "--batch", "0"), "--batch"),
        ((*DYNAMIC, "horizon", "--values", "500", "--preset", "transient85"), "unknown dynamic-job-shop preset"),
        ((*DYNAMIC, "horizon", "--values", "500", "--agents", "eddd"), "unknown agent 'eddd'; did you mean edd"),
        ((*DYNAMIC, "horizon", "--values", "500", "--agents", "edd,edd"), "twice"),
        ((*JOB_SHOP, "num-jobs", "--values", "6", "--measure", "tardy_share"), "has no measures beside this objective"),
        ((*JOB_SHOP, "num-jobs", "--values", "6", "--agents", "edd"), "needs due dates"),
        ((*JOB_SHOP, "num-jobs", "--values", "6", "--objective", "total-tardiness"), "due date factor"),
        ((*JOB_SHOP, "look-ahead", "--values", "yes,maybe"), "look_ahead 'maybe' not understood; write yes or no"),
        ((*JOB_SHOP, "builder", "--values", "active,lazy"), "builder=lazy: builder 'lazy' not understood"),
        (JOB_SHOP[:-1], "--option"),
    ],
)
def test_bad_input_gives_one_line_and_status_2_before_anything_runs(capsys, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, "sweep", *words, "--out", "new")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert list(tmp_path.iterdir()) == [], "nothing half-written"


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_example_of_every_problem_can_be_run(name):
    problem = load_problem(name)
    words = ["sweep", name, *problem.examples.get("sweep", EXAMPLES["sweep"]).split()]
    arguments = build_parser(words).parse_args(words)
    option = swept_option(problem, arguments.preset, arguments.option, arguments.values)
    settings = make_settings(problem, option, arguments.agents.split(","), [0], given_config_values(arguments))
    assert len(settings) == len(option.values) >= 3


def estimates(agent_means, half=1.0):
    return {
        agent: {text: Estimate(mean, (mean - half, mean + half) if half else None, 4) for text, mean in own.items()}
        for agent, own in agent_means.items()
    }


def curves(values, agent_means, number="objective", half=1.0):
    return Curves("load", values, number, "mean tardiness", estimates(agent_means, half))


LOADS = {"0.9": 0.9, "0.7": 0.7, "0.8": 0.8}
MEANS = {"a": {"0.9": 30.0, "0.7": 10.0, "0.8": 20.0}, "b": {"0.9": 40.0, "0.7": 10.0}}


@pytest.mark.parametrize(
    ("minimise", "marked"),
    [
        (True, ["* 30.0 +- 1.0", "* 10.0 +- 1.0", "* 20.0 +- 1.0"]),
        (False, ["30.0 +- 1.0", "* 10.0 +- 1.0", "* 20.0 +- 1.0"]),
    ],
)
def test_the_best_of_every_column_is_marked(minimise, marked):
    table = sweep_table(curves(LOADS, MEANS), [], "t", minimise)
    cells = [list(column.cells) for column in table.columns]
    assert [column.header for column in table.columns] == ["agent", "0.9", "0.7", "0.8"]
    assert cells[0] == ["a", "b"]
    for column, mark in zip(cells[1:], marked, strict=True):
        assert column[0] == mark
    assert cells[3][1] == "-", "no feasible solution, no mean"
    assert cells[1][1] == ("40.0 +- 1.0" if minimise else "* 40.0 +- 1.0")


def test_a_single_seed_has_no_interval():
    table = sweep_table(curves(LOADS, MEANS, half=0), [], "t")
    assert [next(iter(column.cells)) for column in table.columns] == ["a", "30.0", "10.0", "20.0"]


def test_a_picture_has_a_line_and_a_band_per_agent_and_a_panel_per_number():
    figure = draw_sweep([curves(LOADS, MEANS), curves(LOADS, MEANS, "tardy_share", 0.1)], "t")
    upper, lower = figure.axes
    assert [line.get_label() for line in upper.lines] == ["a", "b"]
    assert [entry.get_text() for entry in figure.legends[0].get_texts()] == ["b", "a"], "as their lines end"
    assert upper.lines[0].get_xdata().tolist() == [0.7, 0.8, 0.9]
    assert upper.lines[0].get_ydata().tolist() == [10, 20, 30]
    assert len(upper.collections) == len(lower.collections) == 2
    assert (upper.get_ylabel(), lower.get_xlabel()) == ("mean tardiness", "load")
    assert [label.get_text() for label in lower.get_xticklabels()] == ["0.7", "0.8", "0.9"]


def test_means_that_spread_widely_get_a_logarithmic_axis_that_bands_do_not_stretch():
    found = curves(LOADS, {"a": {"0.7": 0.1, "0.8": 1.0, "0.9": 100.0}}, half=0.1)
    axes = draw_sweep([found], "t").axes[0]
    assert axes.get_yscale() == "log"
    assert 0.01 < axes.get_ylim()[0] < 0.1
    assert axes.get_ylim()[1] > 100.1


@pytest.mark.parametrize(
    ("values", "places", "scale"),
    [
        ([1, 3.33, 6.67, 10, 16.7, 20], [1, 3.33, 6.67, 10, 16.7, 20], "linear"),
        ([0.7, 0.8, 0.9], [0.7, 0.8, 0.9], "linear"),
        ([1, 2, 4, 8], [1, 2, 4, 8], "log"),
        ([0, 1, 10, 100], [0, 1, 10, 100], "linear"),
        (["nondelay", "active"], [0, 1], "linear"),
        ([[6, 10], 12], [0, 1], "linear"),
        ([True, False], [0, 1], "linear"),
    ],
)
def test_values_stand_where_they_are_spaced_most_evenly(values, places, scale):
    found, kind = value_places({str(value): value for value in values})
    assert (list(found.values()), kind) == (places, scale)


def test_labels_of_close_values_are_thinned_out():
    values = {f"{number:g}": number for number in np.linspace(1, 2, 101).round(3)}
    axes = draw_sweep([curves(values, {"a": dict.fromkeys(values, 1.0)})], "t").axes[0]
    assert 5 < len(axes.get_xticklabels()) < 25


def test_infeasible_solutions_have_no_objective_and_are_counted(monkeypatch):
    from schedlab.envs.job_shop import JobShopSimulator, JobShopSolution

    option = swept_option(PROBLEM, "random-6x6", "num-jobs", "6")
    sweep = Sweep(PROBLEM, option, make_settings(PROBLEM, option, ["spt"], [0, 1]))
    monkeypatch.setattr(JobShopSimulator, "solution", lambda self, row: JobShopSolution(np.zeros(36, np.int64)))
    assert sum(map(len, sweep.run())) == len(sweep.rows()) == 2
    assert sweep.jobs() == []
    found = objective_curves(sweep)
    assert found.estimates == measure_curves(sweep, "tardy_share").estimates == {"spt": {}}
    assert "2 of 2 INFEASIBLE" in sweep_table(found, sweep.rows(), "t", True).caption
    assert len(draw_sweep([found], "t").axes[0].lines) == 0


def test_text_of_a_value_reads_back_as_that_value():
    for option, text in (("num-jobs", "6-10"), ("look-ahead", "yes"), ("builder", "active"), ("delay-share", "0.25")):
        assert list(swept_option(PROBLEM, "random-6x6", option, text).values) == [text]
    with pytest.raises(InputError, match="twice"):
        swept_option(PROBLEM, "random-6x6", "delay-share", "1,1.0")
