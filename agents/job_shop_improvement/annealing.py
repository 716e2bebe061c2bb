"""Simulated annealing on the moves of critical paths (van Laarhoven, Aarts & Lenstra, Operations Research 40, 1992)."""

from __future__ import annotations

import time
from functools import cache

import numpy as np

from ...envs.job_shop.instance import JobShopInstance
from ...envs.job_shop.solution import JobShopSolution
from ...envs.job_shop_improvement.instance import ImprovementInstance
from ..core import Solver, SolverResult
from . import tabu_kernels as t
from .annealing_kernel import anneal
from .search import LocalSearch
from .tabu import compile_search

HOT, COLD = 0.05, 0.004
"""Temperatures at the beginning and at the end, in first makespans."""

CHUNK = 500
"""Moves at one temperature."""


class Annealing(Solver[ImprovementInstance, JobShopSolution]):
    """Cools geometrically over the time that it has, whatever the machine's speed.

    Args:
        neighbourhood: ``"n5"`` or ``"n6"``.
    """

    stochastic = True

    def __init__(self, neighbourhood: str = "n5") -> None:
        self.neighbourhood = neighbourhood
        compile_annealing()

    def solve(self, instance: ImprovementInstance, *, time_limit: float, seed: int) -> SolverResult[JobShopSolution]:
        """The best schedule found within ``time_limit`` seconds; ``samples`` are the moves tried."""
        search = LocalSearch(instance.shop, self.neighbourhood, seed, time_limit, time.perf_counter())
        search.take(search.orders(instance.start))
        cool(search)
        return search.result()


def cool(search: LocalSearch) -> None:
    """Anneal the schedule in hand until the time is over."""
    best, length = search.in_hand(), search.makespan
    while not search.over:
        temperature = length * HOT * (COLD / HOT) ** search.elapsed
        anneal(
            search.table, search.count, search.jobs, search.neighbourhood, temperature, CHUNK, search.numbers,
            search.path, search.moves, search.first, best,
        )  # fmt: skip
        search.note(best)


@cache
def compile_annealing() -> None:
    """Compile the loop once, before any clock runs."""
    compile_search()
    shop = JobShopInstance.from_matrices([[3, 2], [2, 1]], [[0, 1], [1, 0]])
    search = LocalSearch(shop, "n5", 0, 1.0)
    search.take(search.orders(np.array([0, 3, 0, 2])))
    best = search.in_hand()
    anneal(
        search.table,
        search.count,
        search.jobs,
        0,
        1.0,
        1,
        search.numbers,
        search.path,
        search.moves,
        search.first,
        best,
    )
    assert search.numbers[t.BEST] > 0
