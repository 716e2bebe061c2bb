"""Results that are of no use, clusters that refuse, and what the clock and the summary say of a run."""

import json
import math
import time

import numpy as np
import pytest

from schedlab.agents import Policy, SolverResult, make_agent, run_policy
from schedlab.agents.core import AgentOptions, Solver
from schedlab.envs.core import InputError
from schedlab.envs.core.problem import CheckReport
from schedlab.envs.job_shop import PROBLEM, JobShopConfig
from schedlab.envs.job_shop.problem import JobShop
from schedlab.eval.benchmark import Benchmark
from schedlab.eval.cli import main
from schedlab.eval.instance_sets import expand_instances
from schedlab.eval.journal import to_line
from schedlab.eval.race import Race
from schedlab.eval.results import read_results
from schedlab.eval.views import Views, wanted_views

CONFIG = JobShopConfig()
SPT = make_agent("spt", PROBLEM, CONFIG)


class Telling(Solver):
    """Solves by a rule and says something about it."""

    def __init__(self, say):
        self.say, self.limits = say, []

    def solve(self, instance, *, time_limit, seed):
        self.limits.append(time_limit)
        simulator = PROBLEM.simulator_for([instance], CONFIG)
        run_policy(SPT, simulator, [instance])
        return self.say(simulator.solution(0))


def with_agent(monkeypatch, agent):
    """Make the command line know an agent called ``odd``."""
    monkeypatch.setattr(
        "schedlab.eval.commands.make_agent",
        lambda name, problem, *rest: agent if name == "odd" else make_agent(name, problem, *rest),
    )


def rows_of(say, problem=PROBLEM, **more):
    """The rows of one solver on one instance, after a trip through the journal."""
    entries = expand_instances("ft06", (0,), PROBLEM, CONFIG)
    views = Views(wanted_views(PROBLEM, entries, "all"))
    options = AgentOptions(time_limit=5)
    run = Benchmark(problem, CONFIG, entries, {"odd": Telling(say)}, options, views=views, **more)
    list(run.run())
    for row in run.rows():
        to_line(run.record(row))
    return run.rows()


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"bound": "x"}, "its bound must be a number, got str"),
        ({"bound": True}, "its bound must be a number, got bool"),
        ({"samples": None}, "its samples must be a whole number, got NoneType"),
        ({"samples": 2.5}, "its samples must be a whole number, got float"),
        ({"samples": -1}, "its samples must be a whole number from 0 to 2**63-1"),
        ({"samples": 10**400}, "its samples must be a whole number from 0 to 2**63-1"),
    ],
)
def test_a_result_that_says_nonsense_is_an_error_of_its_row(capsys, tmp_path, monkeypatch, told, error):
    with_agent(monkeypatch, Telling(lambda solution: SolverResult(solution, **told)))
    words = ["benchmark", "job-shop", "--instances", "ft06,la01", "--agents", "odd,spt", "--out", str(tmp_path)]
    assert main(words) == 1
    assert error in capsys.readouterr().err
    rows = read_results(tmp_path)
    assert [row.error for row in rows if row.agent == "odd"] == [error] * 2
    assert all(row.feasible for row in rows if row.agent == "spt")


@pytest.mark.parametrize("bound", [np.int64(5), np.float32(5), 5, math.inf, math.nan, 10**400, None])
def test_numbers_of_numpy_are_taken_as_numbers(bound):
    (row,) = rows_of(lambda solution: SolverResult(solution, bound=bound, samples=np.int64(3)))
    assert (row.samples, row.error) == (3, "")
    assert type(row.samples) is int


class OddShop(JobShop):
    """A problem of somebody else, whose checker, costs and views are as a test wants them."""

    def __init__(self, report=None, costs=None):
        self.report, self.costs = report, costs

    def check(self, instance, solution, config):
        return self.report or super().check(instance, solution, config)

    def job_costs(self, instance, solution, config):
        return self.costs()

    def view(self, instance, solution, config):
        raise RuntimeError("no pencil")


def raises():
    raise RuntimeError("no costs")


@pytest.mark.parametrize(
    ("report", "error"),
    [
        (CheckReport(True, "7"), "the checker gives a number that is none"),
        (CheckReport(True, 7.0, (), None), "the checker gives a number that is none"),
        (CheckReport(True, 7.0, (), {"a": None}), "the checker gives a number that is none"),
        (CheckReport(True, 7.0, (), {"a\x1b": 1.0}), "the checker gives a measure whose name is not printable text"),
        (CheckReport(True, np.int64(7), (), {"a": np.float32(0.5), "b": np.int64(3)}), ""),
    ],
)
@pytest.mark.filterwarnings("ignore:no ")
def test_what_a_checker_says_is_looked_at_as_well(report, error):
    (row,) = rows_of(SolverResult, OddShop(report))
    assert row.error == error
    assert error or (row.objective, row.measures) == (7.0, {"a": 0.5, "b": 3.0})


@pytest.mark.parametrize("costs", [raises, lambda: np.array([1.0, math.nan]), lambda: np.array([-1.0]), lambda: 7])
def test_neither_costs_nor_pictures_that_fail_cost_a_measurement(costs):
    found = {}
    with pytest.warns(RuntimeWarning, match="no job costs on ft06"), pytest.warns(RuntimeWarning, match="no pencil"):
        (row,) = rows_of(SolverResult, OddShop(costs=costs), distributions=found)
    assert row.feasible
    assert found == {}


NO_PAIRS = "its progress is not a list of pairs of numbers"


@pytest.mark.parametrize(
    ("progress", "error"),
    [
        (((np.float32(0), np.int64(88)),), ""),
        (np.array([[0.0, 88.0]]), ""),
        (7, NO_PAIRS),
        ("ab", NO_PAIRS),
        (((0, "x"),), NO_PAIRS),
        (((0, math.nan),), "its progress holds a number that is none"),
    ],
)
def test_progress_of_another_kind_does_not_stop_a_race(progress, error):
    entries = expand_instances("ft06", (0,), PROBLEM, CONFIG)
    agents = {"odd": Telling(lambda solution: SolverResult(solution, progress=progress))}
    race = Race(PROBLEM, CONFIG, entries, agents, AgentOptions(time_limit=5))
    list(race.run())
    (row,) = race.rows()
    to_line(race.record(row))
    assert row.error == error


@pytest.mark.parametrize("verb", ["benchmark", "sweep"])
def test_a_cluster_that_refuses_leaves_the_results_of_the_earlier_run(capsys, tmp_path, monkeypatch, verb):
    class NoCluster:
        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            raise InputError("no cluster there")

        def __exit__(self, *_):
            pass

    monkeypatch.setattr("schedlab.eval.commands.RayCluster", NoCluster)
    monkeypatch.setattr("schedlab.eval.report.save_figure", lambda *_: None)
    words = {
        "benchmark": ["--instances", "ft06"],
        "sweep": ["--preset", "random-6x6", "--option", "num-jobs", "--values", "4", "--seeds", "0"],
    }[verb]
    words = [verb, "job-shop", *words, "--agents", "spt", "--out", str(tmp_path)]
    assert main(words) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main([*words, "--ray"]) == 2
    assert capsys.readouterr().err == "schedlab: no cluster there\n"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("verb", ["benchmark", "race"])
def test_a_run_is_finished_when_it_is_and_not_when_it_begins(tmp_path, monkeypatch, verb):
    real, clock = time.gmtime, [0.0]
    monkeypatch.setattr(time, "gmtime", lambda *given: real(*(given or clock)))

    def an_hour_later(solution):
        clock[0] = 3600.0
        return SolverResult(solution)

    with_agent(monkeypatch, Telling(an_hour_later))
    words = [verb, "job-shop", "--instances", "ft06", "--agents", "odd", "--time-limit", "1", "--out", str(tmp_path)]
    assert main(words) == 0
    text = (tmp_path / {"benchmark": "summary.json", "race": "race.json"}[verb]).read_text()
    assert '"finished": "1970-01-01T01:00:00Z"' in text
    about = json.loads(text)
    assert (about["temperature"], about["quantile"], about["device"]) == (0.5, 0.0, "cpu")
    assert about.get("batch") == (1 if verb == "benchmark" else None)


class Compiling(Policy):
    """Takes 100 s by ``clock`` the first time that it sees one row, and the first time that it sees several."""

    def __init__(self, clock):
        self.clock, self.seen = clock, set()

    def act(self, simulator):
        if (kind := simulator.batch_size > 1) not in self.seen:
            self.seen.add(kind)
            self.clock[0] += 100.0
        return SPT.act(simulator)


def test_what_an_agent_does_the_first_time_only_is_not_measured(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    entries = expand_instances("ft06,la01,la02", (0,), PROBLEM, CONFIG)
    solver = Telling(SolverResult)
    for batch in (1, 2):  # of the second, one job has two instances and one has one
        agents = {"a": Compiling(clock), "b": solver}
        run = Benchmark(PROBLEM, CONFIG, entries, agents, AgentOptions(time_limit=5), batch)
        list(run.run())
        assert [row.seconds for row in run.rows()] == [0.0] * 6
    assert clock == [300.0], "it was slow once for a single row, and then once for each number of rows"
    assert solver.limits == [0.05, 5, 5, 5] * 2
