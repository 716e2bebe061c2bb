"""Dispatch by dual prices: every aircraft takes the flight whose profit and worth of being there then are most.

The worth comes from the flow of the whole day (:mod:`.flow`). ``LpDual`` may solve it anew as the day goes: then only
for the next few hours, from where the aircraft are, with the passengers who are there, and what an aircraft is worth
after that from the flow of the whole day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.core.problem import load_problem
from ...envs.core.simulator import Simulator
from ...envs.uam import state as s
from ...envs.uam.config import UamConfig
from ...envs.uam.instance import Real, UamInstance, Whole
from ...envs.uam.simulate import UamSimulator
from ...envs.uam.solution import UamSolution
from ..core import Policy, Solver, SolverResult, play
from ..scipy_modules import import_scipy
from .bounds import GRID, profit_bound
from .flow import FlowModel
from .worth import Outlook, Worth, best_actions, charging_seconds, expected_seconds

TRICKLE = 0.002  # aircraft at every node
WINDOW = 5400
"""Seconds for which a flow that is solved anew looks ahead at least: until the end of a period of demand."""


@dataclass(frozen=True, eq=False)
class Ahead:
    """The next hours of a day, in slots from now on.

    Attributes:
        model: Their flow.
        begin: Now, seconds.
        after: What an aircraft is worth in slots after the window, float64 ``[V, E]``.
    """

    model: FlowModel
    begin: float
    after: Real


class LpDual(Policy[UamInstance, UamSolution]):
    """Follows the worth of aircraft; of equal choices it takes the first.

    Args:
        known: Whether it knows the demand of the whole day beforehand, not only by forecast.
        every: Seconds after which the next hours are solved anew; ``None`` for never.
        grid: Seconds of a slot, at most.
        window: Seconds that are looked ahead then, at least.
    """

    def __init__(
        self, known: bool = False, every: float | None = None, grid: float = 900, window: float = WINDOW
    ) -> None:
        import_scipy()
        self.known, self.every, self.grid, self.window = known, every, grid, window

    def begin(self, simulator: Simulator[UamInstance, UamSolution], seed: int) -> None:
        """Solve the flow of every day; rows with the same day share it."""
        assert isinstance(simulator, UamSimulator)
        rows, ports = simulator.batch_size, simulator.sizes[0]
        self.outlooks: list[Outlook] = []
        found: dict[int, tuple[Outlook, Real]] = {}
        for row, instance in enumerate(simulator.instances):
            assert instance is not None
            if id(instance) not in found:
                outlook, count = Outlook(instance, self.grid, self.known), instance.num_vertiports
                # what is seen of the first period when the day begins
                found[id(instance)] = outlook, outlook.day(simulator.world.demand[row, 0, :count, :count]).worth
            self.outlooks.append(found[id(instance)][0])
        self.days = [found[id(instance)][1] for instance in simulator.instances]
        longest = max(self._columns(outlook) for outlook in self.outlooks)
        self.worth = Worth(
            np.zeros((rows, ports, longest)), np.zeros(rows), np.ones(rows), np.ones(rows, np.int64),
            np.zeros((rows, ports, ports)),
        )  # fmt: skip
        for row, (outlook, day) in enumerate(zip(self.outlooks, self.days, strict=True)):
            count = outlook.instance.num_vertiports
            self.worth.seconds[row, :count, :count] = expected_seconds(outlook.instance)
            self._tell(row, day, 0.0)
        self._turn = np.zeros(rows, np.int64)
        self._choice = np.zeros(rows, np.int64)

    def _columns(self, outlook: Outlook) -> int:
        """Slots that a table needs."""
        if self.every is None:
            return outlook.slots
        instance = outlook.instance
        reach = self.every + float(outlook.seconds.max()) + instance.terms.wait
        longest = min(self.window + instance.period, instance.terms.day)
        return max(outlook.slots, math.ceil(longest / outlook.length) + self._tail(outlook, reach))

    def _end(self, instance: UamInstance, now: float) -> float:
        """When the hours that are looked ahead end: with a period, whose passengers come before or after its end."""
        return math.ceil((now + self.window) / instance.period) * instance.period

    def _tail(self, outlook: Outlook, reach: float) -> int:
        return math.ceil(reach / outlook.length) + 2

    def _tell(self, row: int, table: Real, begin: float) -> None:
        """Take a table ``[V, N]`` that begins at some second."""
        worth, (ports, slots) = self.worth, table.shape
        worth.table[row, :ports, :slots] = table
        worth.begin[row], worth.slots[row], worth.length[row] = begin, slots, self.outlooks[row].length

    def act(self, simulator: Simulator[UamInstance, UamSolution]) -> NDArray[np.int64]:
        """The choice in every row (a reused buffer)."""
        assert isinstance(simulator, UamSimulator)
        if self.every is not None:
            turn = np.where(simulator.done, 0, 1 + simulator.now // self.every).astype(np.int64)
            for row in np.flatnonzero(turn > self._turn).tolist():
                self.renew(simulator, row)
            self._turn = np.maximum(self._turn, turn)
        best_actions(simulator.world, simulator.state, self.worth, self._choice)
        return self._choice

    def renew(self, simulator: UamSimulator, row: int) -> None:
        """Solve the next hours of a row's day anew."""
        ready = ready_times(simulator, row)
        ahead = self.ahead(simulator, row, ready)
        # where no aircraft comes, prices may be anything that nobody would pay; a little supply makes them true
        ahead.model.supply += TRICKLE
        table = np.concatenate([ahead.model.solve().worth, ahead.after], axis=1)
        self._tell(row, table[:, : self.worth.table.shape[2]], ahead.begin)

    def ahead(self, simulator: UamSimulator, row: int, ready: Real, apart: NDArray[np.bool_] | None = None) -> Ahead:
        """The next hours of a row's day.

        Args:
            simulator: Where the aircraft are.
            row: The row.
            ready: Seconds at which each is free and charged, float64 ``[K]``.
            apart: Aircraft that are left out, bool ``[K]``.
        """
        outlook, length = self.outlooks[row], self.outlooks[row].length
        # slots are those of the day, so that they divide its periods
        now = simulator.now[row] // length * length
        instance, legs = outlook.instance, outlook.legs
        ports, day, duration = instance.num_vertiports, instance.terms.day, outlook.duration(outlook.length)
        slots = max(1, round((min(self._end(instance, now), day) - now) / length))
        middle = now + (np.arange(slots) + 0.5) * length
        period = np.minimum(middle // instance.period, len(instance.demand) - 1).astype(np.int64)
        first = int(simulator.now[row] // instance.period)
        offers = outlook.now(
            first, simulator.state.remaining[row, first, :ports, :ports], int(period.max(initial=first))
        )
        where = simulator.state.plane[row, : instance.num_aircraft, s.WHERE]
        slot = ((ready - now) // length).astype(np.int64)
        counts = (slot < slots) & (ready < day)
        if apart is not None:
            counts &= ~apart
        supply = np.zeros((ports, slots))
        np.add.at(supply, (where[counts], slot[counts]), 1.0)
        reach = int(max(duration.max(), self._tail(outlook, (self.every or 0) + float(outlook.seconds.max()))))
        after = self.later(row, now + (slots + np.arange(reach + 1) + 0.5) * length)
        until = (now // instance.terms.slot + 1) * instance.terms.slot
        closed = legs.at(instance.closed[int(now // instance.terms.slot)]) & (middle + 0.5 * length <= until)[:, None]
        model = FlowModel(legs, duration, np.maximum(period - first, 0), supply, offers, after, ~closed)
        return Ahead(model, now, after)

    def later(self, row: int, time: Real) -> Real:
        """Worth of an aircraft at some times by the flow of the whole day, float64 ``[V, T]``; 0 after its end."""
        outlook, day = self.outlooks[row], self.days[row]
        place = time / outlook.length - 0.5
        columns = [np.interp(place, np.arange(day.shape[1]), line) for line in day]
        table: Real = np.where(time < outlook.instance.terms.day, np.array(columns), 0.0)
        return table


def ready_times(simulator: UamSimulator, row: int) -> Real:
    """Seconds at which each aircraft of a row is free and charged, as a dispatcher expects it, float64 ``[K]``.

    Take-offs are seen, so landings are known; who fails is known after landing.
    """
    instance, now = simulator.instances[row], float(simulator.now[row])
    assert instance is not None
    plane = simulator.state.plane[row, : instance.num_aircraft]
    repair = instance.failure * instance.terms.repair
    free = np.where(plane[:, s.LANDED] <= now, plane[:, s.NEXT], plane[:, s.CHARGED] + repair)
    missing: Whole = instance.aircraft.battery_wh - plane[:, s.BATTERY]
    return np.maximum(free, now) + charging_seconds(instance, missing)


class LpDualKnown(Solver[UamInstance, UamSolution]):
    """Plays a day by dual prices that know its demand, and proves a bound on its profit.

    Args:
        config: The configuration.
        grid: Seconds of a slot of the bound, at most.
        every: Of :class:`LpDual`.
    """

    def __init__(self, config: UamConfig, grid: float = GRID, every: float | None = None) -> None:
        import_scipy()
        self.config, self.grid, self.every = config, grid, every

    def solve(self, instance: UamInstance, *, time_limit: float, seed: int) -> SolverResult[UamSolution]:
        """The day as it was played; the time limit is not looked at."""
        problem: Any = load_problem("uam")
        simulator = play(LpDual(True, self.every), problem, [instance], self.config, seed)
        bound = profit_bound(instance, self.grid)
        return SolverResult(simulator.solution(0), bound, float(simulator.objective()[0]) >= bound - 1e-6)
