"""What happens before a clock runs: kernels are compiled, and agents make their first decisions."""

from __future__ import annotations

import time
from typing import Any

from ..agents import Policy, run_policy
from ..agents.core import Agent
from ..agents.sampling import BestOf
from ..envs.core.problem import Problem
from ..envs.core.simulator import Simulator

WARM_UP_SECONDS, WARM_UP_STEPS = 0.05, 3


class Watch:
    """Notes when the objective of a simulator's first row gets better, and says whether there is time left.

    Its clock starts when it is made.

    Args:
        simulator: Whose.
        time_limit: In seconds.
        minimise: Whether a smaller objective is better.
        least: Steps for which there is time in any case.
    """

    def __init__(self, simulator: Simulator[Any, Any], time_limit: float, minimise: bool, least: int = 0) -> None:
        self.points: list[tuple[float, float]] = []
        self._simulator, self._time_limit, self._sign = simulator, time_limit, 1 if minimise else -1
        self._left = least
        self._began = time.perf_counter()

    def seconds(self) -> float:
        """Since it was made."""
        return time.perf_counter() - self._began

    def __call__(self) -> bool:
        """Look at the objective and at the clock."""
        objective, seconds = float(self._simulator.objective()[0]), self.seconds()
        if not self.points or self._sign * objective < self._sign * self.points[-1][1]:
            self.points.append((seconds, objective))
        self._left -= 1
        return seconds < self._time_limit or self._left >= 0


def warm_up_agent(
    agent: Agent,
    problem: Problem[Any, Any, Any],
    config: Any,
    instance: Any,
    *,
    time_limit: float,
    seed: int,
    rows: int = 1,
) -> None:
    """Let an agent decide for a moment, so that what is slow the first time only is not measured.

    Args:
        agent: The agent; it may raise anything.
        problem: The problem.
        config: Its configuration.
        instance: What to play or to solve; a policy is stopped after :data:`WARM_UP_SECONDS`.
        time_limit: Of the agent where it counts, in seconds; a solver gets no more here.
        seed: Of the agent.
        rows: How many instances a policy will play side by side.
    """
    # samples are not bound by a time limit, so the policy that draws them is run and stopped; arrays of
    # several rows are of another kind to compiled code than those of one
    policy, size = (agent.policy, 2) if isinstance(agent, BestOf) else (agent, min(rows, 2))
    if isinstance(policy, Policy):
        simulator = problem.simulator_for([instance] * size, policy.configuration(config))
        # some steps in any case: what makes the first observation slow may still lie ahead
        watch = Watch(simulator, WARM_UP_SECONDS, problem.minimise, least=WARM_UP_STEPS)
        run_policy(policy, simulator, [instance] * size, seed, watch)
    else:
        policy.solve(instance, time_limit=min(WARM_UP_SECONDS, time_limit), seed=seed)
