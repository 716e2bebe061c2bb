"""An upper bound on the profit of a day for whoever knows it all beforehand.

The flow of :mod:`.flow` with the demand that comes, whole flights, closures, and durations that no flight undercuts,
rounded down to slots. What rounding gives away is taken back in part by limits that are exact in seconds:

- Aircraft are not in two places: what flights take of a stretch of time, at least, sums to no more than the fleet has.
  Mean delays count here, less what luck can give: the largest fall of each aircraft's sum of random delays.
- A flight holds a stand at its destination from dispatch on, so no more are on their way there than there are.
- Energy that flights take beyond full batteries was charged, on the ground.

Failures, corridors and empty batteries are left out, all of which only lower profit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...envs.uam.instance import Real, UamInstance
from ..scipy_modules import import_scipy
from .flow import FlowModel, Legs, Limits
from .offers import known_offers

GRID = 900
TOLERANCE = 1e-7  # to which the linear program is solved
STRETCH = 3600  # seconds for which limits on the fleet are written, about


def profit_bound(instance: UamInstance, grid: float = GRID) -> float:
    """Proved upper bound on the profit of a day, dollars.

    Args:
        instance: The day.
        grid: Seconds of a slot, at most; smaller is tighter and slower.
    """
    slots, length = slots_of(instance, grid)
    legs = Legs.of(instance, full_start=True)
    period = np.arange(slots) * len(instance.demand) // slots
    supply = np.zeros((instance.num_vertiports, slots))
    supply[:, 0] = np.bincount(instance.start, minlength=instance.num_vertiports)
    seconds, delay = least_seconds(instance, legs)
    model = FlowModel(
        legs,
        np.floor((seconds + delay) / length + 1e-9).astype(np.int64),
        period,
        supply,
        known_offers(instance, instance.demand, instance.margin),
        open=open_slots(instance, legs, slots, length),
        limits=_limits(instance, legs, seconds, delay, slots, length),
    )
    value = model.solve().value
    return value + TOLERANCE * abs(value)


def slots_of(instance: UamInstance, grid: float) -> tuple[int, float]:
    """Number and seconds of slots of at most ``grid`` seconds that divide the periods of demand."""
    each = math.ceil(instance.period / grid)
    return each * len(instance.demand), instance.period / each


def least_seconds(instance: UamInstance, legs: Legs) -> tuple[Real, Real]:
    """Seconds that each leg takes at least until its aircraft is free: without delay, and the least delay, ``[L]``."""
    aircraft = instance.aircraft
    seconds = legs.at(instance.flight).astype(np.float64) + aircraft.take_off + aircraft.landing
    if instance.terms.charging == "full":
        seconds += legs.at(instance.charge) * (instance.chargers > 0)[legs.destination]
    luck = instance.terms.delay_spread * float(instance.chance.delay.min())
    least = np.rint(np.maximum(instance.delay + luck, 0.0))
    return seconds, least[legs.origin]


def open_slots(instance: UamInstance, legs: Legs, slots: int, length: float) -> np.ndarray:
    """Whether a leg may begin at some second of a slot, bool ``[S, L]``."""
    start = np.ceil(np.arange(slots) * length - 1e-9)
    last = np.ceil((np.arange(slots) + 1) * length - 1e-9) - 1  # departures are at whole seconds
    limit = len(instance.closed) - 1
    first, final = (np.minimum(edge // instance.terms.slot, limit).astype(np.int64) for edge in (start, last))
    closed = np.concatenate([np.zeros((1, len(legs)), np.int64), legs.at(instance.closed).cumsum(axis=0)])
    possible: np.ndarray = closed[final + 1] - closed[first] < (final - first + 1)[:, None]
    return possible


def _limits(instance: UamInstance, legs: Legs, seconds: Real, delay: Real, slots: int, length: float) -> Limits:
    _, sparse = import_scipy()
    fleet, most = _fleet(instance, legs, seconds, slots, length)
    stands, free = _stands(instance, legs, seconds + delay, slots, length)
    return Limits(sparse.csc_array(sparse.vstack([fleet, stands])), np.concatenate([most, free]))


def _stretches(day: int) -> list[tuple[float, float]]:
    """Parts of the day, from and to."""
    count = max(1, round(day / STRETCH))
    edges = np.linspace(0, day, count + 1).tolist()
    hours = list(zip(edges[:-1], edges[1:], strict=True))
    return hours + [(0.0, edge) for edge in edges[2::2]] + ([(0.0, float(day))] if count % 2 else [])


def _overlap(slots: int, length: float, seconds: Real, begin: float, end: float) -> Real:
    """Seconds of a stretch that a flight which leaves in a slot takes at least, float64 ``[S, L]``.

    As a function of when it leaves, this rises, stays and falls, so it is least at an edge of the slot.
    """

    def taken(start: Any) -> Any:
        return np.maximum(np.minimum(start + seconds, end) - np.maximum(start, begin), 0.0)

    edge = np.arange(slots + 1)[:, None] * length
    least: Real = np.minimum(taken(edge[:-1]), taken(edge[1:]))
    return least


def _fleet(instance: UamInstance, legs: Legs, seconds: Real, slots: int, length: float) -> tuple[Any, Real]:
    """Limits on what flights take of the fleet's time, and where charging is not part of legs, of its energy."""
    _, sparse = import_scipy()
    fleet, terms = instance.num_aircraft, instance.terms
    # a delay, rounded, is at least its mean and luck less half a second
    exact = terms.delay_spread == 0
    mean = np.rint(instance.delay) if exact else instance.delay - 0.5
    longer = seconds + mean[legs.origin]
    fall = _largest_fall(instance, seconds)
    power = 3.6 / instance.aircraft.charger
    energy = power * legs.at(instance.energy)
    spared = fleet * power * instance.aircraft.battery_wh
    aircraft = instance.aircraft
    flown = legs.at(instance.flight) + aircraft.take_off + aircraft.landing + mean[legs.origin]
    edge = np.arange(slots + 1)[:, None] * length
    rows, most = [], []
    for begin, end in _stretches(terms.day):
        rows.append(_overlap(slots, length, longer, begin, end).ravel())
        most.append(fleet * (end - begin) + fall)
        if begin == 0 and (terms.charging == "waiting" or (instance.chargers == 0).any()):
            # who leaves in the stretch has the energy from a full battery or from a charger, while not flying
            inside = edge[1:] <= end + 1e-9
            rows.append((_overlap(slots, length, flown, begin, end) + inside * energy).ravel())
            most.append(fleet * (end - begin) + fall + spared)
    return sparse.csc_array(np.array(rows)), np.array(most)


def _largest_fall(instance: UamInstance, seconds: Real) -> float:
    """Seconds by which luck can shorten any run of flights of each aircraft, summed over the fleet."""
    flights = min(instance.most_legs, int(instance.terms.day // max(seconds.min(), 1.0)) + 2)
    luck = instance.terms.delay_spread * instance.chance.delay[:, :flights]
    total = np.concatenate([np.zeros((len(luck), 1)), luck.cumsum(axis=1)], axis=1)
    return float((np.maximum.accumulate(total, axis=1) - total).max(axis=1).sum())


def _stands(instance: UamInstance, legs: Legs, seconds: Real, slots: int, length: float) -> tuple[Any, Real]:
    """Limits on flights that are on their way, or charged, at the end of each slot."""
    _, sparse = import_scipy()
    count = len(legs)
    # those that left `back` slots before this edge, or earlier in that slot, are still there
    holds = np.ceil(seconds / length - 1e-9).astype(np.int64) - 1
    back = np.arange(1, max(int(holds.max(initial=0)), 0) + 1)
    which, leg = np.nonzero(back[:, None] <= holds)
    slot = np.arange(slots)[:, None]
    edge = slot + back[which]
    inside = edge <= slots
    row = (legs.destination[leg] * slots + edge - 1)[inside]
    column = (slot * count + leg)[inside]
    matrix = sparse.csc_array(
        (np.ones(len(row)), (row, column)), shape=(instance.num_vertiports * slots, slots * count)
    )
    stands = np.where(instance.chargers > 0, instance.chargers, instance.parking)
    return matrix, np.repeat(stands, slots).astype(np.float64)
