"""Systems on a chip: a batch of runs that jump from one decision to the next.

Jobs, each a graph of tasks, arrive over time. When all producers of a task are finished it is ready, and may be bound
to a processing element (PE) that supports it, or left for later. Bound tasks queue at their PE; a PE that is idle takes
the first of its queue whose data has arrived, and runs it to its end. Data of a task is on another PE some time after
its producer is finished.

The reward of a step is minus the rise of the objective so far. Where a run ends with a given number of jobs, the
latency so far counts the time that unfinished jobs have been there; where it ends at a given time, only finished jobs
count.

The loops themselves are in :mod:`.kernels`, what the arrays mean in :mod:`.state`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.graph import GraphState
from ..core.simulator import Simulator
from . import kernels
from . import state as s
from .config import ACTIONS, OBJECTIVES, OFFERS, SocConfig
from .features import write_rows
from .instance import SocInstance
from .observe import SocObserver
from .solution import SocSolution
from .system import System, system_of

Sizes = tuple[int, ...]
SIZE_NAMES = ("jobs", "tasks of all jobs", "tasks of applications", "edges", "PEs", "kinds", "gaps", "PEs of a kind")


class SocSimulator(Simulator[SocInstance, SocSolution]):
    """B systems side by side; an action binds a ready task to a PE or, the last one, leaves the rest for later.

    Args:
        sizes: Largest numbers of jobs, of tasks of all jobs, of tasks and edges of all applications, of PEs, of kinds,
            of gaps between arrivals, and of PEs of one kind.
        batch_size: B.
        config: Rules of play and objective.
        noisy: Whether execution times may differ from what is expected; by default as the configuration says.

    Attributes:
        now: Time of each row, ``[B]``.
        rules: The rules of play as numbers.
        world: What instances fix.
        state: What changes.
        systems: The task graphs on the platform in each row.
    """

    def __init__(
        self, sizes: Sizes, batch_size: int, config: SocConfig | None = None, noisy: bool | None = None
    ) -> None:
        config = config or SocConfig()
        noisy = config.noise > 0 if noisy is None else noisy
        self.arguments = (sizes, batch_size, config, noisy)
        self.config, self.batch_size = config, batch_size
        self.rules = rules_of(config)
        jobs, tasks, nodes, edges, pes, kinds, gaps, largest = sizes
        width = kernels.columns_of(self.rules, pes, kinds)
        choices = max(config.ready_limit, pes) if config.action == "task-then-pe" else config.ready_limit * width
        self._actions = choices + 1
        self.instances: list[SocInstance | None] = [None] * batch_size
        self.systems: list[System | None] = [None] * batch_size
        self.scale = np.ones(batch_size)
        whole = np.int64
        b = batch_size
        self.world = s.World(
            node=np.zeros((b, nodes, s.NODE_QUANTITIES), whole),
            execution=np.full((b, nodes, pes), -1, whole),
            source=np.zeros((b, edges), whole),
            delay=np.zeros((b, edges, kinds, kinds), whole),
            same=np.zeros((b, edges), whole),
            leaving=np.zeros((b, edges), whole),
            target=np.zeros((b, edges), whole),
            kind=np.zeros((b, pes), whole),
            watts=np.zeros((b, kinds, largest + 1)),
            gap=np.zeros((b, gaps), whole),
            factor=np.ones((b, tasks if noisy else 0)),
        )
        self.state = s.State(
            job=np.zeros((b, jobs + 1, s.JOB_QUANTITIES), whole),
            task=np.zeros((b, tasks, s.TASK_QUANTITIES), whole),
            pe=np.zeros((b, pes, s.PE_QUANTITIES), whole),
            present=np.zeros((b, jobs), whole),
            ready=np.zeros((b, tasks), whole),
            data=np.zeros((b, config.ready_limit, pes), whole),
            row=np.zeros((b, s.ROW_QUANTITIES), whole),
            real=np.zeros((b, s.REALS)),
            flag=np.zeros((b, s.LEGAL + self._actions), np.bool_),
        )
        self._columns = np.full(b, width, whole)
        self._reward = np.zeros(b)
        flag = self.state.flag
        self.done, self.illegal, self.action_mask = flag[:, s.DONE], flag[:, s.ILLEGAL], flag[:, s.LEGAL :]
        self.steps, self.now = self.state.row[:, s.DECISIONS], self.state.row[:, s.NOW]
        self.done[:] = True
        self.action_mask[:, -1] = True
        self.illegal_count, self.done_count = 0, b
        self._observer = SocObserver(b, nodes, edges, pes, self._actions, config.ready_limit)
        self.spec = self._observer.spec
        self._all_rows = np.arange(b)

    def _load(self, row: int, instance: SocInstance) -> None:
        sizes, limits = sizes_of([instance]), self.arguments[0]
        for name, size, limit in zip(SIZE_NAMES, sizes, limits, strict=True):
            if size > limit:
                raise ValueError(f"{instance.name}: {size} {name}; this simulator was made for at most {limit}")
        if len(instance.noise) and not self.world.factor.shape[1]:
            raise ValueError(f"{instance.name} has noise, but this simulator was made without")
        system = system_of(instance, self.config)
        system.write(row, self.world)
        numbers, job, task = self.state.row[row], self.state.job[row], self.state.task[row]
        first, count = instance.first_task, instance.num_jobs
        job[: count + 1, s.FIRST_TASK] = first
        of_job = np.repeat(np.arange(count), np.diff(first))
        tasks = len(of_job)
        task[:tasks, s.JOB] = of_job
        task[:tasks, s.NODE] = np.arange(tasks) - first[of_job] + system.first_node[instance.job_application[of_job]]
        self.world.gap[row, : len(instance.gap)] = instance.gap
        if self.world.factor.shape[1]:
            self.world.factor[row] = 1.0
            if len(instance.noise):
                self.world.factor[row, :tasks] = 1.0 + instance.deviation * instance.noise
        numbers[s.NUM_JOBS], numbers[s.NUM_PES] = count, instance.platform.num_pes
        numbers[s.NUM_GAPS] = len(instance.gap)
        numbers[s.MAX_JOBS], numbers[s.RETRY] = instance.max_jobs, instance.when_full == "retry"
        numbers[s.LENGTH], numbers[s.WARM_UP], numbers[s.PREFILLED] = (
            instance.length, instance.warm_up, instance.prefilled,
        )  # fmt: skip
        physics = instance.physics
        numbers[s.BY_JOB], numbers[s.FROM_BINDING] = physics.queue_order == "job", physics.transfers == "from-binding"
        numbers[s.COMPLETIONS_FIRST] = physics.completions_first
        numbers[s.COUNTS_INJECTED] = physics.warm_up_counts == "injected"
        self.scale[row] = system.scale(instance, self.config)
        self.instances[row], self.systems[row] = instance, system
        self._observer.load(row, instance, system)

    def _start(self, rows: NDArray[np.int64]) -> None:
        kernels.reset_rows(rows, self.rules, self._columns, self.world, self.state)

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Apply one action per row; see :class:`Simulator`."""
        if len(action) != self.batch_size:  # compiled code does not look
            raise ValueError(f"{len(action)} actions for {self.batch_size} rows")
        self.illegal_count, self.done_count = kernels.step_rows(
            action, self.rules, self._columns, self.world, self.state, self._reward
        )
        return self._reward

    def observe(self, out: GraphState | None = None, rows: NDArray[np.intp] | None = None) -> GraphState:
        """The observation; features are described in :mod:`.observe`."""
        state = self._observer.state if out is None else out
        chosen = self._all_rows if rows is None else rows
        write_rows(
            chosen, self.rules, self.config.look_ahead, self._columns, self.world, self.state, self._observer.numbers,
            *state.dynamic_arrays,
        )  # fmt: skip
        return state

    def elapsed(self) -> NDArray[np.int64]:
        """The time: jobs arrive and tasks end when they do, however many decisions are taken meanwhile."""
        now: NDArray[np.int64] = self.now
        return now

    def objective(self) -> NDArray[np.float64]:
        """The objective of each row so far."""
        objective: NDArray[np.float64] = self.state.real[:, s.OBJECTIVE]
        return objective

    def solution(self, row: int) -> SocSolution:
        """What was bound and run in row ``row`` so far."""
        instance = self.instances[row]
        if instance is None:
            return SocSolution.empty(0, 0)
        task, jobs, now = self.state.task[row, : instance.num_tasks], instance.num_jobs, self.now[row]
        started = task[:, s.STARTED] != s.NOBODY
        return SocSolution(
            arrival=self.state.job[row, :jobs, s.ARRIVED].copy(),
            pe=np.where(started, task[:, s.BOUND_TO], s.NOBODY),
            start=task[:, s.STARTED].copy(),
            # what runs beyond the end of the run is not finished
            end=np.where(started & (task[:, s.ENDED] <= now), task[:, s.ENDED], s.NOBODY),
        )

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """What changes during an episode."""
        return {**self.state._asdict(), "reward": self._reward}


def rules_of(config: SocConfig) -> s.Rules:
    """The rules of play of a configuration, as numbers for compiled code."""
    return s.Rules(
        action=ACTIONS.index(config.action),
        offer=OFFERS.index(config.offer),
        defer=config.defer,
        ready_limit=config.ready_limit,
        objective=OBJECTIVES.index(config.objective),
    )


def sizes_of(instances: Sequence[SocInstance]) -> Sizes:
    """The sizes of a simulator for these instances."""

    def sizes(instance: SocInstance) -> Sizes:
        return (
            instance.num_jobs,
            instance.num_tasks,
            sum(application.num_tasks for application in instance.applications),
            sum(len(application.volume) for application in instance.applications),
            instance.platform.num_pes,
            len(instance.platform.kinds),
            len(instance.gap),
            max(kind.count for kind in instance.platform.kinds),
        )

    return tuple(max(column) for column in zip(*map(sizes, instances), strict=True))
