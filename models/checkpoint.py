"""Checkpoints: a folder with ``config.json`` and ``weights.safetensors``, never a pickle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from ..envs.core.errors import InputError
from ..envs.core.files import write_atomically
from .architectures import make_network
from .policy import GraphPolicy, NetworkConfig

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "weights.safetensors"
FORMAT = 2
MAX_BYTES = 512 * 2**20


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
    """Write a checkpoint; the configuration comes last and names the weights' checksum."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = flat_tensors(checkpoint.network.state_dict())
    write_atomically(folder / WEIGHTS_FILE, weights)
    config = {
        "format": FORMAT,
        "problem": checkpoint.problem,
        "network": checkpoint.network.config.to_json(),
        "features": checkpoint.features,
        "environment": checkpoint.environment,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "training": checkpoint.training,
    }
    write_atomically(folder / CONFIG_FILE, json.dumps(config, indent=1) + "\n")


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint; nothing in it can run code.

    Raises:
        InputError: The folder or a file is missing, damaged or of another format.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such checkpoint folder")
    path = folder / CONFIG_FILE
    config = _json(path)
    if config.get("format") != FORMAT:
        raise InputError(f"{path}: format {config.get('format')!r} not understood; this version reads {FORMAT}")
    weights = read_bytes(folder / WEIGHTS_FILE)
    if hashlib.sha256(weights).hexdigest() != config.get("weights_sha256"):
        raise InputError(f"{folder / WEIGHTS_FILE}: does not belong to {CONFIG_FILE}, or is damaged (checksum differs)")
    try:
        network = make_network(NetworkConfig(**config["network"]))
        network.load_state_dict(load_tensors(weights))
        features = {key: list(map(str, names)) for key, names in config["features"].items()}
        environment, training = dict(config["environment"]), dict(config.get("training", {}))
        return Checkpoint(network, str(config["problem"]), features, environment, training)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(f"{path}: not a checkpoint of schedlab ({str(error).splitlines()[0]})") from None


def read_bytes(path: Path) -> bytes:
    """A file's content.

    Raises:
        InputError: It is missing, unreadable or implausibly large.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES >> 20} MiB, not a checkpoint")
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


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
