"""What tabu search and simulated annealing share: one schedule in hand, the best one so far, and the clock."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from ...envs.job_shop.instance import JobShopInstance
from ...envs.job_shop.solution import JobShopSolution
from ...envs.job_shop_improvement.config import NEIGHBOURHOODS
from ...envs.job_shop_improvement.disjunctive import LINES, TYPE, columns, makespan_of, take_sequence, write_sequence
from ...envs.job_shop_improvement.instance import machine_orders, machine_starts
from ...envs.job_shop_improvement.neighbours import MOVE_COLUMNS
from ...envs.job_shop_improvement.simulate import fill_table, makespan_bound, room_for_moves, start_times
from ..core import SolverResult
from . import tabu_kernels as t

Orders = NDArray[np.int32]
"""A schedule: the operations machine by machine, in order."""


class LocalSearch:
    """A schedule that compiled code changes, and what is needed for that.

    Args:
        shop: The job shop.
        neighbourhood: ``"n5"`` or ``"n6"``.
        seed: Of everything random.
        time_limit: Seconds from now.
        began: When the clock started, of ``time.perf_counter``; default now.

    Attributes:
        best: The best schedule so far; ``makespan`` is its length.
        progress: When it was bettered.
        moves_made: Moves so far.
    """

    def __init__(
        self, shop: JobShopInstance, neighbourhood: str, seed: int, time_limit: float, began: float | None = None
    ) -> None:
        count, jobs = shop.num_operations, shop.num_jobs
        self.began = time.perf_counter() if began is None else began
        self._stop = self.began + time_limit
        self.shop, self.count, self.jobs = shop, count, jobs
        self.neighbourhood = NEIGHBOURHOODS.index(neighbourhood)
        self.bound = makespan_bound(shop)
        self.table = np.zeros((LINES, columns(count, jobs)), TYPE)
        fill_table(self.table, shop, count)
        self.first = machine_starts(shop)
        self.numbers = np.zeros(t.NUMBERS, np.int64)
        # never 0, of which xorshift makes nothing
        self.numbers[t.RANDOM] = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1) | 1
        self.tabu = np.zeros((count, jobs), np.int64)
        self.path = np.zeros(count, TYPE)
        self.position = np.zeros(count, TYPE)
        self.moves = np.zeros((2 * room_for_moves(jobs, shop.num_machines, neighbourhood), MOVE_COLUMNS), np.int32)
        self.best: Orders = np.zeros(0, TYPE)
        self.makespan = np.iinfo(np.int64).max
        self.progress: list[tuple[float, float]] = []

    @property
    def moves_made(self) -> int:
        """Moves so far."""
        return int(self.numbers[t.ITERATION])

    @property
    def optimal(self) -> bool:
        """Whether the best schedule is proved optimal: as short as the bound, or one without a move was met."""
        return self.makespan <= self.bound or bool(self.numbers[t.OPTIMAL])

    @property
    def over(self) -> bool:
        """Whether to stop."""
        return self.optimal or time.perf_counter() >= self._stop

    @property
    def elapsed(self) -> float:
        """Share of the time that has passed."""
        return min((time.perf_counter() - self.began) / max(self._stop - self.began, 1e-9), 1.0)

    def orders(self, start: NDArray[np.int64]) -> Orders:
        """Machine orders of a schedule given by start times."""
        return machine_orders(self.shop, start)

    def take(self, orders: Orders) -> None:
        """Take a schedule in hand."""
        if not take_sequence(self.table, self.count, self.count, orders, self.first):
            raise ValueError(f"{self.shop.name}: the machine orders contradict each other")
        self.numbers[t.BEST] = makespan_of(self.table, self.jobs)
        self.numbers[t.SINCE] = self.numbers[t.ITERATION]
        self.note(orders)

    def in_hand(self) -> Orders:
        """The schedule in hand."""
        orders = np.argsort(self.shop.machine, kind="stable").astype(TYPE)
        write_sequence(self.table, self.count, orders, self.first)
        return orders

    def note(self, orders: Orders) -> None:
        """Keep a schedule of length ``numbers[BEST]`` if it is the best so far."""
        if self.numbers[t.BEST] < self.makespan:
            self.makespan, self.best = int(self.numbers[t.BEST]), orders.copy()
            self.progress.append((time.perf_counter() - self.began, float(self.makespan)))

    def shake(self, steps: int) -> None:
        """Random moves, good or bad."""
        t.shake(self.table, self.count, self.jobs, steps, self.numbers, self.path, self.moves)

    def walk(self, guide: Orders, steps: int) -> None:
        """Walk from the schedule in hand towards another."""
        t.walk(self.table, self.count, guide, self.position, self.first, steps, self.numbers)

    def distance(self, one: Orders, other: Orders) -> int:
        """Pairs of operations that two schedules order differently on their machine."""
        return int(t.distance(one, other, self.position, self.first))

    def tabu_search(self, tenure: tuple[int, int], patience: int, chunk: int) -> tuple[int, Orders]:
        """Tabu search from the schedule in hand, until nothing better was found for ``patience`` moves.

        Args:
            tenure: Shortest and longest time for which what was taken back may not be brought back, in moves.
            patience: Moves.
            chunk: Moves between two looks at the clock.

        Returns:
            The length of the best schedule of this run, and itself.
        """
        self.numbers[t.BEST], self.numbers[t.SINCE] = makespan_of(self.table, self.jobs), self.numbers[t.ITERATION]
        self.tabu[:] = 0
        best = self.in_hand()
        while not self.over:
            finished = t.search(
                self.table, self.count, self.jobs, self.neighbourhood, *tenure, patience, chunk, self.tabu,
                self.numbers, self.path, self.moves, self.first, best,
            )  # fmt: skip
            self.note(best)
            if finished:
                break
        return int(self.numbers[t.BEST]), best

    def result(self) -> SolverResult[JobShopSolution]:
        """What was found."""
        bound = float(self.makespan if self.optimal else self.bound)
        solution = JobShopSolution(start_times(self.shop, self.best))
        return SolverResult(
            solution, bound=bound, proved=self.optimal, samples=max(self.moves_made, 1), progress=tuple(self.progress)
        )
