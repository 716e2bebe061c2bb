"""The objective of a row, in compiled code: the fragment rate, or moves to a goal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from . import state as s


@njit(cache=True)
def rate(b: int, world: Any, state: Any) -> float:
    """The fragment rate of a row."""
    free = world.real[b, s.FREE_CORES]
    return float(world.real[b, s.WEIGHTS] - state.real[b, s.USABLE] / free) if free > 0 else 0.0


@njit(cache=True)
def reached(b: int, world: Any, state: Any) -> bool:
    """Whether a row has a goal and has reached it."""
    return bool(world.row[b, s.BY_MOVES] and rate(b, world, state) <= world.real[b, s.GOAL] + 1e-12)


@njit(cache=True)
def _missing(b: int, world: Any, state: Any) -> float:
    """Slots of the first fragment size still missing to the goal."""
    short = rate(b, world, state) - world.real[b, s.GOAL]
    if short <= 1e-12:
        return 0.0
    slots = short * world.real[b, s.FREE_CORES] / world.fragment[b, 0, 0]
    whole = int(slots)
    return float(max(whole if slots - whole < 1e-9 else whole + 1, 1))


@njit(cache=True)
def cost(b: int, world: Any, state: Any) -> float:
    """The objective of a row if it ended here, without the effect of a delay."""
    if not world.row[b, s.BY_MOVES]:
        return rate(b, world, state)
    missing = _missing(b, world, state)
    if missing == 0:
        return float(state.row[b, s.MOVES])
    return float(world.row[b, s.MNL] + missing)


@njit(cache=True)
def costs(world: Any, state: Any) -> Any:
    """:func:`cost` of every row ``[B]``."""
    return np.array([cost(b, world, state) for b in range(len(state.done))])


@njit(cache=True)
def rates(world: Any, state: Any) -> Any:
    """:func:`rate` of every row ``[B]``."""
    return np.array([rate(b, world, state) for b in range(len(state.done))])
