"""A genetic algorithm on the decisions of a day, in blocks: what the paper compares with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.uam import state as s
from ...envs.uam.config import UamConfig
from ...envs.uam.generate import random_day
from ...envs.uam.instance import Real, UamInstance
from ...envs.uam.kernels import play_row
from ...envs.uam.simulate import UamSimulator, sizes_of
from ...envs.uam.solution import UamSolution
from ..core import Solver, SolverResult


@dataclass(frozen=True)
class Genetic(Solver[UamInstance, UamSolution]):
    """Optimises a day in hindsight, block by block: as it plays it knows the delays, closures and failures to come.

    A block is a number of decisions in a row. An individual has a gene in 0..1 for each of them, which picks among the
    destinations that are legal by then, in the order of their numbers; its fitness is the profit of the block. The best
    individual is played, and the next block begins where it has led to. Blocks of other individuals last longer or
    shorter; as in the paper no account is taken of that, so flights that are long and dear look better than they are.

    The method and its settings are those of Paul, Witter and Chowdhury (2024) as far as they are remembered; their
    text could not be read. They look like the defaults of the Python package ``geneticalgorithm``, so they mean what
    they mean there, as remembered too: of each generation the best and others, drawn in proportion to how much fitter
    they are than the worst, stay and are the parents of those that replace the rest. The second child of a pair mutates
    to values between those of its parents only.

    Within an ample time limit every block gets all of its generations, and the seed decides alone. Otherwise time is
    shared evenly among the blocks, and each gets one population at least. Compiling, once per machine, is not in the
    time limit.

    Attributes:
        population: Individuals.
        generations: That follow the first population of a block.
        mutation: Probability that a gene of a child mutates.
        elite: Share of a population, the best of it, that stays.
        crossover: Probability that a parent has children; these have each gene from either.
        parents: Share of a population that stays, the elite included.
        block: Decisions that are optimised together.

    Raises:
        ValueError: A setting is out of range.
    """

    stochastic = True

    population: int = 100
    generations: int = 100
    mutation: float = 0.1
    elite: float = 0.01
    crossover: float = 0.5
    parents: float = 0.3
    block: int = 60

    def __post_init__(self) -> None:
        for name, low in (("population", 3), ("generations", 0), ("block", 1)):
            if getattr(self, name) < low:
                raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)!r}")
        for name in ("mutation", "elite", "crossover", "parents"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0..1, got {getattr(self, name)!r}")
        _compile()

    def solve(self, instance: UamInstance, *, time_limit: float, seed: int) -> SolverResult[UamSolution]:
        """The day as the best individuals of its blocks play it."""
        deadline, rng = time.perf_counter() + time_limit, np.random.default_rng(seed)
        day, crowd = (UamSimulator(sizes_of([instance]), count) for count in (1, self.population))
        day.reset([instance])
        for all_rows, one_row in zip(crowd.world, day.world, strict=True):
            all_rows[...] = one_row  # much faster than to load it into every row
        blocks = self._blocks(day, rng)
        day.reset([instance])
        tried = done = 0
        while not day.done[0]:
            now = time.perf_counter()
            until = now + (deadline - now) / max(blocks - done, 1)
            best, count = self._best(day, crowd, rng, until)
            play(best[None], day.world, day.state)
            tried, done = tried + count, done + 1
        return SolverResult(day.solution(0), samples=round(tried / done))

    def _blocks(self, day: UamSimulator, rng: np.random.Generator) -> float:
        """About how many blocks the day has: as many as if it were played at random."""
        while not day.done[0]:
            play(rng.random((1, self.block)), day.world, day.state)
        return float(day.steps[0]) / self.block

    def _best(self, day: UamSimulator, crowd: UamSimulator, rng: np.random.Generator, until: float) -> tuple[Real, int]:
        """Genes for the next block, ``[block]``, and how many individuals were tried.

        After the first population it looks at the clock (``time.perf_counter``).
        """
        genes = rng.random((self.population, self.block))
        profit, tried = _profits(genes, day, crowd), self.population
        for _ in range(self.generations):
            if time.perf_counter() >= until:
                break
            parents = self._choose(profit, rng)
            children = self._children(genes[parents], rng)
            genes = np.concatenate([genes[parents], children])
            profit = np.concatenate([profit[parents], _profits(children, day, crowd)])
            tried += len(children)
        return genes[profit.argmax()], tried

    @property
    def _num_parents(self) -> int:
        """Individuals that stay; children come in pairs."""
        stay = max(int(self.parents * self.population), self._num_elite, 1)
        return stay + (self.population - stay) % 2

    @property
    def _num_elite(self) -> int:
        return max(int(self.elite * self.population), int(self.elite > 0))

    def _choose(self, profit: Real, rng: np.random.Generator) -> NDArray[np.int64]:
        """Who stays, int64 ``[parents]``; the same individual may be drawn several times."""
        weight = profit - profit.min() + 1.0
        drawn = rng.choice(len(profit), self._num_parents - self._num_elite, p=weight / weight.sum())
        best = np.argsort(-profit, kind="stable")[: self._num_elite]
        return np.concatenate([best, drawn])

    def _children(self, genes: Real, rng: np.random.Generator) -> Real:
        """Children of individuals ``[parents, block]``, float64 ``[population - parents, block]``."""
        pairs = (self.population - len(genes)) // 2
        fertile = np.flatnonzero(rng.random(len(genes)) < self.crossover)
        if not len(fertile):
            fertile = rng.integers(len(genes), size=1)
        one, other = genes[rng.choice(fertile, (2, pairs))]
        from_one = rng.random(one.shape) < 0.5
        first, second = np.where(from_one, one, other), np.where(from_one, other, one)
        anywhere, between = rng.random((2, *one.shape))
        between = np.where(one == other, between, one + between * (other - one))
        mutates = rng.random((2, *one.shape)) < self.mutation
        return np.concatenate([np.where(mutates[0], anywhere, first), np.where(mutates[1], between, second)])


def _profits(genes: Real, day: UamSimulator, crowd: UamSimulator) -> Real:
    """What individuals ``[n, block]`` earn in the next block, float64 ``[n]``."""
    for name, array in day.state_arrays().items():
        if name != "record":  # long, and nobody looks at it
            crowd.state_arrays()[name][...] = array
    play(genes, crowd.world, crowd.state)
    earned: Real = crowd.state.profit[: len(genes)] - day.state.profit[0]
    return earned


@njit(cache=True, nogil=True)
def play(genes: Any, world: Any, state: Any) -> None:
    """Take the decisions of genes ``[n, G]``, in 0..1, in the first n rows, as long as their days last."""
    for b in range(len(genes)):
        for m in range(genes.shape[1]):
            if state.done[b]:
                break
            play_row(b, _decode(genes[b, m], state.legal[b], world.row[b, s.NUM_PORTS]), world, state)


@njit(cache=True, inline="always")
def _decode(gene: float, legal: Any, ports: int) -> int:
    """The legal destination that a gene stands for."""
    count = 0
    for j in range(ports):
        count += 1 if legal[j] else 0
    left, chosen = min(int(gene * count), count - 1) + 1, 0
    for j in range(ports):
        left -= 1 if legal[j] else 0
        chosen += 1 if left > 0 else 0
    return chosen


@cache
def _compile() -> None:
    """Have every kernel compiled, so that no time limit pays for it."""
    instance = random_day(UamConfig(num_vertiports=3, num_aircraft=1), np.random.default_rng(0))
    simulator = UamSimulator(sizes_of([instance]), 1)
    simulator.reset([instance])
    play(np.zeros((1, 1)), simulator.world, simulator.state)
