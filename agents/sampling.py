"""Best of K samples: turns any stochastic policy into a solver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..envs.core.problem import Problem
from ..envs.core.simulator import InstanceT, SolutionT
from .core import Policy, Solver, SolverResult, run_policy


class BestOf(Solver[InstanceT, SolutionT]):
    """Plays K episodes of an instance side by side and keeps the best ("risk-seeking evaluation").

    The same seed gives the same samples. The time limit is not looked at: the number of samples is the budget.

    Args:
        policy: A stochastic policy.
        samples: K.
        problem: The problem that is solved.
        config: Its configuration.

    Raises:
        ValueError: Fewer than one sample.
    """

    stochastic = True

    def __init__(
        self,
        policy: Policy[InstanceT, SolutionT],
        samples: int,
        problem: Problem[Any, InstanceT, SolutionT],
        config: Any,
    ) -> None:
        if samples < 1:
            raise ValueError(f"samples must be at least 1, got {samples}")
        self.policy = policy
        self.samples = samples
        self._problem = problem
        self._config = config

    def solve(self, instance: InstanceT, *, time_limit: float, seed: int) -> SolverResult[SolutionT]:
        """The best of the samples."""
        return self.solve_many([instance], seed=seed)[0]

    def solve_many(self, instances: Sequence[InstanceT], *, seed: int) -> list[SolverResult[SolutionT]]:
        """Solve several instances in one batch of ``len(instances) * samples`` rows."""
        rows = [instance for instance in instances for _ in range(self.samples)]
        simulator = self._problem.simulator_for(rows, self._config)
        run_policy(self.policy, simulator, rows, seed)
        objective = simulator.objective().reshape(len(instances), self.samples)
        best = objective.argmin(axis=1) if self._problem.minimise else objective.argmax(axis=1)
        chosen = np.arange(len(instances)) * self.samples + best
        return [SolverResult(simulator.solution(int(row)), samples=self.samples) for row in chosen]
