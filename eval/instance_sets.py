"""What ``--instances`` and ``--seeds`` mean."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..envs.core.errors import InputError
from ..envs.core.problem import Problem

NAME_RANGE = re.compile(r"([a-z]+)([0-9]{1,9})-(?:\1)?([0-9]{1,9})", re.IGNORECASE)
SEED_RANGE = re.compile(r"([0-9]{1,12})-([0-9]{1,12})")
MAX_SEEDS = 100_000


@dataclass(frozen=True)
class Entry:
    """One instance of a benchmark.

    Attributes:
        name: Under which its results are reported.
        instance: The instance.
        seeds: Seeds with which stochastic agents try it; the first is the one that made it, if a preset did.
    """

    name: str
    instance: Any
    seeds: tuple[int, ...]


def parse_seeds(text: str) -> tuple[int, ...]:
    """``"0-4,7"`` -> (0, 1, 2, 3, 4, 7).

    Raises:
        InputError: Not a list of numbers and ranges.
    """
    seeds: list[int] = []
    for part in text.split(","):
        part = part.strip()
        bounds = SEED_RANGE.fullmatch(part)
        if bounds:
            low, high = int(bounds[1]), int(bounds[2])
        elif part.isascii() and part.isdigit() and len(part) <= 12:
            low = high = int(part)
        else:
            raise InputError(f"--seeds {text!r} not understood; write numbers and ranges such as 0-4,7")
        if low > high or high - low >= MAX_SEEDS or high >= 2**31:
            raise InputError(
                f"--seeds {text!r}: {part} is not an increasing range of at most {MAX_SEEDS} seeds below 2**31"
            )
        seeds += range(low, high + 1)
    return tuple(dict.fromkeys(seeds))


def expand_instances(
    text: str,
    seeds: Sequence[int],
    problem: Problem[Any, Any, Any],
    config: Any,
    given: Mapping[str, Any] | None = None,
) -> list[Entry]:
    """Instances from a comma-separated list of names, ranges of names, files, folders and presets.

    Args:
        text: The list.
        seeds: Of random instances and of agents.
        problem: The problem.
        config: Its configuration.
        given: Those of its values that the user gave: they win over a preset's.

    Raises:
        InputError: Something in the list does not exist, or two instances share a name.
    """
    parts = [part.strip() for part in text.split(",")]
    entries = [entry for part in parts for entry in _expand(part, tuple(seeds), problem, config, given or {})]
    for name, count in Counter(entry.name for entry in entries).items():
        if count > 1:
            raise InputError(f"--instances: two instances are called {name!r}")
    return entries


def _expand(
    part: str, seeds: tuple[int, ...], problem: Problem[Any, Any, Any], config: Any, given: Mapping[str, Any]
) -> list[Entry]:
    if not part:
        raise InputError("--instances has an empty name in its list")
    if part in problem.presets():
        return random_entries(part, seeds, problem, preset_config(problem, part, config, given))
    if part not in problem.instance_names():
        if os.path.isdir(part):  # unlike Path.is_dir this takes names that no folder can have
            files = sorted(path for path in Path(part).iterdir() if path.is_file() and path.name[0] != ".")
            if not files:
                raise InputError(f"{part}: the folder holds no instance files")
            return [entry for path in files for entry in _named(str(path), seeds, problem, config)]
        if bounds := NAME_RANGE.fullmatch(part):
            names = _name_range(part, bounds, problem)
            return [entry for name in names for entry in _named(name, seeds, problem, config)]
    return _named(part, seeds, problem, config)


def _name_range(part: str, bounds: re.Match[str], problem: Problem[Any, Any, Any]) -> list[str]:
    stem, first, last = bounds[1], bounds[2], bounds[3]
    known = set(problem.instance_names())
    names = [f"{stem}{number:0{len(first)}d}" for number in range(int(first), min(int(last), int(first) + 9999) + 1)]
    missing = [name for name in names if name not in known]
    if missing or not names:
        raise InputError(f"--instances {part!r}: {missing[0] if missing else 'nothing'} is not a built-in instance")
    return names


def _named(name: str, seeds: tuple[int, ...], problem: Problem[Any, Any, Any], config: Any) -> list[Entry]:
    """The instances of a name or file: one, or all that the file holds; one for every seed where chance is met."""
    instances = problem.load_all(name, config)
    return [entry for instance in instances for entry in _with_lucks(instance, seeds, problem)]


def _with_lucks(instance: Any, seeds: tuple[int, ...], problem: Problem[Any, Any, Any]) -> list[Entry]:
    name = problem.instance_name(instance)
    lucks = [problem.with_luck(instance, seed) for seed in seeds] if problem.unfolds(instance) else []
    if not lucks or any(luck is None for luck in lucks):
        return [Entry(name, instance, seeds)]
    return [Entry(f"{name}/{seed}", luck, (seed,)) for seed, luck in zip(seeds, lucks, strict=True)]


def random_entries(stem: str, seeds: Sequence[int], problem: Problem[Any, Any, Any], config: Any) -> list[Entry]:
    """One random instance of a configuration for every seed, called ``stem/seed``.

    Raises:
        InputError: The configuration makes no instances.
    """
    try:
        sample = problem.sampler(config)
    except ValueError as error:
        raise InputError(str(error)) from error
    return [Entry(f"{stem}/{seed}", sample(np.random.default_rng(seed)), (seed,)) for seed in seeds]


def preset_config(
    problem: Problem[Any, Any, Any], name: str, config: Any, given: Mapping[str, Any] | None = None
) -> Any:
    """A preset's configuration, with what the user set beside it (objective, builder, due dates) or instead.

    Raises:
        InputError: They do not go together.
    """
    try:
        return replace(config, **{**problem.presets()[name], **(given or {})})
    except ValueError as error:
        raise InputError(str(error)) from error
