"""Tabu search with a pool of elite schedules.

The search moves in the neighbourhood ``n6`` of a critical path, judges moves by their estimates, forbids for a random
time to take back what was done, and ends when it found nothing better for a while (Nowicki & Smutnicki 1996; Zhang et
al., Computers & Operations Research 35, 2008). Then it begins again: from the best schedule after some random moves, or
from one between two of the pool, on a walk from the one to the other (path relinking: Nowicki & Smutnicki
2005; Peng, Lu & Cheng, Computers & Operations Research 53, 2015). The pool holds the best schedules found that are not
too much alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...envs.job_shop.instance import JobShopInstance
from ...envs.job_shop.solution import JobShopSolution
from ...envs.job_shop_improvement.instance import ImprovementInstance
from ...envs.job_shop_improvement.start import first_schedule
from ..core import Solver, SolverResult
from .search import LocalSearch, Orders

Starts = Callable[[JobShopInstance, int], Sequence[NDArray[np.int64]]]
"""Gives first schedules of a job shop, as start times, from a seed."""


@dataclass(frozen=True)
class TabuSettings:
    """How the search goes; chosen on random instances of Taillard's sizes, none of them a benchmark's.

    Attributes:
        neighbourhood: ``"n5"`` or ``"n6"``.
        tenure: Shortest time for which what was taken back may not be brought back, per ``10 + jobs / machines`` moves.
        spread: The longest, per the shortest.
        patience: Moves without a better schedule after which a run ends.
        elites: Schedules of the pool.
        apart: Pairs of operations, per hundred operations, in whose order two schedules of the pool must differ.
        relink: Share of the runs that begin between two schedules of the pool.
        kick: Fewest and most random moves from the best schedule with which the others begin.
        chunk: Moves between two looks at the clock.
    """

    neighbourhood: str = "n6"
    tenure: float = 1.0
    spread: float = 1.4
    patience: int = 12_500
    elites: int = 5
    apart: float = 5.0
    relink: float = 0.5
    kick: tuple[int, int] = (10, 60)
    chunk: int = 500

    def range_of_tenure(self, shop: JobShopInstance) -> tuple[int, int]:
        """Shortest and longest tenure in moves."""
        low = max(int(self.tenure * (10 + shop.num_jobs / shop.num_machines)), 1)
        return low, max(int(self.spread * low), low)


class Pool:
    """The best schedules so far that are not too much alike, best first.

    Args:
        search: Whose schedules they are.
        settings: Size, and what alike means.
    """

    def __init__(self, search: LocalSearch, settings: TabuSettings) -> None:
        self._search, self._size = search, settings.elites
        self._apart = settings.apart * search.count / 100
        self.schedules: list[tuple[int, Orders]] = []

    def add(self, makespan: int, orders: Orders) -> None:
        """Take in a schedule, in the place of one like it if that is worse."""
        for place, (length, other) in enumerate(self.schedules):
            if self._search.distance(orders, other) < self._apart:
                if makespan < length:
                    self.schedules[place] = makespan, orders
                    self._sort()
                return
        self.schedules.append((makespan, orders))
        self._sort()

    def _sort(self) -> None:
        self.schedules.sort(key=lambda schedule: schedule[0])
        del self.schedules[self._size :]


class TabuSearch(Solver[ImprovementInstance, JobShopSolution]):
    """Searches until the time is over or the schedule is proved optimal.

    The seed decides everything but how far the search gets in the time it has.

    Args:
        starts: Gives the first schedules; by default the instance's own.
        settings: How the search goes.
    """

    stochastic = True

    def __init__(self, starts: Starts | None = None, settings: TabuSettings | None = None) -> None:
        self._starts = starts
        self.settings = settings or TabuSettings()
        compile_search()

    def solve(self, instance: ImprovementInstance, *, time_limit: float, seed: int) -> SolverResult[JobShopSolution]:
        """The best schedule found within ``time_limit`` seconds; ``samples`` are the moves made."""
        began = time.perf_counter()
        first = [instance.start] if self._starts is None else list(self._starts(instance.shop, seed))
        return self.improve(instance.shop, first, seed, time_limit, began)

    def improve(
        self,
        shop: JobShopInstance,
        starts: Sequence[NDArray[np.int64]],
        seed: int,
        time_limit: float,
        began: float | None = None,
    ) -> SolverResult[JobShopSolution]:
        """The best schedule found from some first schedules, given by start times."""
        search, settings = LocalSearch(shop, self.settings.neighbourhood, seed, time_limit, began), self.settings
        rng, tenure, pool = np.random.default_rng(seed), settings.range_of_tenure(shop), Pool(search, settings)
        first = [search.orders(start) for start in starts]
        for orders in first:
            search.take(orders)
        for orders in first:
            if not search.over:
                search.take(orders)
                pool.add(*search.tabu_search(tenure, settings.patience, settings.chunk))
        while not search.over:
            self._begin_anew(search, pool, rng)
            pool.add(*search.tabu_search(tenure, settings.patience, settings.chunk))
        return search.result()

    def _begin_anew(self, search: LocalSearch, pool: Pool, rng: np.random.Generator) -> None:
        """Take a schedule in hand from which to search."""
        schedules = [orders for _, orders in pool.schedules]
        if len(schedules) > 1 and rng.random() < self.settings.relink:
            start, guide = (schedules[place] for place in rng.choice(len(schedules), 2, replace=False))
            apart = search.distance(start, guide)
            search.take(start)
            # neither end: from there the search would soon be where it was before
            search.walk(guide, int(rng.integers(max(apart // 5, 2), max(apart - apart // 5, 3))))
            return
        search.take(schedules[0])
        search.shake(int(rng.integers(*self.settings.kick)))


@cache
def compile_search() -> None:
    """Compile the loops once, before any clock runs."""
    shop = JobShopInstance.from_matrices([[3, 2, 2], [2, 1, 4], [4, 3, 1]], [[0, 1, 2], [0, 2, 1], [1, 2, 0]])
    start = first_schedule(shop, "random", np.random.default_rng(0))
    search = LocalSearch(shop, "n6", 0, 1.0)
    orders = search.orders(start)
    search.take(orders)
    search.tabu_search((2, 3), 20, 10)
    search.shake(2)
    search.walk(orders, 2)
    search.distance(orders, search.in_hand())
    search.result()
