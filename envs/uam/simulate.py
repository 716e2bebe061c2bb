"""Air taxis: a batch of days in which one aircraft after another decides where it flies.

Whoever is free first decides; aircraft that are free at the same time decide by number. A flight takes a stand at its
destination at once, so nobody ever circles. The reward of a step is the profit of the flight that it begins, so the
rewards of a day sum to its profit. The loops are in :mod:`.kernels`, what the arrays mean in :mod:`.state`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.graph import GraphState
from ..core.simulator import Simulator
from . import kernels
from . import state as s
from .instance import UamInstance
from .look_ahead import LookAhead
from .observe import UamObserver
from .solution import UamSolution
from .terms import Terms

Sizes = tuple[int, ...]
HORIZON = 3600  # seconds that observations look ahead
FUTURES_STREAM = 1  # tells the random numbers of futures from those of days
SIZE_NAMES = ("vertiports", "aircraft", "periods", "slots", "flights of an aircraft", "decisions", "corridors")


def sizes_of(instances: Sequence[UamInstance]) -> Sizes:
    """The sizes of a simulator just large enough for these instances."""
    return tuple(max(column) for column in zip(*map(_sizes, instances), strict=True))


def _sizes(instance: UamInstance) -> Sizes:
    terms, fleet = instance.terms, instance.num_aircraft
    decisions = most_decisions(terms, instance.most_legs, fleet)
    return (
        instance.num_vertiports, fleet, len(instance.demand), len(instance.closed), instance.most_legs, decisions,
        terms.lanes,
    )  # fmt: skip


def most_decisions(terms: Terms, legs: int, fleet: int) -> int:
    """More decisions than a fleet can take in a day.

    Args:
        terms: Of the day.
        legs: More flights than one aircraft can begin.
        fleet: Aircraft.
    """
    return max(legs, terms.day // terms.wait + 2) * fleet


class UamSimulator(Simulator[UamInstance, UamSolution]):
    """B days side by side; action j sends the aircraft whose turn it is to vertiport j, its own means that it waits.

    The arrays below are public views: rules and search read them.

    Args:
        sizes: Largest numbers of vertiports, aircraft, periods of demand, slots, flights of an aircraft, decisions of
            a day, and corridors in a direction.
        batch_size: B.
        show_all: Whether observations show the aircraft too, behind further actions that are never legal.
        futures: In which observations play every choice out, see :class:`.look_ahead.LookAhead`; 0 for none.

    Attributes:
        world: What instances fix.
        state: What changes.
        plane: The aircraft whose turn it is, int64 ``[B]``.
        now: Seconds since the day began, int64 ``[B]``.
        numbers: What is expected of flights, by forecast.
    """

    def __init__(self, sizes: Sizes, batch_size: int, show_all: bool = False, futures: int = 0) -> None:
        self.arguments = (sizes, batch_size, show_all, futures)
        self.batch_size, self.sizes = batch_size, sizes
        ports, planes, periods, slots, legs, decisions, corridors = sizes
        b, pair = batch_size, (ports, ports)
        self.instances: list[UamInstance | None] = [None] * b
        self.scale = np.ones(b)
        self.world = s.World(
            row=np.ones((b, s.WORLD_COLUMNS), np.int64),
            real=np.ones((b, 2)),
            port=np.zeros((b, ports, 3), np.int64),
            start=np.zeros((b, planes), np.int64),
            flight=np.zeros((b, *pair), np.int64),
            energy=np.zeros((b, *pair), np.int64),
            cost=np.zeros((b, *pair)),
            demand=np.zeros((b, periods, *pair), np.int64),
            margin=np.zeros((b, periods, *pair)),
            closed=np.zeros((b, slots, *pair), np.bool_),
            delay=np.zeros((b, ports)),
            luck=np.zeros((b, planes, legs)),
            repair=np.zeros((b, planes, legs), np.int64),
        )
        self.state = s.State(
            plane=np.zeros((b, planes, s.PLANE_COLUMNS), np.int64),
            port=np.zeros((b, ports, s.PORT_COLUMNS), np.int64),
            remaining=np.zeros((b, periods, *pair), np.int64),
            lane=np.zeros((b, *pair, corridors), np.int64),
            record=np.zeros((b, decisions, s.RECORD_COLUMNS), np.int32),
            row=np.zeros((b, s.ROW_COLUMNS), np.int64),
            profit=np.zeros(b),
            legal=np.zeros((b, ports + planes if show_all else ports), np.bool_),
            done=np.ones(b, np.bool_),
            illegal=np.zeros(b, np.bool_),
            reward=np.zeros(b),
        )
        self.action_mask, self.done, self.illegal = self.state.legal, self.state.done, self.state.illegal
        self.plane, self.now, self.steps = (self.state.row[:, column] for column in (s.PLANE, s.NOW, s.STEPS))
        self.action_mask[:, 0] = True
        self.illegal_count, self.done_count = 0, b
        self._ahead = LookAhead(self.world, self.state, futures, HORIZON) if futures else None
        self._observer = UamObserver(b, sizes, show_all, self._ahead)
        self.spec = self._observer.spec
        self.numbers = self._observer.numbers

    @property
    def where(self) -> NDArray[np.int64]:
        """The vertiport at which the deciding aircraft is, int64 ``[B]``."""
        here: NDArray[np.int64] = self.state.plane[np.arange(self.batch_size), self.plane, s.WHERE]
        return here

    def _load(self, row: int, instance: UamInstance) -> None:
        for name, size, limit in zip(SIZE_NAMES, _sizes(instance), self.sizes, strict=True):
            if size > limit:
                raise ValueError(f"{instance.name}: {size} {name}; this simulator was made for at most {limit}")
        ports, planes, world = instance.num_vertiports, instance.num_aircraft, self.world
        terms, aircraft, chance = instance.terms, instance.aircraft, instance.chance
        world.row[row] = (
            ports, planes, aircraft.seats, terms.day, terms.wait, instance.period, terms.slot,
            terms.lanes, terms.separation, aircraft.take_off, aircraft.landing,
            aircraft.battery_wh, terms.charging == "full",
        )  # fmt: skip
        world.real[row] = aircraft.charger, terms.delay_spread
        world.port[row, :ports] = np.stack([instance.parking, instance.chargers, instance.reserve], axis=1)
        world.start[row, :planes] = instance.start
        for table, values in (
            (world.flight, instance.flight), (world.energy, instance.energy), (world.cost, instance.leg_cost),
        ):  # fmt: skip
            table[row, :ports, :ports] = values
        for tables, values in ((world.demand, instance.demand), (world.margin, instance.margin)):
            tables[row] = 0
            tables[row, : len(values), :ports, :ports] = values
        world.closed[row] = False
        world.closed[row, : len(instance.closed), :ports, :ports] = instance.closed
        world.delay[row, :ports] = instance.delay
        legs = instance.most_legs
        world.luck[row, :planes, :legs] = chance.delay
        world.repair[row, :planes, :legs] = np.where(chance.failure < instance.failure[:, None], chance.repair, 0)
        self.scale[row] = profit_scale(instance)
        self.instances[row] = instance
        self._observer.load(row, instance)
        if self._ahead is not None:
            # of the day's own numbers, so that a day always looks the same; what comes was drawn from others
            self._ahead.load(row, instance, np.random.default_rng([instance.seed, FUTURES_STREAM]))

    def _start(self, rows: NDArray[np.int64]) -> None:
        kernels.reset_rows(rows, self.world, self.state)

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Apply one action per row; see :class:`Simulator`."""
        if len(action) != self.batch_size:  # compiled code does not look
            raise ValueError(f"{len(action)} actions for {self.batch_size} rows")
        self.illegal_count, self.done_count = kernels.step_rows(action, self.world, self.state)
        return self.state.reward

    def observe(self, out: GraphState | None = None, rows: NDArray[np.intp] | None = None) -> GraphState:
        """The observation; features are described in :mod:`.observe`."""
        return self._observer.observe(self.world, self.state, out, rows)

    def elapsed(self) -> NDArray[np.int64]:
        """The time: demand comes and goes when it does, however many decisions are taken meanwhile."""
        now: NDArray[np.int64] = self.now
        return now

    def objective(self) -> NDArray[np.float64]:
        """Profit so far, dollars."""
        return self.state.profit

    def solution(self, row: int) -> UamSolution:
        """The decisions of row ``row`` so far."""
        return UamSolution(self.state.record[row, : self.steps[row]].astype(np.int64))

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """What changes during an episode."""
        return self.state._asdict()


def profit_scale(instance: UamInstance) -> float:
    """About what a fleet earns that always flies full, dollars; positive."""
    legs = instance.full_legs
    hours = instance.leg_seconds[legs] / 3600
    margin = instance.margin.mean(axis=0)[legs]
    rate = (instance.aircraft.seats * margin - instance.leg_cost[legs]) / hours
    total = float(np.maximum(rate, 0).mean()) * instance.num_aircraft * instance.terms.day / 3600
    return max(total, 1.0)
