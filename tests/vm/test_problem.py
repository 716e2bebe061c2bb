"""VM rescheduling as a whole: names, files, options, presets, and one clear line for what does not fit."""

import gzip
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schedlab.envs.vm.render as render
from schedlab.agents import make_agent, play
from schedlab.envs.core import InputError, load_problem
from schedlab.envs.vm import VmConfig, VmSolution
from schedlab.envs.vm.instance import Fragment, Terms
from schedlab.eval.cli import main
from schedlab.eval.instance_sets import expand_instances

from . import CLUSTER, changed, refused, tiny

PROBLEM = load_problem("vm")
LESS = {"cluster_list": CLUSTER["cluster_list"][:1], "vm_type_list": CLUSTER["vm_type_list"]}


def written(tmp_path, content=CLUSTER, name="mine.json"):
    path = tmp_path / name
    data = json.dumps(content).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return str(path)


# --- files and names


@pytest.mark.parametrize("name", ["mine.json", "mine.json.gz"])
def test_a_cluster_from_a_file_is_played_and_checked_by_the_terms_of_the_configuration(tmp_path, name):
    config = PROBLEM.configure({"mnl": 3, "fragment": [8, 4], "fragment_weight": [1, 0.5], "delay": 30.0})
    instance = PROBLEM.load(written(tmp_path, name=name), config)
    assert PROBLEM.instance_name(instance) == "mine"
    assert instance.terms == Terms(3, (Fragment(8), Fragment(4, 1, 0.5)), None, 30.0)
    simulator = play(make_agent("ha-pair", PROBLEM, config), PROBLEM, [instance], config)
    report = PROBLEM.check(instance, simulator.solution(0), config)
    assert report.feasible
    assert report.objective == pytest.approx(simulator.objective()[0])


def test_the_limit_of_a_file_is_the_larger_end_of_a_pair(tmp_path):
    assert PROBLEM.load(written(tmp_path), PROBLEM.configure({"mnl": [2, 9]})).terms.mnl == 9
    assert PROBLEM.load(written(tmp_path), PROBLEM.configure({})).terms.mnl == 50


def test_what_comes_and_goes_in_a_file_is_the_same_at_every_reading_and_can_be_left_out(tmp_path):
    path = written(tmp_path)
    first, second = (PROBLEM.load(path, PROBLEM.configure({})).changes for _ in range(2))
    assert len(first) > 0
    for one, other in zip(vars(first).values(), vars(second).values(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(PROBLEM.load(path, PROBLEM.configure({"arrivals_per_minute": 0})).changes) == 0


def test_a_file_that_changes_is_read_again(tmp_path):
    path, config = written(tmp_path), PROBLEM.configure({})
    assert PROBLEM.load(path, config).num_pms == 3
    written(tmp_path, LESS)
    assert PROBLEM.load(path, config).num_pms == 2


def test_episodes_draw_from_the_files_that_the_configuration_names(tmp_path):
    small = written(tmp_path, LESS, "small.json")
    config = PROBLEM.configure({"instance": [written(tmp_path), small]})
    sample, rng = PROBLEM.sampler(config), np.random.default_rng(0)
    drawn = [sample(rng) for _ in range(12)]
    assert {instance.name for instance in drawn} == {"mine", "small"}
    simulator = PROBLEM.simulator_for_config(config, 12)
    simulator.reset(drawn)
    alone = PROBLEM.sampler(PROBLEM.configure({"instance": small}))
    assert alone(rng) is alone(rng)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "medium-hihg",
            "unknown cluster (a .json file, or one of the presets) 'medium-hihg'; did you mean medium-high",
        ),
        ("medium-high", "medium-high is a preset of random clusters: use `schedlab benchmark` with --seeds"),
        ("nowhere/cluster.json", "nowhere/cluster.json: no such file"),
        ("nowhere.json.gz", "nowhere.json.gz: no such file"),
    ],
)
def test_unknown_names_and_missing_files_are_refused_in_one_line(name, words):
    assert refused(lambda: PROBLEM.load(name, VmConfig())).startswith(words)


def test_errors_in_a_file_name_the_file_and_the_record(tmp_path):
    path = written(tmp_path, changed(CLUSTER, "cluster_list.0.vm_instance.0.host_id", "x"))
    message = refused(lambda: PROBLEM.load(path, VmConfig()))
    assert message.startswith(path)
    assert "v0" in message
    assert "\n" not in message
    assert refused(lambda: PROBLEM.sampler(VmConfig(instance=path))) == message
    assert "empty list" in refused(lambda: PROBLEM.sampler(VmConfig(instance=[])))


# --- configurations


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"instance": 3}, "instance must be a name, a file or a list of them, got 3"),
        ({"instance": ["a.json", 3]}, "instance must be a name, a file or a list of them"),
        ({"mix": "small"}, "mix 'small' not understood; use one of medium, large"),
        ({"num_pms": 0}, "num_pms must be at least 1, got 0"),
        ({"num_pms": 2.5}, "num_pms must be an integer or a pair"),
        ({"num_pms": [5, 2]}, "num_pms must be an integer or a pair"),
        ({"num_pms": 10**6}, "num_pms must be at most 100000"),
        ({"utilisation": 1.1}, "utilisation must lie in 0..1, got 1.1"),
        ({"utilisation": [-0.1, 0.5]}, "utilisation must lie in 0..1"),
        ({"utilisation": math.nan}, "utilisation must be a number or a pair"),
        ({"churn": -1}, "churn must lie in 0..100, got -1"),
        ({"churn": "much"}, "churn must be a number or a pair"),
        ({"tight": "rack"}, "tight 'rack' not understood; use one of pm, node"),
        ({"tight_share": 1.5}, "tight_share must be a number in 0..1"),
        ({"affinity": -1}, "affinity must be an integer in 0..1000"),
        ({"affinity": 1.5}, "affinity must be an integer"),
        ({"affinity_share": -0.5}, "affinity_share must be a number in 0..1"),
        ({"immovable": True}, "immovable must be a number in 0..1, got True"),
        ({"arrivals_per_minute": -1}, "arrivals_per_minute must be a number in 0..10000"),
        ({"arrivals_per_minute": math.inf}, "arrivals_per_minute must be a number"),
        ({"mnl": 0}, "mnl must be at least 1, got 0"),
        ({"mnl": 100_001}, "mnl must lie in 1..100000"),
        ({"mnl": "all"}, "mnl must be an integer or a pair"),
        ({"fragment": 0}, "a fragment of 0 cores on 1 NUMA nodes does not exist"),
        ({"fragment": 17}, "a fragment of 17 cores on 2 NUMA nodes does not exist"),
        ({"fragment": None}, "fragment must be a number or a list of them, got None"),
        ({"fragment": "16"}, "fragment must be a number or a list of them, got '16'"),
        ({"fragment": True}, "fragment must be a number or a list of them, got True"),
        ({"fragment": [16.0]}, "fragment must be a number or a list of them"),
        ({"fragment": []}, "the fragment rate counts 1 to 8 sizes, got 0"),
        ({"fragment": [2] * 9}, "the fragment rate counts 1 to 8 sizes, got 9"),
        ({"fragment_weight": [1, 2]}, "fragment_weight has 2 entries for 1 fragment sizes"),
        ({"fragment_weight": 0}, "the weight of FR16 must be positive, got 0"),
        ({"fragment_weight": math.nan}, "the weight of FR16 must be positive"),
        ({"fragment_weight": "heavy"}, "fragment_weight must be a number or a list of them"),
        ({"fragment_nodes": 3}, "a fragment of 16 cores on 3 NUMA nodes does not exist"),
        ({"fragment_nodes": 1.0}, "fragment_nodes must be a number or a list of them"),
        ({"objective": "energy"}, "objective 'energy' not understood; use one of fragment-rate, moves"),
        ({"objective": "moves"}, "a goal is a fragment rate to reach: give it together with objective 'moves'"),
        ({"goal": 0.3}, "a goal is a fragment rate to reach: give it together with objective 'moves', and only so"),
        ({"objective": "moves", "goal": -0.1}, "goal must be a number in 0..1e+09, got -0.1"),
        ({"objective": "moves", "goal": "low"}, "goal must be a number in 0..1e+09, got 'low'"),
        ({"objective": "moves", "goal": True}, "goal must be a number in 0..1e+09, got True"),
        ({"objective": "moves", "goal": 0.3, "delay": 5}, "a delay counts with the objective 'fragment-rate' only"),
        ({"delay": -1}, "delay must be a number in 0..86400"),
        ({"delay": math.nan}, "delay must be a number in 0..86400"),
        ({"delay": "5 s"}, "delay must be a number in 0..86400, got '5 s'"),
        ({"delay": None}, "delay must be a number in 0..86400, got None"),
        ({"offer": "some"}, "offer 'some' not understood; use one of every, distinct, once, fragmented"),
        ({"show": "none"}, "show 'none' not understood; use one of legal, all"),
        ({"num_vms": 3}, "unknown vm option 'num_vms'"),
    ],
)  # fmt: skip
def test_wrong_configurations_are_refused_by_name(values, words):
    message = refused(lambda: PROBLEM.configure(values))
    assert words in str(message)
    assert "\n" not in message


def test_large_fragments_are_of_both_numa_nodes_unless_told_otherwise():
    assert VmConfig(fragment=[8, 16, 32]).fragments == (Fragment(8), Fragment(16), Fragment(32, 2))
    assert VmConfig(fragment=32, fragment_nodes=1, fragment_weight=2).fragments == (Fragment(32, 1, 2.0),)


def test_what_the_user_gives_wins_over_a_preset():
    given = {"mnl": 3, "num_pms": 4}
    (entry,) = expand_instances("medium-high", [0], PROBLEM, PROBLEM.configure(given), given)
    assert (entry.instance.terms.mnl, entry.instance.num_pms) == (3, 4)
    (entry,) = expand_instances("small", [0], PROBLEM, PROBLEM.configure({}))
    assert (entry.instance.terms.mnl, entry.instance.num_pms) == (8, 20)


def test_an_agent_keeps_which_vms_it_looks_at_and_plays_any_cluster_limit_and_size():
    config = PROBLEM.configure({"num_pms": 7, "mnl": 3, "fragment": 8})
    playing = PROBLEM.playing(config, {"offer": "fragmented", "show": "all", "num_pms": 279, "mnl": 50})
    assert playing == PROBLEM.configure(
        {"num_pms": 7, "mnl": 3, "fragment": 8, "offer": "fragmented", "show": "all"}
    )  # fmt: skip
    assert PROBLEM.playing(playing, {}) == config
    with pytest.raises(InputError, match="offer 'some' not understood"):
        PROBLEM.playing(config, {"offer": "some"})
    assert PROBLEM.agent_for(config) == PROBLEM.agent_for(PROBLEM.configure({"objective": "moves", "goal": 0.1}))


def test_no_bound_is_published_and_no_cluster_is_built_in():
    assert PROBLEM.bound(tiny(), VmConfig()) is None
    assert PROBLEM.instance_names() == []


# --- solutions


@settings(max_examples=30, deadline=None)
@given(moves=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 1))))
def test_a_solution_survives_json(moves):
    data = json.loads(json.dumps(PROBLEM.solution_to_json(tiny(), VmSolution.of(moves))))
    again = PROBLEM.solution_from_json(tiny(), data)
    assert again.moves() == moves
    assert again.vm.dtype == np.int64
    assert len(again) == len(moves)


MOVE = {"vm": "small", "to": "b", "node": 0}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([MOVE], "'moves' must be a list"),
        ({"moves": MOVE}, "'moves' must be a list"),
        ({}, "'moves' must be a list"),
        ({"moves": [MOVE, ["small", "b", 0]]}, "move 1 must be an object"),
        ({"moves": [MOVE | {"vm": "large"}]}, "move 0 names the unknown VM 'large'"),
        ({"moves": [MOVE | {"vm": ["small"]}]}, "move 0 names the unknown VM ['small']"),
        ({"moves": [MOVE | {"to": "d"}]}, "move 0 names the unknown PM 'd'"),
        ({"moves": [MOVE | {"to": None}]}, "move 0 names the unknown PM None"),
        ({"moves": [MOVE | {"node": 2}]}, "move 0 has the NUMA node 2; use 0 or 1"),
        ({"moves": [MOVE | {"node": True}]}, "move 0 has the NUMA node True"),
        ({"moves": [MOVE | {"node": 1.0}]}, "move 0 has the NUMA node 1.0"),
        ({"moves": [MOVE | {"node": [0]}]}, "move 0 has the NUMA node [0]"),
        ({"moves": [{"vm": "small", "to": "b"}]}, "move 0 has the NUMA node None"),
    ],
)
def test_json_that_is_no_solution_is_refused_by_the_move(data, words):
    message = refused(lambda: PROBLEM.solution_from_json(tiny(), data))
    assert words in message
    assert "\n" not in message


def test_pictures_are_those_of_the_renderer(monkeypatch):
    calls = []
    monkeypatch.setattr(render, "draw_plan", lambda *arguments: calls.append(arguments) or "figure")
    monkeypatch.setattr(render, "draw_plan_text", lambda *arguments: calls.append(arguments) or "text")
    instance, plan = tiny(), VmSolution.of([(0, 1, 0)])
    assert PROBLEM.draw(instance, plan, "title") == "figure"
    assert PROBLEM.draw_text(instance, plan, 60) == "text"
    assert calls == [(instance, plan, "title"), (instance, plan, 60)]


def test_mixtures_are_lists_on_the_command_line(capsys):
    words = ["benchmark", "vm", "--instances", "small", "--seeds", "0", "--agents", "ha"]
    assert main([*words, "--fragment", "16,64", "--fragment-weight", "1,0.5"]) == 0
    assert main([*words, "--fragment", "16-64"]) == 2
    assert "--fragment" in capsys.readouterr().err
