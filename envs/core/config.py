"""What the configurations of all problems share: ranges, choices and how they are checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

# marks what only concerns random instances: no option for given ones
RANDOM = {"random_instances_only": True}

Number = int | float
Range = Number | Sequence[Number]


def is_a(value: object, kind: type | tuple[type, ...]) -> bool:
    """``isinstance``, but truth values are not numbers."""
    return isinstance(value, kind) and not isinstance(value, bool)


def check_choices(config: Any) -> None:
    """Check every field whose metadata name its ``choices``.

    Raises:
        ValueError: A value is not among them.
    """
    for item in fields(config):
        choices, value = item.metadata.get("choices"), getattr(config, item.name)
        optional = value is None and item.default is None
        if choices and not optional and value not in choices:
            raise ValueError(f"{item.name} {value!r} not understood; use one of {', '.join(choices)}")


def check_truth(config: Any, *names: str) -> None:
    """Check fields that are true or false.

    Raises:
        ValueError: A value is neither.
    """
    for name in names:
        if not isinstance(getattr(config, name), bool):
            raise ValueError(f"{name} must be true or false, got {getattr(config, name)!r}")


def check_instance_field(config: Any) -> None:
    """Check the field ``instance``: nothing, a name, or a list of them.

    Raises:
        ValueError: It is something else.
    """
    names = [config.instance] if isinstance(config.instance, str) else config.instance
    if names is not None and (not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names)):
        raise ValueError(f"instance must be a name, a file or a list of them, got {config.instance!r}")


def check_number(config: Any, name: str, low: float, high: float, integer: bool = False) -> None:
    """Check a field that is one number in ``low .. high``.

    Raises:
        ValueError: It is not.
    """
    value = getattr(config, name)
    if not is_a(value, int if integer else (int, float)) or not low <= value <= high:
        kind = "an integer" if integer else "a number"
        bounds = f"at least {low:g}" if high == float("inf") else f"in {low:g}..{high:g}"
        raise ValueError(f"{name} must be {kind} {bounds}, got {value!r}")


def value_range(config: Any, name: str, low: int | None = None) -> tuple[Number, Number]:
    """The ends of a field that is a number or a pair.

    Args:
        config: The configuration.
        name: The field.
        low: Smallest value allowed; given for fields that must be integers.

    Raises:
        ValueError: Neither a number nor an ordered pair, or below ``low``.
    """
    value = getattr(config, name)
    kind: type | tuple[type, ...] = int if low is not None else (int, float)
    pair = [value, value] if isinstance(value, (int, float)) else list(value) if isinstance(value, Sequence) else []
    if len(pair) != 2 or any(isinstance(v, bool) or not isinstance(v, kind) for v in pair) or not pair[0] <= pair[1]:
        wanted = "an integer" if low is not None else "a number"
        raise ValueError(f"{name} must be {wanted} or a pair [low, high], got {value!r}")
    if low is not None and pair[0] < low:
        raise ValueError(f"{name} must be at least {low}, got {value!r}")
    return pair[0], pair[1]


def drawn_number(config: Any, name: str, rng: np.random.Generator) -> float:
    """A field's number; one from a pair, uniformly. A single number costs no random number."""
    low, high = value_range(config, name)
    return float(low if low == high else rng.uniform(low, high))


def drawn_integer(config: Any, name: str, rng: np.random.Generator) -> int:
    """A field's integer; one from a pair, uniformly, both ends included. A single one costs no random number."""
    low, high = (int(end) for end in value_range(config, name))
    return low if low == high else int(rng.integers(low, high, endpoint=True))
