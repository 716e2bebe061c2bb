"""Air taxis as a whole: files, names, presets, solutions, the environment, and one clear line for what does not fit."""

import doctest
import inspect
import json
import re
import warnings
from dataclasses import fields

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings

import schedlab.envs.uam.render as render
from schedlab.agents import make_agent, play
from schedlab.envs.core import InputError, load_problem
from schedlab.envs.uam import UamConfig, UAMFleetEnv, UAMFleetVectorEnv, UamInstance, UamSolution, write_day
from schedlab.envs.uam import env as page_of_env
from schedlab.envs.uam.observe import (
    AIRCRAFT_FEATURES,
    CANDIDATE_FEATURES,
    CONTEXT_FEATURES,
    LOOK_AHEAD_FEATURES,
    NODE_FEATURES,
)
from schedlab.eval.instance_sets import expand_instances

from .days import by_list, played, solution_of, tiny_day
from .strategies import SEEDS, days, rest_of, started

PROBLEM = load_problem("uam")
SMALL = {"num_vertiports": 4, "num_aircraft": 3}
OPTIONS = {
    "plain": {},
    "stock": {"demand": "stock", "whole_fares": True, "surge": 0.0, "cost": 0.0},
    "certain": {"delay": 0.0, "delay_spread": 0.0, "closure": 0.0, "failure": 0.0},
    "storm": {"delay": 20.0, "closure": 0.6, "closure_minutes": 30.0, "failure": 0.1},
    "vertistops": {"vertistops": 2},
    "waiting": {"charging": "waiting", "vertistops": 1},
    "corridors": {"corridors": 2, "separation": 3.0},
    "ranges": {"num_vertiports": [3, 6], "num_aircraft": [1, 7], "level": [0.5, 4.0], "peak": [0.0, 20.0]},
    "all": {"show": "all", "num_aircraft": [2, 5]},
    "normalised": {"normalize_reward": True},
    "strict": {"strict": True},
}


def refused(call):
    """Why something is refused, in one line."""
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def written(tmp_path, instance, name="mine.json"):
    write_day(tmp_path / name, instance)
    return str(tmp_path / name)


def legal(info, rng):
    return int(rng.choice(np.flatnonzero(info["action_mask"])))


# --- files and names


def test_a_day_from_a_file_is_played_and_checked(tmp_path):
    config = PROBLEM.configure({})
    instance = PROBLEM.load(written(tmp_path, tiny_day(demand={(0, 0, 1): 3})), config)
    assert PROBLEM.instance_name(instance) == "tiny"
    simulator = play(make_agent("greedy-hour", PROBLEM, config), PROBLEM, [instance], config)
    report = PROBLEM.check(instance, simulator.solution(0), config)
    assert report.feasible
    assert report.objective == pytest.approx(simulator.objective()[0])
    assert rest_of(started(instance), 0) == rest_of(started(tiny_day(demand={(0, 0, 1): 3})), 0)


def test_a_file_that_changes_is_read_again(tmp_path):
    path, config = written(tmp_path, tiny_day()), PROBLEM.configure({})
    assert PROBLEM.load(path, config) is PROBLEM.load(path, config)
    assert PROBLEM.load(path, config).num_aircraft == 2
    written(tmp_path, tiny_day(start=[0, 1, 2]))
    assert PROBLEM.load(path, config).num_aircraft == 3


def test_episodes_draw_from_the_files_that_the_configuration_names(tmp_path):
    paths = [written(tmp_path, tiny_day(name=name, start=start), f"{name}.json") for name, start in
             (("one", [0]), ("two", [0, 1]))]  # fmt: skip
    config = PROBLEM.configure({"instance": paths})
    sample, rng = PROBLEM.sampler(config), np.random.default_rng(0)
    drawn = [sample(rng) for _ in range(12)]
    assert {instance.name for instance in drawn} == {"one", "two"}
    simulator = PROBLEM.simulator_for_config(config, 12)
    simulator.reset(drawn)
    assert simulator.sizes == PROBLEM.simulator_for(drawn, config).sizes
    alone = PROBLEM.sampler(PROBLEM.configure({"instance": paths[0]}))
    assert alone(rng) is alone(rng)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("storm-04", "unknown day (a .json file, or one of the presets) 'storm-04'; did you mean storm-40"),
        ("balanced-40", "balanced-40 is a preset of random days: use `schedlab benchmark` with --seeds"),
        ("nowhere/day.json", "nowhere/day.json: no such file"),
        ("nowhere.json", "nowhere.json: no such file"),
    ],
)
def test_unknown_names_and_missing_files_are_refused(name, words):
    assert refused(lambda: PROBLEM.load(name, UamConfig())).startswith(words)
    assert refused(lambda: PROBLEM.sampler(UamConfig(instance=name))).startswith(words)


def test_errors_in_a_file_name_the_file_and_the_field(tmp_path):
    path = written(tmp_path, tiny_day())
    data = json.loads((tmp_path / "mine.json").read_text())
    data["vertiports"][1]["parking"] = -1
    (tmp_path / "mine.json").write_text(json.dumps(data))
    message = refused(lambda: PROBLEM.load(path, UamConfig()))
    assert message.startswith(path)
    assert "parking" in message
    assert refused(lambda: PROBLEM.simulator_for_config(UamConfig(instance=[path]), 1)) == message
    assert "empty list" in refused(lambda: PROBLEM.sampler(UamConfig(instance=[])))


# --- presets and what agents bring along


def test_what_the_user_gives_wins_over_a_preset():
    given_by_user = {"num_aircraft": 3, "closure": 0.0}
    (entry,) = expand_instances("storm-40", [0], PROBLEM, PROBLEM.configure(given_by_user), given_by_user)
    assert (entry.instance.num_aircraft, entry.instance.num_vertiports) == (3, 8)
    assert not entry.instance.closed.any()
    assert entry.instance.delay.max() > 360
    (one, other) = expand_instances("proto-19", [0, 1], PROBLEM, PROBLEM.configure({}))
    assert (one.instance.num_aircraft, len(one.instance.demand)) == (19, 1)
    assert one.instance.x.tolist() != other.instance.x.tolist()
    assert one.name != other.name


def test_the_prototype_and_the_balanced_days_differ_as_described():
    presets = PROBLEM.presets()
    assert list(presets) == ["proto-19", "proto-40", "balanced-40", "storm-40", "balanced-60", "balanced-200"]
    balanced, default = PROBLEM.configure(presets["balanced-40"]), PROBLEM.configure({})
    assert balanced == default
    proto = PROBLEM.configure(presets["proto-19"])
    assert (proto.parking, proto.chargers, proto.demand, proto.cost, proto.surge) == (6, 6, "stock", 0.0, 0.0)


def test_an_agent_keeps_what_it_is_shown_and_plays_any_day():
    config = PROBLEM.configure({"num_vertiports": 5, "num_aircraft": 9, "charging": "waiting"})
    playing = PROBLEM.playing(config, {"show": "all", "num_vertiports": 8, "charging": "full", "seed": 3})
    assert playing == PROBLEM.configure(
        {"num_vertiports": 5, "num_aircraft": 9, "charging": "waiting", "show": "all"}
    )  # fmt: skip
    assert PROBLEM.playing(playing, {}) == config
    assert "show 'some' not understood" in refused(lambda: PROBLEM.playing(config, {"show": "some"}))
    assert PROBLEM.agent_for(config) == PROBLEM.agent_for(playing)


def test_a_day_unfolds_where_something_is_not_known_when_it_begins():
    assert not PROBLEM.unfolds(tiny_day())
    for changes in (
        {"delay": [1, 0, 0]}, {"delay_spread": 1.0}, {"closure": np.full((3, 3), 0.1)}, {"failure": [0, 0.1]},
        {"forecast": np.zeros((2, 3, 3))},
    ):  # fmt: skip
        assert PROBLEM.unfolds(tiny_day(**changes)), changes
    assert not PROBLEM.unfolds(tiny_day(closed=[(0, 0, 1)])), "what is closed without chance is known"


def test_no_bound_is_published_no_day_is_built_in_and_more_profit_is_better():
    assert PROBLEM.bound(tiny_day(), UamConfig()) is None
    assert PROBLEM.instance_names() == []
    assert not PROBLEM.minimise


# --- solutions and pictures


@settings(max_examples=30, deadline=None)
@given(instance=days(), seed=SEEDS)
def test_a_solution_survives_json(instance, seed):
    _, _, (legs,) = rest_of(started(instance), seed)
    data = json.loads(json.dumps(PROBLEM.solution_to_json(instance, solution_of(legs))))
    again = PROBLEM.solution_from_json(instance, data)
    assert again.legs.tolist() == legs
    assert again.legs.dtype == np.int64
    assert len(again) == len(legs)
    assert again.flights.tolist() == [row for row in legs if row[1] != row[2]]


FLIGHT = {"aircraft": 0, "origin": "A", "destination": "B", "decided": 0, "entered": 360, "landed": 1320, "ready": 1896,
          "passengers": 4}  # fmt: skip


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([FLIGHT], "'decisions' must be a list of objects with aircraft, origin, destination"),
        ({"decisions": FLIGHT}, "'decisions' must be a list"),
        ({}, "'decisions' must be a list"),
        ({"decisions": [FLIGHT, [0, 0, 1]]}, "decision 1 must be an object"),
        ({"decisions": [FLIGHT | {"origin": "D"}]}, "decision 0 has the unknown origin 'D'"),
        ({"decisions": [FLIGHT | {"destination": 1}]}, "decision 0 has the unknown destination 1"),
        ({"decisions": [FLIGHT | {"destination": ["B"]}]}, "decision 0 has the unknown destination ['B']"),
        ({"decisions": [FLIGHT | {"aircraft": 2}]}, "decision 0 has aircraft 2"),
        ({"decisions": [FLIGHT | {"passengers": -1}]}, "decision 0 has passengers -1"),
        ({"decisions": [FLIGHT | {"ready": 1.5}]}, "decision 0 has ready 1.5"),
        ({"decisions": [FLIGHT | {"entered": True}]}, "decision 0 has entered True"),
        ({"decisions": [FLIGHT | {"landed": 2**70}]}, "decision 0 has landed 1180591620717411303424"),
        ({"decisions": [{"aircraft": 0}]}, "decision 0 has the unknown origin None"),
    ],
)
def test_json_that_is_no_solution_is_refused_by_the_decision(data, words):
    assert words in refused(lambda: PROBLEM.solution_from_json(tiny_day(), data))


def test_an_empty_solution_is_one():
    assert len(PROBLEM.solution_from_json(tiny_day(), {"decisions": []})) == 0


def test_pictures_are_those_of_the_renderer(monkeypatch):
    calls = []
    monkeypatch.setattr(render, "draw_day", lambda *arguments: calls.append(arguments) or "figure")
    monkeypatch.setattr(render, "draw_day_text", lambda *arguments: calls.append(arguments) or "text")
    instance, solution = tiny_day(), UamSolution(np.zeros((0, 8), np.int64))
    assert PROBLEM.draw(instance, solution, "title") == "figure"
    assert PROBLEM.draw_text(instance, solution, 60) == "text"
    assert calls == [(instance, solution, "title"), (instance, solution, 60)]


# --- the environment


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_gymnasiums_checker_finds_nothing_to_warn_about_with_any_option(options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make("UAMFleet-v0", **SMALL | options).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_an_episode_with_any_option_ends_with_the_profit_that_the_checker_confirms(options):
    env, rng = gym.make("UAMFleet-v0", **SMALL | options), np.random.default_rng(0)
    for seed in range(2):
        observation, info = env.reset(seed=seed)
        total, done = 0.0, False
        while not done:
            assert env.observation_space.contains(observation)
            observation, reward, done, cut, info = env.step(legal(info, rng))
            total += reward
            assert not cut
        raw = env.unwrapped
        scale = raw.simulator.scale[0] if options.get("normalize_reward") else 1.0
        assert total * scale == pytest.approx(info["objective"])
        report = PROBLEM.check(raw.instance, raw.solution(), raw.config)
        assert report.feasible, report.violations
        assert report.objective == pytest.approx(info["objective"])
        assert env.observation_space.contains(observation)


def test_illegal_actions_cost_a_share_of_the_scale_and_end_the_episode_or_raise():
    env = gym.make("UAMFleet-v0", **SMALL, show="all")
    env.reset(seed=0)
    for number in range(5):
        _, reward, done, cut, _ = env.step(4)
        assert reward == pytest.approx(-0.01 * env.unwrapped.simulator.scale[0])
        assert not done
        assert cut == (number == 4), "after more than there are vertiports"
    strict = gym.make("UAMFleet-v0", **SMALL, show="all", strict=True)
    strict.reset(seed=0)
    with pytest.raises(ValueError, match="action 4 is illegal now"):
        strict.step(4)


def test_an_episode_of_a_file_or_an_instance_can_be_asked_for(tmp_path):
    day, env = tiny_day(day=43_200), gym.make("UAMFleet-v0", **SMALL)
    path = written(tmp_path, day)
    for wanted in (day, path):
        env.reset(seed=0, options={"instance": wanted})
        assert isinstance(env.unwrapped.instance, UamInstance)
        assert env.unwrapped.instance.vertiports == ("A", "B", "C")
        assert env.unwrapped.action_masks().tolist() == [True, True, True, False]
    named = gym.make("UAMFleet-v0", instance=path)
    named.reset(seed=0)
    assert named.unwrapped.instance.name == "tiny"
    with pytest.raises(ValueError, match="tiny: 3 vertiports; this simulator was made for at most 2"):
        gym.make("UAMFleet-v0", num_vertiports=2, num_aircraft=2).reset(options={"instance": day})


@pytest.mark.parametrize(("mode", "kind"), [("ansi", str), ("rgb_array", np.ndarray)])
def test_the_environment_can_be_seen_at_the_start_in_between_and_after_the_end(mode, kind):
    env, rng = gym.make("UAMFleet-v0", **SMALL, vertistops=1, render_mode=mode), np.random.default_rng(0)
    _, info = env.reset(seed=0)
    shown, done, steps = [env.render()], False, 0
    while not done:
        _, _, done, _, info = env.step(legal(info, rng))
        steps += 1
        if steps == 20 or done:
            shown.append(env.render())
    for picture in shown:
        assert isinstance(picture, kind)
        assert len(picture) > 100
    if mode == "rgb_array":
        assert all(picture.dtype == np.uint8 and picture.shape == shown[0].shape for picture in shown)
        assert all(picture.std() > 1 for picture in shown)
    assert not np.array_equal(shown[0], shown[1])


def test_the_page_of_the_environment_tells_the_truth():
    assert doctest.testmod(page_of_env).failed == 0
    page = UAMFleetEnv.__doc__
    all_features = CANDIDATE_FEATURES + AIRCRAFT_FEATURES + LOOK_AHEAD_FEATURES
    counts = (len(CANDIDATE_FEATURES), len(all_features))
    assert f"| ``nodes`` | (V, {len(NODE_FEATURES)}) |" in page
    assert f"| ``candidate_features`` | (A, {counts[0]} to {counts[1]}) |" in page
    assert f"| ``context`` | ({len(CONTEXT_FEATURES)},) |" in page
    told = {}
    for line in page.split("## Arguments")[1].split("##")[0].splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 3 and cells[1].startswith("``"):
            names, values = re.findall(r"``(\w+)``", cells[1]), re.sub("`", "", cells[2]).split(", ")
            told |= dict(zip(names, map(eval, values), strict=True))
    arguments = inspect.signature(UAMFleetEnv.__init__).parameters
    assert told == {name: item.default for name, item in arguments.items() if name != "self"}
    vector = inspect.signature(UAMFleetVectorEnv.__init__).parameters
    for item in fields(UamConfig):
        assert arguments[item.name].default == vector[item.name].default == item.default, item.name


def test_an_option_of_the_environment_reaches_the_configuration():
    for item in fields(UamConfig):
        if item.name != "instance":
            value = {"hourly": "stock", "full": "waiting", "vertiports": "all", False: True}.get(item.default)
            value = {"corridors": 2, "vertistops": 1, "separation": 0.0, "look_ahead": 3}.get(
                item.name, value or item.default
            )
            made = gym.make("UAMFleet-v0", **{item.name: value}).unwrapped
            assert getattr(made.config, item.name) == value
    with pytest.raises(InputError, match="chargers must be an integer"):
        gym.make("UAMFleet-v0", chargers=0)


def test_the_first_moves_of_a_day_by_hand_through_the_environment():
    env = gym.make("UAMFleet-v0", **SMALL)
    env.reset(options={"instance": tiny_day()})
    expected = played(tiny_day(), by_list(1, 2, 0), most=3)
    profit = 0.0
    for action in (1, 2, 0):
        _, reward, *_ = env.step(action)
        profit += reward
    assert profit == pytest.approx(expected.profit)
    assert env.unwrapped.solution().legs.tolist() == expected.rows
