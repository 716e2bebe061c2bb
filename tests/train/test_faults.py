"""Training when something fails: one clear message, and the work so far is kept."""

import errno
import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from schedlab.envs.core import InputError
from schedlab.envs.core.files import is_leftover
from schedlab.envs.core.memory import is_out_of_memory
from schedlab.envs.job_shop import PROBLEM
from schedlab.eval.cli import main
from schedlab.models.checkpoint import flat_tensors, load_checkpoint
from schedlab.train import runs
from schedlab.train.faults import TrainingStoppedError
from schedlab.train.graph_ppo import GraphPPO
from schedlab.train.models import make_model
from schedlab.train.runs import TrainingRun, train
from schedlab.train.state import last_state, pack_state, read_state, restore, state_of, write_state
from tests.killing import FailingDisk, killed_at
from tests.train.kill_server import write_config

ROOT = Path(__file__).parents[2]
NO_CUDA_MEMORY = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0 has ...")
NO_CPU_MEMORY = RuntimeError("[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory")
KINDS = ["small", "small_maskable"]


def command(settings, folder, *more):
    """Train by the command line; the exit status."""
    config = folder.parent / f"{folder.name}.toml"
    write_config(settings, config)
    return main(["train", "job-shop", "--config", str(config), "--out", str(folder), "--quiet", *more])


def one_line(capsys):
    """What was said on standard error, which must be one line."""
    text = capsys.readouterr().err
    assert text.startswith("schedlab: ")
    assert text.count("\n") == 1
    return text


def steps_of(folder):
    return int(last_state(folder).tensors["counter.steps"])


@pytest.mark.parametrize(("algorithm", "kills"), [("graph-ppo", 40), ("maskable-ppo", 12)])
def test_a_run_that_is_killed_at_random_moments_goes_on_each_time_and_loses_nothing(tmp_path, algorithm, kills):
    arguments = [str(tmp_path), algorithm, str(kills), "7"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.kill_server", *arguments],
        capture_output=True, text=True, timeout=150, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["kills"] == kills, found
    assert found["progressed"] >= kills // 4, found
    assert found["status"] == 0
    assert found["last_steps"] > found["steps"] > 0
    files = ["config.json", "last.previous.safetensors", "last.safetensors", "tensorboard", "weights.safetensors"]
    assert found["left"] == files


@pytest.mark.parametrize("half", [False, True])
def test_a_kill_between_any_two_calls_leaves_the_old_or_the_new_state(small, tmp_path, half):
    tensors = state_of(make_model(PROBLEM, small), 1.0)
    old, new = pack_state(tensors, {"name": "old"}), pack_state(tensors, {"name": "new"})
    seen = []
    for moment in count(1):
        folder = tmp_path / str(moment)
        folder.mkdir()
        write_state(folder, pack_state(tensors, {"name": "older"}))
        write_state(folder, old)
        killed = killed_at(moment, lambda folder=folder: write_state(folder, new), half)
        seen.append(last_state(folder).record["name"])
        write_state(folder, new)
        assert last_state(folder).record["name"] == "new"
        if not killed:
            break
    assert len(seen) > 8
    assert seen == sorted(seen, reverse=True)
    assert set(seen) == {"old", "new"}


def test_a_run_can_be_resumed_before_its_first_validation(small, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "run"
    monkeypatch.setattr(GraphPPO, "collect_rollouts", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        command(small, folder)
    assert steps_of(folder) == 0
    with pytest.raises(InputError, match=r"config\.json: no such file"):
        load_checkpoint(folder)
    monkeypatch.undo()
    assert main(["train", "job-shop", "--resume", str(folder), "--quiet"]) == 0
    told = load_checkpoint(folder).training
    assert told["command"].startswith("schedlab train job-shop --config")
    assert len(told["resumed"]) == 1


def test_a_folder_in_which_nothing_was_saved_says_so_and_can_be_used(small, tmp_path, capsys):
    folder = tmp_path / "run"
    assert main(["train", "job-shop", "--resume", str(folder)]) == 2
    assert "no such folder" in one_line(capsys)
    folder.mkdir()
    leftover = folder / ".last.safetensors.abcd1234.tmp"
    leftover.write_bytes(b"half")
    assert main(["train", "job-shop", "--resume", str(folder)]) == 2
    assert "nothing saved yet" in one_line(capsys)
    os.utime(leftover, (0, 0))
    assert command(small, folder) == 0
    assert not leftover.exists()


def test_a_damaged_last_state_is_told_and_the_one_before_it_goes_on(small, tmp_path, capsys):
    folder = tmp_path / "run"
    command(small, folder)
    path = folder / "last.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="checksum differs"):
        read_state(path)
    capsys.readouterr()
    assert restore(make_model(PROBLEM, small), folder)
    assert "going on from last.previous.safetensors" in one_line(capsys)
    assert main(["train", "job-shop", "--resume", str(folder), "--steps", "200", "--quiet"]) == 0
    assert steps_of(folder) >= 200


def test_a_run_of_an_earlier_version_without_record_and_checksum_goes_on(small, tmp_path):
    folder = tmp_path / "run"
    command(small, folder)
    state = last_state(folder)
    (folder / "last.previous.safetensors").unlink()
    (folder / "last.safetensors").write_bytes(flat_tensors(state.tensors))
    assert restore(make_model(PROBLEM, small), folder)[1] == state.record["curve"]
    assert main(["train", "job-shop", "--resume", str(folder), "--steps", "200", "--quiet"]) == 0
    assert last_state(folder).record["about"]["command"] == state.record["about"]["command"]


def test_better_weights_that_a_killed_run_saved_last_are_not_overwritten_by_worse_ones(small_maskable, tmp_path):
    run = TrainingRun(PROBLEM, small_maskable, tmp_path, {})
    train(make_model(PROBLEM, small_maskable), run)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    config["training"]["curve"].append({"steps": 10_000.0, "seconds": 9.0, "validation": 1.0})
    del config["training"]["best"]  # as earlier versions, which told it by the curve only
    path.write_text(json.dumps(config))
    before = (tmp_path / "weights.safetensors").read_bytes()
    for steps in (300, 500):  # what the first resumption knows of the best the second must know too
        settings = small_maskable.changed(steps=steps)
        model = make_model(PROBLEM, settings)
        again = TrainingRun(PROBLEM, settings, tmp_path, {}, restore(model, tmp_path))
        train(model, again)
        assert (tmp_path / "weights.safetensors").read_bytes() == before
        assert again.best == load_checkpoint(tmp_path).training["best"] == 1.0
        assert again.curve[-1]["steps"] == model.num_timesteps < 10_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_that_is_not_a_number_stops_the_run_before_it_is_learned(kind, request, tmp_path, monkeypatch, capsys):
    settings, folder = request.getfixturevalue(kind).changed(steps=350), tmp_path / "run"
    usual, calls, seen = torch.Tensor.backward, count(1), []

    def backward(self, *arguments, **named):
        return usual(self * float("nan") if next(calls) == 6 else self, *arguments, **named)

    class Watched(TrainingRun):
        def save_last(self):
            seen.append(self.policy.network.state_dict())
            super().save_last()

    monkeypatch.setattr(torch.Tensor, "backward", backward)
    monkeypatch.setattr("schedlab.train.command.TrainingRun", Watched)
    assert command(settings, folder) == 1
    message = one_line(capsys)
    assert "is not finite" in message
    assert "learning_rate" in message
    assert all(bool(torch.isfinite(tensor).all()) for tensor in seen[-1].values())
    monkeypatch.undo()
    assert 0 < steps_of(folder) < 350
    assert main(["train", "job-shop", "--resume", str(folder), "--quiet"]) == 0


def test_a_state_with_weights_that_are_not_numbers_is_not_resumed(small, tmp_path, capsys):
    folder = tmp_path / "run"
    command(small, folder)
    state = last_state(folder)
    name = next(name for name in state.tensors if name.startswith("network."))
    state.tensors[name].view(-1)[0] = float("nan")
    for file in ("last.safetensors", "last.previous.safetensors"):
        (folder / file).write_bytes(pack_state(state.tensors, state.record))
    capsys.readouterr()
    assert main(["train", "job-shop", "--resume", str(folder)]) == 2
    assert "not finite" in one_line(capsys)


@pytest.mark.parametrize(
    ("kind", "error"), [("small", NO_CUDA_MEMORY), ("small", MemoryError()), ("small_maskable", NO_CPU_MEMORY)]
)
def test_no_memory_left_names_the_settings_to_reduce_and_keeps_the_run(
    kind, error, request, tmp_path, monkeypatch, capsys
):
    settings, folder = request.getfixturevalue(kind).changed(steps=350), tmp_path / "run"
    usual, calls = torch.optim.Adam.step, count(1)

    def step(self, *arguments, **named):
        if next(calls) == 6:
            raise error
        return usual(self, *arguments, **named)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    assert command(settings, folder) == 1
    message = one_line(capsys)
    assert "out of memory on" in message
    for name in ("instances", "repeats") if kind == "small" else ("envs", "minibatch"):
        assert f"{name} (now {getattr(settings, name)})" in message
    monkeypatch.undo()
    assert 0 < steps_of(folder) < 350
    assert main(["train", "job-shop", "--resume", str(folder), "--quiet"]) == 0


def test_no_memory_left_before_training_began_is_one_line_too(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("schedlab.train.command.make_model", lambda *_: (_ for _ in ()).throw(NO_CUDA_MEMORY))
    assert command(small, tmp_path / "run") == 1
    assert "out of memory" in one_line(capsys)


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_a_disk_that_is_full_for_a_while_is_told_once_and_loses_nothing(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runs, "SAVE_SECONDS", 0.0)
    settings = small.changed(steps=700, validation_updates=1)
    whole, folder = tmp_path / "whole", tmp_path / "run"
    train(make_model(PROBLEM, settings), TrainingRun(PROBLEM, settings, whole, {}))
    disk = FailingDisk(monkeypatch)
    disk.full = False

    class Watched(TrainingRun):
        def _on_rollout_start(self):
            disk.full = 100 < self.num_timesteps < 400
            super()._on_rollout_start()

    train(make_model(PROBLEM, settings), Watched(PROBLEM, settings, folder, {}))
    assert disk.failures > 2
    message = one_line(capsys)
    assert str(folder) in message
    assert "No space left on device" in message
    one, two = (load_checkpoint(place) for place in (whole, folder))
    assert [p["validation"] for p in one.training["curve"]] == [p["validation"] for p in two.training["curve"]]
    for name, tensor in one.network.state_dict().items():
        assert torch.equal(tensor, two.network.state_dict()[name])


def test_the_best_weights_are_kept_as_they_were_until_the_disk_has_room(small, tmp_path, monkeypatch, capsys):
    run = TrainingRun(PROBLEM, small, tmp_path, {})
    train(make_model(PROBLEM, small), run)
    disk = FailingDisk(monkeypatch)
    wanted = {name: tensor.clone() for name, tensor in run.policy.network.state_dict().items()}
    run.files.keep_best(run._checkpoint())
    with torch.no_grad():
        for parameter in run.policy.network.parameters():
            parameter.add_(1.0)
    disk.full = False
    run.save_last()
    stored = load_checkpoint(tmp_path).network.state_dict()
    assert all(torch.equal(tensor, stored[name]) for name, tensor in wanted.items())


def test_a_disk_that_stays_full_ends_the_run_with_status_1_and_keeps_what_was_saved(
    small, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "run"
    assert command(small, folder) == 0
    before = steps_of(folder)
    disk = FailingDisk(monkeypatch)
    disk.full = False

    class Watched(TrainingRun):
        def _on_rollout_start(self):
            disk.full = self.num_timesteps > before
            super()._on_rollout_start()

    monkeypatch.setattr("schedlab.train.command.TrainingRun", Watched)
    capsys.readouterr()
    assert main(["train", "job-shop", "--resume", str(folder), "--steps", "400", "--quiet"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert all(str(folder) in line and "No space left" in line for line in lines)
    assert len(lines) == 2  # one when it began, one at the end
    assert f"--resume {folder}" in lines[-1]
    disk.full = False
    assert steps_of(folder) == before
    assert load_checkpoint(folder).training["steps"] == before
    assert not [path for path in folder.iterdir() if is_leftover(path)]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_learned(
    small, tmp_path, monkeypatch, capsys, code
):
    FailingDisk(monkeypatch, code)
    monkeypatch.setattr(GraphPPO, "learn", lambda *_, **__: pytest.fail("it has begun to learn"))
    assert command(small, tmp_path / "run") == 2
    message = one_line(capsys)
    assert str(tmp_path / "run") in message
    assert os.strerror(code) in message


@pytest.mark.parametrize("when", ["at the start", "later"])
def test_tensorboards_log_on_a_full_disk_does_not_end_the_run(small, tmp_path, monkeypatch, capsys, when):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "events.out.tfevents.1")

    monkeypatch.setattr(SummaryWriter, "__init__" if when == "at the start" else "add_scalar", full)
    assert command(small.changed(steps=900), tmp_path / "run") == 0
    message = one_line(capsys)
    assert "events.out.tfevents.1: No space left on device" in message
    assert "without TensorBoard" in message
    assert load_checkpoint(tmp_path / "run").training["steps"] >= 900


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)], capture_output=True, timeout=10
    )
    if mounted.returncode != 0:
        pytest.skip("only an administrator may mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True, timeout=10)


def fill(place):
    """Take all the room that is left."""
    with (place / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass


def test_a_real_full_disk_is_told_the_run_goes_on_and_the_saved_part_can_be_resumed(
    small, small_disk, monkeypatch, capfd
):
    monkeypatch.setattr(runs, "SAVE_SECONDS", 0.0)
    folder = small_disk / "run"

    class Watched(TrainingRun):
        def _on_rollout_start(self):
            super()._on_rollout_start()
            if self.num_timesteps > 300 and not (small_disk / "filler").exists():
                fill(small_disk)

    settings = small.changed(steps=1200)
    model = make_model(PROBLEM, settings, folder)  # with TensorBoard's log
    with pytest.raises(TrainingStoppedError, match="No space left on device"):
        train(model, Watched(PROBLEM, settings, folder, {}))
    lines = capfd.readouterr().err.splitlines()
    assert 1 <= len(lines) <= 2, lines  # the run's files, and TensorBoard's
    assert all("No space left" in line for line in lines)
    assert model.num_timesteps >= 1200
    saved = steps_of(folder)
    assert 300 < saved < 1200
    assert load_checkpoint(folder)
    with pytest.raises(InputError, match="No space left on device"):
        train(make_model(PROBLEM, settings), TrainingRun(PROBLEM, settings, folder, {}))
    (small_disk / "filler").unlink()
    again = make_model(PROBLEM, settings)
    train(again, TrainingRun(PROBLEM, settings, folder, {}, restore(again, folder)))
    assert steps_of(folder) >= 1200


def test_a_real_read_only_folder_is_refused_at_once(small, small_disk, tmp_path, capsys):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True, timeout=10)
    config = tmp_path / "small.toml"
    write_config(small, config)  # not beside the run, where command() would write it
    assert main(["train", "job-shop", "--config", str(config), "--out", str(small_disk / "run"), "--quiet"]) == 2
    assert f"{small_disk / 'run'}: cannot be written (Read-only file system)" in one_line(capsys)
