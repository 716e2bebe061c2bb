"""The checker's verdicts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.envs.soc.application import Application
from schedlab.envs.soc.check import check_run, latencies
from schedlab.envs.soc.config import SocConfig
from schedlab.envs.soc.generate import random_instance
from schedlab.envs.soc.instance import Physics, SocInstance
from schedlab.envs.soc.platform import Kind, Platform
from schedlab.envs.soc.solution import SocSolution

from .strategies import configs, played, runs

PLATFORM = Platform(
    "mine",
    (
        Kind("A", 1, {"x": 4, "y": 6}, ((500.0, 1000.0), (1000.0, 1000.0)), {1000.0: (2.0,)}),
        Kind("B", 2, {"y": 5, "z": 3}, power={1000.0: (1.0, 1.5)}),
    ),
    np.array([[1.0, 10.0], [10.0, 5.0]]),
    idle_power=0.5,
)
FORK = Application(
    "fork",
    ("s", "l", "r", "e"),
    ("x", "y", "y", "z"),
    np.array([[0, 1], [0, 2], [1, 3], [2, 3]]),
    np.array([20.0, 25.0, 10.0, 30.0]),
)
TWO_FORKS = SocInstance("two forks", PLATFORM, (FORK,), np.array([0, 0]), np.array([5]), prefilled=1)
# transfers: s -> l takes 2 from A to B, s -> r 2.5; l -> e takes 2 between the Bs, r -> e 6, or 3 from A to B
RIGHT = {
    "arrival": [0, 5],
    "pe": [0, 1, 0, 1, 0, 2, 1, 2],
    "start": [0, 6, 4, 13, 10, 16, 16, 27],
    "end": [4, 11, 10, 16, 14, 21, 21, 30],
}


def solution(**changes):
    """The right one, with some numbers replaced: ``start={4: 9}``."""
    data = {name: list(values) for name, values in RIGHT.items()}
    for name, items in changes.items():
        for place, value in items.items():
            data[name][place] = value
    return SocSolution.from_json(TWO_FORKS, data)


def test_a_right_run_gets_its_objective_and_measures():
    report = check_run(TWO_FORKS, solution(), SocConfig())
    assert report.feasible, report.violations
    assert report.objective == (16 + 25) / 2
    # A is busy for 14, one B for 11, both for 5, and the chip idles throughout
    energy = 2 * 14 + 1 * 11 + 1.5 * 5 + 0.5 * 30
    assert report.measures == pytest.approx(
        {
            "completed": 2,
            "p95_latency": 16 + 0.95 * 9,
            "energy_per_job": energy / 2,
            "utilisation_share": 35 / (3 * 30),
        }
    )
    np.testing.assert_array_equal(latencies(TWO_FORKS, solution(), SocConfig()), [16, 25])
    assert check_run(TWO_FORKS, solution(), SocConfig(objective="energy-per-job")).objective == energy / 2
    assert check_run(TWO_FORKS, solution(), SocConfig(objective="energy-delay")).objective == 20.5 * energy / 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end": {1: 12}}, "job 0, task 'l' on B-1 at 6: ends at 11, not at 12"),
        ({"end": {1: -1}}, "job 0, task 'l' on B-1 at 6: ends at 11, not at -1"),
        ({"pe": {0: 1}}, "job 0, task 's' on B-1 at 0: the PE does not support it"),
        ({"pe": {0: 3}}, "job 0, task 's' at 0: is on PE 3, but they are numbered 0..2"),
        ({"pe": {0: -1}}, "job 0, task 's' at 0: is on PE -1"),
        ({"start": {7: -1}, "end": {7: -1}}, "job 1, task 'e' on B-2: has a PE but never starts"),
        ({"start": {7: -1}, "pe": {7: -1}}, "job 1, task 'e': ends but never starts"),
        ({"start": {7: -1}, "pe": {7: -1}, "end": {7: -1}}, "job 1, task 'e': never starts, and the run ends with"),
        ({"start": {4: 9}, "end": {4: 13}}, "'s' on A at 9: the PE is busy until 10 with job 0, task 'r' on A at 4"),
        ({"pe": {5: 1}}, "at 16: the PE is busy until 21 with job 1, task"),
        ({"start": {1: 3}, "end": {1: 8}}, "task 'l' on B-1 at 3: starts although job 0, task 's' on A at 0 ends at 4"),
        ({"start": {1: 5}, "end": {1: 10}}, "'l' on B-1 at 5: its data from job 0, task 's' on A at 0 is there at 6"),
        ({"start": {7: 26}, "end": {7: 29}}, "at 26: its data from job 1, task 'r' on B-1 at 16 is there at 27"),
        ({"start": {4: 4}, "end": {4: 8}}, "job 1, task 's' on A at 4: starts before its job arrives"),
        ({"arrival": {1: 4}}, "job 1 (fork): arrives at 4, but must at 5"),
        ({"arrival": {0: 5, 1: 0}}, "job 0 (fork): arrives at 5, but must at 0"),
        ({"arrival": {1: -1}}, "job 1 (fork): never arrives, but must at 5"),
        ({"arrival": {1: -1}}, "job 1, task 's' on A at 10: starts, but its job never arrives"),
    ],
)  # fmt: skip
def test_each_kind_of_violation_is_named(changes, words):
    report = check_run(TWO_FORKS, solution(**changes), SocConfig())
    assert not report.feasible
    assert np.isnan(report.objective)
    assert not report.measures
    assert any(words in violation for violation in report.violations), report.violations


def test_a_consumer_needs_its_producer():
    changed = solution(start={5: -1}, pe={5: -1}, end={5: -1})
    report = check_run(replace(TWO_FORKS, length=40), changed, SocConfig())
    assert report.violations == ("job 1, task 'e' on B-2 at 27: starts although job 1, task 'l' does not",)


def test_arrays_of_another_shape_are_refused():
    good = solution()
    short = SocSolution(good.arrival, good.pe, good.start[:-1], good.end)
    assert check_run(TWO_FORKS, short, SocConfig()).violations == ("start: 7 numbers for 8 tasks",)
    negative = SocSolution(np.array([0, -5]), good.pe, good.start, good.end)
    assert check_run(TWO_FORKS, negative, SocConfig()).violations == ("arrival: number 1 is below -1",)


def test_only_the_first_hundred_violations_are_told():
    many = SocInstance("many", PLATFORM, (FORK,), np.zeros(200, np.int64), np.zeros(0, np.int64), prefilled=200)
    report = check_run(many, SocSolution.empty(200, 800), SocConfig())
    assert len(report.violations) == 100


def test_a_transfer_is_rounded_as_configured():
    early = solution(start={2: 6, 3: 21}, end={2: 11, 3: 24}, pe={2: 2})
    for rounding, feasible in (("floor", True), ("nearest", True), ("ceil", False)):
        report = check_run(replace(TWO_FORKS, physics=Physics(rounding=rounding)), early, SocConfig())
        assert report.feasible == feasible, report.violations
    slow = Platform("slow same PE", PLATFORM.kinds, PLATFORM.bandwidth, same_pe=20.0)
    report = check_run(replace(TWO_FORKS, platform=slow), solution(), SocConfig())
    assert report.violations == (
        "job 0, task 'r' on A at 4: its data from job 0, task 's' on A at 0 is there at 5",
    )  # fmt: skip


def test_frequencies_and_the_shortest_task_lengthen_times():
    report = check_run(TWO_FORKS, solution(), SocConfig(dvfs="A:500"))
    assert "job 0, task 's' on A at 0: ends at 8, not at 4" in report.violations
    report = check_run(replace(TWO_FORKS, physics=Physics(shortest_task=4)), solution(), SocConfig())
    assert report.violations[0] == "job 0, task 'e' on B-1 at 13: ends at 17, not at 16"


def test_noise_lengthens_times_but_not_below_one_nor_from_zero():
    platform = Platform("one", (Kind("P", 1, {"t": 10, "zero": 0}),), np.ones((1, 1)))
    application = Application("three", ("a", "b", "c"), ("t", "t", "zero"), np.zeros((0, 2), np.int64), np.zeros(0))
    instance = SocInstance(
        "noisy", platform, (application,), np.array([0]), np.zeros(0, np.int64), 1,
        deviation=0.5, noise=np.array([0.29, -9.0, 3.0]),
    )  # fmt: skip
    found = SocSolution(np.array([0]), np.zeros(3, np.int64), np.array([0, 11, 12]), np.array([11, 12, 12]))
    report = check_run(instance, found, SocConfig(noise=0.5))
    assert report.feasible, report.violations


def test_what_still_runs_at_the_end_has_no_end():
    short = replace(TWO_FORKS, length=28)
    report = check_run(short, solution(end={7: -1}), SocConfig())
    assert report.feasible, report.violations
    assert report.objective == 16, "only the finished job counts"
    assert report.measures["utilisation_share"] == pytest.approx(33 / (3 * 28))
    assert report.measures["energy_per_job"] == pytest.approx(28 + 9 + 7.5 + 0.5 * 28)
    report = check_run(short, solution(), SocConfig())
    assert report.violations == ("job 1, task 'e' on B-2 at 27: has not ended when the run does, at 28",)
    report = check_run(replace(TWO_FORKS, length=26), solution(end={7: -1}), SocConfig())
    assert report.violations == ("job 1, task 'e' on B-2 at 27: starts after the run, which ends at 26",)


@pytest.mark.parametrize(
    ("warm_up", "counts", "expected"),
    [
        (0, "completed", [16, 25]),
        (16, "completed", [16, 25]),
        (17, "completed", [25]),
        (31, "completed", []),
        (0, "injected", [16, 25]),
        (5, "injected", [25]),
        (6, "injected", []),
    ],
)
def test_the_warm_up_excludes_by_completion_or_by_injection(warm_up, counts, expected):
    instance = replace(TWO_FORKS, length=40, warm_up=warm_up, physics=Physics(warm_up_counts=counts))
    assert latencies(instance, solution(), SocConfig()).tolist() == expected
    report = check_run(instance, solution(), SocConfig())
    assert report.measures["completed"] == len(expected)
    assert report.objective == (np.mean(expected) if expected else 40), "none is as bad as one that never left"


# --- arrivals

ONE_PE = Platform("one", (Kind("P", 1, {"work": 4, "zero": 0}),), np.ones((1, 1)))
WORK = Application("work", ("w",), ("work",), np.zeros((0, 2), np.int64), np.zeros(0))
WORK_AND_NOTHING = Application("dummy", ("w", "e"), ("work", "zero"), np.array([[0, 1]]), np.zeros(1))


@pytest.mark.parametrize(
    ("application", "gaps", "values", "completions_first", "arrivals"),
    [
        # one at a time, each enters when the one before leaves, and the gap to the next counts from then
        (WORK, [1, 1, 10], {"max_jobs": 1}, True, [0, 4, 8, 18]),
        (WORK, [1, 1, 10], {"max_jobs": 1}, False, [0, 4, 8, 18]),
        (WORK_AND_NOTHING, [1, 1, 10], {"max_jobs": 1}, True, [0, 4, 8, 18]),
        # tried at 1 2 4, 5 6 8, 9 10 12, 13 14 16
        (WORK, [1, 1, 2], {"max_jobs": 1, "when_full": "retry"}, True, [0, 4, 8, 12]),
        (WORK, [1, 1, 2], {"max_jobs": 1, "when_full": "retry"}, False, [0, 5, 10, 16]),
        # the dummy task ends after the try at its moment
        (WORK_AND_NOTHING, [1, 1, 2], {"max_jobs": 1, "when_full": "retry"}, True, [0, 5, 10, 16]),
        (WORK, [3], {"max_jobs": 2, "when_full": "retry"}, True, [0, 3, 6, 9]),
        (WORK, [0, 0, 1], {}, True, [0, 0, 0, 1]),
        (WORK, [0, 3], {"when_full": "retry"}, True, [0, 0, 3, 3]),
        (WORK, [9, 9, 9], {"length": 17}, True, [0, 9, -1, -1]),
        (WORK, [9, 9, 9], {"length": 18}, True, [0, 9, 18, -1]),
        (WORK, [1, 1, 1], {"length": 7, "max_jobs": 1}, True, [0, 4, -1, -1]),
        (WORK, [1, 1, 1], {"length": 8, "max_jobs": 1}, True, [0, 4, 8, -1]),
        (WORK, [1], {"length": 8, "max_jobs": 1, "when_full": "retry"}, False, [0, 5, -1, -1]),
        (WORK, [0, 0, 0], {"max_jobs": 3}, True, [0, 0, 0, 4]),
    ],
)
def test_jobs_arrive_as_gaps_and_completions_say(application, gaps, values, completions_first, arrivals):
    values = {"prefilled": 1, "max_jobs": 0, "physics": Physics(completions_first=completions_first)} | values
    instance = SocInstance("jobs", ONE_PE, (application,), np.zeros(4, np.int64), np.array(gaps), **values)
    config = SocConfig()
    found = played(instance, config).solution(0)
    assert found.arrival.tolist() == arrivals
    report = check_run(instance, found, config)
    assert report.feasible, report.violations
    for j in range(4):
        for other in {-1, arrivals[j] - 1, arrivals[j] + 1} - {arrivals[j], -2}:
            arrival = found.arrival.copy()
            arrival[j] = other
            report = check_run(instance, replace(found, arrival=arrival), config)
            assert any(f"job {j} ({application.name}): " in violation for violation in report.violations), (j, other)


# --- against the simulator


def agrees(instance, config, seed):
    simulator = played(instance, config, seed)
    report = check_run(instance, simulator.solution(0), config)
    assert report.feasible, report.violations
    assert report.objective == pytest.approx(simulator.objective()[0], rel=1e-9, abs=1e-9)
    assert len(latencies(instance, simulator.solution(0), config)) == report.measures["completed"]
    assert 0 <= report.measures["utilisation_share"] <= 1


@settings(max_examples=150, deadline=None)
@given(config=configs(), seed=st.integers(0, 2**20))
def test_random_runs_get_the_objective_of_the_simulator(config, seed):
    agrees(random_instance(config, np.random.default_rng(seed)), config, seed)


@settings(max_examples=300, deadline=None)
@given(run=runs(), seed=st.integers(0, 2**20))
def test_hand_made_runs_get_the_objective_of_the_simulator(run, seed):
    agrees(*run, seed)


@settings(max_examples=150, deadline=None)
@given(run=runs(), seed=st.integers(0, 2**20), data=st.data())
def test_what_the_simulator_did_not_do_is_refused(run, seed, data):
    instance, config = run
    good = played(instance, config, seed).solution(0)
    started = np.flatnonzero(good.start >= 0)
    kind = data.draw(st.sampled_from(["end", "arrival", "before arrival", "unsupported", "overlap", "before producer"]))
    pe, start, end, arrival = good.pe.copy(), good.start.copy(), good.end.copy(), good.arrival.copy()
    job = np.repeat(np.arange(instance.num_jobs), np.diff(instance.first_task))
    task = data.draw(st.sampled_from(started.tolist())) if len(started) else None
    application = None if task is None else instance.applications[instance.job_application[job[task]]]
    name = "" if task is None else f"job {job[task]}, task {application.tasks[task - instance.first_task[job[task]]]!r}"
    if kind == "arrival":
        j = data.draw(st.integers(0, instance.num_jobs - 1))
        arrival[j] = arrival[j] + 1
        name = f"job {j} ("
    elif task is None:
        return
    elif kind == "end":
        end[task] = end[task] + 1
    elif kind == "before arrival":
        if arrival[job[task]] == 0:
            return
        start[task] = arrival[job[task]] - 1
    elif kind == "unsupported":
        tables = [kind for kind in instance.platform.kinds for _ in range(kind.count)]
        own = application.types[task - instance.first_task[job[task]]]
        other = [number for number, table in enumerate(tables) if own not in table.execution]
        if not other:
            return
        pe[task] = other[0]
    elif kind == "overlap":
        others = [t for t in started.tolist() if t != task and pe[t] == pe[task] and end[t] - start[t] > 1]
        if not others:
            return
        start[task] = start[others[0]] + 1
        name = "the PE is busy until"
    else:
        producers = application.edges[application.edges[:, 1] == task - instance.first_task[job[task]], 0]
        producers = producers + instance.first_task[job[task]]
        late = [producer for producer in producers if end[producer] > start[producer]]
        if not late:
            return
        start[task] = start[late[0]]
    report = check_run(instance, SocSolution(arrival, pe, start, end), config)
    assert not report.feasible
    assert any(name in violation for violation in report.violations), (name, report.violations)
