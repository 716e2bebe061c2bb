"""What aircraft did from moment to moment, and where they were: what pictures of a day show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .instance import Real, UamInstance, Whole
from .solution import UamSolution

KINDS = ("with passengers", "empty", "held", "charging", "repair", "waiting")
"""Held: on the stand, delayed or until the corridor is free."""
CARRYING, EMPTY, HELD, CHARGING, REPAIR, WAITING = range(len(KINDS))


class Moment(NamedTuple):
    """Where aircraft are at some time.

    Attributes:
        kind: What each does, an index of :data:`KINDS`, int64 ``[K]``.
        port: Where it stands, takes off or lands; -1 between vertiports, int64 ``[K]``.
        x: Miles east, float64 ``[K]``.
        y: Miles north, float64 ``[K]``.
        heading: Of those between vertiports, radians from east to north, float64 ``[K]``.
    """

    kind: Whole
    port: Whole
    x: Real
    y: Real
    heading: Real


@dataclass(frozen=True, eq=False)
class Activity:
    """The decisions of a day, legal or not, cut into pieces in which an aircraft does one thing.

    Attributes:
        instance: The day.
        rows: Decisions, int64 ``[M, 8]``, those left out that say what cannot be: other aircraft, times that run back.
        left_out: How many those are.
        pieces: Aircraft, kind, start, end and decision of each piece, int64 ``[5, N]``; none is empty.
        until: Seconds up to which it is known what happens: the end of the day, or when the last decision was taken.
        over: Whether everybody has decided.
    """

    instance: UamInstance
    rows: Whole
    left_out: int
    pieces: Whole
    until: int
    over: bool

    @classmethod
    def of(cls, instance: UamInstance, solution: UamSolution) -> Activity:
        """Cut up a solution, finished or not."""
        table = np.asarray(solution.legs, np.int64).reshape(-1, 8)
        times = table[:, 3:7]
        sane = (table[:, 0] >= 0) & (table[:, 0] < instance.num_aircraft)
        sane &= ((table[:, 1:3] >= 0) & (table[:, 1:3] < instance.num_vertiports)).all(axis=1)
        sane &= (np.diff(times, axis=1) >= 0).all(axis=1) & (times[:, 0] >= 0) & (times[:, 0] < instance.terms.day)
        rows = table[sane]
        ready = np.zeros(instance.num_aircraft, np.int64)
        np.maximum.at(ready, rows[:, 0], rows[:, 6])
        over = bool(ready.min() >= instance.terms.day)
        until = instance.terms.day if over else int(rows[:, 3].max(initial=0))
        pieces = np.array(_pieces(instance, rows), np.int64).reshape(-1, 5)
        pieces = pieces[pieces[:, 3] > pieces[:, 2]]
        return cls(instance, rows, len(table) - len(rows), pieces.T.copy(), until, over)

    @cached_property
    def flights(self) -> Whole:
        """Decisions to fly, ``[F, 8]``."""
        flights: Whole = self.rows[self.rows[:, 1] != self.rows[:, 2]]
        return flights

    @cached_property
    def profits(self) -> Real:
        """Dollars of each flight, float64 ``[F]``."""
        instance, flights = self.instance, self.flights
        period, origin, destination = flights[:, 3] // instance.period, flights[:, 1], flights[:, 2]
        profits: Real = flights[:, 7] * instance.margin[period, origin, destination]
        return profits - instance.leg_cost[origin, destination]

    def profit_at(self, time: int) -> float:
        """Dollars up to and with a time."""
        return float(self.profits[self.flights[:, 3] <= time].sum())

    def fleet(self, edges: NDArray[np.float64]) -> Real:
        """How many aircraft do what, on average between times, float64 ``[6, E - 1]``.

        Args:
            edges: Ascending times, seconds, float64 ``[E]``, not beyond :attr:`until`. Aircraft of which nothing is
                told yet wait.
        """
        _, kind, start, end, _ = self.pieces
        counts = np.zeros((len(KINDS), len(edges) - 1))
        for number in range(len(KINDS)):
            mine = kind == number
            spent = _passed(start[mine], edges) - _passed(end[mine], edges)
            counts[number] = np.diff(spent) / np.diff(edges)
        counts[WAITING] += np.maximum(self.instance.num_aircraft - counts.sum(axis=0), 0)
        return counts

    def moment(self, time: float) -> Moment:
        """Where aircraft are, and what they do."""
        instance, fleet = self.instance, self.instance.num_aircraft
        port, kind = instance.start.copy(), np.full(fleet, WAITING)
        told = self.rows[self.rows[:, 3] <= time]
        # of several decisions of one aircraft the last one counts
        port[told[:, 0]] = told[:, 2]
        planes, kinds, start, end, decision = self.pieces
        now = (start <= time) & (time < end)
        planes, kinds, rows = planes[now], kinds[now], self.rows[decision[now]]
        kind[planes] = kinds
        before = rows[:, 4] > time
        port[planes[before]] = rows[before, 1]
        x, y, heading = instance.x[port], instance.y[port], np.zeros(fleet)

        there = np.maximum(rows[:, 5] - instance.aircraft.landing, rows[:, 4])
        flying = (rows[:, 4] <= time) & (time < there)
        plane, one, two = planes[flying], rows[flying, 1], rows[flying, 2]
        done = (time - rows[flying, 4]) / (there - rows[:, 4])[flying]
        east, north = instance.x[two] - instance.x[one], instance.y[two] - instance.y[one]
        x[plane], y[plane] = instance.x[one] + done * east, instance.y[one] + done * north
        heading[plane] = np.arctan2(north, east)
        port[plane] = -1
        return Moment(kind, port, x, y, heading)


def _pieces(instance: UamInstance, rows: Whole) -> list[tuple[int, int, int, int, int]]:
    """Aircraft, kind, start, end and decision; some are empty."""
    found = []
    full, take_off = instance.aircraft.battery_wh, instance.aircraft.take_off
    # only who is charged while it waits is ever seen with less than a full battery at a charger
    charges = instance.terms.charging == "waiting"
    power = instance.aircraft.charger / 3.6  # Wh a second
    missing, flown = [0] * instance.num_aircraft, [0] * instance.num_aircraft
    chargers, energy, last = instance.chargers.tolist(), instance.energy.tolist(), instance.most_legs - 1
    for number, (plane, origin, destination, decided, entered, landed, ready, passengers) in enumerate(rows.tolist()):
        if origin == destination:
            seconds = 0
            if charges and chargers[origin] and missing[plane] > 0:
                seconds = min(math.ceil(missing[plane] / power), ready - decided)
                missing[plane] = max(missing[plane] - int(power * (ready - decided)), 0)
            found.append((plane, CHARGING, decided, decided + seconds, number))
            found.append((plane, WAITING, decided + seconds, ready, number))
            continue
        begins = max(entered - take_off, decided)
        repair = min(instance.repair_time(plane, min(flown[plane], last)), ready - landed)
        flown[plane] += 1
        missing[plane] = min(missing[plane] + energy[origin][destination], full)
        found += [
            (plane, HELD, decided, begins, number),
            (plane, CARRYING if passengers > 0 else EMPTY, begins, landed, number),
            (plane, CHARGING, landed, ready - repair, number),
            (plane, REPAIR, ready - repair, ready, number),
        ]
        if not charges and chargers[destination]:
            missing[plane] = 0
    return found


def _passed(times: Whole, edges: Real) -> Real:
    """For each edge, the sum of the seconds that have passed since those of the times that lie before it."""
    ordered = np.sort(times)
    before = np.searchsorted(ordered, edges)
    total = np.concatenate([[0], np.cumsum(ordered)])
    passed: Real = before * edges - total[before]
    return passed
