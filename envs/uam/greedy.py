"""Rules that look at one flight, or two, in compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from . import state as s
from .features import ROUNDED

GREEDY_TRIP, GREEDY_HOUR, LOOK_AHEAD = range(3)


@njit(cache=True, nogil=True)
def choose(code: int, world: Any, state: Any, numbers: Any, choice: NDArray[np.int64]) -> None:
    """Write a rule's action for every row, int64 ``[B]``.

    Args:
        code: The rule.
        world: Of the simulator.
        state: Of the simulator.
        numbers: Of the simulator.
        choice: Where to.
    """
    for b in range(len(choice)):
        choice[b] = choose_in_row(code, b, world, state, numbers)


@njit(cache=True)
def choose_in_row(code: int, b: int, world: Any, state: Any, numbers: Any) -> int:
    """A rule's action in one row; see :func:`choose`."""
    size, now = world.row[b], state.row[b, s.NOW]
    i = state.plane[b, state.row[b, s.PLANE], s.WHERE]
    h = min(now // size[s.PERIOD], state.remaining.shape[1] - 1)
    best, worth = i, 0.0 if state.legal[b, i] else -np.inf
    for j in range(size[s.NUM_PORTS]):
        if j == i or not state.legal[b, j]:
            continue
        load = min(size[s.SEATS], state.remaining[b, h, i, j])
        value = load * world.margin[b, h, i, j] - world.cost[b, i, j]
        if code == GREEDY_HOUR:
            value /= numbers.hours[b, i, j]
        elif code == LOOK_AHEAD:
            value = _second(b, j, value, numbers.hours[b, i, j], world, state, numbers)
        if value > worth:
            best, worth = j, value
    return best


@njit(cache=True)
def _second(b: int, j: int, profit: float, hours: float, world: Any, state: Any, numbers: Any) -> float:
    """Profit per hour of a flight to a vertiport and the best one from there.

    By the passengers who are there now where it begins in this period, by forecast later. A flight that ends after
    the day has no second.
    """
    size, now = world.row[b], state.row[b, s.NOW]
    then = now + 3600.0 * hours + ROUNDED
    if then >= size[s.DAY]:
        return profit / hours
    h, later = now // size[s.PERIOD], int(then) // size[s.PERIOD]
    if later > h:
        return (profit + numbers.best[b, later, j, 1]) / (hours + numbers.best[b, later, j, 2])
    best = profit / (hours + size[s.WAIT] / 3600.0)
    for k in range(size[s.NUM_PORTS]):
        if numbers.possible[b, j, k]:
            load = min(size[s.SEATS], state.remaining[b, h, j, k])
            earns = load * world.margin[b, h, j, k] - world.cost[b, j, k]
            best = max(best, (profit + earns) / (hours + numbers.hours[b, j, k]))
    return best
