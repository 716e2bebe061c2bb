"""All applications of a run on its platform: the numbers that simulator, rules and features share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import state as s
from .application import Application
from .config import SocConfig
from .instance import SocInstance
from .platform import Platform
from .ranks import (
    Costs,
    costs_of,
    critical_path,
    least_remaining,
    mean_delay,
    mean_execution,
    optimistic_cost,
    upward_rank,
)


@dataclass(frozen=True, eq=False)
class System:
    """Applications one after another as N nodes and E edges, on P PEs of K kinds.

    Attributes:
        platform: The platform.
        applications: The applications.
        first_node: The first node of each application, int64 ``[applications + 1]``.
        costs: Execution times ``[N, P]`` and delays ``[E, K, K]``, ``[E]``.
        edges: Producer and consumer of each edge as nodes, int64 ``[E, 2]``, ordered by consumer.
        rank: Upward rank of each node by mean times (HEFT), float64 ``[N]``.
        least: Least time from the start of a node on a PE to the end of its job, float64 ``[N, P]``.
        optimistic: PEFT's optimistic cost, float64 ``[N, P]``.
        mean_time: Mean execution time of each node over PEs, float64 ``[N]``.
        twin: Nodes of one application with the same number are interchangeable, int64 ``[N]``.
        paths: Latency that a job of each application cannot go below, float64 ``[applications]``.
        watts: Power of each kind by its busy PEs, a list of float64 ``[count + 1]``; the first kind's with the power of
            the idle chip.
    """

    platform: Platform
    applications: tuple[Application, ...]
    first_node: NDArray[np.int64]
    costs: Costs
    edges: NDArray[np.int64]
    rank: NDArray[np.float64]
    least: NDArray[np.float64]
    optimistic: NDArray[np.float64]
    mean_time: NDArray[np.float64]
    twin: NDArray[np.int64]
    paths: NDArray[np.float64]
    watts: tuple[NDArray[np.float64], ...]

    @property
    def num_nodes(self) -> int:
        """N."""
        return int(self.first_node[-1])

    def write(self, row: int, world: s.World) -> None:
        """Copy what the kernels need into a row."""
        nodes, edges, kinds = self.num_nodes, len(self.edges), len(self.platform.kinds)
        pes = self.platform.num_pes
        node = world.node[row]
        node[:] = 0
        incoming = np.bincount(self.edges[:, 1], minlength=nodes)
        outgoing = np.bincount(self.edges[:, 0], minlength=nodes)
        node[:nodes, s.PRED_COUNT], node[:nodes, s.SUCC_COUNT] = incoming, outgoing
        node[:nodes, s.PRED_FIRST] = np.cumsum(incoming) - incoming
        node[:nodes, s.SUCC_FIRST] = np.cumsum(outgoing) - outgoing
        node[:nodes, s.TWIN] = self.twin
        world.execution[row] = -1
        world.execution[row, :nodes, :pes] = self.costs.execution
        world.source[row, :edges], world.target[row, :edges] = self.edges[:, 0], self.edges[:, 1]
        world.leaving[row, :edges] = np.argsort(self.edges[:, 0], kind="stable")
        world.delay[row, :edges, :kinds, :kinds] = self.costs.delay
        world.same[row, :edges] = self.costs.same
        world.kind[row, :pes] = self.platform.kind_of
        world.watts[row] = 0.0
        for kind, watts in enumerate(self.watts):
            world.watts[row, kind, : len(watts)] = watts

    def mean_path(self, instance: SocInstance) -> float:
        """Least latency of a mean job alone, by the shares of the applications: nothing of which jobs will come."""
        assert instance.shares is not None
        return max(float(np.average(self.paths, weights=instance.shares)), 1.0)

    def scale(self, instance: SocInstance, config: SocConfig) -> float:
        """The natural size of the objective: that of a mean job on its critical path, alone."""
        path = self.mean_path(instance)
        if config.objective == "mean-latency":
            return path
        busiest = max(float(watts[-1]) for watts in self.watts)
        energy = max(busiest, 1e-3) * path
        return energy if config.objective == "energy-per-job" else energy * path


def system_of(instance: SocInstance, config: SocConfig) -> System:
    """The numbers of a run's applications on its platform; made once for all runs that share both."""
    physics = instance.physics
    return _system(instance.platform, instance.applications, config.dvfs, physics.rounding, physics.shortest_task)


@lru_cache(maxsize=512)
def _system(
    platform: Platform, applications: tuple[Application, ...], dvfs: str, rounding: str, shortest_task: int
) -> System:
    parts = [costs_of(platform, application, dvfs, rounding, shortest_task) for application in applications]
    first = np.concatenate(([0], np.cumsum([application.num_tasks for application in applications])))
    both = list(zip(applications, parts, strict=True))
    times = [mean_execution(costs) for costs in parts]
    ranks = [
        upward_rank(application, time, mean_delay(costs, platform))
        for (application, costs), time in zip(both, times, strict=True)
    ]
    frequencies = platform.frequencies(dvfs)
    return System(
        platform=platform,
        applications=applications,
        first_node=first.astype(np.int64),
        costs=Costs(
            np.concatenate([costs.execution for costs in parts]),
            np.concatenate([costs.delay for costs in parts]),
            np.concatenate([costs.same for costs in parts]),
        ),
        edges=np.concatenate([a.edges + first[place] for place, a in enumerate(applications)]),
        rank=np.concatenate(ranks),
        least=np.concatenate([least_remaining(a, costs, platform) for a, costs in both]),
        optimistic=np.concatenate([optimistic_cost(a, costs, platform) for a, costs in both]),
        mean_time=np.concatenate(times),
        twin=np.concatenate([_twins(a, costs) for a, costs in both]),
        paths=np.array([critical_path(a, costs, platform) for a, costs in both]),
        watts=tuple(
            kind.watts(frequency) + (platform.idle_power if place == 0 else 0.0)
            for place, (kind, frequency) in enumerate(zip(platform.kinds, frequencies, strict=True))
        ),
    )


def _twins(application: Application, costs: Costs) -> NDArray[np.int64]:
    """Number the tasks so that equal ones are equal in all that follows: times, and delays to equal consumers."""
    numbers: dict[tuple[object, ...], int] = {}
    twin = np.zeros(application.num_tasks, np.int64)
    for task in reversed(application.order):
        after = sorted(
            (
                int(twin[target]),
                int(target) if _joins(application, edge) else -1,
                costs.delay[edge].tobytes(),
                int(same),
            )
            for edge, (source, target), same in zip(
                range(len(costs.same)), application.edges.tolist(), costs.same, strict=True
            )
            if source == task
        )
        key = (costs.execution[task].tobytes(), tuple(after))
        twin[task] = numbers.setdefault(key, len(numbers))
    return twin


def _joins(application: Application, edge: int) -> bool:
    """Whether the consumer of an edge has other producers: interchangeable tasks must then feed the same one."""
    return bool((application.edges[:, 1] == application.edges[edge, 1]).sum() > 1)
