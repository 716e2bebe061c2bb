"""Training: settings, the road from gym.make to a benchmark row, resuming, and learning something."""

import json

import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO

from schedlab.agents import make_agent, run_policy
from schedlab.agents.learned import LearnedPolicy
from schedlab.envs import PROBLEMS
from schedlab.envs.core import InputError
from schedlab.envs.job_shop import PROBLEM, JobShopConfig, JobShopInstance
from schedlab.eval.cli import main
from schedlab.models.checkpoint import load_checkpoint
from schedlab.train.maskable import TrainingRun, make_model, restore, train
from schedlab.train.settings import TrainSettings, default_settings, read_settings, settings_from

SMALL = TrainSettings(
    steps=96, envs=2, steps_per_rollout=24, minibatch=24, epochs=1, hidden=16, layers=1, heads=2,
    validation_instances=3, environment={"num_jobs": 3, "num_machines": 2},
)  # fmt: skip


@pytest.mark.parametrize("entry", PROBLEMS.values(), ids=lambda entry: entry.name)
def test_every_problem_has_committed_training_settings(entry):
    settings = default_settings(entry.package)
    assert settings_from(settings.to_json(), "test") == settings


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"learning_rat": 1}, "did you mean learning_rate"),
        ({"learning_rate": 0}, "learning_rate must be positive"),
        ({"epochs": 2.5}, "epochs must be a number of type int"),
        ({"minibatch": 10**6}, "minibatch must lie in"),
        ({"discount": 1.5}, "discount"),
        ({"threads": True}, "threads"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_settings_are_refused_in_one_line(values, words):
    with pytest.raises(InputError, match=words) as caught:
        settings_from(values, "file.toml")
    assert "\n" not in str(caught.value)
    assert "file.toml" in str(caught.value)


def test_a_broken_toml_file_is_refused(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("minutes = \n")
    with pytest.raises(InputError, match="not TOML"):
        read_settings(path)


def test_the_command_trains_resumes_and_its_agent_enters_a_benchmark(tmp_path, capsys):
    config = tmp_path / "small.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in SMALL.to_json().items() if key != "environment"]
    config.write_text("\n".join([*lines, "[environment]", "num_jobs = 3", "num_machines = 2"]))
    run = tmp_path / "run"
    assert main(["train", "job-shop", "--config", str(config), "--out", str(run)]) == 0
    first = load_checkpoint(run).training
    assert first["seed"] == 0
    assert first["command"].startswith("schedlab train job-shop")
    assert {"commit", "settings", "curve", "steps", "seconds"} <= set(first)
    assert first["steps"] == first["curve"][-1]["steps"] >= SMALL.steps
    assert main(["train", "job-shop", "--resume", str(run), "--steps", "192"]) == 0
    assert main(["train", "job-shop", "--config", str(config), "--out", str(run)]) == 2
    assert "--resume" in capsys.readouterr().err
    results = tmp_path / "results"
    agents = f"ppo:{run},ppo:{run}@4,spt"
    assert main(["benchmark", "job-shop", "--instances", "ft06,la01", "--agents", agents, "--out", str(results)]) == 0
    rows = json.loads((results / "results.json").read_text())
    assert len(rows) == 6
    assert all(row["feasible"] for row in rows)
    assert [row["samples"] for row in rows] == [1, 4, 1] * 2


def test_a_resumed_run_starts_with_the_weights_optimiser_and_counters_it_ended_with(tmp_path):
    model = make_model(PROBLEM, SMALL)
    watch = TrainingRun(PROBLEM, SMALL, tmp_path, {})
    train(model, watch)
    twin = make_model(PROBLEM, SMALL)
    seconds, curve = restore(twin, tmp_path)
    assert twin.num_timesteps == model.num_timesteps
    assert seconds == pytest.approx(watch.seconds, abs=1)
    assert curve
    for (name, one), other in zip(model.policy.state_dict().items(), twin.policy.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, msg=name)
    states = [m.policy.optimizer.state_dict()["state"] for m in (model, twin)]
    for index in states[0]:
        for key in states[0][index]:
            torch.testing.assert_close(states[0][index][key], states[1][index][key])


def test_the_same_seed_trains_the_same_network(tmp_path):
    weights = []
    for name in ("a", "b"):
        model = make_model(PROBLEM, SMALL)
        train(model, TrainingRun(PROBLEM, SMALL, tmp_path / name, {}))
        weights.append(torch.cat([p.flatten() for p in model.policy.parameters()]))
    assert torch.equal(*weights)


def test_a_damaged_run_cannot_be_resumed(tmp_path):
    model = make_model(PROBLEM, SMALL)
    train(model, TrainingRun(PROBLEM, SMALL, tmp_path, {}))
    path = tmp_path / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="not a run that can be resumed"):
        restore(make_model(PROBLEM, SMALL), tmp_path)


def test_predict_with_masks_works_as_users_of_sb3_expect():
    model = make_model(PROBLEM, SMALL)
    assert isinstance(model, MaskablePPO)
    observation = model.get_env().reset()
    masks = np.stack(model.get_env().env_method("action_masks"))
    action, _ = model.predict(observation, action_masks=masks, deterministic=True)
    assert masks[np.arange(len(action)), action].all()


def test_the_policy_inside_sb3_and_the_learned_agent_choose_alike(tmp_path):
    model = make_model(PROBLEM, SMALL)
    env = model.get_env()
    observation = env.reset()
    masks = np.stack(env.env_method("action_masks"))
    inside, _ = model.predict(observation, action_masks=masks, deterministic=True)
    for row, wrapped in enumerate(env.envs):
        simulator = wrapped.unwrapped.simulator
        policy = LearnedPolicy(model.policy.network)
        policy.begin(simulator, 0)
        assert policy.act(simulator)[0] == inside[row]


def test_sampling_repeats_with_its_seed_and_a_low_temperature_is_greedy(ft06):
    network = make_model(PROBLEM, SMALL).policy.network
    config = JobShopConfig()

    def makespan(seed, **kwargs):
        simulator = PROBLEM.simulator_for([ft06], config)
        run_policy(LearnedPolicy(network, **kwargs), simulator, [ft06], seed)
        return simulator.solution(0).start.tolist()

    assert makespan(1, sample=True) == makespan(1, sample=True)
    assert any(makespan(1, sample=True) != makespan(seed, sample=True) for seed in range(2, 6))
    assert makespan(5, sample=True, temperature=1e-6) == makespan(0)


def test_a_checkpoint_of_another_problem_or_other_features_is_refused(tmp_path, ft06):
    model = make_model(PROBLEM, SMALL)
    train(model, TrainingRun(PROBLEM, SMALL, tmp_path, {}))
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "problem": "soc"}))
    with pytest.raises(InputError, match="trained on soc"):
        make_agent(f"ppo:{tmp_path}", PROBLEM, JobShopConfig())
    path.write_text(json.dumps({**config, "features": {**config["features"], "context": ["moon"]}}))
    agent = make_agent(f"ppo:{tmp_path}", PROBLEM, JobShopConfig())
    with pytest.raises(InputError, match="other features"):
        run_policy(agent, PROBLEM.simulator_for([ft06], JobShopConfig()), [ft06])


def test_a_few_thousand_steps_learn_to_solve_one_small_shop(tmp_path):
    # the longer first operation must go first: shortest-first costs 4 more, and random play finds both
    shop = JobShopInstance.from_jobs([[(0, 2)], [(0, 2)], [(0, 3), (1, 9)]], name="trap")
    path = tmp_path / "trap.txt"
    from schedlab.envs.job_shop.formats import write_instance

    write_instance(shop, path)
    settings = SMALL.changed(
        steps=2000, envs=8, steps_per_rollout=16, minibatch=64, epochs=4, learning_rate=3e-3,
        environment={"instance": str(path)},
    )  # fmt: skip
    model = make_model(PROBLEM, settings)
    watch = TrainingRun(PROBLEM, settings, tmp_path / "run", {})
    train(model, watch)
    assert watch.best == 12
