"""Random days: see ``data/SOURCES.md`` for where the numbers come from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..core.config import drawn_integer, drawn_number
from ..core.errors import InputError
from .config import HOURS, UamConfig
from .instance import NotConnectedError, Real, UamInstance, Whole

MORNING, EVENING = 8.5, 16.5
"""Hours of the day at which most people travel into the central vertiports, and out of them."""

STOCK = 100  # one more than the most passengers of a pair, where all are there from the start
ATTEMPTS, AT_ONCE, TRIES = 400, 300, 200


def random_days(config: UamConfig) -> Callable[[np.random.Generator], UamInstance]:
    """A sampler of random days."""
    return lambda rng: random_day(config, rng)


def random_day(config: UamConfig, rng: np.random.Generator) -> UamInstance:
    """A random day: see :class:`UamConfig`.

    Raises:
        InputError: So many vertiports, so far apart and yet in reach of each other, do not fit into the square.
    """
    ports = drawn_integer(config, "num_vertiports", rng)
    fleet = drawn_integer(config, "num_aircraft", rng)
    chargers = np.full(ports, config.chargers)
    chargers[: config.vertistops] = 0
    for attempt in range(ATTEMPTS):
        place = _places(ports, config, rng, one_by_one=attempt >= AT_ONCE)
        if place is None:
            continue
        try:
            return _day(config, place, chargers, fleet, rng)
        except NotConnectedError:
            continue
    raise InputError(
        f"num_vertiports: no network of {ports} vertiports, {config.apart:g} miles apart or more and in reach of each "
        f"other, was found in {config.area:g} x {config.area:g} miles"
    )


def _places(ports: int, config: UamConfig, rng: np.random.Generator, one_by_one: bool) -> Real | None:
    """Places far enough apart, float64 ``[V, 2]``; ``None`` where that failed.

    Args:
        ports: V.
        config: Of the square, and how far.
        rng: Source of chance.
        one_by_one: Draw each anew until it is far from those before it; otherwise all at once, which is more even but
            hopeless for many.
    """
    if not one_by_one:
        place: Real = rng.random((ports, 2)) * config.area
        apart = np.hypot(*(place[:, None] - place).transpose(2, 0, 1))
        return place if apart[~np.eye(ports, dtype=bool)].min() >= config.apart else None
    place = np.empty((ports, 2))
    for port in range(ports):
        for _ in range(TRIES):
            place[port] = rng.random(2) * config.area
            if (np.hypot(*(place[:port] - place[port]).T) >= config.apart).all():
                break
        else:
            return None
    return place


def _day(config: UamConfig, place: Real, chargers: Whole, fleet: int, rng: np.random.Generator) -> UamInstance:
    ports, terms = len(place), config.terms
    if config.demand == "stock":
        forecast: Real = rng.integers(0, STOCK, (1, ports, ports)).astype(np.float64)
    else:
        forecast = _hourly(drawn_number(config, "level", rng), drawn_number(config, "peak", rng), config, place)
    off_diagonal = ~np.eye(ports, dtype=bool)
    forecast = forecast * off_diagonal
    demand = forecast if config.demand == "stock" else rng.poisson(forecast)
    closure = rng.random((ports, ports)) * config.closure * off_diagonal
    slots = -(-terms.day // terms.slot)
    return UamInstance(
        name=f"{ports}x{fleet}",
        vertiports=tuple(f"V{port + 1}" for port in range(ports)),
        x=place[:, 0].copy(),
        y=place[:, 1].copy(),
        parking=np.full(ports, config.parking),
        chargers=chargers.copy(),
        start=_start(np.full(ports, config.parking), fleet, rng),
        forecast=forecast,
        demand=demand.astype(np.int64),
        delay=60.0 * config.delay * rng.random(ports),
        closure=closure,
        closed=rng.random((slots, ports, ports)) < closure,
        failure=config.failure * rng.random(fleet),
        seed=int(rng.integers(2**62)),
        aircraft=config.aircraft,
        terms=terms,
    )


def _hourly(level: float, peak: float, config: UamConfig, place: Real) -> Real:
    """Passengers expected per hour and ordered pair, float64 ``[H, V, V]``."""
    ports = len(place)
    hour = config.terms.opens + np.arange(HOURS) + 0.5
    central = central_ports(place, config.central)
    into = np.broadcast_to(central[None, :], (ports, ports))
    morning, evening = (peak * np.exp(-((hour - middle) ** 2) / 2) for middle in (MORNING, EVENING))
    return level + morning[:, None, None] * into + evening[:, None, None] * into.T


def central_ports(place: Real, count: int) -> NDArray[np.bool_]:
    """The vertiports nearest to the centre of all, bool ``[V]``."""
    central = np.zeros(len(place), np.bool_)
    central[np.argsort(((place - place.mean(axis=0)) ** 2).sum(axis=1), kind="stable")[:count]] = True
    return central


def _start(parking: Whole, fleet: int, rng: np.random.Generator) -> Whole:
    """A random parking stand for each aircraft, int64 ``[K]``."""
    stands = np.repeat(np.arange(len(parking)), parking)
    return rng.permutation(stands)[:fleet]
