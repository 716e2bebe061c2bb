"""Dispatch by a mixed-integer program that is solved anew as the day goes.

The next hours are a flow as in :mod:`.lp_dual`, but each aircraft that decides soon does so by itself, from the second
at which it is free: a binary variable for each of its choices leads it into the flow. Whatever follows may be split.
Chargers are counted where the next choices are made: no more aircraft are sent to a vertiport than chargers are free
there or left in the same plan.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...envs.core.simulator import Simulator
from ...envs.uam import state as s
from ...envs.uam.instance import Real, UamInstance, Whole
from ...envs.uam.simulate import UamSimulator
from ...envs.uam.solution import UamSolution
from ..scipy_modules import import_scipy
from .flow import FlowModel
from .lp_dual import Ahead, LpDual, ready_times
from .worth import charging_seconds

WINDOW = 3600  # shorter than that of lp-dual: programs with whole choices take longer
GAP = 1e-3
SHARE = 0.2  # of the time that is left, what one program gets at most


@dataclass(frozen=True, eq=False)
class Choices:
    """What the aircraft that decide soon may do; N choices.

    Attributes:
        plane: Which of them, int64 ``[N]``, counted among themselves.
        origin: Where it is.
        frees: Whether it leaves a stand there of the kind that those who come there take.
        action: Where it flies to, or where it is if it waits.
        gain: Dollars apart from passengers: costs, and what it is worth where it comes after the window.
        pair: The row of ``FlowModel.below`` on which its flight counts; -1 for none.
        node: The node to which it leads; -1 for none.
    """

    plane: Whole
    origin: Whole
    frees: NDArray[np.bool_]
    action: Whole
    gain: Real
    pair: Whole
    node: Whole


class RollingMip(LpDual):
    """Does what the last program says; where that is not possible any more, or out of time, what ``lp-dual`` does.

    Args:
        time_limit: Seconds for all programs of a day.
        every: Seconds after which the next one is solved.
        soon: Seconds within which aircraft decide by themselves.
        grid: Seconds of a slot, at most.
        window: Seconds that are looked ahead, at least.
    """

    def __init__(
        self,
        time_limit: float = 10.0,
        every: float = 300,
        soon: float = 900,
        grid: float = 900,
        window: float = WINDOW,
    ) -> None:
        super().__init__(False, every, grid, window)
        self.time_limit, self.soon = time_limit, soon

    def begin(self, simulator: Simulator[UamInstance, UamSolution], seed: int) -> None:
        """Solve the flow of every day."""
        super().begin(simulator, seed)
        self._plans: list[dict[int, int]] = [{} for _ in range(simulator.batch_size)]
        self._left = np.full(simulator.batch_size, self.time_limit)

    def act(self, simulator: Simulator[UamInstance, UamSolution]) -> NDArray[np.int64]:
        """The choice in every row (a reused buffer)."""
        assert isinstance(simulator, UamSimulator)
        choice = super().act(simulator)
        for row in np.flatnonzero(~simulator.done).tolist():
            action = self._plans[row].pop(int(simulator.plane[row]), None)
            if action is not None and simulator.action_mask[row, action]:
                choice[row] = action
        return choice

    def renew(self, simulator: UamSimulator, row: int) -> None:
        """Plan the next choices of a row's day."""
        began = time.perf_counter()
        seconds = SHARE * float(self._left[row])
        if seconds < 1e-3:
            return
        outlook, now = self.outlooks[row], float(simulator.now[row])
        ready = ready_times(simulator, row)
        plane = simulator.state.plane[row, : outlook.instance.num_aircraft]
        # when they decide: those that are charged while they wait do so before they are full
        missing = outlook.instance.aircraft.battery_wh - plane[:, s.BATTERY]
        decides = ready - charging_seconds(outlook.instance, missing)
        soon = (decides < now + self.soon) & (decides < outlook.instance.terms.day)
        ahead = self.ahead(simulator, row, ready, soon)
        choices = self._choices(simulator, row, ahead, np.flatnonzero(soon), decides)
        taken = self._solve(simulator, row, ahead.model, choices, seconds)
        if taken is not None:
            who = np.flatnonzero(soon)[choices.plane[taken]]
            self._plans[row] = dict(zip(who.tolist(), choices.action[taken].tolist(), strict=True))
        self._left[row] -= time.perf_counter() - began

    def _choices(self, simulator: UamSimulator, row: int, ahead: Ahead, soon: Whole, decides: Real) -> Choices:
        outlook, now = self.outlooks[row], float(simulator.now[row])
        instance, model, terms = outlook.instance, ahead.model, outlook.instance.terms
        ports = instance.num_vertiports
        origin, battery = (simulator.state.plane[row, soon, column] for column in (s.WHERE, s.BATTERY))
        start = decides[soon][:, None]
        waits = origin[:, None] == np.arange(ports)
        left = battery[:, None] - instance.energy[origin]
        slot = (start // terms.slot).astype(np.int64)
        shut = instance.closed[int(now // terms.slot)][origin] & (slot == int(now // terms.slot))
        who, action = np.nonzero(waits | ((left >= instance.reserve) & ~shut))
        missing = charging_seconds(instance, instance.aircraft.battery_wh - left)
        flies = self.worth.seconds[row, :ports, :ports][origin] + missing
        charged = simulator.state.plane[row, soon, s.STAND] == s.CHARGER
        frees = charged == (instance.chargers > 0)[origin]
        stays = np.where(charged[:, None], np.maximum(terms.wait, missing), terms.wait + missing)
        # who waits until the day ends never decides again
        stays = np.where(start + terms.wait < terms.day, stays, terms.day)
        then = (start + np.where(waits, stays, flies))[who, action]
        reach = ((then - ahead.begin) // outlook.length).astype(np.int64)
        beyond = np.clip(reach - model.slots, 0, ahead.after.shape[1] - 1)
        inside = (reach < model.slots) & (then < terms.day)
        worth = np.where(inside | (then >= terms.day), 0.0, ahead.after[action, beyond])
        flight = ~waits[who, action]
        gain = worth - np.where(flight, instance.leg_cost[origin[who], action], 0.0)
        index = np.full((ports, ports), -1)
        index[outlook.legs.origin, outlook.legs.destination] = np.arange(len(outlook.legs))
        period = (start[who, 0] // instance.period).astype(np.int64) - int(now // instance.period)
        leg = index[origin[who], action]
        known = flight & (leg >= 0) & (period * len(outlook.legs) + leg < model.below.shape[0])
        return Choices(
            who, origin[who], frees[who], action, gain, np.where(known, period * len(outlook.legs) + leg, -1),
            np.where(inside, action * model.slots + reach, -1),
        )  # fmt: skip

    def _solve(
        self, simulator: UamSimulator, row: int, model: FlowModel, choices: Choices, seconds: float
    ) -> NDArray[np.bool_] | None:
        """Which choices are made, bool ``[N]``; ``None`` where no plan was found in time."""
        optimize, sparse = import_scipy()
        count, number = len(choices.plane), np.arange(len(choices.plane))
        planes = int(choices.plane.max(initial=-1)) + 1

        def block(where: Whole, rows: int, sign: float) -> object:
            some = where >= 0
            return sparse.csc_array((np.full(int(some.sum()), sign), (where[some], number[some])), shape=(rows, count))

        stands, free = self._stands(simulator, row, choices)
        nothing = sparse.csc_array((planes + len(free), len(model.gain)))
        matrix = sparse.csc_array(
            sparse.vstack(
                [
                    sparse.hstack([model.nodes, block(choices.node, model.nodes.shape[0], -1.0)]),
                    sparse.hstack([model.below, block(choices.pair, model.below.shape[0], -1.0)]),
                    sparse.hstack([nothing, sparse.vstack([block(choices.plane, planes, 1.0), stands])]),
                ]
            )
        )
        supply = model.supply.ravel()
        upper = np.concatenate([supply, model.bounds, np.ones(planes), free])
        lower = np.concatenate(
            [supply, np.full(len(model.bounds), -np.inf), np.ones(planes), np.full(len(free), -np.inf)]
        )
        result = optimize.milp(
            -np.concatenate([model.gain, choices.gain]),
            integrality=np.repeat([0, 1], [len(model.gain), count]),
            bounds=optimize.Bounds(0.0, np.concatenate([model.most, np.ones(count)])),
            constraints=optimize.LinearConstraint(matrix, lower, upper),
            options={"time_limit": seconds, "mip_rel_gap": GAP},
        )
        if result.x is None:
            return None
        taken: NDArray[np.bool_] = result.x[len(model.gain) :] > 0.5
        return taken

    def _stands(self, simulator: UamSimulator, row: int, choices: Choices) -> tuple[object, Real]:
        """Chargers that the choices take and leave, ``[V, N]``, and how many are free."""
        _, sparse = import_scipy()
        instance = self.outlooks[row].instance
        ports, flight = instance.num_vertiports, choices.origin != choices.action
        chargers = instance.chargers > 0
        state = simulator.state.port[row, :ports]
        taken = np.where(chargers, state[:, s.CHARGERS_TAKEN], state[:, s.PARKED_THERE])
        stands = np.where(chargers, instance.chargers, instance.parking)
        come, leave = np.flatnonzero(flight), np.flatnonzero(flight & choices.frees)
        place = np.concatenate([choices.action[come], choices.origin[leave]]), np.concatenate([come, leave])
        sign = np.repeat([1.0, -1.0], [len(come), len(leave)])
        matrix = sparse.csc_array((sign, place), shape=(ports, len(flight)))
        return matrix, np.maximum(stands - taken, 0).astype(np.float64)
