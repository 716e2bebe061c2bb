"""A uniformly random legal action: the floor of every comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..envs.core.simulator import Simulator
from .core import Policy


class RandomPolicy(Policy[Any, Any]):
    """Chooses uniformly among the legal actions; the seed decides, whatever the batch holds."""

    stochastic = True

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def begin(self, simulator: Simulator[Any, Any], seed: int) -> None:
        """Start the stream of random numbers."""
        self._rng = np.random.default_rng(seed)

    def act(self, simulator: Simulator[Any, Any]) -> NDArray[np.int64]:
        """A legal action per row."""
        return random_legal_actions(simulator.action_mask, self._rng)


def random_legal_actions(mask: NDArray[Any], rng: np.random.Generator) -> NDArray[np.int64]:
    """A uniformly random legal action per row of a mask ``[B, A]``, int64 ``[B]``."""
    choice = np.empty(len(mask), np.int64)
    _pick(mask, rng.random(len(mask)), choice)
    return choice


@njit(cache=True, nogil=True)
def _pick(mask: NDArray[Any], draw: NDArray[np.float64], choice: NDArray[np.int64]) -> None:
    for b in range(len(mask)):
        legal = 0
        for a in range(mask.shape[1]):
            legal += 1 if mask[b, a] else 0
        # sums instead of an early exit, which the processor could not predict
        left, chosen = int(draw[b] * legal) + 1, 0
        for a in range(mask.shape[1]):
            left -= 1 if mask[b, a] else 0
            chosen += 1 if left > 0 else 0
        choice[b] = chosen
