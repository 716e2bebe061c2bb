"""A checkpoint is the old one or the new one, whatever happens while it is written."""

import errno
import json
import os
from itertools import count

import pytest
import torch

from schedlab.envs.core import InputError
from schedlab.envs.core.files import OLD_SECONDS, is_leftover, remove_leftovers, write_atomically
from schedlab.models import checkpoint as module
from schedlab.models.checkpoint import Checkpoint, load_checkpoint, mend_checkpoint, save_checkpoint
from schedlab.models.policy import GraphPolicy, NetworkConfig
from tests.killing import FailingDisk, count_calls, killed_at

AT_REST = ["config.json", "weights.safetensors"]


def checkpoint(name, seed):
    torch.manual_seed(seed)
    network = GraphPolicy(NetworkConfig(3, ("precedes",), 4, 2, hidden=8, layers=1, heads=2))
    return Checkpoint(network, "job-shop", {"nodes": ["a"]}, {}, {"name": name})


OLD, NEW = checkpoint("old", 1), checkpoint("new", 2)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def found(folder):
    """The name in the configuration, after a check that the weights belong to it."""
    loaded = load_checkpoint(folder)
    expected = {"old": OLD, "new": NEW}[loaded.training["name"]]
    stored = loaded.network.state_dict()
    assert all(torch.equal(tensor, stored[name]) for name, tensor in expected.network.state_dict().items())
    return loaded.training["name"]


@pytest.mark.parametrize("half", [False, True])
def test_a_kill_between_any_two_calls_leaves_the_old_or_the_new_checkpoint(tmp_path, half):
    seen = []
    for moment in count(1):
        folder = tmp_path / str(moment)
        save_checkpoint(folder, OLD)
        killed = killed_at(moment, lambda folder=folder: save_checkpoint(folder, NEW), half)
        seen.append(found(folder))
        save_checkpoint(folder, NEW)
        assert found(folder) == "new"
        assert [name for name in names(folder) if not is_leftover(folder / name)] == AT_REST
        if not killed:
            break
    assert len(seen) > 15
    assert seen == sorted(seen, reverse=True)  # "old" up to one moment, "new" from there on
    assert {"old", "new"} == set(seen)


def test_a_first_checkpoint_that_is_killed_is_none_or_whole(tmp_path):
    outcomes = []
    for moment in count(1):
        folder = tmp_path / str(moment)
        folder.mkdir()
        killed = killed_at(moment, lambda folder=folder: save_checkpoint(folder, NEW))
        if (folder / "config.json").exists():
            outcomes.append(found(folder))
        else:
            outcomes.append("none")
            with pytest.raises(InputError, match="no such file"):
                load_checkpoint(folder)
        mend_checkpoint(folder)
        rest = [name for name in names(folder) if not is_leftover(folder / name)]
        assert rest == (AT_REST if outcomes[-1] == "new" else [])
        if not killed:
            break
    assert outcomes == sorted(outcomes, reverse=True)
    assert set(outcomes) == {"none", "new"}


def test_every_file_reaches_the_disk_before_it_takes_its_name_and_the_name_after(tmp_path, monkeypatch):
    events = []

    def act(number, name, arguments, call):
        events.append(name)
        return call()

    for name in ("open", "write", "fsync", "close", "chmod", "replace", "unlink", "mkdir"):
        monkeypatch.setattr(os, name, getattr(os, name))  # so that they are put back
    count_calls(act)
    write_atomically(tmp_path / "file", "content")
    kept = [name for name in events if name in ("write", "fsync", "replace")]
    assert kept == ["write", "fsync", "replace", "fsync"]


def test_a_full_disk_leaves_the_old_checkpoint_and_nothing_of_the_new_one(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, OLD)
    disk = FailingDisk(monkeypatch)
    with pytest.raises(OSError, match="No space left") as caught:
        save_checkpoint(tmp_path, NEW)
    assert caught.value.errno == errno.ENOSPC
    assert str(caught.value.filename).startswith(str(tmp_path / "weights-"))
    assert names(tmp_path) == AT_REST
    assert found(tmp_path) == "old"
    disk.full = False
    save_checkpoint(tmp_path, NEW)
    assert found(tmp_path) == "new"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_at_any_sync_or_rename_leaves_a_whole_checkpoint(tmp_path, monkeypatch, call):
    usual = getattr(os, call)
    for moment in range(1, 8):
        folder = tmp_path / str(moment)
        save_checkpoint(folder, OLD)
        calls = count(1)

        def failing(*arguments, calls=calls, moment=moment):
            if next(calls) == moment:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return usual(*arguments)

        monkeypatch.setattr(os, call, failing)
        try:
            save_checkpoint(folder, NEW)
            written = True
        except OSError:
            written = False
        monkeypatch.setattr(os, call, usual)
        assert found(folder) == "new" if written else found(folder) in ("old", "new")
        assert not [name for name in names(folder) if is_leftover(folder / name)]


def test_weights_of_another_save_are_never_loaded(tmp_path):
    save_checkpoint(tmp_path / "old", OLD)
    save_checkpoint(tmp_path / "new", NEW)
    (tmp_path / "old" / "weights.safetensors").replace(tmp_path / "new" / "weights.safetensors")
    with pytest.raises(InputError, match="checksum differs"):
        load_checkpoint(tmp_path / "new")


def test_a_reader_that_comes_between_two_saves_looks_again(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, OLD)
    usual = module.read_bytes
    pending = [NEW]

    def read_bytes(path):
        data = usual(path)
        if path.name == "config.json" and pending:
            save_checkpoint(tmp_path, pending.pop())  # the writer replaces both parts between our two looks
        return data

    monkeypatch.setattr(module, "read_bytes", read_bytes)
    assert found(tmp_path) == "new"


def test_files_that_only_look_like_ours_stay(tmp_path):
    mine = ["weights-best.safetensors", "weights-0123456789abcdef.safetensors.bak", ".config.json.swp", "notes.tmp"]
    for name in mine:
        (tmp_path / name).write_text("mine")
        os.utime(tmp_path / name, (0, 0))
    save_checkpoint(tmp_path, OLD)
    assert remove_leftovers(tmp_path) == []
    assert names(tmp_path) == sorted([*mine, *AT_REST])


def test_what_a_killed_writer_left_is_removed_once_it_is_old(tmp_path):
    write_atomically(tmp_path / "file", "whole")
    moment = 1
    while killed_at(moment, lambda: write_atomically(tmp_path / "file", "new")):
        moment += 1
    left = [path for path in tmp_path.iterdir() if is_leftover(path)]
    assert left
    assert remove_leftovers(tmp_path) == []  # somebody may be writing now
    for path in left:
        os.utime(path, (path.stat().st_mtime - OLD_SECONDS - 1,) * 2)
    assert len(remove_leftovers(tmp_path)) == len(left)
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_refused(tmp_path, bad):
    broken = checkpoint("broken", 3)
    with torch.no_grad():
        next(broken.network.parameters()).view(-1)[0] = bad
    save_checkpoint(tmp_path, broken)
    with pytest.raises(InputError, match="not finite") as caught:
        load_checkpoint(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_configuration_that_cannot_be_read_keeps_all_weights(tmp_path):
    save_checkpoint(tmp_path, OLD)
    config = (tmp_path / "config.json").read_text()
    staged = tmp_path / module.staged_file(json.loads(config)["weights_sha256"])
    (tmp_path / "weights.safetensors").replace(staged)
    (tmp_path / "config.json").write_text("{")
    mend_checkpoint(tmp_path)
    assert staged.exists()
    (tmp_path / "config.json").write_text(config)
    assert found(tmp_path) == "old"
