"""The two kinds of agents, and how a policy plays a batch of episodes."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from ..envs.core.problem import ConfigT, Problem
from ..envs.core.simulator import InstanceT, Simulator, SolutionT


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class AgentOptions:
    """What the command line can tell every agent.

    Attributes:
        time_limit: Seconds for one instance; only solvers look at the clock.
        workers: Threads of exact solvers.
        temperature: Of sampled learned policies: 1 samples from the policy as trained, less stays closer to its best
            guess. The default was the best of 0.5, 0.7, 0.85 and 1 for 128 samples of random job shops.
        quantile: Of sampled learned policies: choices less likely than this quantile of a state's are not drawn.
        device: Where learned policies compute: ``"cpu"``, ``"cuda"``, or ``"auto"`` for a GPU when there is one.
    """

    time_limit: float = 10.0
    workers: int = 0
    temperature: float = 0.5
    quantile: float = 0.0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if not self.time_limit > 0:
            raise ValueError(f"the time limit must be positive, got {self.time_limit}")
        if self.workers < 0:
            raise ValueError(f"workers must not be negative, got {self.workers}")
        if not 0 < self.temperature < float("inf"):
            raise ValueError(f"the temperature must be positive, got {self.temperature}")
        if not 0 <= self.quantile < 1:
            raise ValueError(f"the quantile must lie in 0..1, 1 excluded, got {self.quantile}")

    @property
    def threads(self) -> int:
        """Workers, where 0 means all cores of this process."""
        return self.workers or available_cores()


class Policy(ABC, Generic[InstanceT, SolutionT]):
    """Picks one candidate per row at every step.

    Attributes:
        stochastic: Whether another seed gives other actions.
        weights: Of what :meth:`act` chose last, how much every action deserves to be imitated, ``[B, A]``, each row
            summing to 1; ``None`` where only the chosen ones do.
    """

    stochastic: bool = False
    weights: NDArray[np.float64] | None = None

    def check_instances(self, instances: Sequence[InstanceT]) -> None:
        """Refuse instances that this policy cannot play; called before any of them is played.

        Raises:
            InputError: Something is missing in an instance.
        """

    def configuration(self, config: Any) -> Any:
        """The configuration with which this policy plays instances of ``config``: its own rules of play, if it has any.

        Raises:
            InputError: It cannot play these at all.
        """
        return config

    def begin(self, simulator: Simulator[InstanceT, SolutionT], seed: int) -> None:
        """Called once after ``simulator.reset`` and before the first :meth:`act`."""

    @abstractmethod
    def act(self, simulator: Simulator[InstanceT, SolutionT]) -> NDArray[np.int64]:
        """A legal action for every row, int64 ``[B]``; rows that are done may get any number."""


@dataclass(frozen=True)
class SolverResult(Generic[SolutionT]):
    """What a solver found.

    Attributes:
        solution: The best solution.
        bound: Proved bound on the objective, if any.
        proved: Whether the solution is proved optimal.
        samples: Solutions that were built to find it.
        progress: How the search went, for a solver that says so: (seconds since :meth:`Solver.solve` began, objective
            of the best solution then), in order of time and each objective better than the one before; the last is
            that of ``solution``. Empty where only the end is known.
    """

    solution: SolutionT
    bound: float | None = None
    proved: bool = False
    samples: int = 1
    progress: tuple[tuple[float, float], ...] = ()


class Solver(ABC, Generic[InstanceT, SolutionT]):
    """Turns an instance into a solution within a time limit."""

    stochastic: bool = False

    def check_instances(self, instances: Sequence[InstanceT]) -> None:
        """Refuse instances that this solver cannot solve; called before any of them is.

        Raises:
            InputError: They are of another kind, or something is missing.
        """

    @abstractmethod
    def solve(self, instance: InstanceT, *, time_limit: float, seed: int) -> SolverResult[SolutionT]:
        """The best solution found within ``time_limit`` seconds."""


Agent = Policy[Any, Any] | Solver[Any, Any]


@dataclass(frozen=True)
class AgentSpec(Generic[ConfigT]):
    """An agent that can be asked for by name.

    Attributes:
        name: Lower case with dashes.
        kind: ``"rule"``, ``"search"``, ``"exact"`` or ``"learned"``.
        summary: One line for ``schedlab list``.
        build: Makes the agent for a configuration.
    """

    name: str
    kind: str
    summary: str
    build: Callable[[ConfigT, AgentOptions], Agent]


def run_policy(
    policy: Policy[InstanceT, SolutionT],
    simulator: Simulator[InstanceT, SolutionT],
    instances: Sequence[InstanceT],
    seed: int = 0,
    watch: Callable[[], bool] | None = None,
) -> None:
    """Play one episode of each instance, one per row, to the end; results stay in the simulator.

    Steps with one legal action are played without asking.

    Args:
        policy: What decides.
        simulator: Of as many rows as there are instances.
        instances: What to play.
        seed: Of everything random.
        watch: Called once the first decision is due, before :meth:`Policy.begin`, and after every step; the episodes
            are left as they are as soon as it says ``False``.

    Raises:
        InputError: The policy cannot play these instances.
        RuntimeError: The policy chose an illegal action.
    """
    policy.check_instances(instances)
    simulator.reset(instances)
    simulator.play_forced()
    if watch is not None and not watch():
        return
    policy.begin(simulator, seed)
    while simulator.done_count < simulator.batch_size:
        action = policy.act(simulator)
        simulator.step(action)
        if simulator.illegal_count:
            row = int(np.flatnonzero(simulator.illegal)[0])
            raise RuntimeError(f"{type(policy).__name__} chose the illegal action {action[row]} in row {row}")
        simulator.play_forced()
        if watch is not None and not watch():
            return


def play(
    policy: Policy[InstanceT, SolutionT],
    problem: Problem[Any, InstanceT, SolutionT],
    instances: Sequence[InstanceT],
    config: Any,
    seed: int = 0,
) -> Simulator[InstanceT, SolutionT]:
    """:func:`run_policy` in a simulator made for it, by the policy's own rules of play.

    Raises:
        InputError: The policy cannot play these instances.
    """
    simulator = problem.simulator_for(instances, policy.configuration(config))
    run_policy(policy, simulator, instances, seed)
    return simulator
