"""Best of K samples: turns any stochastic policy into a solver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..envs.core.errors import InputError
from ..envs.core.problem import Problem
from ..envs.core.simulator import InstanceT, SolutionT
from .core import Policy, Solver, SolverResult, play

MAX_ROWS = 4096
"""Episodes of one batch: enough to keep the kernels busy, few enough to fit into memory on the largest instances."""


class BestOf(Solver[InstanceT, SolutionT]):
    """Plays K episodes of an instance side by side and keeps the best ("risk-seeking evaluation").

    The same seed gives the same samples of the same instances, solved together. The time limit is not looked at: the
    number of samples is the budget.

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

    def check_instances(self, instances: Sequence[InstanceT]) -> None:
        """Refuse what the policy cannot play, and instances in which samples would be picked in hindsight."""
        for instance in instances:
            if self._problem.unfolds(instance):
                raise InputError(
                    f"{self._problem.instance_name(instance)}: chance is met while it is played; the best of "
                    f"{self.samples} plays would be picked in hindsight, so write the agent without @{self.samples}"
                )
        self.policy.check_instances(instances)

    def solve(self, instance: InstanceT, *, time_limit: float, seed: int) -> SolverResult[SolutionT]:
        """The best of the samples."""
        return self.solve_many([instance], seed=seed)[0]

    def solve_many(self, instances: Sequence[InstanceT], *, seed: int) -> list[SolverResult[SolutionT]]:
        """Solve several instances side by side, in batches of at most :data:`MAX_ROWS` episodes each.

        Raises:
            InputError: See :meth:`check_instances`.
        """
        self.check_instances(instances)
        found: list[tuple[float, SolutionT] | None] = [None] * len(instances)
        step = max(MAX_ROWS // max(len(instances), 1), 1)
        for first in range(0, self.samples, step):
            count = min(step, self.samples - first)
            rows = [instance for instance in instances for _ in range(count)]
            simulator = play(self.policy, self._problem, rows, self._config, _batch_seed(seed, first))
            objective = simulator.objective().reshape(len(instances), count)
            best = objective.argmin(axis=1) if self._problem.minimise else objective.argmax(axis=1)
            for index, sample in enumerate(best):
                value, before = float(objective[index, sample]), found[index]
                if before is None or (value < before[0] if self._problem.minimise else value > before[0]):
                    found[index] = value, simulator.solution(index * count + int(sample))
        return [SolverResult(best[1], samples=self.samples) for best in found if best is not None]


def _batch_seed(seed: int, first: int) -> int:
    """The seed of the batch that begins with sample ``first``: the given one for the first batch."""
    return seed if first == 0 else int(np.random.SeedSequence([seed, first]).generate_state(1)[0])
