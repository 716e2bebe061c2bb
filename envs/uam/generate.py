"""Random days: see ``data/SOURCES.md`` for where the numbers come from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..core.config import drawn_integer, drawn_number
from ..core.errors import InputError
from .config import HOURS, UamConfig
from .instance import Real, UamInstance, Whole

MORNING, EVENING = 8.5, 16.5
"""Hours of the day at which most people travel into the central vertiports, and out of them."""

STOCK = 100  # one more than the most passengers of a pair, where all are there from the start
ATTEMPTS = 10_000


def random_days(config: UamConfig) -> Callable[[np.random.Generator], UamInstance]:
    """A sampler of random days."""
    return lambda rng: random_day(config, rng)


def random_day(config: UamConfig, rng: np.random.Generator) -> UamInstance:
    """A random day: see :class:`UamConfig`.

    Raises:
        ValueError: So many vertiports, so far apart and yet in reach of each other, do not fit into the square.
    """
    ports = drawn_integer(config, "num_vertiports", rng)
    fleet = drawn_integer(config, "num_aircraft", rng)
    chargers = np.full(ports, config.chargers)
    chargers[: config.vertistops] = 0
    for _ in range(ATTEMPTS):
        place = rng.random((ports, 2)) * config.area
        try:
            return _day(config, place, chargers, fleet, rng)
        except ValueError as error:
            reason = error  # too close, or not connected
    raise InputError(f"no network of {ports} vertiports in {config.area:g} x {config.area:g} miles was found: {reason}")


def _day(config: UamConfig, place: Real, chargers: Whole, fleet: int, rng: np.random.Generator) -> UamInstance:
    ports, terms = len(place), config.terms
    apart = np.hypot(*(place[:, None] - place).transpose(2, 0, 1))
    if apart[~np.eye(ports, dtype=bool)].min() < config.apart:
        raise ValueError(f"vertiports less than {config.apart:g} miles apart")
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
