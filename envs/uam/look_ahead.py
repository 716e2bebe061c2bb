"""Plays every choice out by greedy-hour, in a few futures that may come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from . import state as s
from .features import Numbers
from .greedy import GREEDY_HOUR, choose_in_row
from .instance import UamInstance
from .kernels import expected_ready, play_row


class LookAhead:
    """What every legal choice earns soon, on average over futures that all choices of a decision share.

    Nothing is known in them that a dispatcher does not know: passengers of later periods are drawn from the forecast,
    and pay by it; flights under way land when they were announced to, later ones are late by their means; nobody fails;
    and routes that are closed now open again in the next slot. Where demand is known there is one future; where
    closures never come by chance they are known.

    Args:
        world: Of a simulator.
        state: Of a simulator.
        futures: In which each choice is tried.
        horizon: Seconds to look ahead. Flights that end later count for the share of their time before that.

    Attributes:
        earned: Dollars, float64 ``[B, A]``; minus infinity where a choice is not legal.
    """

    def __init__(self, world: s.World, state: s.State, futures: int, horizon: int) -> None:
        self.futures, self.horizon = futures, horizon
        batch = len(state.profit)
        self.earned = np.full(state.legal.shape, -np.inf)
        self._counts = np.ones(batch, np.int64)
        self._foreseen = np.zeros(batch, np.bool_)
        self._drawn = np.zeros((batch, futures, *world.demand.shape[1:]), np.int64)
        # the tables that stay are the simulator's own
        self._world = world._replace(
            luck=np.zeros_like(world.luck),
            repair=np.zeros_like(world.repair),
            closed=np.zeros_like(world.closed),
            margin=np.zeros_like(world.margin),
        )
        self._scratch = s.State(**{name: np.zeros_like(array) for name, array in state._asdict().items()})

    def load(self, row: int, instance: UamInstance, rng: np.random.Generator) -> None:
        """Draw the futures of a row."""
        periods, ports, _ = instance.forecast.shape
        if instance.demand_known:
            self._counts[row], drawn = 1, instance.demand[None]
        else:
            self._counts[row] = self.futures
            drawn = rng.poisson(instance.forecast, (self.futures, *instance.forecast.shape))
        self._world.margin[row, :periods, :ports, :ports] = instance.margins(instance.forecast)
        self._foreseen[row] = not instance.closure.any()
        self._drawn[row] = 0
        self._drawn[row, :, :periods, :ports, :ports] = drawn

    def play_out(self, rows: NDArray[np.intp], world: s.World, state: s.State, numbers: Numbers) -> None:
        """Write ``earned`` of some rows."""
        _play_out(
            rows, self.horizon, world, state, numbers, self._counts, self._foreseen, self._drawn, self._world,
            self._scratch, self.earned,
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _play_out(
    rows: Any, horizon: int, world: Any, state: Any, numbers: Any, counts: Any, foreseen: Any, drawn: Any, ahead: Any,
    scratch: Any, earned: Any,
) -> None:  # fmt: skip
    for b in rows:
        earned[b] = -np.inf
        if state.done[b]:
            earned[b, 0] = 0.0
            continue
        slot, h = state.row[b, s.NOW] // world.row[b, s.SLOT], state.row[b, s.NOW] // world.row[b, s.PERIOD]
        ahead.margin[b, h] = world.margin[b, h]
        if foreseen[b]:
            ahead.closed[b] = world.closed[b]
        else:
            ahead.closed[b] = False
            ahead.closed[b, slot] = world.closed[b, slot]
        for a in range(world.row[b, s.NUM_PORTS]):
            if not state.legal[b, a]:
                continue
            total = 0.0
            for future in range(counts[b]):
                _copy(b, drawn[b, future], world, state, scratch)
                total += _play(b, a, horizon, ahead, scratch, numbers)
            earned[b, a] = total / counts[b]


@njit(cache=True)
def _copy(b: int, demand: Any, world: Any, state: Any, scratch: Any) -> None:
    """The state as it is, with another demand in later periods."""
    h = state.row[b, s.NOW] // world.row[b, s.PERIOD]
    scratch.remaining[b, h:] = demand[h:]
    scratch.remaining[b, h] = state.remaining[b, h]
    scratch.plane[b] = state.plane[b]
    for k in range(world.row[b, s.NUM_PLANES]):
        scratch.plane[b, k, s.NEXT] = expected_ready(b, k, state.row[b, s.NOW], state)
    scratch.port[b] = state.port[b]
    scratch.lane[b] = state.lane[b]
    scratch.row[b] = state.row[b]
    scratch.row[b, s.STEPS] = 0  # decisions are noted from the first place on
    scratch.legal[b] = state.legal[b]
    scratch.done[b] = False


@njit(cache=True)
def _play(b: int, action: int, horizon: int, world: Any, state: Any, numbers: Any) -> float:
    """What is earned within the horizon when the action is followed by the rule."""
    end, day, earned = state.row[b, s.NOW] + horizon, world.row[b, s.DAY], 0.0
    while not state.done[b] and state.row[b, s.NOW] < end:
        now, k = state.row[b, s.NOW], state.row[b, s.PLANE]
        play_row(b, action, world, state)
        ready = state.plane[b, k, s.NEXT]
        # at the end of the day flights under way count in full
        share = 1.0 if ready <= end or end >= day else (end - now) / (ready - now)
        earned += share * state.reward[b]
        if not state.done[b]:
            action = choose_in_row(GREEDY_HOUR, b, world, state, numbers)
    return earned
