"""The state of a run, from which ``--resume`` goes on, and the files that hold it."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from ..envs.core.errors import InputError
from ..envs.core.files import remove_leftovers, write_atomically
from ..models.checkpoint import (
    CONFIG_FILE,
    MAX_BYTES,
    Checkpoint,
    all_finite,
    first_line,
    flat_tensors,
    load_checkpoint,
    mend_checkpoint,
    read_bytes,
    save_checkpoint,
)
from .faults import warn
from .graph_ppo import GraphPPO

LAST_FILE = "last.safetensors"
PREVIOUS_FILE = "last.previous.safetensors"
RECORD, CHECKSUM = "record", "checksum"
MOST_STATE_BYTES = 3 * MAX_BYTES  # weights and two moments of Adam's for each


@dataclass(frozen=True)
class State:
    """A run between two updates.

    Attributes:
        path: The file that it was read from.
        tensors: Weights, optimiser, counters and random numbers, by ``kind.name``.
        record: Problem, settings, command and so on, and the curve; empty in files of earlier versions, which
            kept these in the checkpoint only.
    """

    path: Path
    tensors: dict[str, torch.Tensor]
    record: dict[str, Any]


def state_of(model: BaseAlgorithm, seconds: float) -> dict[str, torch.Tensor]:
    """Weights, optimiser, random numbers and counters of a run, copied to the CPU.

    MaskablePPO's environments keep random numbers and unfinished episodes of their own, so its runs go on, but not
    exactly as they would have.
    """
    policy: Any = model.policy
    tensors = {f"network.{name}": tensor for name, tensor in policy.network.state_dict().items()}
    for index, state in policy.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
    counters = {"steps": model.num_timesteps, "updates": model._n_updates, "seconds": seconds}
    tensors |= {f"counter.{name}": torch.tensor(float(value), dtype=torch.float64) for name, value in counters.items()}
    if isinstance(model, GraphPPO):
        tensors["random.actions"] = model.action_generator.get_state()
        tensors["random.instances"] = _as_tensor(json.dumps(model.instance_generator.bit_generator.state))
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}


def pack_state(tensors: dict[str, torch.Tensor], record: dict[str, Any]) -> bytes:
    """A state as the bytes of a safetensors file that contains its own checksum."""
    everything = {**tensors, RECORD: _as_tensor(json.dumps(record))}
    return flat_tensors({**everything, CHECKSUM: torch.tensor(list(_digest(everything)), dtype=torch.uint8)})


def read_state(path: Path) -> State:
    """A state from its file.

    Raises:
        InputError: The file is missing, damaged, or no state.
    """
    data = read_bytes(path, MOST_STATE_BYTES)
    try:
        tensors = load_tensors(data)
    except Exception as error:  # safetensors has an exception type of its own per kind of damage
        raise _not_resumable(path, error) from None
    checksum = tensors.pop(CHECKSUM, None)
    if checksum is not None and bytes(checksum.tolist()) != _digest(tensors):
        raise _not_resumable(path, "damaged: its checksum differs")
    if not all_finite(tensors.values()):
        raise _not_resumable(path, "it holds numbers that are not finite; use --start with the best weights")
    record = tensors.pop(RECORD, None)
    return State(path, tensors, {} if record is None else json.loads(bytes(record.tolist())))


def last_state(folder: Path) -> State:
    """The newest whole state in the folder of a run.

    Raises:
        InputError: There is none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of a run")
    last, previous = folder / LAST_FILE, folder / PREVIOUS_FILE
    if not last.exists() and not previous.exists():
        raise InputError(f"{folder}: nothing saved yet that could be resumed; start the run again")
    try:
        return read_state(last)
    except InputError as error:
        if not previous.exists():
            raise
        state = read_state(previous)
        if last.exists():  # else a kill between two names; the one before is all there is, and all there should be
            warn(f"{error}; going on from {previous.name}, a little earlier")
        return state


def record_of(folder: Path) -> dict[str, Any]:
    """What a run said about itself: ``problem``, ``settings``, ``about`` and ``curve``.

    Raises:
        InputError: There is nothing to resume in this folder.
    """
    record = last_state(folder).record
    if record:
        return record
    checkpoint = load_checkpoint(folder)
    about = {key: value for key, value in checkpoint.training.items() if key not in ("settings", "curve", "best")}
    told = {"settings": checkpoint.training.get("settings", {}), "curve": checkpoint.training.get("curve", [])}
    return {"problem": checkpoint.problem, "about": about, **told}


def restore(model: OnPolicyAlgorithm, folder: Path) -> tuple[float, list[dict[str, float]]]:
    """Load the state of a run; returns its seconds and its curve.

    Raises:
        InputError: Nothing to resume there, or a damaged file.
    """
    state = last_state(folder)
    try:
        part: dict[str, dict[str, torch.Tensor]] = {"network": {}, "optimizer": {}, "counter": {}, "random": {}}
        for name, tensor in state.tensors.items():
            kind, _, rest = name.partition(".")
            part[kind][rest] = tensor
        policy: Any = model.policy
        policy.network.load_state_dict(part["network"])
        optimizer = policy.optimizer.state_dict()
        for name, tensor in part["optimizer"].items():
            index, key = name.split(".")
            optimizer["state"].setdefault(int(index), {})[key] = tensor
        policy.optimizer.load_state_dict(optimizer)
        model.num_timesteps, model._n_updates = (int(part["counter"][name]) for name in ("steps", "updates"))
        seconds = float(part["counter"]["seconds"])
        if isinstance(model, GraphPPO):
            restore_actions(model, part["random"]["actions"])
            instances = json.loads(bytes(part["random"]["instances"].tolist()))
            model.instance_generator.bit_generator.state = instances
    except Exception as error:
        raise _not_resumable(state.path, error) from None
    curve = record_of(folder)["curve"] if not state.record else state.record["curve"]
    return seconds, [point for point in curve if point["steps"] <= model.num_timesteps]


def restore_actions(model: GraphPPO, state: torch.Tensor) -> None:
    """Continue the stream of random actions; on another kind of device, whose generator is another, start a new one."""
    if len(state) == len(model.action_generator.get_state()):
        model.action_generator.set_state(state)
    else:
        seed = np.random.SeedSequence([model.seed or 0, model.num_timesteps]).generate_state(1)[0]
        model.action_generator.manual_seed(int(seed))


class RunFiles:
    """The checkpoint and the state of a run, written so that a disk that is full for a while loses neither.

    What cannot be written is kept, told once on standard error, and tried again with whatever is saved next.

    Args:
        folder: Where they go.

    Attributes:
        problem: Why something is not written yet; ``None`` if everything is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problem: OSError | None = None
        self._best: Checkpoint | None = None
        self._state: bytes | None = None

    def begin(self) -> None:
        """Make the folder, and finish or remove what a run that was killed has left in it.

        Raises:
            OSError: The folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.folder)
        mend_checkpoint(self.folder)

    def keep_best(self, checkpoint: Checkpoint) -> None:
        """Save the best weights so far."""
        self._best = checkpoint
        self.write()
        if self._best is not None:
            # training goes on and changes the network in place
            self._best = replace(checkpoint, network=copy.deepcopy(checkpoint.network))

    def keep_state(self, state: bytes) -> None:
        """Save the last state, and the one before it as the previous one."""
        self._state = state
        self.write()

    def best(self) -> Checkpoint:
        """The best weights so far.

        Raises:
            InputError: There are none yet, or somebody has damaged them.
        """
        return self._best if self._best is not None else load_checkpoint(self.folder)

    def write(self) -> None:
        """Write what is not written yet."""
        before, self.problem = self.problem, None
        if self._best is not None and self._written(save_checkpoint, self._best):
            self._best = None
        if self._state is not None and self._written(write_state, self._state):
            self._state = None
        if self.problem is not None and before is None:
            warn(f"{could_not_write(self.problem)}; training goes on, and what could not be saved is tried again")

    def _written(self, save: Callable[[Path, Any], None], content: Any) -> bool:
        try:
            save(self.folder, content)
        except OSError as error:
            self.problem = self.problem or error
            return False
        return True


def write_state(folder: Path, state: bytes) -> None:
    """Write the last state; the one that was there becomes the previous one, if it is whole.

    Raises:
        OSError: It cannot be written; the states that were there are left.
    """
    try:
        read_state(folder / LAST_FILE)
        previous = folder / PREVIOUS_FILE
    except InputError:
        previous = None  # missing or damaged: not worth losing a whole one for
    write_atomically(folder / LAST_FILE, state, previous)


def best_in_checkpoint(folder: Path, minimise: bool) -> float | None:
    """The best validation that the checkpoint in a folder knows of; ``None`` without one."""
    if not (folder / CONFIG_FILE).exists():
        return None
    training = load_checkpoint(folder).training
    values = [point["validation"] for point in training.get("curve", [])]
    # a curve alone does not tell: it goes on from the last state, which may be older than the best weights
    if training.get("best") is not None:
        values.append(training["best"])
    return (min if minimise else max)(values, default=None)


def could_not_write(error: OSError) -> str:
    """What a failure to write looks like at the start of a message."""
    return f"{error.filename or 'system'}: cannot be written ({error.strerror or error})"


def _digest(tensors: dict[str, torch.Tensor]) -> bytes:
    """SHA-256 of names, types, shapes and values."""
    total = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.digest()


def _as_tensor(text: str) -> torch.Tensor:
    return torch.tensor(list(text.encode()), dtype=torch.uint8)


def _not_resumable(path: Path, why: object) -> InputError:
    return InputError(f"{path}: not a run that can be resumed ({first_line(why)})")
