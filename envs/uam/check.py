"""Independent check of what a fleet did on a day. Shares no code with the simulator, on purpose."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..core.problem import CheckReport
from .instance import UamInstance
from .solution import COLUMNS, UamSolution

MAX_VIOLATIONS = 100


def check_day(instance: UamInstance, solution: UamSolution) -> CheckReport:
    """Follow the decisions of a day one by one, and recompute its profit and what else people read.

    A day is right if

    - decisions come by time, those of one moment by the number of the aircraft; every aircraft decides whenever it is
      ready before the day ends, and never else, where its last decision led it, at first where it starts;
    - whoever flies has the energy for the leg and, where there is no charger, from there to the nearest one; the route
      is open; and a charger is free there, or parking where there is no charger, from the moment of the decision: it
      is taken then, and the stand that the aircraft leaves is free then;
    - whoever waits parked, or is being charged, stays where it is. A full aircraft leaves its charger for a parking
      stand; if none is free it may only wait, and stay, where it cannot fly anywhere;
    - flights have as many passengers as are left of their pair and period, or seats;
    - times are what delays, corridors, charging and repairs make of them.

    Decisions are believed once they are told to be wrong: those after them are judged by what they say.

    The measures are ``passengers`` and ``flights``; ``empty_share`` of flights without passengers; ``load_share``,
    passengers per seat flown; ``served_share`` of the day's demand; ``waiting_share`` and ``charging_share`` of the
    fleet's time till the day ends (an aircraft that is charged while it waits is charged, not waiting). A share of
    nothing is 0.

    Args:
        instance: The day.
        solution: The decisions.
    """
    if solution.legs.ndim != 2 or solution.legs.shape[1] != len(COLUMNS):
        found = [f"decisions must be a table of {len(COLUMNS)} columns, not of the shape {solution.legs.shape}"]
    elif not np.issubdtype(solution.legs.dtype, np.integer):
        found = [f"decisions must be whole numbers, not {solution.legs.dtype}"]
    else:
        day = _Day(instance)
        for row in solution.legs.tolist():
            day.follow(_Decision(*row))
            if len(day.found) >= MAX_VIOLATIONS:
                break
        else:
            day.end()
        if not day.found:
            return CheckReport(True, math.fsum(day.profits), measures=day.measures())
        found = day.found
    return CheckReport(False, math.nan, tuple(found[:MAX_VIOLATIONS]))


class _Decision(NamedTuple):
    """A row of a solution."""

    aircraft: int
    origin: int
    destination: int
    decided: int
    entered: int
    landed: int
    ready: int
    passengers: int


class _Day:
    """Where aircraft are, what is taken and who is left, in plain numbers.

    Attributes:
        found: Sentences on what is wrong.
        profits: Of each flight, dollars.
    """

    def __init__(self, instance: UamInstance) -> None:
        self.found: list[str] = []
        self.profits: list[float] = []
        self._instance = instance
        self._energy: list[list[int]] = instance.energy.tolist()
        self._flight: list[list[int]] = instance.flight.tolist()
        self._stands: list[list[int]] = [instance.parking.tolist(), instance.chargers.tolist()]
        chargers = [port for port, count in enumerate(self._stands[1]) if count]
        self._reserve = [min(legs[port] for port in chargers) for legs in self._energy]
        self._full = round(1000 * instance.aircraft.battery)
        self._charged_on_landing = instance.terms.charging == "full"

        fleet, ports = instance.num_aircraft, instance.num_vertiports
        self._place: list[int] = instance.start.tolist()
        self._on_charger = [False] * fleet
        self._battery = [self._full] * fleet
        self._ready = [0] * fleet
        self._flights = [0] * fleet
        self._taken = [[0] * ports, [0] * ports]
        for plane, port in enumerate(self._place):
            self._on_charger[plane] = self._taken[0][port] >= self._stands[0][port]
            self._taken[self._on_charger[plane]][port] += 1
        self._left: list[list[list[int]]] = instance.demand.tolist()
        self._lanes: dict[tuple[int, int], list[int]] = {}
        self._last = (0, 0)
        self._told = -1  # decisions so far
        self._about = ""
        self._carried = self._empty = self._waiting = self._charging = 0

    def follow(self, row: _Decision) -> None:
        """Judge a decision and let it happen."""
        names, fleet = self._instance.vertiports, self._instance.num_aircraft
        self._told += 1
        self._about = f"decision {self._told}"
        if not 0 <= row.aircraft < fleet:
            self._tell(f"aircraft are numbered 0..{fleet - 1}, not {row.aircraft}")
            return
        for port in (row.origin, row.destination):
            if not 0 <= port < len(names):
                self._tell(f"vertiports are numbered 0..{len(names) - 1}, not {port}")
                return
        waits = row.origin == row.destination
        what = f"waiting at {names[row.origin]!r}" if waits else f"{names[row.origin]!r} to {names[row.destination]!r}"
        self._about = f"decision {self._told}, aircraft {row.aircraft}, {what} at {row.decided} s"
        if self._follows(row):
            if waits:
                self._wait(row)
            else:
                self._fly(row)
        else:
            self._move(row.aircraft, row.destination)
        self._ready[row.aircraft] = row.ready

    def end(self) -> None:
        """Judge that nobody decides any more."""
        day = self._instance.terms.day
        for plane, ready in enumerate(self._ready):
            if ready < day:
                self.found.append(f"aircraft {plane} is ready at {ready} s, before the day ends, and is forgotten")

    def measures(self) -> dict[str, float]:
        """What people read beside the profit."""
        instance, flights = self._instance, len(self.profits)
        time = instance.num_aircraft * instance.terms.day
        return {
            "passengers": float(self._carried),
            "flights": float(flights),
            "empty_share": self._empty / max(flights, 1),
            "load_share": self._carried / max(flights * instance.aircraft.seats, 1),
            "served_share": self._carried / max(int(instance.demand.sum()), 1),
            "waiting_share": self._waiting / time,
            "charging_share": self._charging / time,
        }

    def _tell(self, sentence: str) -> None:
        self.found.append(f"{self._about}: {sentence}")

    def _follows(self, row: _Decision) -> bool:
        """Whether a decision continues what its aircraft did before, in time to be judged; it is told if not."""
        plane, day = row.aircraft, self._instance.terms.day
        if (row.decided, plane) < self._last:
            time, other = self._last
            self._tell(f"comes after one of aircraft {other} at {time} s")
        self._last = (row.decided, plane)
        goes_on = row.origin == self._place[plane]
        if not goes_on:
            self._tell(f"the aircraft is at {self._instance.vertiports[self._place[plane]]!r}")
        if row.decided != self._ready[plane]:
            self._tell(f"the aircraft is ready at {self._ready[plane]} s")
        in_time = 0 <= row.decided < day
        if not in_time:
            self._tell(f"aircraft decide from 0 s to {day - 1} s, while the day lasts")
        return goes_on and in_time

    def _move(self, plane: int, port: int) -> None:
        """Give up a stand and take the one for aircraft that come to a vertiport."""
        self._taken[self._on_charger[plane]][self._place[plane]] -= 1
        self._place[plane], self._on_charger[plane] = port, self._stands[1][port] > 0
        self._taken[self._on_charger[plane]][port] += 1

    # --- waiting

    def _wait(self, row: _Decision) -> None:
        plane, port, terms = row.aircraft, row.origin, self._instance.terms
        charged = 0
        if self._on_charger[plane]:
            missing = self._full - self._battery[plane]
            if missing > 0 and not self._charged_on_landing:
                charged = min(self._seconds_for(missing), terms.wait)
                power = self._instance.aircraft.charger
                self._battery[plane] += min(math.floor(power * terms.wait / 3.6), missing)
            elif self._taken[0][port] < self._stands[0][port]:
                self._taken[1][port] -= 1
                self._taken[0][port] += 1
                self._on_charger[plane] = False
            else:
                self._judge_blocking(row)
        if row.entered != row.decided or row.landed != row.decided:
            self._tell(f"enters at {row.entered} s and lands at {row.landed} s, both must be {row.decided} s")
        self._judge("is ready", row.ready, row.decided + terms.wait)
        if row.passengers:
            self._tell(f"has {row.passengers} passengers, but does not fly")
        over = min(max(terms.day - row.decided, 0), terms.wait)
        self._charging += min(charged, over)
        self._waiting += over - min(charged, over)

    def _judge_blocking(self, row: _Decision) -> None:
        """A full aircraft stays on its charger: right only if it cannot fly."""
        for port, name in enumerate(self._instance.vertiports):
            if port != row.origin and not self._hindrances(row._replace(destination=port)):
                self._tell(f"full on a charger, no parking is free, and the aircraft could fly to {name!r}")
                return

    def _seconds_for(self, missing: int) -> int:
        """Seconds until so many Wh are charged."""
        return math.ceil(3.6 * missing / self._instance.aircraft.charger)

    # --- flying

    def _fly(self, row: _Decision) -> None:
        for sentence in self._hindrances(row):
            self._tell(sentence)
        self._judge_passengers(row)
        self._judge_corridor(row)
        leg = self._energy[row.origin][row.destination]
        self._battery[row.aircraft] -= leg
        self._move(row.aircraft, row.destination)
        flown = self._flight[row.origin][row.destination] + self._instance.aircraft.landing
        self._judge("lands", row.landed, row.entered + flown)
        charging = 0
        if self._charged_on_landing and self._on_charger[row.aircraft]:
            charging = self._seconds_for(self._full - self._battery[row.aircraft])
            self._battery[row.aircraft] = self._full
        number = self._number_of_flight(row)
        repair = self._instance.repair_time(row.aircraft, number)
        self._judge("is ready", row.ready, row.landed + charging + repair)
        self._flights[row.aircraft] += 1
        self._charging += min(max(self._instance.terms.day - row.landed, 0), charging)

    def _number_of_flight(self, row: _Decision) -> int:
        # more than are possible only if decisions before were wrong
        return min(self._flights[row.aircraft], self._instance.most_legs - 1)

    def _hindrances(self, row: _Decision) -> list[str]:
        """Why an aircraft cannot fly as it stands."""
        battery, terms = self._battery[row.aircraft], self._instance.terms
        leg, reserve = self._energy[row.origin][row.destination], self._reserve[row.destination]
        found = []
        if leg + reserve > battery:
            spare = f" and {reserve} Wh in reserve" if reserve else ""
            found.append(f"needs {leg} Wh{spare}, has {battery} Wh")
        if self._instance.closed[row.decided // terms.slot, row.origin, row.destination]:
            found.append("the route is closed")
        kind = self._stands[1][row.destination] > 0
        if self._taken[kind][row.destination] >= self._stands[kind][row.destination]:
            found.append(f"no {'charger' if kind else 'parking stand'} is free there")
        return found

    def _judge_passengers(self, row: _Decision) -> None:
        instance, seats = self._instance, self._instance.aircraft.seats
        period = row.decided // (instance.terms.day // len(self._left))
        left = self._left[period][row.origin]
        there = left[row.destination]
        if row.passengers != min(seats, there):
            self._tell(f"has {row.passengers} passengers; there are {seats} seats and {there} passengers")
        left[row.destination] = max(there - max(row.passengers, 0), 0)
        self._carried += row.passengers
        self._empty += row.passengers == 0
        self.profits.append(self._profit(row, int(instance.demand[period, row.origin, row.destination])))

    def _profit(self, row: _Decision, demand: int) -> float:
        """Fares less operating cost and electricity, dollars, on a leg with such a demand in its period."""
        terms, miles = self._instance.terms, float(self._instance.distance[row.origin, row.destination])
        fare = terms.fare * miles
        if terms.whole_fares:
            fare = float(math.floor(fare))
        if terms.surge > 0 and demand > terms.surge:
            fare *= max(1.0, math.log(demand / terms.surge))
        electricity = terms.electricity * self._energy[row.origin][row.destination] / 1000
        return row.passengers * (fare - terms.cost * miles) - electricity

    def _judge_corridor(self, row: _Decision) -> None:
        instance, terms = self._instance, self._instance.terms
        delay = instance.take_off_delay(row.aircraft, self._number_of_flight(row), row.origin)
        earliest = row.decided + delay + instance.aircraft.take_off
        if terms.corridors and terms.separation:
            lanes = self._lanes.setdefault((row.origin, row.destination), [0] * terms.corridors)
            lane = lanes.index(min(lanes))
            earliest = max(earliest, lanes[lane])
            lanes[lane] = row.entered + terms.separation
        self._judge("enters its corridor", row.entered, earliest)

    def _judge(self, what: str, says: int, right: int) -> None:
        if says != right:
            self._tell(f"{what} at {says} s, must be {right} s")
