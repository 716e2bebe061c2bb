"""Plays every promising move out by the greedy rule for some moves, and takes the one that leads to the shortest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...envs.core.simulator import Simulator
from ...envs.job_shop.solution import JobShopSolution
from ...envs.job_shop_improvement.instance import ImprovementInstance
from ...envs.job_shop_improvement.kernels import RETURN
from ...envs.job_shop_improvement.simulate import WIDTH, JobShopImprovementSimulator
from ..core import Policy
from .rules import estimates


class LookAhead(Policy[ImprovementInstance, JobShopSolution]):
    """One step of policy improvement over ``greedy-tabu`` (Bertsekas & Tsitsiklis 1997).

    Args:
        width: Moves that are played out, those of least estimate.
        depth: Greedy moves that follow each.
        doubt: Mean durations by which what a move leads to must be longer to count for 1 / e in ``weights``, for those
            who learn from this.
    """

    def __init__(self, width: int = WIDTH, depth: int = 10, doubt: float = 0.05) -> None:
        self.width, self.depth, self.doubt = width, depth, doubt

    def begin(self, simulator: Simulator[ImprovementInstance, JobShopSolution], seed: int) -> None:
        """Note what a unit of time is."""
        shops = [instance.shop for instance in simulator.instances if instance is not None]
        self._unit = np.array([max(float(shop.duration.mean()), 1.0) for shop in shops])

    def act(self, simulator: Simulator[ImprovementInstance, JobShopSolution]) -> NDArray[np.int64]:
        """The move with the shortest schedule on its way; of several that of least estimate."""
        assert isinstance(simulator, JobShopImprovementSimulator)
        rows = np.flatnonzero(~simulator.done)
        found = simulator.look_ahead(rows, self.width, self.depth)
        tried = found >= 0
        shortest = np.where(tried, found, np.inf)
        # where nothing but going back is legal
        shortest[~tried.any(axis=1), RETURN] = 0
        least = shortest.min(axis=1, keepdims=True)
        likely = np.exp(-(shortest - least) / (self.doubt * self._unit[:, None]))
        self.weights = likely / likely.sum(axis=1, keepdims=True)
        choice: NDArray[np.int64] = np.where(shortest == least, estimates(simulator), np.inf).argmin(axis=1)
        return choice
