"""The dynamic job shop: a batch of runs that jump from one decision to the next.

Jobs arrive over time and visit machines in their own order. Whenever a machine is free, up, and two or more jobs wait
for it, one of them is chosen; a single job begins at once, so no machine idles while work waits for it. A breakdown
interrupts the operation in process, which goes on after the repair (preempt-resume).

The reward of a step is minus the rise of the tardiness of the recorded jobs that cannot be avoided any more: that of
finished jobs, plus that of jobs in the shop if each went on at once without waiting. While a job waits that has no
slack left, this rises by one unit per unit of time; at the end of the run it is the total tardiness, exactly.

The loops themselves are in :mod:`.kernels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.graph import GraphState
from ..core.simulator import Simulator
from . import kernels as k
from .features import write_rows
from .instance import NEVER, DynamicJobShopInstance
from .observe import DynamicJobShopObserver
from .solution import DynamicJobShopSolution

Sizes = tuple[int, int, int, int]


class DynamicJobShopSimulator(Simulator[DynamicJobShopInstance, DynamicJobShopSolution]):
    """B shops side by side; action k starts the job at place k of the deciding machine's queue, in order of arrival.

    Args:
        sizes: Largest numbers of jobs, machines, operations and times that a machine is down.
        batch_size: B.
        objective: One of ``OBJECTIVES``.
        queue_limit: Places of a queue that can be chosen.
        fast_forward_jobs: Arrivals until which CR+SPT decides, after the first decision.

    Attributes:
        now: Time of each row, ``[B]``.
        machine: The machine that decides, ``[B]``.
        present: Jobs in the shop, ``[B]``.
        bound: Tardiness of the recorded jobs that cannot be avoided any more, ``[B]``.
    """

    def __init__(
        self,
        sizes: Sizes,
        batch_size: int,
        objective: str = "mean-tardiness",
        queue_limit: int = 64,
        fast_forward_jobs: int = 0,
    ) -> None:
        self.arguments = (sizes, batch_size, objective, queue_limit, fast_forward_jobs)
        max_jobs, max_machines, max_operations, max_down = sizes
        self.batch_size = batch_size
        self.objective_name = objective
        self.instances: list[DynamicJobShopInstance | None] = [None] * batch_size
        self.scale = np.ones(batch_size)
        self._jobs = np.zeros((batch_size, max_jobs, k.JOB_QUANTITIES), np.int64)
        self._machines = np.zeros((batch_size, max_machines, k.MACHINE_QUANTITIES), np.int64)
        self._operations = np.zeros((batch_size, k.OPERATION_LINES, max_operations), np.int64)
        self._row = np.zeros((batch_size, k.ROW_QUANTITIES), np.int64)
        self._flags = np.zeros((batch_size, k.LEGAL + queue_limit), np.bool_)
        self._down = np.full((batch_size, max_machines, max_down, 2), NEVER, np.int64)
        self._reward = np.zeros(batch_size)
        self._divisor = np.ones(batch_size)
        self._row[:, k.WEIGHTED], self._row[:, k.FAST_FORWARD] = "weighted" in objective, fast_forward_jobs
        self.done, self.illegal, self.action_mask = (
            self._flags[:, k.DONE], self._flags[:, k.ILLEGAL], self._flags[:, k.LEGAL :]
        )  # fmt: skip
        self.steps, self.now, self.machine, self.present, self.bound = (
            self._row[:, quantity] for quantity in (k.DECISIONS, k.NOW, k.MACHINE, k.PRESENT, k.BOUND)
        )
        self.done[:] = True
        self.action_mask[:, 0] = True
        self.illegal_count, self.done_count = 0, batch_size
        self._observer = DynamicJobShopObserver(batch_size, max_machines, queue_limit)
        self.spec = self._observer.spec
        self._all_rows = np.arange(batch_size)
        self._around = np.zeros((batch_size, max_machines, k.MACHINE_COLUMNS))
        self._table = np.zeros((batch_size, queue_limit, k.QUEUE_COLUMNS))
        self._count = np.zeros(batch_size, np.int64)
        self._state = (self._jobs, self._machines, self._operations, self._row)

    def _load(self, row: int, instance: DynamicJobShopInstance) -> None:
        shop = instance.shop
        sizes, limits = sizes_of([instance]), self.arguments[0]
        if any(size > limit for size, limit in zip(sizes, limits, strict=True)):
            names = ("jobs", "machines", "operations", "times down")
            wanted, given = (
                ", ".join(f"{n} {what}" for n, what in zip(s, names, strict=True)) for s in (sizes, limits)
            )
            raise ValueError(f"{instance.name} ({wanted}) does not fit into an environment made for {given}")
        count, operations = shop.num_jobs, shop.num_operations
        jobs = self._jobs[row]
        jobs[:count, k.RELEASE], jobs[:count, k.DUE], jobs[:count, k.WEIGHT] = shop.release, instance.due, shop.weight
        jobs[:count, k.WORK], jobs[:count, k.FIRST] = shop.job_work, shop.first_operation[:-1]
        jobs[:count, k.LENGTH] = np.diff(shop.first_operation)
        self._operations[row, k.OF_MACHINE, :operations] = shop.machine
        self._operations[row, k.OF_DURATION, :operations] = shop.duration
        self._down[row] = NEVER
        self._down[row, : shop.num_machines, : instance.down.shape[1]] = instance.down
        numbers = self._row[row]
        numbers[k.NUM_JOBS], numbers[k.NUM_MACHINES] = count, shop.num_machines
        numbers[k.FIRST_RECORDED], numbers[k.LAST_RECORDED] = instance.first_recorded, instance.last_recorded
        self._divisor[row] = instance.num_recorded if self.objective_name.startswith("mean") else 1
        # the work of ten jobs: what is still to come is then of the order of one, however long the run
        self.scale[row] = 10 * float(shop.job_work.mean()) / self._divisor[row]
        self.instances[row] = instance
        self._observer.load(row, instance)

    def _start(self, rows: NDArray[np.int64]) -> None:
        k.reset_rows(rows, *self._state, self._flags, self._down, self._reward)

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Start the job at place ``action[b]`` of the deciding queue in every row; see :class:`Simulator`."""
        if len(action) != self.batch_size:  # compiled code does not look
            raise ValueError(f"{len(action)} actions for {self.batch_size} rows")
        self.illegal_count, self.done_count = k.step_rows(
            action, self._divisor, *self._state, self._flags, self._down, self._reward
        )
        return self._reward

    def queues(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The deciding queue of every row: a line per job, columns as in :mod:`.kernels`, and the number of lines.

        Returns:
            Reused buffers ``[B, queue_limit, QUEUE_COLUMNS]`` and ``[B]``; rows that are done have no lines.
        """
        k.describe_rows(self._all_rows, *self._state, self._down, self._around, self._table, self._count)
        return self._table, self._count

    def observe(self, out: GraphState | None = None, rows: NDArray[np.intp] | None = None) -> GraphState:
        """The observation; features are described in :mod:`.observe`."""
        state = self._observer.state if out is None else out
        chosen = self._all_rows if rows is None else rows
        tables = (self._around, self._table, self._count)
        k.describe_rows(chosen, *self._state, self._down, *tables)
        write_rows(chosen, self._row, self._flags, self._observer.reals, *tables, *state.dynamic_arrays)
        return state

    def elapsed(self) -> NDArray[np.int64]:
        """The time: jobs arrive when they do, whatever is decided."""
        return self.now

    def objective(self) -> NDArray[np.float64]:
        """The objective of each row; before the end, what cannot be avoided any more of it."""
        return self.bound / self._divisor

    def solution(self, row: int) -> DynamicJobShopSolution:
        """Start times of row ``row`` so far."""
        instance = self.instances[row]
        count = 0 if instance is None else instance.shop.num_operations
        return DynamicJobShopSolution(self._operations[row, k.OF_START, :count].copy())

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """What changes during an episode."""
        return {
            "jobs": self._jobs,
            "machines": self._machines,
            "operations": self._operations,
            "row": self._row,
            "flags": self._flags,
            "reals": self._reward,
        }


def sizes_of(instances: Sequence[DynamicJobShopInstance]) -> Sizes:
    """The sizes of a simulator for these instances."""
    return (
        max(instance.shop.num_jobs for instance in instances),
        max(instance.shop.num_machines for instance in instances),
        max(instance.shop.num_operations for instance in instances),
        max(instance.down.shape[1] for instance in instances),
    )
