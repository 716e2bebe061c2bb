"""A uniformly random legal action: the floor of every comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
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
        draw = self._rng.random(simulator.action_mask.shape)
        choice: NDArray[np.int64] = np.where(simulator.action_mask, draw, -1.0).argmax(axis=1)
        return choice
