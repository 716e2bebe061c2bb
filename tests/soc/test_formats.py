"""Platforms, applications and runs from outside: what is read, what is refused, and how."""

import copy
import json
import math

import numpy as np
import pytest

from schedlab.envs.core.errors import InputError
from schedlab.envs.soc.application import Application
from schedlab.envs.soc.catalog import PLATFORMS, applications, find_applications, find_platform
from schedlab.envs.soc.formats import application_from, application_to_json, platform_from, platform_to_json
from schedlab.envs.soc.instance import SocInstance, jobs_at_once
from schedlab.envs.soc.platform import Kind, Platform
from schedlab.envs.soc.ranks import costs_of
from schedlab.envs.soc.solution import SocSolution

PLATFORM = {
    "name": "mine",
    "bandwidth": {"default": 100, "same_pe": None, "between": [["CPU", "GPU", 10]]},
    "idle_power": 0.1,
    "kinds": [
        {
            "name": "CPU",
            "count": 2,
            "execution": {"decode": 12, "filter": 30},
            "operating_points": [[500, 900], [1000, 1000]],
            "power": {"1000": [1, 2]},
        },
        {"name": "GPU", "execution": {"filter": 4}},
    ],
}
APPLICATION = {"name": "video", "tasks": [["d", "decode"], ["f", "filter"]], "edges": [["d", "f", 300]]}
DELETED = object()


def changed(data, path, value):
    """A copy with another value at a path such as ``"kinds.0.count"``."""
    result = copy.deepcopy(data)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = result
    for part in way:
        place = place[part]
    if value is DELETED:
        del place[last]
    else:
        place[last] = value
    return result


def test_a_platform_and_an_application_are_read():
    platform = platform_from(PLATFORM, "p.json")
    assert platform.pe_names == ["CPU-1", "CPU-2", "GPU"]
    assert platform.execution("decode").tolist() == [12, -1]
    assert platform.bandwidth.tolist() == [[100, 10], [10, 100]]
    assert math.isinf(platform.same_pe)
    assert platform.frequencies("powersave") == [500, 1000]
    assert platform.frequencies("CPU:500") == [500, 1000]
    assert platform.kinds[0].watts(500) == pytest.approx(np.array([0, 1, 2]) * 0.5 * 0.9**2)
    application = application_from(APPLICATION, "a.json")
    costs = costs_of(platform, application, "powersave")
    assert costs.execution.tolist() == [[24, 24, -1], [60, 60, 4]]
    assert costs.delay.tolist() == [[[3, 30], [30, 3]]]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("name", DELETED, "p.json: 'name' must be a text, got None"),
        ("name", 7, "'name' must be a text, got 7"),
        ("name", {"x": "y" * 100}, "..."),
        ("colour", "red", "p.json: 'colour' not understood; known: bandwidth, idle_power, kinds, name"),
        ("kinds", DELETED, "p.json: 'kinds' is missing"),
        ("kinds", {}, "'kinds' must be a list"),
        ("kinds.0", "CPU", "p.json: kind: expected a table of names and values, got 'CPU'"),
        ("kinds.0.speed", 3, "p.json: kind: 'speed' not understood"),
        ("kinds.0.count", 0, "kind 'CPU': count must lie in 1..256, got 0"),
        ("kinds.0.count", 1.5, "kind 'CPU': count must be a whole number, got 1.5"),
        ("kinds.0.count", True, "kind 'CPU': count must be a whole number, got True"),
        ("kinds.0.count", 10**400, "kind 'CPU': count must lie in 1..256"),
        ("kinds.1.name", "CPU", "bandwidth: no kind is called 'GPU'"),
        ("kinds.1.count", 255, "257 PEs; at most 256"),
        ("kinds.0.execution", DELETED, "kind 'CPU': execution: expected a table of names and values, got 'None'"),
        ("kinds.0.execution", ["decode"], "kind 'CPU': execution: expected a table"),
        (
            "kinds.0.execution.decode",
            -12,
            "kind 'CPU': the execution time of 'decode' must be a whole number of micros",
        ),
        ("kinds.0.execution.decode", 1.5, "the execution time of 'decode' must be a whole number"),
        ("kinds.0.execution.decode", "12", "the execution time of 'decode' must be a whole number"),
        ("kinds.0.execution.decode", math.nan, "the execution time of 'decode' must be a whole number"),
        ("kinds.0.execution.decode", 10**12, "the execution time of 'decode' must be a whole number"),
        ("kinds.0.execution.decode", None, "the execution time of 'decode' must be a whole number"),
        ("kinds.0.operating_points", 1000, "kind 'CPU': 'operating_points' must be a list"),
        ("kinds.0.operating_points", [], "kind 'CPU': operating_points must be [MHz, mV] pairs in ascending order"),
        ("kinds.0.operating_points.0", [500], "kind 'CPU': an operating point is [MHz, mV], not [500]"),
        ("kinds.0.operating_points.0.0", "fast", "kind 'CPU': MHz: expected a number, got 'fast'"),
        ("kinds.0.operating_points.0.0", 1200, "operating_points must be [MHz, mV] pairs in ascending order"),
        ("kinds.0.operating_points.0.0", 1000, "operating_points must be [MHz, mV] pairs in ascending order"),
        ("kinds.0.operating_points.0.0", 1e-9, "operating_points must be [MHz, mV] pairs in ascending order, of 0.1"),
        ("kinds.0.operating_points.0.1", -900, "operating_points must be [MHz, mV] pairs"),
        ("kinds.0.power", [1, 2], "kind 'CPU': power: expected a table"),
        ("kinds.0.power", {"fast": [1, 2]}, "kind 'CPU': power is listed by MHz, not by 'fast'"),
        ("kinds.0.power", {"700": [1, 2]}, "kind 'CPU': power is given at 700 MHz, not an operating point"),
        ("kinds.0.power", {"1000": 3}, "kind 'CPU': power at 1000 MHz must be a list of watts, got 3"),
        ("kinds.0.power", {"1000": [1]}, "power at 1000 MHz must list the watts of 1..2 busy PEs, ascending"),
        ("kinds.0.power", {"1000": [2, 1]}, "power at 1000 MHz must list the watts of 1..2 busy PEs, ascending"),
        ("kinds.0.power", {"1000": [-1, 1]}, "power at 1000 MHz must list the watts"),
        ("kinds.0.power", {"1000": [1, math.nan]}, "power at 1000 MHz: expected a number, got nan"),
        ("kinds.0.power", {"1000": [1, 10**400]}, "power at 1000 MHz: expected a number, got 1000"),
        ("bandwidth", 10, "p.json: bandwidth: expected a table of names and values"),
        ("bandwidth.speed", 10, "p.json: bandwidth: 'speed' not understood; known: between, default, same_pe"),
        ("bandwidth.default", 0, "platform 'mine': bandwidths must be numbers from 0.001"),
        ("bandwidth.default", -5, "bandwidths must be numbers from 0.001"),
        ("bandwidth.default", 1e-30, "bandwidths must be numbers from 0.001"),
        ("bandwidth.default", 10**400, "p.json: bandwidth: default: expected a number"),
        ("bandwidth.default", math.inf, "p.json: bandwidth: default: expected a number, got inf"),
        ("bandwidth.same_pe", -1, "bandwidths must be numbers from 0.001"),
        ("bandwidth.same_pe", "inf", "p.json: bandwidth: same_pe: expected a number, got 'inf'"),
        ("bandwidth.between", {"CPU": 1}, "'between' must be a list"),
        ("bandwidth.between.0", ["CPU", 10], "write [KIND, KIND, VOLUME PER MICROSECOND], not ['CPU', 10]"),
        ("bandwidth.between.0.1", "NPU", "bandwidth: no kind is called 'NPU'"),
        ("bandwidth.between.0.1", [], "bandwidth: no kind is called []"),
        ("bandwidth.between.0.2", -10, "bandwidths must be numbers from 0.001"),
        ("bandwidth.between.0.2", "10", "p.json: bandwidth of CPU and GPU: expected a number, got '10'"),
        ("bandwidth.between", [["CPU", "GPU", 1], ["GPU", "CPU", 2]], "bandwidth: 'GPU' and 'CPU' are there twice"),
        ("idle_power", -1, "platform 'mine': idle_power must be watts from 0, got -1.0"),
        ("idle_power", "low", "p.json: idle_power: expected a number, got 'low'"),
        ("idle_power", math.nan, "p.json: idle_power: expected a number, got nan"),
    ],
)
def test_wrong_platforms_are_refused_by_name(path, value, words):
    with pytest.raises(InputError) as caught:
        platform_from(changed(PLATFORM, path, value), "p.json")
    message = str(caught.value)
    assert message.startswith("p.json: ")
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("name", "", "a.json: 'name' must be a text, got ''"),
        ("colour", "red", "a.json: 'colour' not understood; known: edges, name, tasks"),
        ("tasks", DELETED, "a.json: application 'video': 'tasks' is missing"),
        ("tasks", "d", "'tasks' must be a list"),
        ("tasks.0", "d", "application 'video': a task is [NAME, TYPE], not 'd'"),
        ("tasks.0", ["d", 3], "a task is [NAME, TYPE], not ['d', 3]"),
        ("tasks.1.0", "d", "edge 'd' -> 'f': no task is called 'f'"),
        ("tasks", [["d", "decode"], ["f", "filter"], ["d", "filter"]], "application 'video': two tasks are called 'd'"),
        ("edges", {"d": "f"}, "'edges' must be a list"),
        ("edges.0", ["d", "f"], "an edge is [PRODUCER, CONSUMER, VOLUME], not ['d', 'f']"),
        ("edges.0.1", "g", "application 'video': edge 'd' -> 'g': no task is called 'g'"),
        ("edges.0.0", 0, "edge 0 -> 'f': no task is called 0"),
        ("edges.0.0", ["d"], "no task is called ['d']"),
        ("edges.0.2", -1, "application 'video': the volume of edge 'd' -> 'f' must be a number from 0, got -1"),
        ("edges.0.2", "much", "volume of edge 'd' -> 'f': expected a number, got 'much'"),
        ("edges.0.2", math.nan, "volume of edge 'd' -> 'f': expected a number, got nan"),
        ("edges.0.2", True, "volume of edge 'd' -> 'f': expected a number, got True"),
        ("edges.0.2", 1e20, "the volume of edge 'd' -> 'f' must be a number from 0, got 1e+20"),
        ("edges.0.2", 10**400, "volume of edge 'd' -> 'f': expected a number"),
        ("edges", [["d", "f", 1], ["d", "f", 1]], "edge 'd' -> 'f' is there twice"),
        ("edges", [["d", "d", 1]], "application 'video' has a cycle: d -> d"),
        ("edges", [["d", "f", 1], ["f", "d", 1]], "application 'video' has a cycle: "),
    ],
)
def test_wrong_applications_are_refused_by_name(path, value, words):
    with pytest.raises(InputError) as caught:
        application_from(changed(APPLICATION, path, value), "a.json")
    message = str(caught.value)
    assert message.startswith("a.json: ")
    assert words in message
    assert "\n" not in message


def test_nothing_and_twice_the_same_are_refused():
    alone = changed(PLATFORM, "bandwidth", {"default": 1})
    with pytest.raises(InputError, match=r"p\.json: platform 'mine' has no kinds of PEs"):
        platform_from(changed(alone, "kinds", []), "p.json")
    with pytest.raises(InputError, match=r"p\.json: platform 'mine': two kinds are called 'CPU'"):
        platform_from(changed(alone, "kinds.1.name", "CPU"), "p.json")
    with pytest.raises(InputError, match=r"a\.json: application 'video' has no tasks"):
        application_from({"name": "video", "tasks": []}, "a.json")


@pytest.mark.parametrize("data", [None, 3, "text", [], [PLATFORM]])
def test_what_is_no_table_is_refused(data):
    for read in (platform_from, application_from):
        with pytest.raises(InputError, match=r"^x\.json: expected a table of names and values, got "):
            read(data, "x.json")


def test_a_cycle_is_named_without_what_leads_to_it_and_from_it():
    tasks = [[name, "t"] for name in "abcdef"]
    edges = [["a", "b", 1], ["b", "c", 1], ["c", "d", 1], ["d", "b", 1], ["d", "e", 1], ["e", "f", 1]]
    with pytest.raises(InputError, match=r"has a cycle: (b -> c -> d -> b|c -> d -> b -> c|d -> b -> c -> d)$"):
        application_from({"name": "round", "tasks": tasks, "edges": edges}, "a.json")


def test_a_task_that_no_pe_supports_is_named():
    application = application_from(changed(APPLICATION, "tasks.1.1", "render"), "a.json")
    with pytest.raises(
        ValueError, match="'f' of application 'video' has the type 'render', which no PE of 'mine' supp"
    ):
        costs_of(platform_from(PLATFORM, "p.json"), application)


def test_the_same_mistakes_are_found_without_json():
    with pytest.raises(ValueError, match="the execution time of 't'"):
        Kind("K", 1, {"t": True})
    kind = Kind("K", 1, {"t": 1})
    for bandwidth in (np.ones((2, 2)), np.zeros((1, 1)), np.full((1, 1), np.nan)):
        with pytest.raises(ValueError, match="bandwidth"):
            Platform("P", (kind,), bandwidth)
    with pytest.raises(ValueError, match="symmetric"):
        Platform("P", (kind, Kind("L", 1, {})), np.array([[1.0, 2.0], [3.0, 1.0]]))
    with pytest.raises(ValueError, match="edge 0 -> 5 names a task that does not exist"):
        Application("A", ("a",), ("t",), np.array([[0, 5]]), np.zeros(1))
    with pytest.raises(ValueError, match="1 tasks but 2 types"):
        Application("A", ("a",), ("t", "t"), np.zeros((0, 2), np.int64), np.zeros(0))
    with pytest.raises(ValueError, match="1 volumes for edges of shape"):
        Application("A", ("a",), ("t",), np.zeros((0, 2), np.int64), np.zeros(1))


@pytest.mark.parametrize(
    ("dvfs", "words"),
    [
        ("fast", "'fast' not understood; use performance, powersave, or kinds with MHz"),
        ("CPU", "not understood"),
        ("CPU:", "not understood"),
        ("NPU:500", "mine has no kind 'NPU', only CPU, GPU"),
        ("CPU:700", "CPU runs at 500, 1000 MHz, not at 700"),
        ("CPU:500,GPU:7", "runs at 1000 MHz, not at 7"),
        ("CPU:nan", "runs at 500, 1000 MHz, not at nan"),
    ],
)
def test_frequencies_that_do_not_exist_are_refused(dvfs, words):
    with pytest.raises(ValueError, match="dvfs") as caught:
        platform_from(PLATFORM, "p.json").frequencies(dvfs)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"job_application": np.array([1])}, "jobs refer to applications that do not exist"),
        ({"job_application": np.zeros(0, np.int64)}, "a run needs an application and a job"),
        ({"gap": np.array([3, -1])}, "gap 1 is negative"),
        ({"prefilled": 2}, "must not be negative"),
        ({"prefilled": 1, "max_jobs": -1}, "must not be negative"),
        ({"job_application": np.zeros(3, np.int64), "prefilled": 3, "max_jobs": 2}, "3 jobs at time 0, but at most 2"),
        ({"when_full": "wait"}, "when_full 'wait' not understood; use one of stall, retry"),
        ({"when_full": "retry", "gap": np.zeros(1, np.int64)}, "gaps are all 0"),
        ({"gap": np.zeros(0, np.int64)}, "1 jobs, but only 0 gaps"),
        ({"warm_up": 3}, "a warm-up needs a run of a given length"),
        ({"warm_up": 3, "length": 3}, "the warm-up of 3 leaves nothing of 3"),
        ({"noise": np.zeros(1)}, "1 noise terms for 2 tasks"),
    ],
)
def test_numbers_that_describe_no_run_are_refused(values, words):
    platform, application = platform_from(PLATFORM, "p.json"), application_from(APPLICATION, "a.json")
    whole = {"job_application": np.zeros(1, np.int64), "gap": np.ones(1, np.int64)} | values
    with pytest.raises(ValueError, match=words):
        SocInstance("run", platform, (application,), **whole)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "'arrival' must list 1 whole numbers"),
        ({"arrival": [0]}, "'pe' must list 2 whole numbers"),
        ({"arrival": [0], "pe": [0, 0], "start": [0, 1.5], "end": [1, 2]}, "'start' must be whole numbers"),
        ({"arrival": [0], "pe": [0, -2], "start": [0, 1], "end": [1, 2]}, "'pe' must be whole numbers"),
        ({"arrival": [10**30], "pe": [0, 0], "start": [0, 1], "end": [1, 2]}, "'arrival' must be whole numbers"),
        ({"arrival": [True], "pe": [0, 0], "start": [0, 1], "end": [1, 2]}, "'arrival' must be whole numbers"),
    ],
)
def test_solutions_of_another_shape_are_refused(data, words):
    platform, application = platform_from(PLATFORM, "p.json"), application_from(APPLICATION, "a.json")
    with pytest.raises(InputError, match=words):
        SocSolution.from_json(jobs_at_once("run", platform, (application,)), data)


# --- names and files


def test_unknown_names_are_answered_with_those_that_are_near():
    with pytest.raises(InputError, match=r"unknown platform 'ds4'; did you mean .*ds3"):
        find_platform("ds4")
    with pytest.raises(InputError, match=r"unknown application 'wifi-xx'; did you mean .*wifi-"):
        find_applications("wifi-xx")
    with pytest.raises(InputError, match=r"unknown application 'q'; known: canonical, peft"):
        find_applications("q")


def test_files_are_read(tmp_path):
    platform, application = tmp_path / "p.json", tmp_path / "a.json"
    platform.write_text(json.dumps(PLATFORM))
    assert find_platform(str(platform)).name == "mine"
    application.write_text(json.dumps({"applications": [APPLICATION, changed(APPLICATION, "name", "other")]}))
    assert [found.name for found in find_applications(str(application))] == ["video", "other"]
    both = tmp_path / "both.json"
    both.write_text(json.dumps({"platform": PLATFORM, "applications": [APPLICATION]}))
    assert find_platform(str(both)).name == "mine"
    assert find_applications(str(both))[0].name == "video"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1]", "expected a table"),
        ("[" * 10**5, "not JSON"),
        ("NaN", "expected a t"),
    ],
)
def test_files_that_hold_something_else_are_refused(tmp_path, content, words):
    path = tmp_path / "x.json"
    path.write_text(content)
    for find in (find_platform, find_applications):
        with pytest.raises(InputError, match=words) as caught:
            find(str(path))
        assert "x.json" in str(caught.value)


def test_missing_files_are_refused(tmp_path):
    for find in (find_platform, find_applications):
        with pytest.raises(InputError, match="no such file"):
            find(str(tmp_path / "missing.json"))
        with pytest.raises(InputError, match="is a folder"):
            find(str(tmp_path))


# --- round trips


@pytest.mark.parametrize("name", [*PLATFORMS, "mine"])
def test_platforms_survive_json(name):
    platform = platform_from(PLATFORM, "p.json") if name == "mine" else find_platform(name)
    again = platform_from(json.loads(json.dumps(platform_to_json(platform))), "again")
    assert again.kinds == platform.kinds
    assert (again.name, again.same_pe, again.idle_power) == (platform.name, platform.same_pe, platform.idle_power)
    np.testing.assert_array_equal(again.bandwidth, platform.bandwidth)


def test_odd_frequencies_survive_json():
    kind = Kind("K", 1, {"t": 1}, ((133.3333333, 900.0), (1234567 / 1e3, 950.5)), {1234567 / 1e3: (0.1,)})
    platform = Platform("odd", (kind,), np.full((1, 1), 1 / 3))
    assert platform_from(json.loads(json.dumps(platform_to_json(platform))), "again").kinds == (kind,)


@pytest.mark.parametrize("name", list(applications()))
def test_applications_survive_json(name):
    application = applications()[name]
    again = application_from(json.loads(json.dumps(application_to_json(application))), "again")
    assert (again.name, again.tasks, again.types) == (application.name, application.tasks, application.types)
    np.testing.assert_array_equal(again.edges, application.edges)
    np.testing.assert_array_equal(again.volume, application.volume)
