"""What an aircraft is worth where and when, and the rule that follows it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.uam import state as s
from ...envs.uam.instance import Real, UamInstance, Whole
from .bounds import slots_of
from .flow import Flow, FlowModel, Legs
from .offers import Offers, expected_offers, known_offers


class Worth(NamedTuple):
    """Tables of the rule; first axis the batch. Of longer days than a row's, columns that are not used."""

    table: NDArray[np.float64]  # [B, V, N], dollars, in the middle of slots
    begin: NDArray[np.float64]  # [B], seconds at which the first slot begins
    length: NDArray[np.float64]  # [B], seconds of a slot
    slots: NDArray[np.int64]  # [B], how many
    seconds: NDArray[np.float64]  # [B, V, V], expected from dispatch to standing, repairs included


def mean_delay(instance: UamInstance) -> Real:
    """Expected take-off delay of each vertiport, seconds ``[V]``: those below 0 count as none."""
    spread = instance.terms.delay_spread
    if spread == 0:
        return instance.delay.copy()
    scaled = instance.delay / spread
    density = np.exp(-(scaled**2) / 2) / math.sqrt(2 * math.pi)
    below = np.array([math.erfc(-value / math.sqrt(2)) / 2 for value in scaled.tolist()])
    return instance.delay * below + spread * density


def expected_seconds(instance: UamInstance) -> Real:
    """Seconds from dispatch to standing, charging left out, float64 ``[V, V]``."""
    aircraft = instance.aircraft
    repair = float(instance.failure.mean()) * instance.terms.repair
    return mean_delay(instance)[:, None] + aircraft.take_off + instance.flight + aircraft.landing + repair


def charging_seconds(instance: UamInstance, missing: Real | Whole) -> Real:
    """Seconds until so many Wh are charged."""
    return 3.6 * np.asarray(missing, np.float64) / instance.aircraft.charger


class Outlook:
    """What a dispatcher expects of a day: legs, how long they take, and what flights earn.

    Charging counts as part of every leg, also where an aircraft is charged later: it is what the leg took.

    Args:
        instance: The day.
        grid: Seconds of a slot, at most.
        known: Whether the demand of later periods is known.

    Attributes:
        instance: The day.
        legs: Its legs.
        seconds: Of each leg until the aircraft is charged, float64 ``[L]``.
        offers: Of all periods.
        slots: Slots of the day.
        length: Seconds of one.
    """

    def __init__(self, instance: UamInstance, grid: float, known: bool = False) -> None:
        self.instance, self.legs = instance, Legs.of(instance)
        self.slots, self.length = slots_of(instance, grid)
        self.seconds = self.legs.at(expected_seconds(instance) + charging_seconds(instance, instance.energy))
        if known or instance.demand_known:
            self.offers = known_offers(instance, instance.demand, instance.margin)
        else:
            self.offers = expected_offers(instance)

    def now(self, period: int, remaining: Whole, last: int) -> Offers:
        """Offers from a period on: those of the period itself are seen, those until ``last`` are expected."""
        instance, seen = self.instance, slice(period, period + 1)
        present = known_offers(instance, remaining[None], instance.margin[seen])
        kinds = self.offers.count.shape[-1]
        wide = ((0, 0),) * 3 + ((0, max(kinds - present.count.shape[-1], 0)),)
        count, gain = self.offers.count[period + 1 : last + 1], self.offers.gain[period + 1 : last + 1]
        more = ((0, 0),) * 3 + ((0, max(present.count.shape[-1] - kinds, 0)),)
        return Offers(
            np.concatenate([np.pad(present.count, wide), np.pad(count, more)]),
            np.concatenate([np.pad(present.gain, wide), np.pad(gain, more)]),
        )

    def duration(self, length: float) -> Whole:
        """Slots of each leg, to the nearest, at least one; int64 ``[L]``."""
        return np.maximum(np.rint(self.seconds / length), 1).astype(np.int64)

    def day(self, remaining: Whole) -> Flow:
        """The best flow of the whole day, with the passengers of the first period, int64 ``[V, V]``."""
        instance, slots = self.instance, self.slots
        supply = np.zeros((instance.num_vertiports, slots))
        supply[:, 0] = np.bincount(instance.start, minlength=instance.num_vertiports)
        period = np.arange(slots) * len(instance.demand) // slots
        offers = self.now(0, remaining, len(instance.demand) - 1)
        return FlowModel(self.legs, self.duration(self.length), period, supply, offers).solve()


@njit(cache=True, nogil=True)
def worth_at(row: Any, count: int, time: float, begin: float, length: float, day: float) -> float:
    """Worth of an aircraft that decides at a time, between the middles of slots; nothing after the day."""
    if time >= day:
        return 0.0
    place = (time - begin) / length - 0.5
    if place <= 0.0:
        return row[0]
    slot = int(place)
    if slot >= count - 1:
        return row[count - 1]
    share = place - slot
    return (1.0 - share) * row[slot] + share * row[slot + 1]


@njit(cache=True, nogil=True)
def best_in_row(b: int, world: Any, state: Any, worth: Any) -> int:
    """The action whose profit and worth afterwards are most, of equal ones the first."""
    size, now = world.row[b], state.row[b, s.NOW]
    k = state.row[b, s.PLANE]
    i, battery = state.plane[b, k, s.WHERE], state.plane[b, k, s.BATTERY]
    h = min(now // size[s.PERIOD], state.remaining.shape[1] - 1)
    best, most = i, -np.inf
    for j in range(size[s.NUM_PORTS]):
        if not state.legal[b, j]:
            continue
        profit, time, left = 0.0, float(now + size[s.WAIT]), battery
        if j != i:
            load = min(size[s.SEATS], state.remaining[b, h, i, j])
            profit = load * world.margin[b, h, i, j] - world.cost[b, i, j]
            time, left = now + worth.seconds[b, i, j], battery - world.energy[b, i, j]
        missing = 3.6 * (size[s.FULL_BATTERY] - left) / world.real[b, s.CHARGER_POWER]
        if j == i and state.plane[b, k, s.STAND] == s.CHARGER:
            # who is charged meanwhile loses nothing by waiting, unless the day ends
            time = max(time, now + missing)
        else:
            time += missing
        profit += worth_at(worth.table[b, j], worth.slots[b], time, worth.begin[b], worth.length[b], size[s.DAY])
        if profit > most:
            best, most = j, profit
    return best


@njit(cache=True, nogil=True)
def best_actions(world: Any, state: Any, worth: Any, choice: Any) -> None:
    """The rule's action in every row, int64 ``[B]``."""
    for b in range(len(choice)):
        if not state.done[b]:
            choice[b] = best_in_row(b, world, state, worth)
