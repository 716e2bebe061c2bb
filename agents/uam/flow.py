"""A day as a flow of aircraft through time: a linear program whose dual prices say what an aircraft is worth where.

Nodes are vertiports in slots of time. Aircraft that begin a slot at a vertiport fly somewhere in it or are still there
in the next. With X[s, l] flights of leg l that leave in slot s, W[i, s] aircraft that wait, and Y[h, l, q] flights of
kind q of that leg in period h (:mod:`.offers`):

    maximise   sum gain Y - sum cost X + what aircraft are worth after the last slot
    such that  flights out + waiting = supply + flights in + waited     at each node
               sum_q Y[h, l, q] <= sum of X[s, l] over the slots of h   for each leg and period
               Y <= their number, and further limits on X

A flight that leaves in slot s comes in slot s + duration; those that come after the last slot count in full. Passengers
need no variables for each slot: fares and demand are those of the period.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.uam.instance import Real, UamInstance, Whole
from ..scipy_modules import import_scipy
from .offers import Offers

NEGLIGIBLE = 1e-9


@dataclass(frozen=True, eq=False)
class Legs:
    """Pairs of vertiports between which an aircraft can fly at all.

    Attributes:
        origin: Int64 ``[L]``.
        destination: Int64 ``[L]``.
        cost: Dollars, float64 ``[L]``.
    """

    origin: Whole
    destination: Whole
    cost: Real

    def __len__(self) -> int:
        return len(self.origin)

    @classmethod
    def of(cls, instance: UamInstance, full_start: bool = False) -> Legs:
        """The legs of a day's network.

        Args:
            instance: The day.
            full_start: Also those that are possible only since the day begins with full batteries at vertistops.
        """
        possible = instance.full_legs
        if full_start and (instance.chargers[instance.start] == 0).any():
            possible = instance.aircraft.battery_wh >= instance.energy + instance.reserve
            possible &= ~np.eye(len(possible), dtype=bool)
        origin, destination = np.nonzero(possible)
        return cls(origin, destination, instance.leg_cost[origin, destination])

    def at(self, table: NDArray[Any]) -> NDArray[Any]:
        """Of a table by pairs ``[..., V, V]`` what belongs to legs, ``[..., L]``."""
        return table[..., self.origin, self.destination]


@dataclass(frozen=True, eq=False)
class Limits:
    """Further limits ``matrix X <= most`` on flights.

    Attributes:
        matrix: Sparse ``[R, S L]``, slots first.
        most: Float64 ``[R]``.
    """

    matrix: Any
    most: Real


@dataclass(frozen=True, eq=False)
class Flow:
    """A solution.

    Attributes:
        value: The objective, dollars.
        flights: X, float64 ``[S, L]``.
        waiting: W, float64 ``[V, S]``.
        worth: What one more aircraft in a vertiport and slot would earn, dollars, float64 ``[V, S]``.
        price: Of the further limits, float64 ``[R]``.
    """

    value: float
    flights: Real
    waiting: Real
    worth: Real
    price: Real


class FlowModel:
    """The linear program, as matrices.

    Args:
        legs: L legs.
        duration: Slots until the aircraft is free again, int64 ``[L]``; 0 for within the same slot.
        period: Of each slot the row of ``offers``, int64 ``[S]``, never falling.
        supply: Aircraft that become free, float64 ``[V, S]``.
        offers: Of each period that occurs, tables of pairs.
        final: Worth of an aircraft that is free so many slots after the last, float64 ``[V, E]``: longer is worth the
            last of them; nothing where ``None``.
        open: Whether flights may leave, bool ``[S, L]``.
        limits: Further ones.

    Attributes:
        gain: Of each column, dollars: flights (slots first), waiting (vertiports first), offers.
        most: Of each column.
        nodes: Equations, sparse ``[V S, N]`` with ``supply`` on the right.
        below: Inequalities with 0 on the right for offers, then the limits, sparse ``[H L + R, N]``.
        bounds: Right of these.
    """

    def __init__(
        self,
        legs: Legs,
        duration: Whole,
        period: Whole,
        supply: Real,
        offers: Offers,
        final: Real | None = None,
        open: NDArray[np.bool_] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._optimize, self._sparse = import_scipy()
        self.supply, self.num_legs, (self.ports, self.slots) = supply, len(legs), supply.shape
        flows = self._lay_out(legs, duration, final)
        count, gain = (np.moveaxis(legs.at(np.moveaxis(table, -1, 0)), 0, -1) for table in (offers.count, offers.gain))
        useful = (count > NEGLIGIBLE) & (gain > NEGLIGIBLE)
        self.gain = np.concatenate([flows, gain[useful]])
        self.most = np.concatenate([np.full(self.num_flows, np.inf), count[useful]])
        if open is not None:
            self.most[: self.num_flights][~open.ravel()] = 0.0
        self.nodes, self.below = self._connect(legs, duration, period, useful)
        self.bounds = np.zeros(self.below.shape[0])
        if limits is not None:
            wide = self._matrix(limits.matrix.tocoo(), (len(limits.most), len(self.gain)))
            self.below = self._sparse.csc_array(self._sparse.vstack([self.below, wide]))
            self.bounds = np.concatenate([self.bounds, limits.most])
        self._num_limits = 0 if limits is None else len(limits.most)

    def _lay_out(self, legs: Legs, duration: Whole, final: Real | None) -> Real:
        """Dollars of the columns of flights and waiting."""
        self.num_flights = self.slots * self.num_legs
        self.num_flows = self.num_flights + self.ports * self.slots
        self.arrival = np.arange(self.slots)[:, None] + duration
        later = np.zeros((self.ports, 1)) if final is None else final
        beyond = np.clip(self.arrival - self.slots, 0, later.shape[1] - 1)
        flights = np.where(self.arrival >= self.slots, later[legs.destination, beyond], 0.0) - legs.cost
        waiting = np.zeros((self.ports, self.slots))
        waiting[:, -1] = later[:, 0]
        return np.concatenate([flights.ravel(), waiting.ravel()])

    def _matrix(self, entries: Any, shape: tuple[int, int]) -> Any:
        return self._sparse.csc_array((entries.data, (entries.row, entries.col)), shape=shape)

    def _connect(self, legs: Legs, duration: Whole, period: Whole, useful: NDArray[np.bool_]) -> tuple[Any, Any]:
        """Rows of nodes and offers, sparse matrices."""
        slots, ports, count = self.slots, self.ports, self.num_legs
        slot, flight = np.arange(slots)[:, None], np.arange(self.num_flights).reshape(slots, count)
        comes = self.arrival < slots
        node = np.arange(ports * slots).reshape(ports, slots)
        waits = self.num_flights + node
        row = [legs.origin * slots + slot, (legs.destination * slots + self.arrival)[comes], node, node[:, 1:]]
        column = [flight, flight[comes], waits, waits[:, :-1]]
        sign = np.repeat([1.0, -1.0, 1.0, -1.0], [part.size for part in column])
        total = len(self.gain)
        place = np.concatenate([part.ravel() for part in row]), np.concatenate([part.ravel() for part in column])
        nodes = self._sparse.csc_array((sign, place), shape=(ports * slots, total))
        h, leg, _ = np.nonzero(useful)
        offer = self.num_flows + np.arange(len(h))
        row = [period[:, None] * count + np.arange(count), h * count + leg]
        sign = np.repeat([-1.0, 1.0], [self.num_flights, len(h)])
        place = np.concatenate([part.ravel() for part in row]), np.concatenate([flight.ravel(), offer])
        return nodes, self._sparse.csc_array((sign, place), shape=(len(useful) * count, total))

    def solve(self) -> Flow:
        """The best flow; aircraft may be split.

        Raises:
            RuntimeError: The solver gave up.
        """
        result = self._optimize.linprog(
            -self.gain,
            A_ub=self.below,
            b_ub=self.bounds,
            A_eq=self.nodes,
            b_eq=self.supply.ravel(),
            bounds=np.stack([np.zeros(len(self.most)), self.most], axis=1),
            method="highs",
        )
        if result.status != 0:
            raise RuntimeError(f"the linear program was not solved: {result.message}")
        offers = len(self.bounds) - self._num_limits
        return Flow(
            -float(result.fun),
            result.x[: self.num_flights].reshape(self.slots, self.num_legs),
            result.x[self.num_flights : self.num_flows].reshape(self.ports, self.slots),
            -result.eqlin.marginals.reshape(self.ports, self.slots),
            -result.ineqlin.marginals[offers:],
        )
