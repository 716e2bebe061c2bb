"""Instance lists, gaps, summaries and result files."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from schedlab.agents import make_agent
from schedlab.envs.core import InputError
from schedlab.envs.job_shop import PROBLEM, JobShop, JobShopConfig, JobShopSolution
from schedlab.envs.job_shop.formats import write_instance
from schedlab.eval.benchmark import Benchmark
from schedlab.eval.comparison import compare
from schedlab.eval.instance_sets import expand_instances, parse_seeds
from schedlab.eval.intervals import mean_interval
from schedlab.eval.results import (
    Row,
    aggregate_gap,
    gap_to,
    read_results,
    summarise,
    summarise_by_class,
    write_results,
)

from .rows import row

CONFIG = JobShopConfig()
TARDINESS = JobShopConfig(objective="total-tardiness", due_date_factor=1.3)


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


class SeveralPerFile(JobShop):
    """A job shop whose every name or file stands for two instances."""

    def load_all(self, name_or_path, config):
        instance = self.load(name_or_path, config)
        return [replace(instance, name=f"{instance.name}-{k}") for k in (1, 2)]


def test_a_file_may_hold_several_instances_wherever_it_is_named(tmp_path, tiny, odd):
    write_instance(tiny, tmp_path / "one.txt")
    write_instance(odd, tmp_path / "two.txt")
    for text, names in (
        ("ft06", ["ft06-1", "ft06-2"]),
        ("ta01-ta02", ["ta01-1", "ta01-2", "ta02-1", "ta02-2"]),
        (str(tmp_path / "two.txt"), ["two-1", "two-2"]),
        (str(tmp_path), ["one-1", "one-2", "two-1", "two-2"]),
    ):
        entries = expand_instances(text, [3, 4], SeveralPerFile(), CONFIG)
        assert [entry.name for entry in entries] == names
        assert all(entry.seeds == (3, 4) for entry in entries)


def test_a_problem_whose_files_hold_one_instance_each_need_not_say_so(ft06):
    assert PROBLEM.load_all("ft06", CONFIG) == [ft06]


def test_instances_of_one_file_must_have_different_names(monkeypatch, ft06):
    monkeypatch.setattr(JobShop, "load_all", lambda self, name, config: [ft06, ft06])
    with pytest.raises(InputError, match="two instances are called 'ft06'"):
        expand_instances("ft06", [0], PROBLEM, CONFIG)


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


def test_an_aggregate_gap_compares_sums_and_so_counts_bounds_of_zero():
    # 0 -> 6, 10 -> 12, 30 -> 30: 48 against 40, while the mean of ratios would leave out the first
    rows = [
        row(instance="a", objective=6.0, bound=0.0, gap=None),
        row(instance="b", objective=12.0, bound=10.0, gap=0.2),
        row(instance="c", objective=30.0, bound=30.0, gap=0.0),
        row(instance="d", objective=None, bound=50.0, gap=None, feasible=False),
        row(instance="e", objective=70.0, bound=None, gap=None),
    ]
    (summary,) = summarise(rows)
    assert summary["aggregate_gap"] == pytest.approx(48 / 40 - 1)
    assert summary["mean_gap"] == summary["median_gap"] == pytest.approx(0.1)
    assert (summary["count"], summary["bound_count"], summary["gap_count"]) == (5, 3, 2)
    assert summary["at_bound"] == 1 / 4, "of the rows with a bound, solved or not"


def test_an_aggregate_gap_mirrors_maximisation_and_needs_a_positive_sum():
    assert aggregate_gap([8.0, 10.0], [10.0, 10.0], minimise=False) == pytest.approx(0.1)
    assert aggregate_gap([3.0, 0.0], [0.0, 0.0]) is None
    assert aggregate_gap([], []) is None
    assert summarise([row(bound=None, gap=None)])[0]["at_bound"] is None


def test_the_median_gap_is_not_moved_by_one_bad_instance():
    rows = [row(instance=name, gap=gap) for name, gap in (("a", 0.01), ("b", 0.02), ("c", 9.0))]
    assert summarise(rows)[0]["median_gap"] == pytest.approx(0.02)


def test_an_objective_equals_its_bound_despite_rounding():
    rows = [row(instance="a", objective=0.1 + 0.2, bound=0.3), row(instance="b", objective=3.001, bound=3.0)]
    assert summarise(rows)[0]["at_bound"] == 0.5


def test_measures_reach_every_file(tmp_path):
    rows = [
        row(instance="x", measures={"tardy_share": 0.5, "max_tardiness": 30.0}),
        row(instance="y", measures={"tardy_share": 0.1, "mean_flow_time": 7.0}),
        row(agent="b"),
    ]
    write_results(tmp_path, rows, {})
    assert read_results(tmp_path) == rows
    with open(tmp_path / "results.csv") as file:
        table = list(csv.DictReader(file))
    assert list(table[0])[-3:] == ["measure_tardy_share", "measure_max_tardiness", "measure_mean_flow_time"]
    assert [line["measure_tardy_share"] for line in table] == ["0.5", "0.1", ""]
    assert [line["measure_max_tardiness"] for line in table] == ["30.0", "", ""]
    first, second = json.loads((tmp_path / "summary.json").read_text())["agents"]
    assert first["measures"] == pytest.approx({"tardy_share": 0.3, "max_tardiness": 30.0, "mean_flow_time": 7.0})
    assert second["measures"] == {}


def test_results_from_before_there_were_measures_can_be_read(tmp_path):
    write_results(tmp_path, [row()], {})
    data = json.loads((tmp_path / "results.json").read_text())
    del data[0]["measures"]
    (tmp_path / "results.json").write_text(json.dumps(data))
    assert read_results(tmp_path) == [row()]
    (tmp_path / "results.json").write_text(json.dumps([{**data[0], "measures": 3}]))
    with pytest.raises(InputError, match="measures must be an object"):
        read_results(tmp_path)


def test_results_files_agree_with_one_another(tmp_path):
    rows = [row(), row(agent="b", gap=None, objective=None, feasible=False)]
    write_results(tmp_path, rows, {"command": "x"})
    assert read_results(tmp_path) == rows
    with open(tmp_path / "results.csv") as file:
        table = list(csv.DictReader(file))
    data = json.loads((tmp_path / "results.json").read_text())
    assert ",".join(table[0]) == "problem,instance,agent,objective,bound,bound_kind,gap,seconds,samples,seed,feasible"
    assert list(data[0]) == [*table[0], "measures"]
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


def test_a_batch_holds_instances_of_several_seeds_unless_the_agent_draws_at_random():
    names = ["spt", "random"]
    entries = expand_instances("random-6x6", [4, 5, 6], PROBLEM, CONFIG)
    run = Benchmark(PROBLEM, CONFIG, entries, {name: make_agent(name, PROBLEM, CONFIG) for name in names}, batch=2)
    assert [(job.agent, job.seeds) for job in run.jobs()] == [
        ("spt", (4, 5)), ("spt", (6,)), ("random", (4,)), ("random", (5,)), ("random", (6,))
    ]  # fmt: skip
    alone, together = (benchmark(names, "random-6x6", seeds=(4, 5, 6), batch=batch) for batch in (1, 2))
    assert [(r.key, r.objective) for r in alone] == [(r.key, r.objective) for r in together]


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
    from schedlab.envs.job_shop import JobShopSimulator

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
    gaps = {(item["agent"], item["class"]): item["gap_count"] for item in found}
    assert gaps == {("a", "small"): 2, ("a", "large"): 1, ("b", "small"): 1}


def test_measures_are_compared_instance_by_instance_where_both_have_them():
    rows = [
        row("rule", "a", measures={"tardy_share": 0.4, "max_tardiness": 10.0}),
        row("rule", "b", measures={"tardy_share": 0.2}),
        row("ppo", "a", seed=0, measures={"tardy_share": 0.1, "max_tardiness": 13.0}),
        row("ppo", "a", seed=1, measures={"tardy_share": 0.3, "max_tardiness": 15.0}),
        row("ppo", "b", measures={"tardy_share": 0.3, "max_tardiness": 99.0}),
        row("plain", "a"),
    ]
    ppo, plain = compare(rows, "rule")
    assert ppo["measures"]["tardy_share"]["mean_difference"] == pytest.approx((-0.2 + 0.1) / 2)
    assert ppo["measures"]["tardy_share"]["interval_95"] == pytest.approx((-0.2, 0.1))
    assert ppo["measures"]["max_tardiness"] == {"mean_difference": 4.0, "interval_95": None}, (
        "one instance, no interval"
    )
    assert plain["measures"] == {}


def test_the_job_shop_measures_tardiness_only_where_it_is_the_objective(odd):
    assert all(r.measures == {} for r in benchmark(["spt"], "ft06"))
    (only,) = benchmark(["edd"], "ft06", TARDINESS)
    assert set(only.measures) == {"tardy_share", "max_tardiness"}
    # job 0 ends at 8 (due 6), job 1 at 6 (due 5), job 2 at 9 (due 9)
    solution = JobShopSolution(np.array([0, 6, 6, 2, 6, 7]))
    for objective, value in (("total-tardiness", 3), ("total-weighted-tardiness", 5)):
        report = PROBLEM.check(odd, solution, JobShopConfig(objective=objective))
        assert (report.feasible, report.objective) == (True, value)
        assert report.measures == pytest.approx({"tardy_share": 2 / 3, "max_tardiness": 2})
        assert PROBLEM.job_costs(odd, solution, JobShopConfig(objective=objective)).tolist() == [2, 1, 0]
    assert PROBLEM.job_costs(odd, solution, CONFIG) is None
    assert PROBLEM.check(odd, JobShopSolution(np.zeros(6, np.int64)), TARDINESS).measures == {}


def test_the_worst_five_percent_are_the_highest_costs_and_the_lowest_profits():
    rows = [row(instance=str(k), objective=float(k)) for k in range(101)]
    assert summarise(rows)[0]["worst_5"] == 95
    assert summarise(rows, minimise=False)[0]["worst_5"] == 5


def test_a_score_is_0_for_random_play_and_1_at_the_bounds():
    means = {"random": 40.0, "good": 70.0, "best": 100.0}
    rows = [row(agent, instance, mean, bound=100.0) for agent, mean in means.items() for instance in "xy"]
    scores = {item["agent"]: item["score"] for item in summarise(rows, minimise=False)}
    assert scores == {"random": 0.0, "good": 0.5, "best": 1.0}


@pytest.mark.parametrize("missing", ["random", "bound", "instance"])
def test_there_is_no_score_where_something_is_missing(missing):
    rows = [row("good", "x", 70.0, bound=None if missing == "bound" else 100.0)]
    if missing != "random":
        rows.append(row("random", "y" if missing == "instance" else "x", 40.0, bound=100.0))
    assert summarise(rows, minimise=False)[0]["score"] is None
