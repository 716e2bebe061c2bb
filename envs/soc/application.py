"""Applications: the task graph of a job."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Application:
    """A directed acyclic graph of tasks.

    Attributes:
        name: Its name.
        tasks: Names of the n tasks, all different.
        types: The task type of each; a platform knows execution times by type.
        edges: Producer and consumer of each dependency, int64 ``[E, 2]``, ordered by consumer.
        volume: What is transferred along each, float64 ``[E]``, in units of the platform's bandwidth times a
            microsecond.
        order: The tasks in an order in which producers come first; computed.

    Raises:
        ValueError: Not such a graph; the message names the task or edge.
    """

    name: str
    tasks: tuple[str, ...]
    types: tuple[str, ...]
    edges: NDArray[np.int64]
    volume: NDArray[np.float64]
    order: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        where = f"application {self.name!r}"
        if not self.tasks:
            raise ValueError(f"{where} has no tasks")
        if len(self.types) != len(self.tasks):
            raise ValueError(f"{where}: {len(self.tasks)} tasks but {len(self.types)} types")
        seen: set[str] = set()
        for task in self.tasks:
            if task in seen:
                raise ValueError(f"{where}: two tasks are called {task!r}")
            seen.add(task)
        if self.edges.shape != (len(self.volume), 2):
            raise ValueError(f"{where}: {len(self.volume)} volumes for edges of shape {self.edges.shape}")
        pairs = set()
        for (source, target), volume in zip(self.edges.tolist(), self.volume.tolist(), strict=True):
            if not (0 <= source < self.num_tasks and 0 <= target < self.num_tasks):
                raise ValueError(f"{where}: edge {source} -> {target} names a task that does not exist")
            edge = f"{self.tasks[source]!r} -> {self.tasks[target]!r}"
            if (source, target) in pairs:
                raise ValueError(f"{where}: edge {edge} is there twice")
            pairs.add((source, target))
            if not 0 <= volume < 1e12:
                raise ValueError(f"{where}: the volume of edge {edge} must be a number from 0, got {volume:g}")
        order = np.lexsort((self.edges[:, 0], self.edges[:, 1]))
        object.__setattr__(self, "edges", self.edges[order])
        object.__setattr__(self, "volume", self.volume[order])
        object.__setattr__(self, "order", self._topological_order())
        for array in (self.edges, self.volume):
            array.flags.writeable = False

    @property
    def num_tasks(self) -> int:
        """How many tasks there are, n."""
        return len(self.tasks)

    def _topological_order(self) -> tuple[int, ...]:
        unmet = np.bincount(self.edges[:, 1], minlength=self.num_tasks)
        order: list[int] = [task for task in range(self.num_tasks) if unmet[task] == 0]
        for task in order:  # grows while it is walked
            for target in self.edges[self.edges[:, 0] == task, 1].tolist():
                unmet[target] -= 1
                if unmet[target] == 0:
                    order.append(target)
        if len(order) < self.num_tasks:
            raise ValueError(f"application {self.name!r} has a cycle: {' -> '.join(self._cycle(unmet))}")
        return tuple(order)

    def _cycle(self, unmet: NDArray[np.int64]) -> list[str]:
        """Names of the tasks along a cycle, from the producers that never become free."""
        task = int(np.flatnonzero(unmet)[0])
        path: list[int] = []
        while task not in path:
            path.append(task)
            producers = self.edges[self.edges[:, 1] == task, 0]
            task = int(next(producer for producer in producers if unmet[producer]))
        path = path[path.index(task) :][::-1]
        return [self.tasks[place] for place in [*path, path[0]]]
