"""Simple local searches, as policies: descents with restarts, and the best move that tabu memory allows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.core.simulator import Simulator
from ...envs.job_shop.solution import JobShopSolution
from ...envs.job_shop_improvement.instance import ImprovementInstance
from ...envs.job_shop_improvement.kernels import RETURN
from ...envs.job_shop_improvement.neighbours import ESTIMATE
from ...envs.job_shop_improvement.simulate import JobShopImprovementSimulator
from ..core import Policy
from ..random_policy import RandomPolicy, random_legal_actions

KICK = 6
"""Random moves from the best schedule, with which a descent begins anew."""

NEVER = np.iinfo(np.int64).max


def estimates(simulator: JobShopImprovementSimulator) -> NDArray[np.int64]:
    """The estimated makespan of every action, ``[B, A]``; of illegal ones and of going back a number above all."""
    table: NDArray[np.int64] = np.full(simulator.action_mask.shape, NEVER, np.int64)
    table[:, 1:] = np.where(simulator.action_mask[:, 1:], simulator.moves[:, :, ESTIMATE].astype(np.int64), NEVER)
    return table


class Descent(Policy[ImprovementInstance, JobShopSolution]):
    """Takes moves that promise a shorter schedule; where there is none, goes back to the best and makes random moves.

    Args:
        best: Take the most promising move, otherwise a random one of the promising.
    """

    stochastic = True

    def __init__(self, best: bool) -> None:
        self.best = best
        self._rng = np.random.default_rng(0)
        self._kicks = np.zeros(0, np.int64)

    def begin(self, simulator: Simulator[ImprovementInstance, JobShopSolution], seed: int) -> None:
        """Start the stream of random numbers."""
        self._rng = np.random.default_rng(seed)
        self._kicks = np.zeros(simulator.batch_size, np.int64)

    def act(self, simulator: Simulator[ImprovementInstance, JobShopSolution]) -> NDArray[np.int64]:
        """A move per row."""
        assert isinstance(simulator, JobShopImprovementSimulator)
        table, mask = estimates(simulator), simulator.action_mask
        shortens = table < simulator.makespan[:, None]
        stuck = ~shortens.any(axis=1) & (self._kicks == 0)
        # at the best schedule itself there is nothing to go back to
        back = stuck & mask[:, RETURN]
        self._kicks[stuck] = KICK
        moves = mask.copy()
        moves[:, RETURN] &= ~moves[:, 1:].any(axis=1)
        kicked = (self._kicks > 0) & ~back
        self._kicks[kicked] -= 1
        promising = (
            table.argmin(axis=1)
            if self.best
            else random_legal_actions(shortens | ~shortens.any(1, keepdims=True), self._rng)
        )
        choice = np.where(kicked, random_legal_actions(moves, self._rng), promising)
        action: NDArray[np.int64] = np.where(back, RETURN, choice)
        return action


class GreedyTabu(Policy[ImprovementInstance, JobShopSolution]):
    """Takes the move of smallest estimate that the environment's memory allows, also where it makes things worse."""

    stochastic = True

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def begin(self, simulator: Simulator[ImprovementInstance, JobShopSolution], seed: int) -> None:
        """Start the stream of random numbers, which decide between equals."""
        self._rng = np.random.default_rng(seed)

    def act(self, simulator: Simulator[ImprovementInstance, JobShopSolution]) -> NDArray[np.int64]:
        """A move per row."""
        assert isinstance(simulator, JobShopImprovementSimulator)
        table = estimates(simulator)
        least = table == table.min(axis=1, keepdims=True)
        least[:, RETURN] = ~least[:, 1:].any(axis=1)
        return random_legal_actions(least & simulator.action_mask, self._rng)


class RandomMoves(RandomPolicy):
    """Uniformly random legal moves; never goes back."""

    def act(self, simulator: Simulator[Any, Any]) -> NDArray[np.int64]:
        """A move per row."""
        mask = simulator.action_mask.copy()
        mask[:, RETURN] &= ~mask[:, 1:].any(axis=1)
        return random_legal_actions(mask, self._rng)
