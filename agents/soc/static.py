"""Static list schedulers: the whole timetable before anything runs, for runs whose jobs are all there at time 0.

Several jobs are one graph. Conventions, where the papers leave a choice: means are over the PEs that support a task and
over all ordered pairs of different PEs; a task may be inserted into the first gap that is long enough; ties go to the
task that comes first and to the PE that comes first. Times are expected execution times in microseconds; energy is not
looked at.

References: Topcuoglu, Hariri & Wu 2002 (HEFT, CPOP); Bittencourt, Sakellariou & Madeira 2010 (lookahead); Arabnejad &
Barbosa 2014 (PEFT).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...envs.soc.config import SocConfig
from ...envs.soc.instance import SocInstance
from ...envs.soc.ranks import downward_rank, mean_delay
from ...envs.soc.solution import SocSolution
from ..core import Solver, SolverResult
from .timetable import TaskGraph, Timetable, check_at_once, graph_at_once


def heft(graph: TaskGraph) -> Timetable:
    """Tasks by falling upward rank, each where it ends first (Topcuoglu et al. 2002, figure 2)."""
    timetable = Timetable(graph)
    for task in graph.by_rank(list(range(graph.num_tasks))):
        timetable.place_earliest(task)
    return timetable


def lookahead_heft(graph: TaskGraph) -> Timetable:
    """HEFT, but on the PE from which all consumers could end first (Bittencourt et al. 2010, one level).

    For every PE the task is placed there on trial, and each consumer is given its earliest end over all PEs, by what is
    placed so far and each for itself; the PE with the smallest of their largest ends is chosen. Without consumers, and
    of equals, the PE where the task itself ends first.
    """
    timetable = Timetable(graph)
    for task in graph.by_rank(list(range(graph.num_tasks))):
        starts, ends = timetable.earliest(task)
        found = []
        for pe in np.flatnonzero(graph.execution(task) >= 0).tolist():
            timetable.place(task, pe, int(starts[pe]))
            last = max((int(timetable.earliest(c)[1].min()) for c, _ in graph.consumers(task)), default=0)
            timetable.take_back(task)
            found.append((last, int(ends[pe]), pe))
        pe = min(found)[2]
        timetable.place(task, pe, int(starts[pe]))
    return timetable


def peft(graph: TaskGraph) -> Timetable:
    """Ready tasks by mean optimistic cost, each where its end plus optimistic cost is least (Arabnejad & Barbosa 2014).

    The mean is over the PEs that support the task.
    """
    system = graph.system
    supported = system.costs.execution >= 0
    rank = np.where(supported, system.optimistic, 0).sum(axis=1) / supported.sum(axis=1)

    def place(timetable: Timetable, task: int) -> None:
        starts, ends = timetable.earliest(task)
        pe = int((ends + system.optimistic[graph.node[task]]).argmin())
        timetable.place(task, pe, int(starts[pe]))

    return _ready_by(graph, rank, place)


def cpop(graph: TaskGraph) -> Timetable:
    """Ready tasks by the longest path through them; those of the critical path on one PE (Topcuoglu et al. 2002).

    The path starts at the first of the entries with the largest sum of ranks and goes on to the first of the consumers
    with the largest. Its PE is the one on which its tasks take least time together, among those that support most of
    them; a task that this PE does not support goes where it ends first. Sums of ranks are compared as they are
    computed: paths of equal length may differ in the last bit, so that WiFi-TX takes 157 us on the DS3 platform, where
    146 us result if sums are rounded first.
    """
    system = graph.system
    longest = system.rank + _downward_rank(graph)
    path = _critical_path(graph, longest)
    times = np.stack([graph.execution(task) for task in path])
    supported = (times >= 0).sum(axis=0)
    total = np.where(supported == supported.max(), np.where(times >= 0, times, 0).sum(axis=0), np.iinfo(np.int64).max)
    processor = int(total.argmin())

    def place(timetable: Timetable, task: int) -> None:
        if task in path and graph.execution(task)[processor] >= 0:
            timetable.place(task, processor, int(timetable.earliest(task)[0][processor]))
        else:
            timetable.place_earliest(task)

    return _ready_by(graph, longest, place)


def _ready_by(graph: TaskGraph, priority: NDArray[np.float64], place: Callable[[Timetable, int], None]) -> Timetable:
    """Place the ready task whose node has the largest priority until none is left; the first of equals."""
    timetable = Timetable(graph)
    unmet = [len(graph.producers(task)) for task in range(graph.num_tasks)]
    ready = [task for task in range(graph.num_tasks) if unmet[task] == 0]
    while ready:
        task = max(ready, key=lambda task: (priority[graph.node[task]], -task))
        ready.remove(task)
        place(timetable, task)
        for consumer, _ in graph.consumers(task):
            unmet[consumer] -= 1
            if unmet[consumer] == 0:
                ready.append(consumer)
    return timetable


def _downward_rank(graph: TaskGraph) -> NDArray[np.float64]:
    """Of all nodes by mean times, float64 ``[N]``."""
    system, ranks, edge = graph.system, [], 0
    delay = mean_delay(system.costs, system.platform)
    for place, application in enumerate(system.applications):
        nodes = slice(int(system.first_node[place]), int(system.first_node[place + 1]))
        edges = slice(edge, edge + len(application.volume))
        ranks.append(downward_rank(application, system.mean_time[nodes], delay[edges]))
        edge = edges.stop
    return np.concatenate(ranks)


def _critical_path(graph: TaskGraph, longest: NDArray[np.float64]) -> list[int]:
    """From an entry task to an exit task, always on to the consumer with the longest path."""
    following = [task for task in range(graph.num_tasks) if not graph.producers(task)]
    path: list[int] = []
    while following:
        path.append(max(following, key=lambda task: (longest[graph.node[task]], -task)))
        following = [consumer for consumer, _ in graph.consumers(path[-1])]
    return path


STATIC_SCHEDULERS: dict[str, tuple[str, Callable[[TaskGraph], Timetable]]] = {
    "heft": ("Upward rank, earliest end with insertion (Topcuoglu et al. 2002).", heft),
    "lookahead-heft": ("HEFT that looks at the ends of consumers (Bittencourt et al. 2010).", lookahead_heft),
    "cpop": ("Critical path on one processor (Topcuoglu et al. 2002).", cpop),
    "peft": ("Optimistic cost table (Arabnejad & Barbosa 2014).", peft),
}
"""Name to summary and function."""


class StaticScheduler(Solver[SocInstance, SocSolution]):
    """One of :data:`STATIC_SCHEDULERS` as a solver; it takes the time it takes.

    Args:
        name: Which.
        config: Frequencies.
    """

    def __init__(self, name: str, config: SocConfig) -> None:
        self.name, self.config = name, config
        self._build = STATIC_SCHEDULERS[name][1]

    def check_instances(self, instances: Sequence[SocInstance]) -> None:
        """Refuse streams."""
        for instance in instances:
            check_at_once(self.name, instance)

    def solve(self, instance: SocInstance, *, time_limit: float, seed: int) -> SolverResult[SocSolution]:
        """The timetable, with nothing proved about it.

        Raises:
            InputError: The run is a stream.
        """
        return SolverResult(self._build(graph_at_once(self.name, instance, self.config)).solution())
