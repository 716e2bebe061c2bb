"""Checkpoint folders that no training has written: each is loaded with little memory, and what came of it is printed.

Run as a script, because a process can only once and for all be forbidden to take more memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import resource
import shutil
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from schedlab.envs.core import InputError

SHIPPED = Path(__file__).parents[2] / "agents" / "job_shop" / "trained" / "makespan"
ROOM = 2 << 30
"""Bytes that loading may take beyond what the imported libraries have."""


class Malicious:
    """Unpickling this would make the file ``ran`` in the present folder."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch ran",)


def changed(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the configuration."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def with_weights(folder: Path, weights: bytes) -> None:
    """Other weights, with their right checksum."""
    (folder / "weights.safetensors").write_bytes(weights)
    changed(folder, lambda config: config.update(weights_sha256=hashlib.sha256(weights).hexdigest()))


def _sizes(**sizes: Any) -> Callable[[Path], None]:
    return lambda folder: changed(folder, lambda config: config["network"].update(sizes))


def _top(**values: Any) -> Callable[[Path], None]:
    return lambda folder: changed(folder, lambda config: config.update(values))


def _header(header: bytes, length: int | None = None) -> Callable[[Path], None]:
    size = len(header) if length is None else length
    return lambda folder: with_weights(folder, struct.pack("<Q", size) + header)


def _tensor(shape: list[int], end: int) -> Callable[[Path], None]:
    return _header(json.dumps({"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}).encode())


def _in_place(name: str, make: Callable[[Path], None]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return change


CASES: dict[str, Callable[[Path], None]] = {
    "pickle": lambda folder: with_weights(folder, pickle.dumps(Malicious())),
    "pickle-config": lambda folder: (folder / "config.json").write_bytes(pickle.dumps(Malicious())) and None,
    "other-weights": lambda folder: (folder / "weights.safetensors").write_bytes(b"\x00" * 100) and None,
    "empty-weights": lambda folder: with_weights(folder, b""),
    "huge-header": _header(b"{}", 2**62),
    "long-header": _header(b"{}", 2**31),
    "deep-header": _header(b'{"a":' * 50_000),
    "huge-tensor": _tensor([2**31, 2**31], 2**62),
    "small-tensor": _tensor([2**20], 4),
    "overflowing-tensor": _tensor([2**32, 2**32], 0),
    "hidden": _sizes(hidden=10**9),
    "largest": _sizes(hidden=65536, heads=1, layers=64, attention_layers=64),
    "wide": _sizes(hidden=16384),
    "features": _sizes(node_features=65536, candidate_features=65536),
    "context": _sizes(context_features=10**9),
    "relations": _sizes(relations=[f"r{k}" for k in range(10**5)]),
    "negative": _sizes(context_features=-5),
    "text-size": _sizes(hidden="64"),
    "true-size": _sizes(hidden=True),
    "prior": _sizes(prior=[1e999]),
    "more": _sizes(os="system"),
    "architecture": _sizes(architecture="__import__('os').system('touch ran')"),
    "no-network": _top(network=None),
    "listed-network": _top(network=[1]),
    "no-features": _top(features=None),
    "other-features": _top(features={"node": 5}),
    "listed-environment": _top(environment=[1]),
    "deep": lambda folder: (folder / "config.json").write_bytes(b"[" * 10**6) and None,
    "digits": lambda folder: (folder / "config.json").write_bytes(b"1" * 10**6) and None,
    "latin": lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe{}") and None,
    "config-pipe": _in_place("config.json", os.mkfifo),
    "weights-pipe": _in_place("weights.safetensors", os.mkfifo),
    "config-device": _in_place("config.json", lambda path: path.symlink_to("/dev/zero")),
    "weights-device": _in_place("weights.safetensors", lambda path: path.symlink_to("/dev/zero")),
    "config-folder": _in_place("config.json", os.mkdir),
    "circle": _in_place("config.json", lambda path: path.symlink_to(path)),
}  # fmt: skip


def write_all(folder: Path) -> None:
    """The folders, one for each case."""
    for name, change in CASES.items():
        shutil.copytree(SHIPPED, folder / name)
        change(folder / name)


def main(folder: Path, names: list[str]) -> None:
    """Load some cases, and print for each the message (or the kind of failure) and the seconds."""
    from schedlab.models.checkpoint import load_checkpoint

    load_checkpoint(SHIPPED)
    with open("/proc/self/statm", encoding="ascii") as file:
        room = ROOM + int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    for name in names:
        begun = time.monotonic()
        try:
            load_checkpoint(folder / name)
            answer = ["read", ""]
        except InputError as error:
            answer = ["refused", str(error)]
        except BaseException as error:
            answer = [type(error).__name__, str(error)[:300]]
        print(json.dumps([name, *answer, time.monotonic() - begun]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
