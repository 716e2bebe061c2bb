"""Checkpoints: a folder with ``config.json`` and ``weights.safetensors``, never a pickle."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from ..envs.core.errors import InputError
from ..envs.core.files import read_limited, sync_folder, write_atomically
from .architectures import make_network
from .policy import MOST_WEIGHTS, GraphPolicy, NetworkConfig

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "weights.safetensors"
FORMAT = 2
MAX_BYTES = 4 * MOST_WEIGHTS + 16 * 2**20  # float32, and the names
STAGED = re.compile(r"weights-[0-9a-f]{16}\.safetensors")
READ_ATTEMPTS = 3


@dataclass(frozen=True)
class Checkpoint:
    """A trained network and how it came to be.

    Attributes:
        network: The network, with its weights.
        problem: Name of the problem that it was trained on.
        features: Names of the node, candidate and context features that it reads, in order.
        environment: Arguments of the environment that it was trained on: an agent plays by the same rules.
        training: Command, seed, commit, settings, steps, curve, ...: plain JSON values.
    """

    network: GraphPolicy
    problem: str
    features: dict[str, list[str]]
    environment: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint so that at every moment, also after a kill, the folder holds the old or the new one.

    The new weights are first written beside the old ones, under a name that tells their checksum. The configuration,
    which names that checksum too, is the switch: before it is replaced the old weights are valid, after it the new
    ones. Then these take their usual name.

    Raises:
        OSError: Something cannot be written; the folder holds the old checkpoint, or the new one all the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mend_checkpoint(folder)
    weights = flat_tensors(checkpoint.network.state_dict())
    checksum = hashlib.sha256(weights).hexdigest()
    config = {
        "format": FORMAT,
        "problem": checkpoint.problem,
        "network": checkpoint.network.config.to_json(),
        "features": checkpoint.features,
        "environment": checkpoint.environment,
        "weights_sha256": checksum,
        "training": checkpoint.training,
    }
    write_atomically(folder / staged_file(checksum), weights)
    write_atomically(folder / CONFIG_FILE, json.dumps(config, indent=1) + "\n")
    mend_checkpoint(folder)


def staged_file(checksum: str) -> str:
    """What weights are called before they take the place of the old ones."""
    return f"weights-{checksum[:16]}.safetensors"


def mend_checkpoint(folder: Path) -> None:
    """Finish or undo what a :func:`save_checkpoint` that was killed has left; does nothing to a folder at rest."""
    staged = [path for path in folder.iterdir() if STAGED.fullmatch(path.name)]
    if not staged:
        return
    valid: str | None
    try:
        valid = staged_file(str(_json(folder / CONFIG_FILE).get("weights_sha256")))
    except InputError:
        # a configuration that cannot be read may still be mended by hand, and then needs its weights
        valid = "" if not (folder / CONFIG_FILE).exists() else None
    for path in staged:
        if path.name == valid:
            os.replace(path, folder / WEIGHTS_FILE)
        elif valid is not None:
            path.unlink(missing_ok=True)
    sync_folder(folder)


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint; nothing in it can run code.

    Raises:
        InputError: The folder or a file is missing, damaged or of another format.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such checkpoint folder")
    path = folder / CONFIG_FILE
    config, weights = _config_and_weights(folder)
    try:
        tensors = load_tensors(weights)
        network = make_network(readable(NetworkConfig(**config["network"])))
        network.load_state_dict(tensors)
        features = {key: list(map(str, names)) for key, names in config["features"].items()}
        environment, training = dict(config["environment"]), dict(config.get("training", {}))
        found = Checkpoint(network, str(config["problem"]), features, environment, training)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, SafetensorError) as error:
        raise InputError(f"{path}: not a checkpoint of schedlab ({first_line(error)})") from None
    if not all_finite(tensors.values()):
        raise InputError(f"{folder / WEIGHTS_FILE}: holds weights that are not finite numbers; train it anew")
    return found


def readable(config: NetworkConfig) -> NetworkConfig:
    """The sizes of a network, if a checkpoint of it can be read.

    Its weights are counted without allocating them: sizes may come from a stranger's file, or from settings whose run
    would end with a checkpoint that nobody can load.

    Raises:
        ValueError: It has more weights than a checkpoint may have, or the sizes do not go together.
    """
    with torch.device("meta"):
        weights = sum(tensor.numel() for tensor in make_network(config).state_dict().values())
    if weights > MOST_WEIGHTS:
        raise ValueError(
            f"a network of width {config.hidden} with {config.layers} layers has {weights:,} weights here; "
            f"a checkpoint holds at most {MOST_WEIGHTS:,}"
        )
    return config


def first_line(error: object) -> str:
    """The first line of a message; of an error without one, its kind."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _config_and_weights(folder: Path) -> tuple[dict[str, Any], bytes]:
    """The two parts of a checkpoint, which belong together."""
    for _ in range(READ_ATTEMPTS):
        config = _json(folder / CONFIG_FILE)
        if config.get("format") != FORMAT:
            raise InputError(
                f"{folder / CONFIG_FILE}: format {config.get('format')!r} not understood; this version reads {FORMAT}"
            )
        checksum = str(config.get("weights_sha256"))
        # the staged weights are there while, or because, somebody was stopped between the switch and the new name
        places = [folder / WEIGHTS_FILE, folder / staged_file(checksum)]
        for path in places:
            try:
                weights = read_bytes(path)
            except InputError:
                if path.exists():
                    raise
                continue
            if hashlib.sha256(weights).hexdigest() == checksum:
                return config, weights
        # a run that is training may have replaced one part between our two looks: look again
    if not places[0].exists():
        raise InputError(f"{places[0]}: no such file")
    raise InputError(f"{places[0]}: does not belong to {CONFIG_FILE}, or is damaged (checksum differs)")


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether there is no NaN and no infinity in any of them."""
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def read_bytes(path: Path, most: int = MAX_BYTES) -> bytes:
    """A file's content.

    Args:
        path: The file.
        most: Bytes above which it is not read.

    Raises:
        InputError: It is missing, unreadable, no plain file or implausibly large.
    """
    return read_limited(path, most, "a checkpoint")


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error})") from None
    if not isinstance(data, dict):
        raise InputError(f"{path}: must hold a JSON object")
    return data


def flat_tensors(tensors: dict[str, Tensor]) -> bytes:
    """Named tensors as safetensors bytes."""
    return save_tensors({name: tensor.contiguous() for name, tensor in tensors.items()})
