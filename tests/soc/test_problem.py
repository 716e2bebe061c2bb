"""The SoC problem as a whole: names, files, bounds, presets, and one clear line for what does not fit."""

import json

import numpy as np
import pytest

from schedlab.agents import make_agent, play
from schedlab.envs.core import InputError, load_problem
from schedlab.envs.soc import SocConfig
from schedlab.envs.soc.problem import OPTIMAL
from schedlab.eval.benchmark import check_agents
from schedlab.eval.instance_sets import expand_instances

PROBLEM = load_problem("soc")
PLATFORM = {
    "name": "mine",
    "bandwidth": {"default": 2},
    "kinds": [{"name": "CPU", "count": 2, "execution": {"a": 5, "b": 3}}, {"name": "ACC", "execution": {"b": 1}}],
}
CHAIN = {"name": "chain", "tasks": [["x", "a"], ["y", "b"]], "edges": [["x", "y", 4]]}


def written(tmp_path, content, name="run.json"):
    path = tmp_path / name
    path.write_text(json.dumps(content))
    return str(path)


def test_a_run_from_a_file_is_played_by_hand_and_checked(tmp_path):
    jobs = [{"application": "chain", "arrival": 7}, {"application": "chain"}]
    path = written(tmp_path, {"platform": PLATFORM, "applications": [CHAIN], "jobs": jobs})
    config = PROBLEM.configure({})
    instance = PROBLEM.load(path, config)
    assert instance.prefilled == 1
    assert instance.gap.tolist() == [7]
    simulator = play(make_agent("etf", PROBLEM, config), PROBLEM, [instance], config)
    # x takes 5, then y 3 on the same CPU or 2 + 1 on the accelerator: 8 either way, for both jobs
    assert simulator.objective()[0] == 8
    assert PROBLEM.check(instance, simulator.solution(0), config).feasible


def test_only_single_jobs_on_the_platform_of_the_literature_have_its_optimum(tmp_path):
    config = PROBLEM.configure({})
    for name, optimum in OPTIMAL.items():
        bound = PROBLEM.bound(PROBLEM.load(name, config), config)
        assert (bound.value, bound.kind) == (optimum, "optimal")
    elsewhere = PROBLEM.load(
        written(tmp_path, {"platform": "ds3-cores", "applications": ["wifi-rx"]}, "wifi-rx.json"), config
    )
    assert PROBLEM.bound(elsewhere, config).kind == "critical-path"
    assert (
        PROBLEM.bound(PROBLEM.load("wifi-rx", PROBLEM.configure({"shortest_task": 1})), config).kind == "critical-path"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"applications": [CHAIN]}, "'platform' is missing"),
        ({"platform": "ds4", "applications": [CHAIN]}, "did you mean ds3"),
        ({"platform": PLATFORM, "applications": ["wifi-txx"]}, "did you mean wifi-tx"),
        ({"platform": PLATFORM, "applications": ["wifi-tx"]}, "no PE of 'mine' supports"),
        ({"platform": PLATFORM, "applications": [CHAIN, CHAIN]}, "two applications are called 'chain'"),
        ({"platform": PLATFORM, "applications": [CHAIN], "jobs": [{"application": "ring"}]}, "job 0"),
        ({"platform": PLATFORM, "applications": [CHAIN], "jobs": [{"application": "chain", "arrival": -1}]}, "arrival"),
        ({"platform": PLATFORM, "applications": [CHAIN], "time": 3}, "'time' not understood"),
        ([1, 2], "expected a table"),
    ],
)
def test_a_wrong_run_is_refused_in_one_line_that_names_the_element(tmp_path, content, words):
    with pytest.raises(InputError, match=words) as caught:
        PROBLEM.load(written(tmp_path, content), PROBLEM.configure({}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"dvfs": "turbo"}, "dvfs 'turbo' not understood"),
        ({"dvfs": "A15:1"}, "A15 runs at"),
        ({"platform": "three-pe"}, "no PE of 'three-pe' supports"),
        ({"applications": ["video"]}, "unknown application 'video'"),
        ({"mix": [1.0]}, "1 shares for 2 applications"),
        ({"platform": "three-pe-peft", "applications": ["peft"], "objective": "energy-per-job", "dvfs": "P9:1"}, "P9"),
    ],
)
def test_a_stream_that_does_not_fit_together_is_refused_before_anything_is_played(values, words):
    with pytest.raises(InputError, match=words):
        PROBLEM.sampler(PROBLEM.configure(values))


def test_energy_needs_a_platform_that_says_what_it_draws(tmp_path):
    path = written(tmp_path, {"platform": PLATFORM, "applications": [CHAIN]})
    with pytest.raises(InputError, match="says nothing of its power"):
        PROBLEM.load(path, PROBLEM.configure({"objective": "energy-per-job"}))


def test_shares_of_a_file_with_several_applications_are_counted_when_it_is_read(tmp_path):
    other = {**CHAIN, "name": "other"}
    platform = written(tmp_path, PLATFORM, "platform.json")
    both = written(tmp_path, {"applications": [CHAIN, other]}, "both.json")
    config = PROBLEM.configure(
        {"platform": platform, "applications": both, "mix": [0.0, 1.0], "length": 500, "warm_up": 0}
    )
    instance = PROBLEM.sampler(config)(np.random.default_rng(0))
    assert set(instance.job_application.tolist()) == {1}


def test_what_the_user_gives_wins_over_a_preset():
    given = {"queue_order": "fifo"}
    config = PROBLEM.configure(given)
    (entry,) = expand_instances("ds3", [0], PROBLEM, config, given)
    assert entry.instance.physics.queue_order == "fifo"
    (entry,) = expand_instances("ds3", [0], PROBLEM, PROBLEM.configure({}))
    assert entry.instance.physics.queue_order == "job"


@pytest.mark.parametrize("agent", ["heft", "cp-sat"])
def test_a_benchmark_of_a_static_scheduler_on_a_stream_is_refused_before_it_starts(agent):
    config = PROBLEM.configure({})
    entries = expand_instances("top5-pss", [0], PROBLEM, config)
    with pytest.raises(InputError, match="is a stream"):
        check_agents({agent: make_agent(agent, PROBLEM, config)}, entries, config)


def test_the_unit_of_features_says_nothing_of_the_jobs_to_come():
    config = SocConfig(platform="three-pe", applications=("top1", "top2"), protocol="jobs", num_jobs=3, prefilled=1)
    sample = PROBLEM.sampler(config)
    instances = [sample(np.random.default_rng(seed)) for seed in range(6)]
    assert len({tuple(instance.job_application.tolist()) for instance in instances}) > 1
    simulator = PROBLEM.simulator_for(instances, config)
    simulator.reset(instances)
    assert (simulator.scale == simulator.scale[0]).all()
    nodes = simulator.observe().nodes
    np.testing.assert_array_equal(nodes, np.broadcast_to(nodes[:1], nodes.shape))


@pytest.mark.parametrize("name", PROBLEM.presets())
def test_every_preset_makes_runs_that_fit_its_simulator(name):
    config = PROBLEM.configure({**PROBLEM.presets()[name], "length": 600, "warm_up": 0})
    simulator = PROBLEM.simulator_for_config(config, 4)
    sample = PROBLEM.sampler(config)
    for seed in range(5):
        simulator.reset([sample(np.random.default_rng(4 * seed + row)) for row in range(4)])
        assert simulator.observe().action_mask.any(axis=1).all()
