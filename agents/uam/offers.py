"""What the flights of a pair and period can earn: a few leave full, then one with those who are left.

Of Q = seats a + r passengers, a flights take as many as there are seats and one more takes r. What x flights earn at
most is a concave function of x that is straight between whole numbers, so a linear program over flights of these kinds
is as tight as rounding cuts ``p - r X <= a (seats - r)`` make one over passengers p and flights X.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.uam.instance import Real, UamInstance, Whole

KINDS = 8  # of flights that are not full, at most: others are taken together
UNLIKELY = 8.0  # standard deviations beyond which demand is not looked at


@dataclass(frozen=True, eq=False)
class Offers:
    """Flights that earn something, by period, pair and kind.

    Attributes:
        count: How many there are, float64 ``[H, V, V, Q]``.
        gain: Dollars of one before what a leg costs, float64 ``[H, V, V, Q]``.
    """

    count: Real
    gain: Real


def known_offers(instance: UamInstance, demand: Whole, margin: Real, whole: bool = True) -> Offers:
    """Offers where the demand is known.

    Args:
        instance: The day.
        demand: Passengers, int64 ``[H, V, V]``.
        margin: Dollars that one brings, float64 ``[H, V, V]``.
        whole: Whether flights are counted as whole ones; otherwise any part of one leaves full.
    """
    seats = instance.aircraft.seats
    if not whole:
        return Offers((demand / seats)[..., None], (margin * seats)[..., None])
    full, left = demand // seats, demand % seats
    count = np.stack([full, left > 0], axis=-1).astype(np.float64)
    return Offers(count, np.stack([margin * seats, margin * left], axis=-1))


def expected_offers(instance: UamInstance) -> Offers:
    """Offers by forecast: how many flights of each kind the Poisson demand gives on average.

    Whoever dispatches sees the demand of a period when it begins, and picks the pairs that fill aircraft. So this
    expects full flights and others apart; ``min(seats x, forecast)`` would promise a full flight where usually two
    passengers come, and the mean of what x flights earn, decided beforehand, would forget that one may pick.

    A route that is closed in all slots of a period offers nothing.
    """
    seats, terms = instance.aircraft.seats, instance.terms
    highest = float(instance.forecast.max())
    number = np.arange(math.ceil(highest + UNLIKELY * math.sqrt(highest)) + 2)
    chance = _poisson(instance.forecast, number)
    per_passenger = _margins(instance, number)
    kinds: list[tuple[Any, Any, Any]] = [(number >= seats, number // seats, np.full(len(number), seats))]
    remainder = number % seats
    for some in np.array_split(np.arange(seats - 1, 0, -1), min(seats - 1, KINDS)) if seats > 1 else []:
        kinds.append((np.isin(remainder, some), np.ones(len(number)), remainder))
    count, gain = [], []
    for which, flights, load in kinds:
        often = chance * (which * flights)
        count.append(often.sum(axis=-1))
        gain.append((often * load * per_passenger).sum(axis=-1) / np.maximum(count[-1], 1e-12))
    open_once = 1.0 - instance.closure ** max(instance.period / terms.slot, 1.0)
    return Offers(np.stack(count, axis=-1) * open_once[..., None], np.stack(gain, axis=-1))


def _poisson(mean: Real, number: Whole) -> Real:
    """Probability of each number, float64 ``[..., N]``."""
    factorial = np.cumsum(np.log(np.maximum(number, 1)))
    probability: Real = np.exp(number * np.log(np.maximum(mean, 1e-300))[..., None] - mean[..., None] - factorial)
    return probability


def _margins(instance: UamInstance, number: Whole) -> Real:
    """What a passenger brings where so many come, dollars, float64 ``[V, V, N]``."""
    shape = (len(number), *instance.distance.shape)
    demand: NDArray[np.float64] = np.broadcast_to(number[:, None, None], shape).astype(np.float64)
    return np.moveaxis(instance.margins(demand), 0, -1)
