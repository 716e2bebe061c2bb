"""Instance lists, gaps, summaries and result files."""

import csv
import json

import numpy as np
import pytest

from schedlab.agents import make_agent
from schedlab.envs.core import InputError
from schedlab.envs.job_shop import PROBLEM, JobShopConfig
from schedlab.envs.job_shop.formats import write_instance
from schedlab.eval.benchmark import Benchmark
from schedlab.eval.instance_sets import expand_instances, parse_seeds
from schedlab.eval.results import (
    Row,
    class_table,
    compare,
    gap_to,
    mean_interval,
    read_results,
    summarise,
    summarise_by_class,
    write_results,
)

CONFIG = JobShopConfig()


def row(agent="a", instance="x", objective=10.0, gap=0.1, seed=0, feasible=True):
    return Row("job-shop", instance, agent, objective, 9.0, "best-known", gap, 0.5, 1, seed, feasible)


def test_seeds_are_numbers_and_ranges_without_repeats():
    assert parse_seeds("0-3,7,2") == (0, 1, 2, 3, 7)


@pytest.mark.parametrize("text", ["", "a", "3-1", "-1", "1.5", "0-999999", "99999999999"])
def test_bad_seeds_are_refused(text):
    with pytest.raises(InputError, match="--seeds"):
        parse_seeds(text)


def test_instances_come_from_names_ranges_files_folders_and_presets(tmp_path, tiny, odd):
    write_instance(tiny, tmp_path / "one.txt")
    write_instance(odd, tmp_path / "two.txt")
    for text, names in (
        ("ta01", ["ta01"]),
        ("ta09-ta11", ["ta09", "ta10", "ta11"]),
        ("la01-03,ft06", ["la01", "la02", "la03", "ft06"]),
        (str(tmp_path), ["one", "two"]),
        (str(tmp_path / "two.txt"), ["two"]),
        ("random-6x6", ["random-6x6/4", "random-6x6/5"]),
    ):
        assert [entry.name for entry in expand_instances(text, [4, 5], PROBLEM, CONFIG)] == names


def test_a_preset_gives_the_same_instance_for_the_same_seed():
    first, second = (expand_instances("random-6x6", [3], PROBLEM, CONFIG)[0].instance for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "text", ["ta00", "ta79-ta82", "ta05-ta03", "ta01,,ta02", "no-such-preset", "ta01,ta01", "/no/where"]
)
def test_bad_instance_lists_are_refused_in_one_line(text):
    with pytest.raises(InputError) as caught:
        expand_instances(text, [0], PROBLEM, CONFIG)
    assert "\n" not in str(caught.value)


def test_gaps_are_relative_and_undefined_against_zero():
    assert gap_to(110, 100) == pytest.approx(0.1)
    assert gap_to(90, 100, minimise=False) == pytest.approx(0.1)
    assert gap_to(5, 0) is None
    assert gap_to(0, 0) == 0
    assert gap_to(None, 10) is gap_to(10, None) is None


def test_the_bootstrap_interval_holds_the_mean_and_narrows_with_more_values():
    values = np.random.default_rng(0).normal(0.2, 0.05, 400)
    low, high = mean_interval(values)
    assert low < values.mean() < high
    wide = mean_interval(values[:20])
    assert high - low < wide[1] - wide[0]
    assert high - low == pytest.approx(2 * 1.96 * 0.05 / 20, rel=0.2)
    assert mean_interval([0.1]) is None


def test_a_summary_counts_infeasible_rows_but_keeps_them_out_of_means():
    rows = [row(gap=0.1), row(instance="y", gap=0.3), row(instance="z", objective=None, gap=None, feasible=False)]
    summary = summarise(rows)[0]
    assert summary["count"] == 3
    assert summary["mean_gap"] == pytest.approx(0.2)
    assert summary["all_feasible"] is False


def test_results_files_agree_with_one_another(tmp_path):
    rows = [row(), row(agent="b", gap=None, objective=None, feasible=False)]
    write_results(tmp_path, rows, {"command": "x"})
    assert read_results(tmp_path) == rows
    with open(tmp_path / "results.csv") as file:
        table = list(csv.DictReader(file))
    data = json.loads((tmp_path / "results.json").read_text())
    assert (
        list(table[0])
        == list(data[0])
        == [
            "problem",
            "instance",
            "agent",
            "objective",
            "bound",
            "bound_kind",
            "gap",
            "seconds",
            "samples",
            "seed",
            "feasible",
        ]
    )
    assert table[1]["objective"] == ""
    assert json.loads((tmp_path / "summary.json").read_text())["command"] == "x"


@pytest.mark.parametrize("content", ["", "{", "{}", '[{"a": 1}]', "[1]"])
def test_foreign_results_files_are_refused(tmp_path, content):
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(InputError, match="not a results file"):
        read_results(tmp_path)


def benchmark(agents, instances, config=CONFIG, seeds=(0,), batch=1, done=()):
    made = {name: make_agent(name, PROBLEM, config) for name in agents}
    entries = expand_instances(instances, seeds, PROBLEM, config)
    run = Benchmark(PROBLEM, config, entries, made, batch=batch, done=done)
    for _ in run.run():
        pass
    return run.rows()


def test_batches_of_any_size_give_the_same_objectives():
    alone, together = (benchmark(["spt", "mor"], "ta01-ta05", batch=batch) for batch in (1, 4))
    assert [(r.key, r.objective, r.gap) for r in alone] == [(r.key, r.objective, r.gap) for r in together]
    assert all(r.feasible and r.bound_kind == "best-known" for r in alone)


def test_stochastic_agents_try_every_seed_and_others_one():
    rows = benchmark(["spt", "random@2"], "ft06", seeds=(0, 1, 2))
    assert [(r.agent, r.seed) for r in rows] == [("spt", 0), ("random@2", 0), ("random@2", 1), ("random@2", 2)]


def test_bounds_that_a_solver_proves_serve_every_agent_of_the_run():
    rows = benchmark(["spt", "cp-sat"], "random-6x6", seeds=(1,))
    exact = next(r for r in rows if r.agent == "cp-sat")
    assert exact.gap == 0
    assert all(r.bound == exact.objective and r.bound_kind == "proved" and r.gap >= 0 for r in rows)


def test_a_resumed_run_measures_only_what_is_missing():
    before = benchmark(["spt"], "ta01-ta02")
    marked = [Row(**{**vars(r), "seconds": 123.0}) for r in before]
    rows = benchmark(["spt", "mor"], "ta01-ta03", done=marked)
    assert len(rows) == 6
    assert [r.seconds == 123.0 for r in rows if r.agent == "spt"] == [True, True, False]


def test_an_infeasible_solution_is_reported_and_has_no_objective(monkeypatch):
    from schedlab.envs.job_shop import JobShopSimulator, JobShopSolution

    monkeypatch.setattr(JobShopSimulator, "solution", lambda self, r: JobShopSolution(np.zeros(36, np.int64)))
    (only,) = benchmark(["spt"], "ft06")
    assert not only.feasible
    assert only.objective is only.gap is None


def test_agents_are_compared_instance_by_instance():
    results = [("a", "rule", 100, 0), ("b", "rule", 200, 0), ("c", "rule", None, 0), ("z", "lonely", 1, 0)]
    results += [("a", "ppo", 80, 0), ("a", "ppo", 100, 1), ("b", "ppo", 200, 0), ("c", "ppo", 5, 0)]
    rows = [
        row(agent, instance, objective, None, seed, objective is not None)
        for instance, agent, objective, seed in results
    ]
    (found,) = compare(rows, "rule")
    assert (found["agent"], found["count"], found["lower"], found["equal"]) == ("ppo", 2, 1, 1)
    assert found["mean_difference"] == pytest.approx(-5)
    assert found["relative_difference"] == pytest.approx(-5 / 150)
    low, high = found["interval_95"]
    assert low == -10
    assert high == 0


def test_classes_are_summarised_apart():
    rows = [row("a", "x", 10.0, 0.1), row("a", "y", 20.0, 0.3), row("a", "z", 30.0, 0.5), row("b", "x", 12.0, 0.2)]
    found = summarise_by_class(rows, {"x": "small", "y": "small", "z": "large"})
    means = {(item["agent"], item["class"]): item["mean_gap"] for item in found}
    assert means == pytest.approx({("a", "small"): 0.2, ("a", "large"): 0.5, ("b", "small"): 0.2})
    assert [column.header for column in class_table(found).columns] == ["agent", "small", "large"]
    assert "gap" in class_table(found).title
    some = summarise_by_class([*rows, row("b", "z", 9.0, None)], {"x": "small", "y": "small", "z": "large"})
    assert "objective" in class_table(some).title, "a mean over the few instances with a bound would mislead"
