"""What a results folder says about its run, read from a file that may come from a stranger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...envs.core.errors import InputError
from ..json_files import read_json
from .text import MAX_COMMAND, MAX_NAME, number, shown

MAX_BYTES = 64 * 2**20  # of a summary: it holds a line per agent and class, not the rows
MAX_ITEMS = 200  # of a configuration, of versions, ...

Pairs = tuple[tuple[str, str], ...]
"""Names and values, both fit to be shown."""


@dataclass(frozen=True)
class About:
    """Where the numbers of a folder come from; every string is fit to be shown, and empty where the file says nothing.

    Attributes:
        command: The command line.
        config: What was configured.
        time_limit: Seconds of a solver, ``None`` where it is not said.
        workers: Threads of exact solvers.
        machine: Processor, cores, system, Python.
        versions: Of the packages.
        finished: When, as it is written.
        option: What a sweep varied, else empty.
        times: Seconds at which a race compares, else nothing.
    """

    command: str = ""
    config: Pairs = ()
    time_limit: float | None = None
    workers: float | None = None
    machine: Pairs = ()
    versions: Pairs = ()
    finished: str = ""
    option: str = ""
    times: tuple[float, ...] = ()


def read_about(path: Path) -> About:
    """The settings in ``summary.json``; nothing known where there is no such file.

    Raises:
        InputError: It is not one of ours.
    """
    if not path.exists():
        return About()
    data = read_json(path, "a summary of schedlab", MAX_BYTES)
    if not isinstance(data, Mapping):
        raise InputError(f"{path}: not a summary of schedlab (no object); run its command again with --resume")
    return about_from(data)


def about_from(data: Mapping[str, Any]) -> About:
    """The settings among whatever a summary or a race file holds; what has another type is left out."""
    times = data.get("at")
    return About(
        command=_text(data.get("command"), MAX_COMMAND),
        config=_pairs(data.get("config")),
        time_limit=number(data.get("time_limit")),
        workers=number(data.get("workers")),
        machine=_pairs(data.get("machine")),
        versions=_pairs(data.get("versions")),
        finished=_text(data.get("finished")),
        option=_text(data.get("option")),
        times=tuple(at for at in map(number, times[:MAX_ITEMS]) if at is not None) if isinstance(times, list) else (),
    )


def _text(value: Any, limit: int = MAX_NAME) -> str:
    return shown(value, limit) if isinstance(value, str) else ""


def _pairs(data: Any) -> Pairs:
    if not isinstance(data, Mapping):
        return ()
    return tuple((shown(name), _value_text(value)) for name, value in list(data.items())[:MAX_ITEMS])


def _value_text(value: Any) -> str:
    if isinstance(value, str):
        return shown(value)
    try:
        return shown(json.dumps(value, ensure_ascii=False))
    except (RecursionError, ValueError):  # lists in lists in lists, or an integer of thousands of digits
        return "not shown"
