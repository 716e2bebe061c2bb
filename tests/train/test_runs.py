"""Training runs: from the command to a benchmark row, stopping, resuming, and what damage does."""

import json

import pytest
import torch

from schedlab.agents import make_agent, run_policy
from schedlab.agents.learned import LearnedPolicy
from schedlab.envs.core import InputError
from schedlab.envs.job_shop import PROBLEM, JobShopConfig
from schedlab.eval.cli import main
from schedlab.models.checkpoint import load_checkpoint
from schedlab.train.models import make_model
from schedlab.train.runs import TrainingRun, start_from, train
from schedlab.train.state import restore, restore_actions


def weights(model):
    return torch.cat([parameter.flatten() for parameter in model.policy.parameters()])


class Interrupted(TrainingRun):
    """Somebody presses Ctrl-C in the middle of a roll-out."""

    def _on_step(self):
        if self.num_timesteps > 200:
            raise KeyboardInterrupt
        return True


def run(settings, folder):
    model = make_model(PROBLEM, settings)
    watch = TrainingRun(PROBLEM, settings, folder, {})
    train(model, watch)
    return model, watch


def write_toml(settings, path):
    tables = ("environment", "environments", "validation")
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.to_json().items() if key not in tables]
    lines += ["[environment]", *(f"{key} = {json.dumps(value)}" for key, value in settings.environment.items())]
    path.write_text("\n".join(lines))


@pytest.mark.parametrize("kind", ["small", "small_maskable"])
def test_the_command_trains_resumes_and_its_agent_enters_a_benchmark(kind, request, tmp_path, capsys):
    settings = request.getfixturevalue(kind)
    config, folder = tmp_path / "small.toml", tmp_path / "run"
    write_toml(settings, config)
    assert main(["train", "job-shop", "--config", str(config), "--out", str(folder)]) == 0
    first = load_checkpoint(folder)
    assert first.environment == dict(settings.environment)
    assert first.training["seed"] == 0
    assert first.training["command"].startswith("schedlab train job-shop")
    assert {"commit", "settings", "curve", "steps", "seconds", "device"} <= set(first.training)
    assert first.training["steps"] == first.training["curve"][-1]["steps"] >= settings.steps
    assert main(["train", "job-shop", "--resume", str(folder), "--steps", "192"]) == 0
    assert load_checkpoint(folder).training["steps"] >= 192
    assert main(["train", "job-shop", "--config", str(config), "--out", str(folder)]) == 2
    assert "--resume" in capsys.readouterr().err
    results = tmp_path / "results"
    agents = f"ppo:{folder},ppo:{folder}@4,spt"
    assert main(["benchmark", "job-shop", "--instances", "ft06,la01", "--agents", agents, "--out", str(results)]) == 0
    rows = json.loads((results / "results.json").read_text())
    assert len(rows) == 6
    assert all(row["feasible"] for row in rows)
    assert [row["samples"] for row in rows] == [1, 4, 1] * 2


def test_a_run_that_was_interrupted_and_resumed_ends_like_one_that_never_stopped(small, tmp_path):
    settings = small.changed(steps=500)
    whole, whole_watch = run(settings, tmp_path / "whole")

    model = make_model(PROBLEM, settings)
    with pytest.raises(KeyboardInterrupt):
        train(model, Interrupted(PROBLEM, settings, tmp_path / "parts", {}))
    resumed = make_model(PROBLEM, settings)
    before = restore(resumed, tmp_path / "parts")
    assert 0 < resumed.num_timesteps < 500
    watch = TrainingRun(PROBLEM, settings, tmp_path / "parts", {}, before)
    train(resumed, watch)
    assert resumed.num_timesteps == whole.num_timesteps
    assert torch.equal(weights(resumed), weights(whole))
    assert watch.best == whole_watch.best
    kept = [load_checkpoint(tmp_path / name).network.state_dict() for name in ("whole", "parts")]
    assert all(torch.equal(one, two) for one, two in zip(kept[0].values(), kept[1].values(), strict=True))


def test_a_run_that_is_interrupted_in_the_middle_of_an_update_keeps_what_it_was_before_it(small, tmp_path, monkeypatch):
    settings = small.changed(steps=500, validation_updates=100)
    usual, steps = torch.optim.Adam.step, iter(range(100))

    def step(self, *arguments, **named):
        if next(steps) == 5:  # after one gradient step of the third update
            raise KeyboardInterrupt
        return usual(self, *arguments, **named)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    model = make_model(PROBLEM, settings)
    with pytest.raises(KeyboardInterrupt):
        train(model, TrainingRun(PROBLEM, settings, tmp_path, {}))
    resumed = make_model(PROBLEM, settings)
    restore(resumed, tmp_path)
    assert resumed._n_updates == 2
    assert torch.equal(weights(resumed), weights(model))
    best = load_checkpoint(tmp_path).network.state_dict()
    assert all(torch.equal(tensor, best[name]) for name, tensor in resumed.policy.network.state_dict().items())


def test_the_curve_has_each_moment_once_and_belongs_to_the_saved_states(small, tmp_path):
    settings = small.changed(steps=500)

    with pytest.raises(KeyboardInterrupt):
        train(make_model(PROBLEM, settings), Interrupted(PROBLEM, settings, tmp_path, {}))
    assert load_checkpoint(tmp_path).training["curve"][-1]["steps"] == 144
    resumed = make_model(PROBLEM, settings)
    watch = TrainingRun(PROBLEM, settings, tmp_path, {}, restore(resumed, tmp_path))
    train(resumed, watch)
    steps = [point["steps"] for point in watch.curve]
    assert steps == sorted(set(steps))
    assert steps[-1] == resumed.num_timesteps


def test_an_error_keeps_the_last_state_and_is_not_hidden(small, tmp_path):
    class Broken(TrainingRun):
        def _on_step(self):
            if self.num_timesteps > 100:
                raise ZeroDivisionError
            return True

    with pytest.raises(ZeroDivisionError):
        train(make_model(PROBLEM, small.changed(steps=500)), Broken(PROBLEM, small, tmp_path, {}))
    assert (tmp_path / "last.safetensors").exists()


def test_a_time_budget_moves_the_learning_rate_of_both_algorithms(small, small_maskable, tmp_path):
    for place, settings in enumerate((small, small_maskable)):
        changed = settings.changed(steps=0, minutes=0.02, schedule="linear", learning_rate=1e-3)
        model, _ = run(changed, tmp_path / str(place))
        assert model.policy.optimizer.param_groups[0]["lr"] < 6e-4


def test_a_run_goes_on_on_another_kind_of_device(small, tmp_path):
    run(small, tmp_path)
    model = make_model(PROBLEM, small)
    restore_actions(model, torch.zeros(16, dtype=torch.uint8))  # as long as a GPU's
    model.learn(50)


@pytest.mark.parametrize("kind", ["small", "small_maskable"])
def test_a_resumed_run_starts_with_what_it_ended_with(kind, request, tmp_path):
    settings = request.getfixturevalue(kind)
    model, watch = run(settings, tmp_path)
    twin = make_model(PROBLEM, settings)
    seconds, curve = restore(twin, tmp_path)
    assert (twin.num_timesteps, twin._n_updates) == (model.num_timesteps, model._n_updates)
    assert seconds == pytest.approx(watch.seconds, abs=1)
    assert curve
    assert torch.equal(weights(model), weights(twin))
    states = [m.policy.optimizer.state_dict()["state"] for m in (model, twin)]
    for index in states[0]:
        for key in states[0][index]:
            torch.testing.assert_close(states[0][index][key], states[1][index][key])


@pytest.mark.parametrize("kind", ["small", "small_maskable"])
def test_the_same_seed_trains_the_same_network_and_another_seed_another(kind, request, tmp_path):
    settings = request.getfixturevalue(kind)
    found = [
        weights(run(settings.changed(seed=seed), tmp_path / str(place))[0]) for place, seed in enumerate((0, 0, 1))
    ]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("cut", [1, 10, 1000])
def test_a_damaged_run_cannot_be_resumed(small, tmp_path, cut):
    run(small, tmp_path)
    for name in ("last.safetensors", "last.previous.safetensors"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputError, match="not a run that can be resumed"):
        restore(make_model(PROBLEM, small), tmp_path)


def test_a_run_of_another_network_cannot_be_resumed(small, tmp_path):
    run(small, tmp_path)
    with pytest.raises(InputError, match="not a run that can be resumed"):
        restore(make_model(PROBLEM, small.changed(hidden=32)), tmp_path)


def test_sampling_repeats_with_its_seed_and_a_low_temperature_is_greedy(model, ft06):
    def makespan(seed, **kwargs):
        simulator = PROBLEM.simulator_for([ft06], JobShopConfig(builder="hybrid"))
        run_policy(LearnedPolicy(model.network, **kwargs), simulator, [ft06], seed)
        return simulator.solution(0).start.tolist()

    assert makespan(1, sample=True) == makespan(1, sample=True)
    assert any(makespan(1, sample=True) != makespan(seed, sample=True) for seed in range(2, 6))
    assert makespan(5, sample=True, temperature=1e-6) == makespan(0)


def test_an_agent_plays_by_the_rules_it_was_trained_with_whatever_the_benchmark_says(small, tmp_path, ft06):
    run(small, tmp_path)
    agent = make_agent(f"ppo:{tmp_path}", PROBLEM, JobShopConfig())
    assert agent.configuration(JobShopConfig(builder="append")) == JobShopConfig(builder="hybrid")
    with pytest.raises(InputError, match="trained for makespan"):
        agent.configuration(JobShopConfig(objective="total-flow-time"))


def test_a_checkpoint_of_another_problem_or_other_features_is_refused(small, tmp_path, ft06):
    run(small, tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "problem": "soc"}))
    with pytest.raises(InputError, match="trained on soc"):
        make_agent(f"ppo:{tmp_path}", PROBLEM, JobShopConfig())
    path.write_text(json.dumps({**config, "features": {**config["features"], "context": ["moon"]}}))
    agent = make_agent(f"ppo:{tmp_path}", PROBLEM, JobShopConfig())
    with pytest.raises(InputError, match="other features"):
        run_policy(agent, PROBLEM.simulator_for([ft06], JobShopConfig()), [ft06])


def test_a_run_can_start_with_the_weights_of_another(tmp_path, small):
    first = make_model(PROBLEM, small)
    train(first, TrainingRun(PROBLEM, small, tmp_path / "one", {"command": "schedlab train", "seed": 0}))
    second = make_model(PROBLEM, small.changed(seed=5))
    told = start_from(second, PROBLEM, tmp_path / "one")
    assert told["command"] == "schedlab train"
    stored = load_checkpoint(tmp_path / "one").network
    for one, two in zip(stored.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(one, two)
    with pytest.raises(InputError, match="another kind or size"):
        start_from(make_model(PROBLEM, small.changed(hidden=32)), PROBLEM, tmp_path / "one")
    with pytest.raises(InputError, match="no such checkpoint"):
        start_from(second, PROBLEM, tmp_path / "nowhere")
