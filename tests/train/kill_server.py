"""Starts a training run again and again, and kills it with signal 9 at random moments; prints what it found as JSON.

A process of its own, because it forks: torch and the package are loaded once, and every run starts in milliseconds.
``python tests/train/kill_server.py FOLDER ALGORITHM KILLS SEED``
"""

import importlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from schedlab.agents.learned import LearnedPolicy
from schedlab.envs.core import InputError
from schedlab.envs.core.files import stamp
from schedlab.envs.job_shop import PROBLEM
from schedlab.eval.cli import main
from schedlab.models.checkpoint import load_checkpoint
from schedlab.train import runs
from schedlab.train.models import make_model
from schedlab.train.runs import Validation
from schedlab.train.state import LAST_FILE, last_state
from tests.train.conftest import SMALL, SMALL_MASKABLE

ENDLESS = 10**9


def settings_of(algorithm):
    base = SMALL if algorithm == "graph-ppo" else SMALL_MASKABLE
    return base.changed(steps=ENDLESS, validation_updates=2, device="cpu", threads=1)


def write_config(settings, path):
    tables = ("environment", "environments", "validation", "prior")
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.to_json().items() if key not in tables]
    lines += ["[environment]", *(f"{key} = {json.dumps(value)}" for key, value in settings.environment.items())]
    path.write_text("\n".join(lines))


def warm_up(settings):
    """Load what a run needs before the first fork; but learn nothing: that would start threads, which do not fork."""
    model = make_model(PROBLEM, settings)
    Validation(PROBLEM, settings).mean_objective(LearnedPolicy(model.policy.network))
    importlib.import_module("schedlab.train.command")


def start(arguments):
    """The command, in a child of its own that says nothing on standard output."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            status = main(["train", "job-shop", *arguments, "--quiet"])
        finally:
            os._exit(status)
    return child


def killed_after(wait, arguments):
    """Whether the run was still going when it was killed after ``wait()``; else its exit status."""
    child = start(arguments)
    wait()
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return True if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def until_saved(path, times, patience=8.0):
    """Wait until a file was replaced so many times, so that runs get somewhere on a busy machine, too."""
    began, before = time.monotonic(), stamp(path)
    while times and time.monotonic() - began < patience:
        time.sleep(0.002)
        now = stamp(path)
        if any(now) and now != before:  # between two names there is no file
            times, before = times - 1, now


def tried(read, folder):
    """What a folder holds and why not, one of them nothing."""
    try:
        return read(folder), ""
    except InputError as error:
        return None, str(error)


def look(folder, earlier):
    """What the folder holds now, after checks that nothing of ``earlier`` was lost."""
    state, refusal = tried(last_state, folder)
    if state is None:
        assert "nothing saved yet" in refusal or "no such folder" in refusal, refusal
        assert earlier is None, "the state was lost"
        return None
    curve = state.record["curve"]
    steps = [point["steps"] for point in curve]
    assert steps == sorted(set(steps)), steps
    now = {"steps": int(state.tensors["counter.steps"]), "curve": curve, "best": None}
    assert all(value <= now["steps"] for value in steps)
    checkpoint, refusal = tried(load_checkpoint, folder)
    if checkpoint is not None:
        now["best"] = min(point["validation"] for point in checkpoint.training["curve"])
    else:
        assert "no such file" in refusal, refusal
        # the state is written later than the best weights that its curve knows of
        assert not curve, "the best weights were lost"
    if curve:
        assert now["best"] <= min(point["validation"] for point in curve)
    if earlier is not None:
        assert now["steps"] >= earlier["steps"], (now["steps"], earlier["steps"])
        assert curve[: len(earlier["curve"])] == earlier["curve"], "the curve does not go on from where it was"
        assert earlier["best"] is None or now["best"] <= earlier["best"], "better weights were overwritten"
    return now


def kill_often(folder, algorithm, kills, seed):
    """Kill and look ``kills`` times; then let the run end by itself."""
    rng, began = random.Random(seed), time.monotonic()
    config, run = folder / "settings.toml", folder / "run"
    write_config(settings_of(algorithm), config)
    warm_up(settings_of(algorithm))
    seen, progressed = None, 0
    for number in range(kills):
        arguments = ["--config", str(config), "--out", str(run)] if seen is None else ["--resume", str(run)]
        # anywhere, in turn with shortly after a save
        waits = (0, rng.uniform(0.02, 0.8)) if number % 2 else (rng.randint(2, 5), rng.uniform(0.0, 0.1))

        def wait(waits=waits):
            until_saved(run / LAST_FILE, waits[0])
            time.sleep(waits[1])

        outcome = killed_after(wait, arguments)
        assert outcome is True, f"the run ended by itself with status {outcome}"
        before, seen = seen, look(run, seen)
        progressed += seen is not None and (before is None or seen["steps"] > before["steps"])
    assert seen is not None, "nothing was ever saved"
    status = os.waitpid(start(["--resume", str(run), "--steps", str(seen["steps"] + 200)]), 0)[1]
    last = look(run, seen)
    files = sorted(path.name for path in run.iterdir() if not path.name.startswith("."))
    return {
        "kills": kills, "progressed": progressed, "steps": seen["steps"], "points": len(seen["curve"]),
        "status": os.waitstatus_to_exitcode(status), "last_steps": last["steps"], "left": files,
        "resumed": len(load_checkpoint(run).training["resumed"]), "seconds": time.monotonic() - began,
    }  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)
    runs.SAVE_SECONDS = 0.0  # a state is saved after every update, so that kills hit the saving itself
    place, kind, count, seed = sys.argv[1:]
    print(json.dumps(kill_often(Path(place), kind, int(count), int(seed))))
