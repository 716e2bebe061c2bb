"""Jobs on identical parallel machines (P || Cmax): a complete schedlab problem in one file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import schedlab
from schedlab.agents import AgentSpec, Policy
from schedlab.agents.random_policy import RandomPolicy
from schedlab.envs.core import Bound, CheckReport, GraphSpec, GraphState, Simulator
from schedlab.envs.core.config import RANDOM, Range, check_number, drawn_integer, value_range
from schedlab.envs.core.small import SmallProblem, SmallSimulator, env_classes

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Config:
    """What environments and the command line are told.

    Attributes:
        num_jobs: Jobs of a random instance.
        num_machines: Its machines.
    """

    num_jobs: Range = field(default=12, metadata=RANDOM)
    num_machines: int = field(default=3, metadata=RANDOM)

    def __post_init__(self) -> None:
        value_range(self, "num_jobs", 1)
        check_number(self, "num_machines", 1, 1000, integer=True)


@dataclass(frozen=True)
class Jobs:
    """Durations [J] of jobs, each of which may run on any of the machines."""

    durations: Integers
    machines: int
    name: str = "jobs"

    def __post_init__(self) -> None:
        object.__setattr__(self, "durations", np.asarray(self.durations))
        if self.durations.ndim != 1 or self.durations.dtype.kind != "i" or self.durations.min() < 1:
            raise ValueError("durations must be a list of integers, at least 1")
        check_number(self, "machines", 1, 1000, integer=True)


class ParallelSimulator(SmallSimulator[Jobs, Integers]):
    """Action j runs job j on the machine that is free first; an episode has as many steps as jobs."""

    def __init__(self, jobs: int, machines: int, batch_size: int) -> None:
        features, context = ("duration", "relative", "longest"), ("progress", "imbalance")
        spec = GraphSpec(jobs, ("duration",), (("next_longer", max(jobs - 1, 1)),), jobs, features, context)
        super().__init__(spec, batch_size, (jobs, machines, batch_size))
        self.durations = np.zeros((batch_size, jobs))
        self.num_machines = np.zeros((batch_size, 1), np.int64)
        self.left = self.changing("left", (jobs,), np.bool_)
        self.free_at = self.changing("free_at", (machines,), np.float64)
        self.machine_of = self.changing("machine_of", (jobs,), np.int64)

    def load(self, row: int, instance: Jobs) -> None:
        count, durations, order = len(instance.durations), instance.durations, np.argsort(instance.durations)
        if count > self.spec.num_nodes or instance.machines > self.free_at.shape[1]:
            raise ValueError(f"{instance.name}: {count} jobs on {instance.machines} machines do not fit")
        self.durations[row], self.num_machines[row] = 0, instance.machines
        self.durations[row, :count] = durations
        self.scale[row] = durations.sum() / instance.machines
        self.state.nodes[row, :count, 0] = durations / durations.max()
        self.state.node_mask[row, :count] = 1
        self.state.edges["next_longer"][row, :, : count - 1] = order[:-1], order[1:]

    def begin(self, rows: Integers) -> None:
        self.left[rows], self.machine_of[rows] = self.durations[rows] > 0, -1
        self.free_at[rows] = np.where(np.arange(self.free_at.shape[1]) < self.num_machines[rows], 0, np.inf)

    def act(self, rows: Integers, action: Integers) -> Numbers:
        before, first = self.objective()[rows], self.free_at[rows].argmin(axis=1)
        self.free_at[rows, first] += self.durations[rows, action]
        self.machine_of[rows, action], self.left[rows, action] = first, False
        return before - self.objective()[rows]

    def legal(self, rows: Integers) -> NDArray[np.bool_]:
        return self.left[rows]

    def ended(self, rows: Integers) -> NDArray[np.bool_]:
        return ~self.left[rows].any(axis=1)

    def show(self, state: GraphState, rows: Integers) -> None:
        left, scale = self.left[rows], self.scale[rows]
        duration = np.where(left, self.durations[rows], 0)
        longest, work = duration.max(axis=1, keepdims=True), duration.sum(axis=1)
        state.candidate[rows] = np.where(left, np.arange(left.shape[1]), -1)
        columns = (duration / scale[:, None], duration / longest.clip(1), left & (duration == longest))
        state.features[rows] = np.stack(columns, axis=2)
        imbalance = self.objective()[rows] - self.free_at[rows].min(axis=1)
        state.context[rows] = np.stack((1 - work / self.durations[rows].sum(axis=1), imbalance / scale), axis=1)

    def objective(self) -> Numbers:
        return np.where(np.isfinite(self.free_at), self.free_at, 0).max(axis=1)

    def solution(self, row: int) -> Integers:
        return self.machine_of[row, self.durations[row] > 0].copy()


class ParallelMachines(SmallProblem[Config, Jobs]):
    name: ClassVar[str] = "parallel-machines"
    title: ClassVar[str] = "Parallel machines: the time at which the last job ends"
    config_type: ClassVar[type] = Config
    instance_type: ClassVar[type] = Jobs

    def sampler(self, config: Config) -> Callable[[np.random.Generator], Jobs]:
        return lambda rng: Jobs(rng.integers(1, 100, drawn_integer(config, "num_jobs", rng)), config.num_machines)

    def simulator_for_config(self, config: Config, batch_size: int) -> Simulator[Jobs, Integers]:
        return ParallelSimulator(int(value_range(config, "num_jobs")[1]), config.num_machines, batch_size)

    def simulator_for(self, instances: Sequence[Jobs], config: Config, batch_size: int | None = None) -> Any:
        jobs, machines = max(len(i.durations) for i in instances), max(i.machines for i in instances)
        return ParallelSimulator(jobs, machines, batch_size or len(instances))

    def check(self, instance: Jobs, solution: Integers, config: Config) -> CheckReport:
        if len(solution) != len(instance.durations) or not ((solution >= 0) & (solution < instance.machines)).all():
            return CheckReport(False, float("nan"), ("every job needs one machine",))
        return CheckReport(True, float(np.bincount(solution, instance.durations, instance.machines).max()))

    def bound(self, instance: Jobs, config: Config) -> Bound:
        return Bound(float(max(instance.durations.max(), -(-instance.durations.sum() // instance.machines))), "simple")

    def presets(self) -> dict[str, dict[str, Any]]:
        return {"small": {}, "large": {"num_jobs": 40, "num_machines": 6}}


class LongestFirst(Policy[Jobs, Integers]):
    def act(self, simulator: Simulator[Jobs, Integers]) -> Integers:
        return simulator.observe().features[:, :, 0].argmax(axis=1)


PROBLEM = ParallelMachines()
AGENTS: dict[str, AgentSpec[Config]] = {
    "lpt": AgentSpec("lpt", "rule", "Longest job first (Graham 1969).", lambda config, options: LongestFirst()),
    "random": AgentSpec("random", "rule", "Uniformly random job.", lambda config, options: RandomPolicy()),
}
ParallelMachinesEnv, ParallelMachinesVectorEnv = env_classes(PROBLEM, "ParallelMachines", __doc__, __name__)
schedlab.register_problem("parallel-machines", module=__name__, env="ParallelMachines")
