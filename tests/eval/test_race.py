"""Races: what is noted when, what counts, what is warmed up, the command line, and what is refused."""

import csv
import json
import time
from typing import ClassVar

import numpy as np
import pytest

from schedlab.agents import BestOf, Policy, Solver, SolverResult, make_agent, run_policy
from schedlab.agents.core import AgentOptions
from schedlab.agents.job_shop import CpSat
from schedlab.envs import PROBLEMS
from schedlab.envs.core import InputError
from schedlab.envs.core.problem import CheckReport, load_problem
from schedlab.envs.job_shop import PROBLEM, JobShopConfig, JobShopSolution
from schedlab.envs.job_shop.problem import JobShop
from schedlab.eval.cli import build_parser, example, main
from schedlab.eval.instance_sets import Entry
from schedlab.eval.race import Race, parse_times, what_is_wrong

CONFIG = JobShopConfig()
SPT = make_agent("spt", PROBLEM, CONFIG)


def run(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def entries(*names, seeds=(0,)):
    return [Entry(name, PROBLEM.load(name, CONFIG), seeds) for name in names]


class Told(Solver):
    """Gives the schedule of a rule and tells a story of how it came to it."""

    def __init__(self, story=(), change=lambda solution: solution):
        self.story, self.change, self.limits = story, change, []

    def solve(self, instance, *, time_limit, seed):
        self.limits.append(time_limit)
        simulator = PROBLEM.simulator_for([instance], CONFIG)
        run_policy(SPT, simulator, [instance])
        objective = float(simulator.objective()[0])
        progress = tuple((seconds, objective + more) for seconds, more in self.story)
        return SolverResult(self.change(simulator.solution(0)), progress=progress)


def race_one(agent, options=None, problem=PROBLEM, config=CONFIG, names=("ft06",)):
    race = Race(problem, config, entries(*names), {"a": agent}, options or AgentOptions(time_limit=1))
    rows = [found for rows in race.run() for found in rows]
    assert rows == race.rows()
    return rows[0]


def test_the_progress_that_a_solver_tells_is_kept():
    found = race_one(Told(((0.0, 30.0), (1e-6, 4.0), (2e-6, 0.0))))
    assert found.error == ""
    assert found.points == ((0.0, 118.0), (1e-6, 92.0), (2e-6, 88.0))
    assert found.objective == 88


def test_who_tells_nothing_has_one_point_at_its_end():
    for agent in (Told(), SPT, BestOf(make_agent("random", PROBLEM, CONFIG), 3, PROBLEM, CONFIG)):
        found = race_one(agent)
        assert found.points == ((found.seconds, found.objective),)


def test_a_solver_is_warmed_up_briefly_and_then_gets_the_time_limit():
    agent = Told()
    race_one(agent, AgentOptions(time_limit=7), names=("ft06", "la01"))
    assert agent.limits == [0.05, 7, 7]
    agent = Told()
    race_one(agent, AgentOptions(time_limit=0.01))
    assert agent.limits == [0.01, 0.01]


def nowhere(solution):
    return JobShopSolution(np.zeros_like(solution.start))


@pytest.mark.parametrize(
    ("agent", "error"),
    [
        (Told(((0.0, 5.0), (1e-6, 2.0))), "its progress ends at 90, its solution has 88"),
        (Told(((0.0, 0.0), (60.0, -5.0))), "not in order of time"),
        (Told(((2e-6, 5.0), (1e-6, 0.0))), "not in order of time"),
        (Told(((0.0, 5.0), (1e-6, 5.0), (2e-6, 0.0))), "a step that is no improvement"),
        (Told(((0.0, float("inf")), (1e-6, 0.0))), "a number that is none"),
        (Told(change=nowhere), "infeasible: job 0, operation 1 starts at 0"),
    ],
)
def test_what_the_checker_does_not_confirm_is_an_error_without_numbers(agent, error):
    found = race_one(agent)
    assert error in found.error
    assert (found.objective, found.points) == (None, ())


def test_profits_improve_upwards():
    report = CheckReport(True, 7.0)
    assert what_is_wrong(report, ((0.0, 3.0), (1.0, 7.0)), 2.0, minimise=False) == ""
    assert "no improvement" in what_is_wrong(report, ((0.0, 9.0), (1.0, 7.0)), 2.0, minimise=False)


class Descent:
    """A simulator of one row whose objective is a step of a fixed list."""

    batch_size, illegal_count = 1, 0
    illegal = np.zeros(1, bool)

    def __init__(self, costs):
        self.costs, self.place, self.done_count = costs, 0, 0

    def reset(self, instances):
        self.place, self.done_count = 0, 0

    def play_forced(self):
        return np.zeros(1)

    def step(self, action):
        self.place += 1
        self.done_count = int(self.place == len(self.costs) - 1)

    def objective(self):
        return np.array([self.costs[self.place]])

    def solution(self, row):
        return self.costs[self.place]


class Improvement(JobShop):
    """Improves a number."""

    anytime: ClassVar[bool] = True
    costs: ClassVar[list[float]] = [9.0, 9.0, 7.0, 7.0, 4.0]

    def simulator_for(self, instances, config, batch_size=None):
        return Descent(self.costs)

    def check(self, instance, solution, config):
        return CheckReport(True, solution)


class Step(Policy):
    """Takes its time."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def act(self, simulator):
        time.sleep(self.seconds)
        return np.zeros(1, np.int64)


@pytest.fixture
def improvement(monkeypatch):
    monkeypatch.setattr("schedlab.eval.race.RandomPolicy", Step)
    monkeypatch.setattr(Descent, "observe", lambda self: None, raising=False)
    return Improvement()


def test_a_policy_that_improves_a_solution_has_a_point_for_each_improvement(improvement):
    found = race_one(Step(), problem=improvement)
    assert [objective for _, objective in found.points] == [9, 7, 4]
    assert found.objective == 4
    assert 0 <= found.points[0][0] < found.points[-1][0] <= found.seconds


def test_a_policy_that_improves_a_solution_is_stopped_at_the_time_limit(improvement, monkeypatch):
    monkeypatch.setattr(improvement.__class__, "costs", [float(cost) for cost in range(1000, 0, -1)])
    found = race_one(Step(0.01), AgentOptions(time_limit=0.1), problem=improvement)
    assert 0.1 <= found.seconds < 2
    assert 1 < found.objective == found.points[-1][1]
    assert found.error == ""


def test_a_policy_that_builds_a_solution_plays_to_the_end():
    found = race_one(SPT, AgentOptions(time_limit=1e-9))
    assert found.objective == 88
    assert found.seconds > 1e-9


def test_cp_sat_tells_its_progress_from_the_rules_schedule_on():
    instance = PROBLEM.load("ft06", CONFIG)
    result = CpSat(CONFIG, workers=1).solve(instance, time_limit=10, seed=0)
    times, objectives = zip(*result.progress, strict=True)
    assert objectives[0] == 59, "the best rule's"
    assert objectives[-1] == 55 == PROBLEM.check(instance, result.solution, CONFIG).objective
    assert list(times) == sorted(times)
    assert list(objectives) == sorted(set(objectives), reverse=True)


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_a_rule_of_every_problem_can_be_raced(name):
    problem = load_problem(name)
    preset = next(iter(problem.presets()))
    if name == "soc":
        preset, given = "ds3", {"length": 3000, "warm_up": 300}
    else:
        given = {}
    config = problem.configure({**problem.presets()[preset], **given})
    instance = problem.sampler(config)(np.random.default_rng(0))
    race = Race(problem, config, [Entry("x", instance, (0,))], {"random": make_agent("random", problem, config)})
    ((found,),) = race.run()
    assert found.error == ""
    assert len(found.points) >= 1


@pytest.mark.parametrize("content", ["[", "[3]", "7", "{}", '{"runs": [3]}', '{"runs": [{"points": [], "colour": 1}]}'])
def test_a_foreign_race_file_is_refused_in_one_line(capsys, tmp_path, content):
    (tmp_path / "race.json").write_text(content)
    words = ("--instances", "ft06", "--agents", "spt", "--out", tmp_path, "--resume")
    status, _, err = run(capsys, "race", "job-shop", *words)
    assert status == 2
    assert "not a race file" in err
    assert err.count("\n") == 1


SMALL = ("race", "job-shop", "--instances", "ft06,la01", "--time-limit", 0.5, "--workers", 1)


def test_a_race_prints_its_table_and_writes_its_files(capsys, tmp_path):
    folder = tmp_path / "deep" / "race"
    words = ("--agents", "spt,random@4,cp-sat", "--at", "0.5,0.25", "--out", folder, "--plots")
    status, out, err = run(capsys, *SMALL, *words)
    assert (status, err) == (0, "")
    assert "mean gap to the best known value (published)" in " ".join(out.split())
    assert "race.json, progress.csv, race.md, race.png" in out
    about = json.loads((folder / "race.json").read_text())
    assert about["command"].startswith("schedlab race job-shop")
    assert (about["at"], about["time_limit"], about["workers"]) == ([0.25, 0.5], 0.5, 1)
    assert about["machine"]["cores"] >= 1
    assert about["standings"]["cp-sat"][1]["of"] == 2
    text = (folder / "race.md").read_text()
    assert "| agent | runs | 0.25 s | 0.5 s |" in text
    assert "schedlab race job-shop --instances ft06,la01" in text
    progress = list(csv.DictReader((folder / "progress.csv").open()))
    assert sum(line["agent"] == "cp-sat" for line in progress) > 2
    assert sum(line["agent"] == "spt" for line in progress) == 2
    assert (folder / "race.png").stat().st_size > 5000


def test_a_resumed_race_keeps_rows_answers_for_other_times_and_refuses_other_settings(capsys, tmp_path):
    words = (*SMALL, "--out", tmp_path, "--agents")
    run(capsys, *words, "spt")
    before = json.loads((tmp_path / "race.json").read_text())
    status, out, _ = run(capsys, *words, "mor,spt", "--resume", "--at", "0.2")
    assert (status, "0.2 s" in out) == (0, True)
    after = json.loads((tmp_path / "race.json").read_text())
    assert [run for run in after["runs"] if run["agent"] == "spt"] == before["runs"]
    assert len(after["runs"]) == 4
    for other, key in (
        (("--builder", "active"), "config"),
        (("--time-limit", 1), "time_limit"),
        (("--workers", 2), "w"),
    ):
        status, _, err = run(capsys, *words, "spt", "--resume", *other)
        assert status == 2
        assert f"was run with {key}" in err
    run(capsys, *words, "spt")
    assert len(json.loads((tmp_path / "race.json").read_text())["runs"]) == 2, "without --resume it begins anew"


def test_a_race_that_is_cut_short_keeps_what_it_measured(capsys, tmp_path, monkeypatch):
    def interrupted(solution):
        if len(solution.start) == 50 and not (tmp_path / "again").exists():
            raise KeyboardInterrupt
        return solution

    agent = Told(change=interrupted)
    monkeypatch.setattr("schedlab.eval.commands.make_agent", lambda *_: agent)
    words = (*SMALL, "--agents", "told", "--out", tmp_path)
    assert run(capsys, *words)[0] == 130
    before = json.loads((tmp_path / "race.json").read_text())["runs"]
    assert [item["instance"] for item in before] == ["ft06"]
    (tmp_path / "again").touch()
    assert run(capsys, *words, "--resume")[0] == 0
    after = json.loads((tmp_path / "race.json").read_text())["runs"]
    assert (after[0], after[1]["instance"]) == (before[0], "la01")


def test_a_race_with_an_error_says_so_and_ends_with_status_1(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("schedlab.eval.commands.make_agent", lambda *_: Told(change=nowhere))
    status, out, _ = run(capsys, *SMALL, "--agents", "liar", "--out", tmp_path, "--plots")
    assert status == 1
    assert "2 of 2 runs in ERROR" in " ".join(out.split())
    assert "ERROR: liar on ft06, seed 0: infeasible: job 0, operation 1 starts at 0" in out
    assert json.loads((tmp_path / "race.json").read_text())["runs"][0]["objective"] is None


def test_stochastic_agents_run_once_per_seed_others_once():
    agents = {name: make_agent(name, PROBLEM, CONFIG) for name in ("spt", "random")}
    race = Race(PROBLEM, CONFIG, entries("ft06", "la01", seeds=(3, 4)), agents)
    found = [(job.agent, job.entries[0].name, job.seeds[0]) for job in race.jobs()]
    assert found[:2] == [("spt", "ft06", 3), ("spt", "la01", 3)]
    assert found[2:] == [("random", name, seed) for name in ("ft06", "la01") for seed in (3, 4)]


@pytest.mark.parametrize(
    ("limit", "times"),
    [(10, (1, 3, 10)), (30, (1, 3, 10, 30)), (5, (1, 3, 5)), (0.5, (0.5,)), (60, (1, 3, 10, 30, 60))],
)
def test_without_at_times_are_spread_up_to_the_limit(limit, times):
    assert parse_times(None, limit) == times


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--at", "1,20"), "--at '1,20': 20 s lies beyond the time limit of 10 s"),
        (("--at", "1,soon"), "--at '1,soon' not understood; write seconds"),
        (("--at", "1,,3"), "not understood"),
        (("--at=-1,3",), "-1 is not a time after the start"),
        (("--at", "0"), "0 is not a time after the start"),
        (("--at", "nan"), "nan is not a time after the start"),
        (("--at", "inf"), "beyond the time limit"),
        (("--at", "1,3,1.0"), "names a time twice"),
        (("--time-limit", "inf"), "--time-limit must be a number of seconds"),
        (("--time-limit", "0"), "time limit must be positive"),
        (("--plots",), "--plots needs --out"),
        (("--resume",), "--resume needs --out"),
        (("--seeds", "x"), "--seeds"),
        (("--agents", "spt,spt"), "twice"),
        (("--agents", "edd", "--out", "new"), "needs due dates"),
        (("--instances", "ta01-ta99"), "ta81 is not a built-in"),
        (("--batch", "4"), "--batch"),
    ],
)
def test_bad_input_gives_one_line_and_status_2(capsys, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, "race", "job-shop", "--instances", "ft06", "--agents", "spt", *words)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [], "nothing half-written"


def test_times_are_sorted():
    assert parse_times("10, 1,0.3", 10) == (0.3, 1, 10)
    with pytest.raises(InputError, match="beyond"):
        parse_times("10.01", 10)


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_the_example_of_every_problem_is_one_that_the_command_line_takes(name):
    problem = load_problem(name)
    words = ["race", name, *example(problem, "race").split()]
    arguments = build_parser(words).parse_args(words)
    assert parse_times(arguments.at, arguments.time_limit)[0] == 1
    assert arguments.instances
