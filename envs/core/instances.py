"""Which instances an episode may play: those that a configuration names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError


def looks_like_a_path(text: str) -> bool:
    """Whether a name is meant as a file: it has a suffix or a folder, or exists."""
    path = Path(text)
    # unlike Path.exists this takes names that no file can have
    return path.suffix != "" or len(path.parts) > 1 or os.path.exists(path)


def named_instances(names: str | Sequence[str], load: Callable[[str], Any]) -> list[Any]:
    """The instances that a configuration's field ``instance`` names.

    Raises:
        InputError: It is an empty list.
    """
    chosen = [names] if isinstance(names, str) else list(names)
    if not chosen:
        raise InputError("instance is an empty list; name at least one")
    return [load(name) for name in chosen]


def one_of(instances: Sequence[Any]) -> Callable[[np.random.Generator], Any]:
    """A sampler that draws uniformly among instances; a single one costs no random number."""
    if len(instances) == 1:
        return lambda rng: instances[0]
    return lambda rng: instances[int(rng.integers(len(instances)))]
