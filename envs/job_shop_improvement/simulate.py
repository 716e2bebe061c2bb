"""Job shops improved move by move: a batch of local searches side by side.

A state is a complete schedule, kept as the disjunctive graph of its machine orders with heads and tails (see
:mod:`.disjunctive`); an action is one of the moves that a critical path offers (see :mod:`.neighbours`), or goes back
to the best schedule so far. A move that would bring back an order that was taken back lately is not allowed (tabu),
unless it promises a new best schedule or nothing else is left. The reward is by how much the best makespan falls
(Zhang et al., "Deep Reinforcement Learning Guided Improvement Heuristic for Job Shop Scheduling", ICLR 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.graph import GraphState
from ..core.simulator import Simulator
from ..job_shop.instance import JobShopInstance
from ..job_shop.solution import JobShopSolution
from . import kernels as k
from .config import NEIGHBOURHOODS
from .disjunctive import DURATION, HEAD, JOB, JOB_AFTER, JOB_BEFORE, LAST, LINES, TYPE, columns, take_sequence
from .instance import ImprovementInstance, machine_starts
from .look_ahead import play_out, show
from .memory import NEVER
from .neighbours import MOVE_COLUMNS
from .observe import CANDIDATE_FEATURES, load_static, spec_of

WIDTH = 12
"""Moves that are played out where observations look ahead."""

MOVES_PER_SIZE = (1, 4)
"""Moves that an observation has room for, per job and machine, by neighbourhood; a critical path that offers more shows
those nearest to its beginning."""


def room_for_moves(jobs: int, machines: int, neighbourhood: str) -> int:
    """How many moves are on offer at most."""
    return MOVES_PER_SIZE[NEIGHBOURHOODS.index(neighbourhood)] * (jobs + machines)


def fill_table(g: NDArray[np.int32], shop: JobShopInstance, none: int) -> None:
    """Write a job shop into a table of :mod:`.disjunctive`; machine orders are still to come.

    Args:
        g: The table, ``[LINES, columns]``.
        shop: The job shop.
        none: Column that stands for none.
    """
    count, jobs, first = shop.num_operations, shop.num_jobs, shop.first_operation
    g[:] = 0
    g[DURATION, :count] = shop.duration
    g[JOB, :count] = np.repeat(np.arange(jobs), np.diff(first))
    g[JOB_BEFORE, :count] = np.arange(count) - 1
    g[JOB_AFTER, :count] = np.arange(count) + 1
    has = np.flatnonzero(np.diff(first) > 0)
    g[JOB_BEFORE, first[:-1][has]] = none + 1 + has
    g[JOB_AFTER, first[1:][has] - 1] = none
    g[HEAD, none + 1 : none + 1 + jobs] = shop.release
    g[LAST, :jobs] = np.where(np.diff(first) > 0, first[1:] - 1, none + 1 + np.arange(jobs))


class JobShopImprovementSimulator(Simulator[ImprovementInstance, JobShopSolution]):
    """B searches side by side; action 0 goes back to the best schedule, action 1 + k makes move k.

    The arrays below are public views: rules read them.

    Args:
        max_jobs: Jobs of the largest instance, J.
        max_machines: Machines of the largest instance.
        max_operations: Operations of the largest instance, N.
        batch_size: B.
        neighbourhood: ``"n5"`` or ``"n6"``.
        tenure: Moves for which an order that was taken back may not be brought back.
        look_ahead: Greedy moves that are played behind each of the most promising ones, for observations; 0 for none.
        show_graph: Whether observations show the disjunctive graph.

    Attributes:
        tables: The graphs, int32 ``[B, LINES, columns]``.
        moves: The moves on offer, int32 ``[B, A - 1, MOVE_COLUMNS]``.
        offered: How many, ``[B]``.
        makespan, best: Of the present and of the best schedule, ``[B]``.
        since: The step at which the best was found or returned to, ``[B]``.
    """

    def __init__(
        self,
        max_jobs: int,
        max_machines: int,
        max_operations: int,
        batch_size: int,
        neighbourhood: str = "n5",
        tenure: int = 10,
        look_ahead: int = 0,
        show_graph: bool = False,
    ) -> None:
        self.arguments = (
            max_jobs, max_machines, max_operations, batch_size, neighbourhood, tenure, look_ahead, show_graph
        )  # fmt: skip
        b, room = batch_size, room_for_moves(max_jobs, max_machines, neighbourhood)
        self.batch_size = b
        self._limits = (max_jobs, max_machines, max_operations)
        self._rules = (NEIGHBOURHOODS.index(neighbourhood), tenure, max_operations)
        self.instances: list[ImprovementInstance | None] = [None] * b
        self.scale = np.ones(b)
        self.tables = np.zeros((b, LINES, columns(max_operations, max_jobs)), TYPE)
        self._start_sequence = np.zeros((b, max_operations), TYPE)
        self._first = np.zeros((b, max_machines + 1), TYPE)
        self._best = np.zeros((b, max_operations), TYPE)
        self._memory = np.full((b, max_operations, max_jobs), NEVER, np.int32)
        self._counts = np.zeros((b, max_operations, max_jobs), np.int32)
        self._numbers = np.zeros((b, k.NUMBERS), np.int64)
        self._reals = np.ones((b, k.REALS))
        self.moves = np.zeros((b, room, MOVE_COLUMNS), np.int32)
        self._path = np.zeros((b, max_operations), TYPE)
        self.action_mask = np.zeros((b, room + 1), np.bool_)
        self.action_mask[:, k.RETURN] = True
        self.done, self.illegal = np.ones(b, np.bool_), np.zeros(b, np.bool_)
        self.illegal_count, self.done_count = 0, b
        self.steps = self._numbers[:, k.STEPS]
        self.makespan, self.best = self._numbers[:, k.MAKESPAN], self._numbers[:, k.BEST]
        self.since, self.offered = self._numbers[:, k.SINCE], self._numbers[:, k.OFFERED]
        self._numbers[:, k.LIMIT] = self._numbers[:, k.BOUND] = self._numbers[:, k.BEST] = 1
        self._numbers[:, k.FIRST_MAKESPAN] = self._numbers[:, k.MAKESPAN] = 1
        self._search = (
            self._memory, self._counts, self._numbers, self._reals, self.moves, self._path, self.action_mask
        )  # fmt: skip
        self._look_ahead, self._show_graph = look_ahead, show_graph
        arrays = (self.tables, self._memory, self.moves, self._path)
        self._room_to_try = tuple(np.zeros(array.shape[1:], array.dtype) for array in arrays)
        self._shortest = np.full((b, room + 1), -1, np.int64)
        self.spec = spec_of(max_operations, room, look_ahead > 0, show_graph)
        self._state = GraphState.empty(self.spec, b)
        self._all_rows = np.arange(b)

    def _load(self, row: int, instance: ImprovementInstance) -> None:
        shop, (max_jobs, max_machines, max_operations) = instance.shop, self._limits
        if shop.num_jobs > max_jobs or shop.num_machines > max_machines or shop.num_operations > max_operations:
            raise ValueError(
                f"{instance.name} ({shop.num_jobs} jobs, {shop.num_machines} machines, {shop.num_operations} "
                f"operations) does not fit into an environment made for {max_jobs} jobs, {max_machines} machines, "
                f"{max_operations} operations"
            )
        self.instances[row] = instance
        fill_table(self.tables[row], shop, max_operations)
        self._start_sequence[row, : shop.num_operations] = instance.sequence
        self._first[row, : shop.num_machines + 1] = machine_starts(shop)
        self._first[row, shop.num_machines + 1 :] = shop.num_operations  # not those of an instance with more machines
        # compiled code would walk round and round in orders that contradict each other
        if not take_sequence(
            self.tables[row], shop.num_operations, max_operations, self._start_sequence[row], self._first[row]
        ):
            raise ValueError(f"{instance.name}: the first schedule contradicts itself or the routings")
        numbers = self._numbers[row]
        numbers[:] = 0
        numbers[k.JOBS], numbers[k.MACHINES] = shop.num_jobs, shop.num_machines
        numbers[k.OPERATIONS], numbers[k.LIMIT] = shop.num_operations, instance.moves
        numbers[k.BOUND] = makespan_bound(shop)
        self._reals[row, k.MEAN_DURATION] = max(float(shop.duration.mean()), 1.0)
        self.scale[row] = numbers[k.BOUND] / 10  # about what there is to gain
        load_static(self._state, row, shop)

    def _start(self, rows: NDArray[np.int64]) -> None:
        k.start_rows(
            rows, *self._rules, self.tables, self._start_sequence, self._first, self._best, *self._search, self.done,
            self.illegal,
        )  # fmt: skip

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Make a move in every row, or go back to its best schedule; see :class:`Simulator`."""
        if len(action) != self.batch_size:  # compiled code does not look
            raise ValueError(f"{len(action)} actions for {self.batch_size} rows")
        self.illegal_count, self.done_count = k.step_rows(
            action, *self._rules, self.tables, self._first, self._best, *self._search, self.done, self.illegal
        )
        return self._reals[:, k.REWARD]

    def observe(self, out: GraphState | None = None, rows: NDArray[np.intp] | None = None) -> GraphState:
        """The observation; features are described in :mod:`.observe`."""
        state = self._state if out is None else out
        chosen = self._all_rows if rows is None else rows
        k.observe_rows(chosen, self._rules[2], self.tables, *self._search, *state.dynamic_arrays)
        if self._look_ahead:
            shortest = self.look_ahead(chosen, WIDTH, self._look_ahead)
            show(chosen, len(CANDIDATE_FEATURES), shortest, self._numbers, self._reals, state.features)
        if self._show_graph:
            k.observe_graph(
                chosen, self._rules[2], self.tables, self._numbers, state.node_state, state.changing["follows"]
            )
        return state

    def look_ahead(self, rows: NDArray[np.intp], width: int, depth: int) -> NDArray[np.int64]:
        """What the most promising moves of some rows lead to, if greedy moves follow.

        Args:
            rows: The rows.
            width: Moves of a row that are tried, those of least estimate.
            depth: Greedy moves behind each.

        Returns:
            The shortest makespan on the way of each action, ``[B, A]``, -1 where it was not tried (a reused buffer).
        """
        searches = (self.tables, self._memory, self._numbers, self.moves, self.action_mask)
        everything: tuple[Any, ...] = (
            rows, width, depth, *self._rules, *searches, *self._room_to_try, self._shortest
        )  # fmt: skip
        play_out(*everything)
        return self._shortest

    def objective(self) -> NDArray[np.float64]:
        """The makespan of the best schedule of each row, ``[B]``."""
        return self.best.astype(np.float64)

    def solution(self, row: int) -> JobShopSolution:
        """The best schedule of row ``row`` so far."""
        instance = self.instances[row]
        assert instance is not None
        return JobShopSolution(start_times(instance.shop, self._best[row, : instance.shop.num_operations]))

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """What changes during an episode."""
        names = ("memory", "counts", "numbers", "reals", "moves", "path", "legal")
        return {
            "tables": self.tables,
            "best": self._best,
            "done": self.done,
            "illegal": self.illegal,
            **dict(zip(names, self._search, strict=True)),
        }


def makespan_bound(shop: JobShopInstance) -> int:
    """A lower bound on the makespan: the longest job, release included, or the most loaded machine; at least 1."""
    load = np.bincount(shop.machine, weights=shop.duration)
    return max(int((shop.release + shop.job_work).max()), int(load.max()), 1)


def start_times(shop: JobShopInstance, sequence: NDArray[np.int32]) -> NDArray[np.int64]:
    """Earliest start times ``[N]`` of the schedule with these machine orders.

    Raises:
        ValueError: They contradict each other or the routings.
    """
    count = shop.num_operations
    g = np.zeros((LINES, columns(count, shop.num_jobs)), TYPE)
    fill_table(g, shop, count)
    if not take_sequence(g, count, count, sequence, machine_starts(shop)):
        raise ValueError("the machine orders contradict each other or the routings")
    return g[HEAD, :count].astype(np.int64)


def sizes_of(instances: Sequence[ImprovementInstance]) -> tuple[int, int, int]:
    """Jobs, machines and operations of a simulator just large enough for these instances."""
    shops = [instance.shop for instance in instances]
    return (
        max(shop.num_jobs for shop in shops),
        max(shop.num_machines for shop in shops),
        max(shop.num_operations for shop in shops),
    )
