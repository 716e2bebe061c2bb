"""An operating day of a fleet of electric air taxis: network, aircraft, demand, and what chance has in store.

Times are whole seconds since the day begins and energy whole watt-hours, so that everybody who recomputes a day gets
the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .terms import LONGEST_DAY, Aircraft, Terms

Whole = NDArray[np.int64]
Real = NDArray[np.float64]

SHORTEST_LEG = 60
"""Seconds that a leg takes at least, delays and charging not counted."""


class NotConnectedError(ValueError):
    """Nothing flies from some vertiport to another, however often it lands."""


@dataclass(frozen=True)
class Chance:
    """What chance has in store for each aircraft, by how many flights it has made.

    Attributes:
        delay: Standard normal number behind the take-off delay, ``[K, L]``.
        failure: Uniform number in 0..1, ``[K, L]``: the aircraft fails on landing where it is below its probability.
        repair: Seconds that the repair then takes, int64 ``[K, L]``.
    """

    delay: Real
    failure: Real
    repair: Whole


@dataclass(frozen=True, eq=False)
class UamInstance:
    """A day: V vertiports, K aircraft, H periods of demand, S slots in which routes are open or closed.

    Attributes:
        name: Under which results are reported.
        vertiports: V names.
        x: Miles east, float64 ``[V]``.
        y: Miles north, float64 ``[V]``.
        parking: Aircraft that can park, int64 ``[V]``.
        chargers: Aircraft that can be charged, int64 ``[V]``; 0 at a vertistop.
        start: Where each aircraft is when the day begins, int64 ``[K]``.
        forecast: Passengers expected of each ordered pair, float64 ``[H, V, V]``; periods divide the day evenly.
        demand: Passengers that come, int64 ``[H, V, V]``; those not served in their period are lost.
        delay: Mean take-off delay, seconds, float64 ``[V]``.
        closure: Probability that a route is closed in a slot, float64 ``[V, V]``.
        closed: Which are, bool ``[S, V, V]``.
        failure: Probability that an aircraft fails on landing, float64 ``[K]``.
        seed: Of delays, failures and repairs, see :attr:`chance`.
        aircraft: The type of aircraft.
        terms: Money, and the rules of the day.

    Raises:
        ValueError: The numbers do not describe a day; the message names the field.
    """

    name: str
    vertiports: tuple[str, ...]
    x: Real
    y: Real
    parking: Whole
    chargers: Whole
    start: Whole
    forecast: Real
    demand: Whole
    delay: Real
    closure: Real
    closed: NDArray[np.bool_]
    failure: Real
    seed: int = 0
    aircraft: Aircraft = field(default_factory=Aircraft)
    terms: Terms = field(default_factory=Terms)

    def __post_init__(self) -> None:
        self._check_shapes()
        self._check_kinds()
        self._check_numbers()
        self._check_start()
        self._check_network()
        for name in ("x", "y", "parking", "chargers", "start", "forecast", "demand", "delay", "closure", "closed",
                     "failure"):  # fmt: skip
            getattr(self, name).flags.writeable = False

    def _check_shapes(self) -> None:
        ports, fleet, terms = len(self.vertiports), len(self.start), self.terms
        if ports < 2 or fleet < 1:
            raise ValueError(f"{self.name}: a day needs 2 vertiports and an aircraft, got {ports} and {fleet}")
        if len(set(self.vertiports)) < ports:
            raise ValueError(f"{self.name}: two vertiports share a name")
        periods, slots = len(self.demand), -(-terms.day // terms.slot)
        if periods < 1 or terms.day % periods:
            raise ValueError(f"{self.name}: demand: {periods} periods do not divide a day of {terms.day} seconds")
        table = (periods, ports, ports)
        shapes = {
            **dict.fromkeys(("x", "y", "parking", "chargers", "delay"), (ports,)),
            **dict.fromkeys(("start", "failure"), (fleet,)),
            "forecast": table,
            "demand": table,
            "closure": (ports, ports),
            "closed": (slots, ports, ports),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{self.name}: {name} must have the shape {shape}, got {getattr(self, name).shape}")

    def _check_kinds(self) -> None:
        whole = ("parking", "chargers", "start", "demand")
        for name, kind in {**dict.fromkeys(whole, "iu"), "closed": "b"}.items():
            if getattr(self, name).dtype.kind not in kind:
                wanted = "truth values" if kind == "b" else "whole numbers"
                raise ValueError(f"{self.name}: {name} must be {wanted}, got {getattr(self, name).dtype}")

    def _check_numbers(self) -> None:
        limits = {
            "x": (-1e5, 1e5), "y": (-1e5, 1e5), "parking": (0, 10_000), "chargers": (0, 10_000), "forecast": (0, 1e6),
            "demand": (0, 1e6), "delay": (0, LONGEST_DAY), "closure": (0, 1), "failure": (0, 1),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            array = getattr(self, name)
            wrong = np.argwhere(~((array >= low) & (array <= high)))
            if len(wrong):
                place = tuple(wrong[0].tolist())
                raise ValueError(f"{self.name}: {name}{list(place)} must lie in {low:g}..{high:g}, got {array[place]}")
        for port in np.flatnonzero(self.parking + self.chargers == 0)[:1]:
            raise ValueError(f"{self.name}: vertiport {self.vertiports[port]!r} has neither parking nor chargers")
        for name in ("forecast", "demand", "closed"):
            if np.einsum("hii->", getattr(self, name).astype(float)) != 0:
                raise ValueError(f"{self.name}: {name} must be 0 from a vertiport to itself")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"{self.name}: seed must lie in 0..2**63 - 1, got {self.seed}")

    def _check_start(self) -> None:
        ports = len(self.vertiports)
        for plane in np.flatnonzero((self.start < 0) | (self.start >= ports))[:1]:
            raise ValueError(f"{self.name}: start[{plane}] must lie in 0..{ports - 1}, got {self.start[plane]}")
        count = np.bincount(self.start, minlength=ports)
        for port in np.flatnonzero(count > self.parking + self.chargers)[:1]:
            raise ValueError(
                f"{self.name}: {count[port]} aircraft start at vertiport {self.vertiports[port]!r}, which has "
                f"{self.parking[port]} parking stands and {self.chargers[port]} chargers"
            )

    def _check_network(self) -> None:
        if not (self.chargers > 0).any():
            raise ValueError(f"{self.name}: no vertiport has a charger")
        apart = self.distance + np.where(np.eye(self.num_vertiports, dtype=bool), np.inf, 0.0)
        if self.shortest_leg(float(apart.min())) < SHORTEST_LEG:
            one, other = np.unravel_index(int(apart.argmin()), apart.shape)
            raise ValueError(
                f"{self.name}: vertiports {self.vertiports[one]!r} and {self.vertiports[other]!r} are less than "
                f"{SHORTEST_LEG} seconds apart, take-off and landing included"
            )
        alone = _unreachable(self.full_legs)
        if alone is not None:
            here, there = (self.vertiports[port] for port in alone)
            raise NotConnectedError(
                f"{self.name}: the network is not connected: nothing flies from vertiport {here!r} to {there!r} within "
                f"the range of {self.aircraft.range:.1f} miles"
            )

    @property
    def num_vertiports(self) -> int:
        """V."""
        return len(self.vertiports)

    @property
    def num_aircraft(self) -> int:
        """K."""
        return len(self.start)

    @property
    def period(self) -> int:
        """Seconds of a period of demand."""
        return self.terms.day // len(self.demand)

    @cached_property
    def demand_known(self) -> bool:
        """Whether the forecast says exactly who comes."""
        return np.array_equal(self.forecast, self.demand)

    @property
    def uncertain(self) -> bool:
        """Whether something happens that nobody can know when the day begins."""
        known = (
            self.demand_known
            and not self.closure.any()
            and not self.failure.any()
            and not (self.delay.any() or self.terms.delay_spread)
        )
        return not known

    @cached_property
    def distance(self) -> Real:
        """Miles, float64 ``[V, V]``."""
        return np.hypot(self.x[:, None] - self.x, self.y[:, None] - self.y)

    @cached_property
    def energy(self) -> Whole:
        """What a leg takes from the battery, Wh, int64 ``[V, V]``."""
        return np.rint(1000 * self.aircraft.consumption * self.distance).astype(np.int64)

    @cached_property
    def flight(self) -> Whole:
        """Seconds in the corridor, int64 ``[V, V]``."""
        return np.rint(3600 * self.distance / self.aircraft.speed).astype(np.int64)

    @cached_property
    def reserve(self) -> Whole:
        """Wh with which an aircraft must arrive, int64 ``[V]``: for the way to a charger, 0 where there is one."""
        to_charger: Whole = self.energy[:, self.chargers > 0].min(axis=1)
        return to_charger

    @cached_property
    def full_legs(self) -> NDArray[np.bool_]:
        """Legs that are possible with the battery as full as it can be at their origin, bool ``[V, V]``.

        Aircraft whose day begins at a vertistop are fuller than that once.
        """
        full, at_charger = self.aircraft.battery_wh, self.chargers > 0
        # an aircraft comes to a vertistop from a charger, or by way of other vertistops, with less
        arrives = np.where(at_charger, full, 0)
        for _ in range(self.num_vertiports):
            left = np.where(arrives[:, None] >= self.energy, arrives[:, None] - self.energy, 0)
            np.fill_diagonal(left, 0)
            arrives = np.where(at_charger, full, left.max(axis=0))
        legs: NDArray[np.bool_] = arrives[:, None] >= self.energy + self.reserve
        np.fill_diagonal(legs, False)
        return legs

    def fares(self, demand: Real | Whole) -> Real:
        """Fare of a passenger, dollars ``[H, V, V]``, where the demand of pairs and periods is ``demand``."""
        base = self.terms.fare * self.distance
        if self.terms.whole_fares:
            base = np.floor(base)
        if self.terms.surge == 0:
            return np.broadcast_to(base, demand.shape).copy()
        rise: Real = base * np.maximum(1.0, np.log(np.maximum(demand, 1e-9) / self.terms.surge))
        return rise

    def margins(self, demand: Real | Whole) -> Real:
        """What a passenger brings less its operating cost, dollars ``[H, V, V]``, where the demand is ``demand``."""
        return self.fares(demand) - self.terms.cost * self.distance

    @cached_property
    def margin(self) -> Real:
        """What a passenger brings less its operating cost, dollars, float64 ``[H, V, V]``."""
        return self.margins(self.demand)

    @cached_property
    def leg_cost(self) -> Real:
        """Electricity of a leg, dollars, float64 ``[V, V]``."""
        return self.terms.electricity * self.energy / 1000

    @cached_property
    def charge(self) -> Whole:
        """Seconds that charging what a leg took lasts, int64 ``[V, V]``."""
        return self.charging_time(self.energy)

    @cached_property
    def leg_seconds(self) -> Real:
        """Seconds that a leg is expected to take until its aircraft decides again, float64 ``[V, V]``.

        With the mean take-off delay of its origin; without failures and without waiting for a corridor.
        """
        aircraft = self.aircraft
        charges = (self.chargers > 0) & (self.terms.charging == "full")
        return self.delay[:, None] + aircraft.take_off + self.flight + aircraft.landing + self.charge * charges

    def charging_time(self, missing: Whole) -> Whole:
        """Seconds until so many Wh are charged, to the second above."""
        seconds: Whole = np.ceil(3.6 * missing / self.aircraft.charger).astype(np.int64)
        return seconds

    def shortest_leg(self, miles: float) -> int:
        """Seconds that a leg takes without delay and charging."""
        return round(3600 * miles / self.aircraft.speed) + self.aircraft.take_off + self.aircraft.landing

    @cached_property
    def most_legs(self) -> int:
        """L, more flights than one aircraft can begin in the day."""
        apart = self.distance[~np.eye(self.num_vertiports, dtype=bool)]
        return self.terms.day // self.shortest_leg(float(apart.min())) + 2

    @cached_property
    def chance(self) -> Chance:
        """What happens to each aircraft at its n-th flight, whatever it decides: the same for every dispatcher."""
        rng = np.random.default_rng(self.seed)
        shape = self.num_aircraft, self.most_legs
        delay, failure = rng.standard_normal(shape), rng.random(shape)
        repair = self.terms.repair + self.terms.repair_spread * rng.standard_normal(shape)
        return Chance(delay, failure, np.rint(np.maximum(repair, 0.0)).astype(np.int64))

    def take_off_delay(self, plane: int, leg: int, port: int) -> int:
        """Seconds by which an aircraft's n-th flight leaves a vertiport late."""
        number = float(self.chance.delay[plane, leg])
        return round(max(0.0, float(self.delay[port]) + self.terms.delay_spread * number))

    def repair_time(self, plane: int, leg: int) -> int:
        """Seconds of repair after an aircraft's n-th flight; 0 where it does not fail."""
        fails = self.chance.failure[plane, leg] < self.failure[plane]
        return int(self.chance.repair[plane, leg]) if fails else 0

    def __repr__(self) -> str:
        return f"UamInstance({self.name!r}, {self.num_aircraft} aircraft, {self.num_vertiports} vertiports)"


def _unreachable(legs: NDArray[np.bool_]) -> tuple[int, int] | None:
    """A pair of vertiports between which no sequence of legs leads."""
    reach = legs | np.eye(len(legs), dtype=bool)
    for middle in range(len(legs)):
        reach |= reach[:, middle, None] & reach[middle]
    missing = np.argwhere(~reach)
    return (int(missing[0, 0]), int(missing[0, 1])) if len(missing) else None
