"""What policies see of a day now, in compiled loops; names and scales are listed in :mod:`.observe`."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from . import state as s
from .kernels import expected_ready, first_lane

# features of a vertiport as a destination
(
    IS_WAIT, PROFIT, HOURS, RATE, USEFUL_RATE, TWO_LEG_RATE, BEHIND_BEST, LOAD, PAIR_NOW, PAIR_LEFT, PAIR_NEXT,
    MILES, STANDS_LEFT, IS_VERTISTOP, THERE_THEN, COMING_LATER, HERE_NOW, VALUE_NOW, BEST_THEN, TOP_THEN, DEMAND_THEN,
    CROWDED, DELAY_THERE, CLOSURE, OPEN_OUT, LATE, HOURS_LEFT, HOLD, BATTERY_THEN, TO_PERIOD, FREE_IN, FULL_NOW,
    BLOCKED_RATE,
) = range(33)  # fmt: skip
PORT_FEATURES = 33

# further ones of an aircraft, where these are shown
IS_AIRCRAFT, EAST, NORTH, BATTERY, TO_LANDING, TO_DECISION, FAILURE, FULL, DECIDES = range(33, 42)
PLANE_FEATURES = 9

# context
(
    TIME, PERIOD_LEFT, DAY_LEFT, MY_BATTERY, MY_FAILURE, ON_CHARGER, FLYING, CHARGING, IDLE, FREE_SOON, DEMAND_NOW,
    DEMAND_NEXT, DEMAND_LATER, CHOICES, BEST_RATE, MEAN_RATE, CHARGERS_FREE, RIVALS,
    FULL_HERE,
) = range(19)  # fmt: skip
CONTEXT_FEATURES = 19

TOP = 3  # best flights out of a vertiport whose mean is a feature
MONEY = 100.0  # dollars (per hour) that count as 1
SOON = 900  # seconds
ROUNDED = 1e-6  # seconds that hours may lack


class Numbers(NamedTuple):
    """What features need beside the simulator's arrays; first axis the batch."""

    hours: NDArray[np.float64]  # [B, V, V], expected of a leg
    best: NDArray[np.float64]  # [B, H, V, 4]: of the best flight out by forecast: dollars per hour, profit, hours; and
    # the mean of the best TOP flights' dollars per hour
    out: NDArray[np.float64]  # [B, H, V], passengers expected
    pair: NDArray[np.float64]  # [B, H, V, V], passengers expected
    closure: NDArray[np.float64]  # [B, V, V]
    open: NDArray[np.float64]  # [B, V], mean share of open routes out
    failure: NDArray[np.float64]  # [B, K]
    possible: NDArray[np.bool_]  # [B, V, V], legs within the range
    place: NDArray[np.float64]  # [B, V, 2], scaled coordinates
    total: NDArray[np.float64]  # [B, H], passengers expected, in units of the fleet's seats


@njit(cache=True, inline="always")
def clipped(value: float) -> float:
    """A feature within its limits."""
    return min(max(value, -10.0), 10.0)


@njit(cache=True, inline="always")
def count(number: float) -> float:
    """A number of things as a feature."""
    return math.log1p(max(number, 0.0)) / 2


@njit(cache=True, nogil=True)
def write_rows(
    rows: Any, show_all: bool, world: Any, state: Any, numbers: Numbers, live: Any, candidate: Any, features: Any,
    context: Any, mask: Any,
) -> None:  # fmt: skip
    """Write the dynamic part of the observation of some rows; ``live`` is room for numbers, ``[V, 6]``."""
    for b in rows:
        for a in range(mask.shape[1]):
            mask[b, a] = state.legal[b, a]
        features[b] = 0
        candidate[b] = -1
        _write_live(b, world, state, numbers, live)
        _write_ports(b, world, state, numbers, live, candidate, features)
        _write_context(b, world, state, numbers, features, context)
        if show_all:
            _write_planes(b, world, state, numbers, candidate, features)


@njit(cache=True)
def _write_live(b: int, world: Any, state: Any, numbers: Numbers, live: Any) -> None:
    """The best flights out of each vertiport with those who want to fly now, as in ``Numbers.best``, and more."""
    size = world.row[b]
    ports, seats = size[s.NUM_PORTS], size[s.SEATS]
    h = min(state.row[b, s.NOW] // size[s.PERIOD], state.remaining.shape[1] - 1)
    for i in range(ports):
        first, second, third, profit, hours, worth, full = 0.0, 0.0, 0.0, 0.0, size[s.WAIT] / 3600.0, 0.0, 0
        for j in range(ports):
            left = state.remaining[b, h, i, j]
            if left == 0 or not numbers.possible[b, i, j]:
                continue
            margin = world.margin[b, h, i, j]
            worth += left * margin
            full += left // seats
            earns = min(left, seats) * margin - world.cost[b, i, j]
            rate = earns / numbers.hours[b, i, j]
            if rate > first:
                first, second, third, profit, hours = rate, first, second, earns, numbers.hours[b, i, j]
            elif rate > second:
                second, third = rate, second
            elif rate > third:
                third = rate
        live[i, 0], live[i, 1], live[i, 2], live[i, 3], live[i, 4], live[i, 5] = (
            first, profit, hours, (first + second + third) / TOP, worth, full,
        )  # fmt: skip


@njit(cache=True)
def _write_ports(b: int, world: Any, state: Any, numbers: Numbers, live: Any, candidate: Any, features: Any) -> None:
    size = world.row[b]
    ports, day, period, seats = size[s.NUM_PORTS], size[s.DAY], size[s.PERIOD], size[s.SEATS]
    k, now = state.row[b, s.PLANE], state.row[b, s.NOW]
    i = state.plane[b, k, s.WHERE]
    last = day // period - 1
    h = min(now // period, last)
    best = -10.0
    for j in range(ports):
        out = features[b, j]
        candidate[b, j] = j
        waits = j == i
        profit, hours, load = 0.0, size[s.WAIT] / 3600.0, 0
        if waits:
            out[IS_WAIT] = 1.0
        else:
            load = min(seats, state.remaining[b, h, i, j])
            profit = load * world.margin[b, h, i, j] - world.cost[b, i, j]
            hours = numbers.hours[b, i, j]
            out[LOAD] = load / seats
            out[PAIR_NOW] = count(state.remaining[b, h, i, j])
            out[PAIR_LEFT] = count(state.remaining[b, h, i, j] - load)
            out[PAIR_NEXT] = count(numbers.pair[b, h + 1, i, j]) if h < last else 0.0
            out[MILES] = clipped(world.energy[b, i, j] / size[s.FULL_BATTERY])
            out[CLOSURE] = numbers.closure[b, i, j]
            out[BATTERY_THEN] = clipped((state.plane[b, k, s.BATTERY] - world.energy[b, i, j]) / size[s.FULL_BATTERY])
            if size[s.CORRIDORS] > 0:
                lanes = state.lane[b, i, j]
                free = lanes[first_lane(lanes, size[s.CORRIDORS])]
                out[HOLD] = clipped(max(free - now - size[s.TAKE_OFF], 0) / 900.0)
        arrives = now + 3600.0 * hours + ROUNDED
        left = max(day - now, 1) / 3600.0
        rate = profit / hours
        out[PROFIT], out[HOURS], out[RATE] = clipped(profit / MONEY), clipped(hours), clipped(rate / MONEY)
        out[USEFUL_RATE] = clipped(profit / max(min(hours, left), 0.1) / MONEY)
        if arrives < day:
            then = min(int(arrives) // period, last)
            if then == h:
                next_rate, next_profit, next_hours, top = live[j, 0], live[j, 1], live[j, 2], live[j, 3]
            else:
                next_rate, next_profit, next_hours, top = (
                    numbers.best[b, then, j, 0], numbers.best[b, then, j, 1], numbers.best[b, then, j, 2],
                    numbers.best[b, then, j, 3],
                )  # fmt: skip
            out[BEST_THEN], out[TOP_THEN] = clipped(next_rate / MONEY), clipped(top / MONEY)
            out[TWO_LEG_RATE] = clipped((profit + next_profit) / (hours + next_hours) / MONEY)
            out[DEMAND_THEN] = count(numbers.out[b, then, j])
        else:
            out[LATE] = 1.0
            out[TWO_LEG_RATE] = out[RATE]
        out[HOURS_LEFT] = max(day - arrives, 0.0) / 43200.0
        out[TO_PERIOD] = (period - int(arrives) % period) / period
        out[VALUE_NOW], out[FULL_NOW] = clipped(live[j, 4] / MONEY / 10), count(live[j, 5])
        out[DELAY_THERE], out[OPEN_OUT] = clipped(world.delay[b, j] / 600.0), numbers.open[b, j]
        chargers = world.port[b, j, s.CHARGERS]
        out[IS_VERTISTOP] = 1.0 if chargers == 0 else 0.0
        column = s.CHARGERS_TAKEN if chargers > 0 else s.PARKED_THERE
        all_stands = chargers if chargers > 0 else world.port[b, j, s.PARKING]
        out[STANDS_LEFT] = (all_stands - state.port[b, j, column]) / max(all_stands, 1)
        if state.legal[b, j]:
            best = max(best, out[RATE])
    _write_crowd(b, world, state, numbers, features)
    for j in range(ports):
        out = features[b, j]
        out[BEHIND_BEST] = clipped(out[RATE] - best)
        enough = world.energy[b, i, j] + world.port[b, j, s.RESERVE] <= state.plane[b, k, s.BATTERY]
        # after the end there is no slot
        if j != i and enough and now < day and not state.legal[b, j] and not world.closed[b, now // size[s.SLOT], i, j]:
            # what waiting for a stand is worth
            delay = max(out[FREE_IN], size[s.WAIT] / 3600.0)
            blocked = out[PROFIT] / (out[HOURS] + delay)
            features[b, i, BLOCKED_RATE] = max(features[b, i, BLOCKED_RATE], clipped(blocked))


@njit(cache=True)
def _write_crowd(b: int, world: Any, state: Any, numbers: Numbers, features: Any) -> None:
    """Who else will want passengers of each vertiport when the aircraft gets there, and who frees a stand when."""
    size = world.row[b]
    now, deciding = state.row[b, s.NOW], state.row[b, s.PLANE]
    i = state.plane[b, deciding, s.WHERE]
    for j in range(size[s.NUM_PORTS]):
        features[b, j, FREE_IN] = 0.0 if features[b, j, STANDS_LEFT] > 0 else 10.0
    for k in range(size[s.NUM_PLANES]):
        if k == deciding:
            continue
        j, ready = state.plane[b, k, s.WHERE], expected_ready(b, k, now, state)
        if (state.plane[b, k, s.STAND] == s.CHARGER) == (world.port[b, j, s.CHARGERS] > 0):
            features[b, j, FREE_IN] = min(features[b, j, FREE_IN], (ready - now) / 3600.0)
        hours = size[s.WAIT] / 3600.0 if j == i else numbers.hours[b, i, j]
        if ready <= now + 3600.0 * hours + ROUNDED:
            features[b, j, THERE_THEN] += 1.0
        else:
            features[b, j, COMING_LATER] += 1.0
        if ready <= now + SOON:
            features[b, j, HERE_NOW] += 1.0
    for j in range(size[s.NUM_PORTS]):
        seats = size[s.SEATS] * (1.0 + features[b, j, THERE_THEN])
        expected = math.exp(2 * features[b, j, DEMAND_THEN]) - 1.0
        features[b, j, CROWDED] = clipped(expected / seats)
        features[b, j, THERE_THEN] = count(features[b, j, THERE_THEN])
        features[b, j, COMING_LATER] = count(features[b, j, COMING_LATER])
        features[b, j, HERE_NOW] = count(features[b, j, HERE_NOW])


@njit(cache=True)
def _write_context(b: int, world: Any, state: Any, numbers: Numbers, features: Any, context: Any) -> None:
    size, out = world.row[b], context[b]
    ports, planes, day, period = size[s.NUM_PORTS], size[s.NUM_PLANES], size[s.DAY], size[s.PERIOD]
    k, now = state.row[b, s.PLANE], state.row[b, s.NOW]
    last = day // period - 1
    h = min(now // period, last)
    out[:] = 0
    out[TIME], out[DAY_LEFT] = now / day, clipped((day - now) / 43200.0)
    out[PERIOD_LEFT] = (period - now % period) / period
    out[MY_BATTERY] = state.plane[b, k, s.BATTERY] / size[s.FULL_BATTERY]
    out[MY_FAILURE] = clipped(10 * numbers.failure[b, k])
    out[ON_CHARGER] = 1.0 if state.plane[b, k, s.STAND] == s.CHARGER else 0.0
    for other in range(planes):
        if state.plane[b, other, s.LANDED] > now:
            out[FLYING] += 1.0 / planes
        elif state.plane[b, other, s.NEXT] > now and state.plane[b, other, s.CHARGED] > now:
            out[CHARGING] += 1.0 / planes
        else:
            out[IDLE] += 1.0 / planes
        soon = expected_ready(b, other, now, state) <= now + SOON
        out[FREE_SOON] += soon / planes
        if state.plane[b, other, s.WHERE] == state.plane[b, k, s.WHERE] and other != k:
            out[RIVALS] += soon
    out[RIVALS], out[FULL_HERE] = count(out[RIVALS]), features[b, state.plane[b, k, s.WHERE], FULL_NOW]
    left, free, chargers = 0, 0, 0
    for i in range(ports):
        chargers += world.port[b, i, s.CHARGERS]
        free += world.port[b, i, s.CHARGERS] - state.port[b, i, s.CHARGERS_TAKEN]
        for j in range(ports):
            if numbers.possible[b, i, j]:
                left += state.remaining[b, h, i, j]
    out[DEMAND_NOW] = clipped(left / (planes * size[s.SEATS]))
    out[DEMAND_NEXT] = clipped(numbers.total[b, h + 1]) if h + 1 <= last else 0.0
    out[DEMAND_LATER] = clipped(numbers.total[b, h + 2]) if h + 2 <= last else 0.0
    out[CHARGERS_FREE] = free / max(chargers, 1)
    legal, best, total = 0, 0.0, 0.0
    for j in range(ports):
        if state.legal[b, j]:
            legal += 1
            best = max(best, features[b, j, RATE])
            total += features[b, j, RATE]
    out[CHOICES] = legal / ports
    out[BEST_RATE], out[MEAN_RATE] = best, total / max(legal, 1)


@njit(cache=True)
def _write_planes(b: int, world: Any, state: Any, numbers: Numbers, candidate: Any, features: Any) -> None:
    size = world.row[b]
    first = features.shape[1] - state.plane.shape[1]
    now = state.row[b, s.NOW]
    for k in range(size[s.NUM_PLANES]):
        out = features[b, first + k]
        j = state.plane[b, k, s.WHERE]
        candidate[b, first + k] = j
        out[IS_AIRCRAFT] = 1.0
        out[EAST], out[NORTH] = numbers.place[b, j, 0], numbers.place[b, j, 1]
        out[BATTERY] = state.plane[b, k, s.BATTERY] / size[s.FULL_BATTERY]
        out[TO_LANDING] = clipped(max(state.plane[b, k, s.LANDED] - now, 0) / 3600.0)
        out[TO_DECISION] = clipped(max(expected_ready(b, k, now, state) - now, 0) / 3600.0)
        out[FAILURE] = clipped(10 * numbers.failure[b, k])
        out[FULL] = state.plane[b, k, s.LOAD] / size[s.SEATS] if state.plane[b, k, s.LANDED] > now else 0.0
        out[DECIDES] = 1.0 if k == state.row[b, s.PLANE] else 0.0


@njit(cache=True, nogil=True)
def write_look_ahead(rows: Any, earned: Any, features: Any) -> None:
    """Write what choices earn ``[B, A]``, less what the best one does, as the last feature."""
    last = features.shape[2] - 1
    for b in rows:
        best = earned[b].max()
        for a in range(earned.shape[1]):
            features[b, a, last] = clipped((earned[b, a] - best) / MONEY) if earned[b, a] > -np.inf else 0.0
