"""What a task graph on a platform says before anything runs: ranks, cost tables, bounds.

Times are those at the configured frequencies, transfers already turned into delays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .application import Application
from .platform import UNSUPPORTED, Platform

_ROUND = {"floor": np.floor, "nearest": np.rint, "ceil": np.ceil}


@dataclass(frozen=True)
class Costs:
    """An application on a platform, in microseconds.

    Attributes:
        execution: Of each task on each PE, int64 ``[n, P]``; ``UNSUPPORTED`` where it cannot run.
        delay: Of each edge between PEs of two kinds, int64 ``[E, K, K]``, where they are different PEs.
        same: Of each edge where both tasks run on one PE, int64 ``[E]``.
    """

    execution: NDArray[np.int64]
    delay: NDArray[np.int64]
    same: NDArray[np.int64]


def costs_of(
    platform: Platform,
    application: Application,
    dvfs: str = "performance",
    rounding: str = "floor",
    shortest_task: int = 0,
) -> Costs:
    """Execution times and delays.

    Args:
        platform: The platform.
        application: The application.
        dvfs: See :meth:`Platform.frequencies`. Longer times are rounded up.
        rounding: How delays become whole microseconds, as in :class:`.instance.Physics`.
        shortest_task: The least time that a task takes.

    Raises:
        ValueError: No PE can run one of the tasks; the message names it.
    """
    slowdown = np.array([k.slowdown(f) for k, f in zip(platform.kinds, platform.frequencies(dvfs), strict=True)])
    table = np.stack([platform.execution(task_type) for task_type in application.types])
    for task, row in enumerate(table):
        if np.all(row == UNSUPPORTED):
            raise ValueError(
                f"task {application.tasks[task]!r} of application {application.name!r} has the type "
                f"{application.types[task]!r}, which no PE of {platform.name!r} supports"
            )
    slow = np.maximum(np.ceil(table * slowdown - 1e-9).astype(np.int64), shortest_task)
    table = np.where(table == UNSUPPORTED, UNSUPPORTED, slow)
    bandwidth = np.stack([platform.bandwidth.ravel()] * len(application.volume)) if len(application.volume) else None
    kinds = len(platform.kinds)
    if bandwidth is None:
        delay, same = np.zeros((0, kinds, kinds), np.int64), np.zeros(0, np.int64)
    else:
        delay = _whole(application.volume[:, None] / bandwidth, rounding).reshape(-1, kinds, kinds)
        same = _whole(application.volume / platform.same_pe, rounding)
    return Costs(table[:, platform.kind_of], delay, same)


def _whole(time: NDArray[np.float64], rounding: str) -> NDArray[np.int64]:
    """Whole microseconds; a quotient that is 2.999... but for rounding errors is 3."""
    nearest = np.rint(time)
    close = np.abs(time - nearest) <= 1e-9 * np.maximum(1.0, nearest * 1e-6)
    return np.where(close, nearest, _ROUND[rounding](time)).astype(np.int64)


def mean_execution(costs: Costs) -> NDArray[np.float64]:
    """Mean time of each task over the PEs that support it, float64 ``[n]``."""
    supported = costs.execution >= 0
    total: NDArray[np.float64] = np.where(supported, costs.execution, 0).sum(axis=1) / supported.sum(axis=1)
    return total


def mean_delay(costs: Costs, platform: Platform) -> NDArray[np.float64]:
    """Mean delay of each edge over all ordered pairs of different PEs, float64 ``[E]``: HEFT's average cost."""
    kind, count = platform.kind_of, platform.num_pes
    if count == 1:
        return costs.same.astype(np.float64)
    between = costs.delay[:, kind[:, None], kind[None, :]].astype(np.float64)
    between[:, np.arange(count), np.arange(count)] = 0
    total: NDArray[np.float64] = between.sum(axis=(1, 2)) / (count * (count - 1))
    return total


def upward_rank(application: Application, time: NDArray[np.float64], delay: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longest path from each task to the end, itself included, float64 ``[n]`` (Topcuoglu et al. 2002, eq. 5)."""
    rank = time.copy()
    for task in reversed(application.order):
        mine = np.flatnonzero(application.edges[:, 0] == task)
        if len(mine):
            rank[task] += (delay[mine] + rank[application.edges[mine, 1]]).max()
    return rank


def downward_rank(
    application: Application, time: NDArray[np.float64], delay: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Longest path from the beginning to each task, itself excluded, float64 ``[n]`` (Topcuoglu et al. 2002, eq. 6)."""
    rank = np.zeros(len(time))
    for task in application.order:
        mine = np.flatnonzero(application.edges[:, 1] == task)
        if len(mine):
            sources = application.edges[mine, 0]
            rank[task] = (rank[sources] + time[sources] + delay[mine]).max()
    return rank


def least_remaining(application: Application, costs: Costs, platform: Platform) -> NDArray[np.float64]:
    """Least time from the start of each task on each PE to the end of the job, float64 ``[n, P]``; inf if unsupported.

    Every later task on its best PE, transfers paid, PEs never busy: a lower bound for any schedule.
    """
    kind, count = platform.kind_of, platform.num_pes
    least = np.where(costs.execution >= 0, costs.execution, np.inf).astype(np.float64)
    for task in reversed(application.order):
        after = np.zeros(count)
        for edge in np.flatnonzero(application.edges[:, 0] == task).tolist():
            after = np.maximum(after, (_delays(costs, edge, kind) + least[application.edges[edge, 1]]).min(axis=1))
        least[task] += after
    return least


def optimistic_cost(application: Application, costs: Costs, platform: Platform) -> NDArray[np.float64]:
    """PEFT's optimistic cost table, float64 ``[n, P]`` (Arabnejad & Barbosa 2014, eq. 3), with mean delays.

    Least time from the end of a task on a PE to that of the job, every later task on its best PE.
    """
    kind = platform.kind_of
    mean = mean_delay(costs, platform)
    time = np.where(costs.execution >= 0, costs.execution, np.inf).astype(np.float64)
    table = np.zeros(time.shape)
    for task in reversed(application.order):
        for edge in np.flatnonzero(application.edges[:, 0] == task):
            target = application.edges[edge, 1]
            transfer = np.where(np.eye(len(kind), dtype=bool), costs.same[edge], mean[edge])
            table[task] = np.maximum(table[task], (transfer + table[target] + time[target]).min(axis=1))
    return table


def critical_path(application: Application, costs: Costs, platform: Platform) -> float:
    """The least latency that the job could have alone in the system: a lower bound, transfers included."""
    least = least_remaining(application, costs, platform)
    entries = np.setdiff1d(np.arange(application.num_tasks), application.edges[:, 1])
    return float(least[entries].min(axis=1).max())


def _delays(costs: Costs, edge: int, kind: NDArray[np.int64]) -> NDArray[np.float64]:
    """Delay of an edge from each PE to each, float64 ``[P, P]``."""
    delays: NDArray[np.float64] = costs.delay[edge][kind[:, None], kind[None, :]].astype(np.float64)
    np.fill_diagonal(delays, costs.same[edge])
    return delays
