"""A run that stops for one reason or another, or would be too large to keep, and what is left of it."""

import pytest
import torch

from schedlab.envs.core import InputError
from schedlab.envs.job_shop import PROBLEM
from schedlab.eval.cli import main
from schedlab.models import checkpoint
from schedlab.models.checkpoint import first_line, readable
from schedlab.models.policy import MOST_WEIGHTS, NetworkConfig
from schedlab.train import state as states
from schedlab.train.distributed import LostError
from schedlab.train.graph_ppo import GraphPPO
from schedlab.train.models import make_model
from schedlab.train.runs import TrainingRun, Validation, train
from schedlab.train.state import last_state, pack_state, read_state, restore, state_of, write_state
from tests.train.kill_server import write_config


class EndsEarly(TrainingRun):
    """A run that fails between two updates."""

    def _on_rollout_start(self):
        super()._on_rollout_start()
        if self.model.num_timesteps >= 300:
            raise ZeroDivisionError


def weights(model):
    return torch.cat([parameter.flatten() for parameter in model.policy.parameters()])


def test_a_resumed_run_imitates_for_its_share_of_the_training_and_no_longer(small, tmp_path, monkeypatch):
    settings = small.changed(steps=600, imitate="mwkr", imitation_share=0.3, schedule="constant")
    usual, imitated = GraphPPO.train, []
    monkeypatch.setattr(GraphPPO, "train", lambda self: imitated.append(self._imitated) or usual(self))
    whole = make_model(PROBLEM, settings)
    train(whole, TrainingRun(PROBLEM, settings, tmp_path / "whole", {}))
    never_stopped = imitated.copy()
    assert never_stopped[0]
    assert not never_stopped[-1]
    imitated.clear()
    with pytest.raises(ZeroDivisionError):
        train(make_model(PROBLEM, settings), EndsEarly(PROBLEM, settings, tmp_path / "parts", {}))
    resumed = make_model(PROBLEM, settings)
    train(resumed, TrainingRun(PROBLEM, settings, tmp_path / "parts", {}, restore(resumed, tmp_path / "parts")))
    assert imitated == never_stopped
    assert torch.equal(weights(resumed), weights(whole))


def test_a_second_ctrl_c_ends_the_validation_but_not_the_run_so_far(small, tmp_path, monkeypatch, capsys):
    def interrupt(self, *_):
        raise KeyboardInterrupt

    def in_the_third_update(self):
        if self.model.num_timesteps > 200:
            raise KeyboardInterrupt

    config, folder = tmp_path / "small.toml", tmp_path / "run"
    write_config(small.changed(steps=500, validation_updates=100), config)
    with monkeypatch.context() as patched:
        patched.setattr(Validation, "mean_objective", interrupt)
        patched.setattr(TrainingRun, "_on_rollout_end", in_the_third_update)
        assert main(["train", "job-shop", "--config", str(config), "--out", str(folder), "--quiet"]) == 130
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert f"--resume {folder}" in told.err
    assert "kept" not in told.err
    assert "checkpoint" not in told.out
    assert last_state(folder).tensors["counter.steps"] > 100
    assert main(["train", "job-shop", "--resume", str(folder), "--quiet"]) == 0
    assert "best validation" in capsys.readouterr().out


def test_the_signal_to_end_is_not_taken_for_a_damaged_state(small, tmp_path, monkeypatch):
    tensors = state_of(make_model(PROBLEM, small), 1.0)
    write_state(tmp_path, pack_state(tensors, {"curve": []}))

    def told_to_end(_):
        raise LostError("told to end")

    model = make_model(PROBLEM, small)
    monkeypatch.setattr(states, "load_tensors", told_to_end)
    with pytest.raises(LostError):
        write_state(tmp_path, pack_state(tensors, {"curve": []}))
    with pytest.raises(LostError):
        restore(model, tmp_path)
    monkeypatch.undo()
    assert read_state(tmp_path / "last.safetensors").record == {"curve": []}


def test_a_run_that_is_told_to_end_saves_its_last_state(small, tmp_path):
    class Told(TrainingRun):
        def _on_step(self):
            if self.model.num_timesteps > 200:
                raise LostError("told to end")
            return True

    settings = small.changed(steps=500)
    with pytest.raises(LostError):
        train(make_model(PROBLEM, settings), Told(PROBLEM, settings, tmp_path, {}))
    assert last_state(tmp_path).tensors["counter.steps"] > 100


def test_a_network_that_could_be_trained_but_not_read_is_refused_at_once(small):
    # 641 MiB, of which a count from below does not see all
    large = NetworkConfig(8, ("a", "b"), 8, 4, hidden=2048, layers=6)
    with pytest.raises(ValueError, match="a checkpoint holds at most"):
        readable(large)
    with pytest.raises(InputError, match="a checkpoint holds at most"):
        make_model(PROBLEM, small.changed(hidden=2048, layers=6, heads=2))


def test_a_state_may_be_as_large_as_that_of_the_largest_network(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(checkpoint, "read_limited", lambda path, most, what: asked.append(most) or b"")
    with pytest.raises(InputError, match="not a run that can be resumed"):
        read_state(tmp_path / "last.safetensors")
    bytes_of_a_weight_and_adams_moments = 3 * 4
    assert asked[0] > bytes_of_a_weight_and_adams_moments * MOST_WEIGHTS


def test_counting_the_weights_draws_nothing():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    readable(NetworkConfig(8, ("a", "b"), 8, 4, hidden=16, layers=2))
    assert torch.equal(torch.get_rng_state(), before)


def test_an_error_without_a_message_is_told_by_its_kind():
    assert first_line(ValueError("")) == "ValueError"
    assert first_line(RuntimeError("\none\ntwo")) == "one"
