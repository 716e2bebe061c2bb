"""A run's task graph, and timetables that are filled task by task: what static schedulers and exact models share."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...envs.core.errors import InputError
from ...envs.soc.config import SocConfig
from ...envs.soc.instance import SocInstance
from ...envs.soc.solution import SocSolution
from ...envs.soc.state import NEVER, NOBODY
from ...envs.soc.system import System, system_of

Array = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TaskGraph:
    """The tasks of all jobs of a run as one graph; T tasks, N nodes of applications, P PEs.

    Attributes:
        system: The applications on their platform.
        from_binding: Whether data starts to travel only when its consumer can be bound, see :class:`Physics`.
        first_task: Place of each job's first task, int64 ``[J + 1]``.
        node: The node of each task, int64 ``[T]``.
        job: The job of each task, int64 ``[T]``.
    """

    system: System
    from_binding: bool
    first_task: Array
    node: Array
    job: Array

    @classmethod
    def of(cls, instance: SocInstance, config: SocConfig) -> TaskGraph:
        """The graph of a run."""
        system = system_of(instance, config)
        first = instance.first_task.astype(np.int64)
        job = np.repeat(np.arange(instance.num_jobs), np.diff(first))
        node = np.arange(len(job)) - first[job] + system.first_node[instance.job_application[job]]
        return cls(system, instance.physics.transfers == "from-binding", first, node, job)

    @property
    def num_tasks(self) -> int:
        """T."""
        return len(self.node)

    @property
    def num_jobs(self) -> int:
        """J."""
        return len(self.first_task) - 1

    @cached_property
    def kind_of(self) -> Array:
        """The kind of each PE, int64 ``[P]``."""
        return self.system.platform.kind_of

    @cached_property
    def position(self) -> Array:
        """Place of each node in its application's order, in which producers come first, int64 ``[N]``."""
        return np.concatenate([np.argsort(application.order) for application in self.system.applications])

    @cached_property
    def _neighbours(self) -> tuple[list[list[tuple[int, int]]], list[list[tuple[int, int]]]]:
        producers: list[list[tuple[int, int]]] = [[] for _ in range(self.system.num_nodes)]
        consumers: list[list[tuple[int, int]]] = [[] for _ in range(self.system.num_nodes)]
        for edge, (source, target) in enumerate(self.system.edges.tolist()):
            producers[target].append((source - target, edge))
            consumers[source].append((target - source, edge))
        return producers, consumers

    def producers(self, task: int) -> list[tuple[int, int]]:
        """The producers of a task, each with the edge from it."""
        return [(task + offset, edge) for offset, edge in self._neighbours[0][self.node[task]]]

    def consumers(self, task: int) -> list[tuple[int, int]]:
        """The consumers of a task, each with the edge to it."""
        return [(task + offset, edge) for offset, edge in self._neighbours[1][self.node[task]]]

    def execution(self, task: int) -> Array:
        """Time of a task on each PE, int64 ``[P]``; -1 where unsupported."""
        times: Array = self.system.costs.execution[self.node[task]]
        return times

    def delays(self, edge: int, pe: int) -> Array:
        """Delay of an edge from one PE to each, int64 ``[P]``."""
        costs = self.system.costs
        delays: Array = costs.delay[edge, self.kind_of[pe]][self.kind_of]
        delays[pe] = costs.same[edge]
        return delays

    def tasks_of(self, job: int) -> list[int]:
        """The tasks of a job, producers first."""
        first, last = int(self.first_task[job]), int(self.first_task[job + 1])
        return sorted(range(first, last), key=lambda task: int(self.position[self.node[task]]))

    def by_rank(self, tasks: list[int]) -> list[int]:
        """Tasks by falling upward rank; of equals, producers first."""
        rank, position = self.system.rank, self.position
        return sorted(tasks, key=lambda task: (-rank[self.node[task]], position[self.node[task]], task))


class Timetable:
    """Where and when tasks run, as far as they are placed.

    Args:
        graph: The tasks.
        now: Nothing starts earlier, microseconds.

    Attributes:
        pe: Where each task runs, int64 ``[T]``; ``NOBODY`` while it is not placed.
        start: When it starts, int64 ``[T]``.
        end: When it ends, int64 ``[T]``.
        busy: Start and end of what runs on each PE, in order.
    """

    def __init__(self, graph: TaskGraph, now: int = 0) -> None:
        self.graph, self.now = graph, now
        self.pe, self.start, self.end = (np.full(graph.num_tasks, NOBODY, np.int64) for _ in range(3))
        self.busy: list[list[tuple[int, int]]] = [[] for _ in range(graph.system.platform.num_pes)]

    def copy(self) -> Timetable:
        """One that can be filled in another way."""
        other = Timetable(self.graph, self.now)
        other.pe, other.start, other.end = self.pe.copy(), self.start.copy(), self.end.copy()
        other.busy = [list(busy) for busy in self.busy]
        return other

    def data_ready(self, task: int) -> Array:
        """When the data of a task can be on each PE, int64 ``[P]``; producers that are not placed do not count."""
        graph = self.graph
        placed = [(producer, edge) for producer, edge in graph.producers(task) if self.pe[producer] != NOBODY]
        ready = np.full(len(self.busy), self.now, np.int64)
        bound = max((int(self.end[producer]) for producer, _ in placed), default=self.now)
        for producer, edge in placed:
            begin = max(bound, self.now) if graph.from_binding else int(self.end[producer])
            np.maximum(ready, begin + graph.delays(edge, int(self.pe[producer])), out=ready)
        return ready

    def earliest(self, task: int) -> tuple[Array, Array]:
        """When a task would start and end on each PE, in the first gap that is long enough.

        Returns:
            Starts and ends, int64 ``[P]``; ``NEVER`` where unsupported.
        """
        starts, ends = (np.full(len(self.busy), NEVER, np.int64) for _ in range(2))
        ready = self.data_ready(task)
        for pe, time in enumerate(self.graph.execution(task).tolist()):
            if time >= 0:
                starts[pe] = self._first_gap(pe, int(ready[pe]), time)
                ends[pe] = starts[pe] + time
        return starts, ends

    def _first_gap(self, pe: int, ready: int, time: int) -> int:
        busy, begin = self.busy[pe], ready
        for place in range(bisect_right(busy, ready, key=lambda span: span[1]), len(busy)):
            if begin + time <= busy[place][0]:
                break
            begin = busy[place][1]
        return begin

    def place(self, task: int, pe: int, start: int, end: int | None = None) -> None:
        """Let a task run; without an end, for its expected time."""
        end = start + int(self.graph.execution(task)[pe]) if end is None else end
        self.pe[task], self.start[task], self.end[task] = pe, start, end
        insort(self.busy[pe], (start, end))

    def take_back(self, task: int) -> None:
        """Undo :meth:`place`."""
        self.busy[self.pe[task]].remove((int(self.start[task]), int(self.end[task])))
        self.pe[task] = self.start[task] = self.end[task] = NOBODY

    def place_earliest(self, task: int) -> None:
        """Let a task run where it ends first; of equal PEs on the first."""
        starts, ends = self.earliest(task)
        pe = int(ends.argmin())
        self.place(task, pe, int(starts[pe]))

    def in_order(self, tasks: list[int]) -> list[int]:
        """Placed tasks in an order of their times in which each could be placed after those before it."""
        position = self.graph.position[self.graph.node]
        return sorted(tasks, key=lambda task: (self.start[task], self.end[task], position[task], task))

    def job_ends(self, jobs: list[int]) -> list[int]:
        """When each of some jobs is finished; all of their tasks must be placed."""
        first = self.graph.first_task
        return [int(self.end[first[job] : first[job + 1]].max()) for job in jobs]

    def solution(self) -> SocSolution:
        """The schedule, of jobs that were all there at time 0."""
        return SocSolution(np.zeros(self.graph.num_jobs, np.int64), self.pe, self.start, self.end)


def check_at_once(agent: str, instance: SocInstance) -> None:
    """Refuse a run that cannot be planned as a whole.

    Raises:
        InputError: Jobs arrive later, times are left to chance, or the run is cut off.
    """
    if not instance.deterministic or instance.length:
        raise InputError(
            f"{agent} plans runs whose jobs are all there at time 0, without noise and to their end; {instance.name} "
            "is a stream: use a run-time scheduler such as etf, or rolling-cp-sat"
        )


def graph_at_once(agent: str, instance: SocInstance, config: SocConfig) -> TaskGraph:
    """The graph of a run that can be planned as a whole.

    Raises:
        InputError: See :func:`check_at_once`.
    """
    check_at_once(agent, instance)
    return TaskGraph.of(instance, config)
