"""Plays every choice out by a rule, in a few futures that may come, and takes the best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...envs.core.simulator import Simulator
from ...envs.uam.instance import UamInstance
from ...envs.uam.look_ahead import LookAhead
from ...envs.uam.simulate import FUTURES_STREAM, UamSimulator
from ...envs.uam.solution import UamSolution
from ..core import Policy


class Rollout(Policy[UamInstance, UamSolution]):
    """One step of policy improvement over ``greedy-hour`` (Bertsekas and Tsitsiklis 1997), online.

    Args:
        futures: In which each choice is tried, see :class:`~schedlab.envs.uam.look_ahead.LookAhead`.
        horizon: Seconds to look ahead.
        doubt: Dollars by which a choice must be worse to count for 1 / e in ``weights``, for those who learn from this.
    """

    stochastic = True

    def __init__(self, futures: int = 4, horizon: int = 3600, doubt: float = 15.0) -> None:
        self.futures, self.horizon, self.doubt = futures, horizon, doubt

    def begin(self, simulator: Simulator[UamInstance, UamSolution], seed: int) -> None:
        """Draw the futures."""
        assert isinstance(simulator, UamSimulator)
        self._ahead = LookAhead(simulator.world, simulator.state, self.futures, self.horizon)
        rng = np.random.default_rng([seed, FUTURES_STREAM])  # a preset's day is what its seed alone draws
        for row, instance in enumerate(simulator.instances):
            assert instance is not None
            self._ahead.load(row, instance, rng)
        self._rows = np.arange(simulator.batch_size)

    def act(self, simulator: Simulator[UamInstance, UamSolution]) -> NDArray[np.int64]:
        """The choice that earned most on average."""
        assert isinstance(simulator, UamSimulator)
        self._ahead.play_out(self._rows, simulator.world, simulator.state, simulator.numbers)
        earned = self._ahead.earned
        likely = np.exp((earned - earned.max(axis=1, keepdims=True)) / self.doubt)
        self.weights = likely / likely.sum(axis=1, keepdims=True)
        choice: NDArray[np.int64] = earned.argmax(axis=1)
        return choice
