"""The physics of a day in compiled loops; what the arrays mean is in :mod:`.state`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from . import state as s


@njit(cache=True, nogil=True)
def reset_rows(rows: Any, world: Any, state: Any) -> None:
    """Begin the day in every row named, int64 ``[R]``."""
    for b in rows:
        size = world.row[b]
        state.plane[b] = 0
        state.port[b] = 0
        state.lane[b] = 0
        state.remaining[b] = world.demand[b]
        state.row[b, s.STEPS], state.profit[b], state.reward[b] = 0, 0.0, 0.0
        state.done[b] = state.illegal[b] = False
        for k in range(size[s.NUM_PLANES]):
            i = world.start[b, k]
            stand = s.PARKED if state.port[b, i, s.PARKED_THERE] < world.port[b, i, s.PARKING] else s.CHARGER
            state.port[b, i, stand] += 1
            state.plane[b, k, s.WHERE] = i
            state.plane[b, k, s.STAND] = stand
            state.plane[b, k, s.BATTERY] = size[s.FULL_BATTERY]
        _next_turn(b, world, state)


@njit(cache=True, nogil=True)
def step_rows(action: Any, world: Any, state: Any) -> tuple[int, int]:
    """Apply an action to every row; returns how many were illegal, and how many days have ended."""
    illegal, done = 0, 0
    for b in range(len(action)):
        a = action[b]
        state.reward[b] = 0.0
        state.illegal[b] = not state.done[b] and not (0 <= a < state.legal.shape[1] and state.legal[b, a])
        if not state.done[b] and not state.illegal[b]:
            play_row(b, a, world, state)
        illegal += state.illegal[b]
        done += state.done[b]
    return illegal, done


@njit(cache=True)
def play_row(b: int, action: int, world: Any, state: Any) -> None:
    """Apply a legal action to a row."""
    state.reward[b] = 0.0
    if action == state.plane[b, state.row[b, s.PLANE], s.WHERE]:
        _wait(b, world, state)
    else:
        _fly(b, action, world, state)
    state.row[b, s.STEPS] += 1
    state.profit[b] += state.reward[b]
    _next_turn(b, world, state)


@njit(cache=True, inline="always")
def _wait(b: int, world: Any, state: Any) -> None:
    size, k, now = world.row[b], state.row[b, s.PLANE], state.row[b, s.NOW]
    plane, port = state.plane[b], state.port[b]
    i, full = plane[k, s.WHERE], size[s.FULL_BATTERY]
    if plane[k, s.STAND] == s.CHARGER:
        if plane[k, s.BATTERY] < full:
            charged = math.floor(world.real[b, s.CHARGER_POWER] * size[s.WAIT] / 3.6)
            plane[k, s.BATTERY] = min(plane[k, s.BATTERY] + charged, full)
            plane[k, s.CHARGED] = now + size[s.WAIT]
        elif port[i, s.PARKED_THERE] < world.port[b, i, s.PARKING]:
            port[i, s.CHARGERS_TAKEN] -= 1
            port[i, s.PARKED_THERE] += 1
            plane[k, s.STAND] = s.PARKED
    plane[k, s.NEXT] = now + size[s.WAIT]
    _note(b, k, i, i, now, now, plane[k, s.NEXT], 0, state)


@njit(cache=True, inline="always")
def _fly(b: int, j: int, world: Any, state: Any) -> None:
    size, k, now = world.row[b], state.row[b, s.PLANE], state.row[b, s.NOW]
    plane, port = state.plane[b], state.port[b]
    i, n = plane[k, s.WHERE], plane[k, s.FLOWN]
    charger = world.port[b, j, s.CHARGERS] > 0
    port[i, s.PARKED_THERE if plane[k, s.STAND] == s.PARKED else s.CHARGERS_TAKEN] -= 1
    port[j, s.CHARGERS_TAKEN if charger else s.PARKED_THERE] += 1
    h = now // size[s.PERIOD]
    passengers = min(size[s.SEATS], state.remaining[b, h, i, j])
    state.remaining[b, h, i, j] -= passengers
    state.reward[b] = passengers * world.margin[b, h, i, j] - world.cost[b, i, j]
    late = max(0.0, world.delay[b, i] + world.real[b, s.DELAY_SPREAD] * world.luck[b, k, n])
    entered = now + int(np.rint(late)) + size[s.TAKE_OFF]
    if size[s.CORRIDORS] > 0:
        lane = first_lane(state.lane[b, i, j], size[s.CORRIDORS])
        entered = max(entered, state.lane[b, i, j, lane])
        state.lane[b, i, j, lane] = entered + size[s.SEPARATION]
    landed = entered + world.flight[b, i, j] + size[s.LANDING]
    battery, ready = plane[k, s.BATTERY] - world.energy[b, i, j], landed
    if charger and size[s.CHARGE_FIRST]:
        missing = size[s.FULL_BATTERY] - battery
        ready += math.ceil(3.6 * missing / world.real[b, s.CHARGER_POWER])
        battery = size[s.FULL_BATTERY]
    plane[k, s.CHARGED] = ready
    ready += world.repair[b, k, n]
    plane[k, s.WHERE], plane[k, s.STAND] = j, s.CHARGER if charger else s.PARKED
    plane[k, s.BATTERY], plane[k, s.NEXT], plane[k, s.FLOWN] = battery, ready, n + 1
    plane[k, s.LANDED], plane[k, s.LOAD] = landed, passengers
    _note(b, k, i, j, entered, landed, ready, passengers, state)


@njit(cache=True, inline="always")
def expected_ready(b: int, k: int, now: int, state: Any) -> int:
    """When an aircraft decides, as far as it is known: whether it fails shows when it has landed."""
    return state.plane[b, k, s.CHARGED] if state.plane[b, k, s.LANDED] > now else state.plane[b, k, s.NEXT]


@njit(cache=True, inline="always")
def first_lane(lanes: Any, corridors: int) -> int:
    """Which of a route's corridors can be entered first."""
    lane = 0
    for c in range(1, corridors):
        if lanes[c] < lanes[lane]:
            lane = c
    return lane


@njit(cache=True, inline="always")
def _note(b: int, k: int, i: int, j: int, entered: int, landed: int, ready: int, load: int, state: Any) -> None:
    out, m = state.record, state.row[b, s.STEPS]
    out[b, m, 0], out[b, m, 1], out[b, m, 2], out[b, m, 3] = k, i, j, state.row[b, s.NOW]
    out[b, m, 4], out[b, m, 5], out[b, m, 6], out[b, m, 7] = entered, landed, ready, load


@njit(cache=True, inline="always")
def _next_turn(b: int, world: Any, state: Any) -> None:
    """Whose turn it is, and what is legal; the day ends when nobody decides before its end."""
    size = world.row[b]
    k = 0
    for other in range(1, size[s.NUM_PLANES]):
        if state.plane[b, other, s.NEXT] < state.plane[b, k, s.NEXT]:
            k = other
    now = state.plane[b, k, s.NEXT]
    state.row[b, s.PLANE] = k
    state.done[b] = now >= size[s.DAY]
    state.row[b, s.NOW] = min(now, size[s.DAY])
    i = state.plane[b, k, s.WHERE]
    state.legal[b] = False
    if state.done[b]:
        state.legal[b, i] = True  # a mask is never empty
        return
    # here and not in a function of its own: to hand over all arrays for each destination takes most of the time
    energy, closed, ports = world.energy[b, i], world.closed[b, now // size[s.SLOT], i], world.port[b]
    port, battery, somewhere = state.port[b], state.plane[b, k, s.BATTERY], False
    for j in range(size[s.NUM_PORTS]):
        if j == i or closed[j] or energy[j] + ports[j, s.RESERVE] > battery:
            continue
        charger = ports[j, s.CHARGERS] > 0
        taken = port[j, s.CHARGERS_TAKEN if charger else s.PARKED_THERE]
        if taken < ports[j, s.CHARGERS if charger else s.PARKING]:
            state.legal[b, j] = somewhere = True
    plane = state.plane[b]
    stays = plane[k, s.STAND] == s.PARKED or plane[k, s.BATTERY] < size[s.FULL_BATTERY]
    # who stands on a charger with a full battery must leave it, if it can
    state.legal[b, i] = stays or port[i, s.PARKED_THERE] < world.port[b, i, s.PARKING] or not somewhere
