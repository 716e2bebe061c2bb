"""The physics of the job shop: a batch of schedules built one operation at a time.

A decision appends the next operation of one job to its machine, at ``max(job ready, machine ready)``. What differs
between schedule builders is which jobs may be chosen:

* ``append``: every unfinished job.
* ``nondelay``: jobs whose next operation can start at the earliest time at which any can, so that no machine
  idles while work waits for it (Baker 1974, section 7.1).
* ``active``: jobs that compete for the machine of the operation that could finish first, and could start
  before that finish (Giffler & Thompson, Operations Research 8, 1960). Ties for the first finish go to the lowest job.
* ``hybrid``: of those, the jobs that could start before ``first start + delay_share (first finish - first start)`` on
  that machine, and those that start first: the parameterised active schedules of Storer, Wu & Vaccari (Management
  Science 38, 1992) and Bierwirth & Mattfeld (Evolutionary Computation 7, 1999). 0 gives non-delay schedules, 1 active
  ones. A decision concerns one machine, so many steps have one legal job.

The reward of a step is minus the rise of a lower bound on the objective, counted from 0 before the first step. The
bound never falls, and after the last step it is the objective, so an episode's rewards sum to minus the objective.
For the makespan it is the larger of (a) each job's earliest next start plus remaining work and (b) each machine's
ready time plus remaining work; for the other objectives it sums each job's cost at its bound (a).

The loops themselves are in :mod:`.kernels`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.graph import GraphState
from ..core.simulator import Simulator
from . import kernels as k
from .config import BUILDERS, OBJECTIVES
from .instance import JobShopInstance
from .look_ahead import look_ahead_rows
from .observe import JobShopObserver
from .solution import JobShopSolution


class JobShopSimulator(Simulator[JobShopInstance, JobShopSolution]):
    """B job shops side by side; action j starts the next operation of job j.

    The arrays below are public views: dispatching rules and search read them. J, M and N are the largest numbers of
    jobs, machines and operations; rows with smaller instances leave the rest unused.

    Attributes:
        num_jobs, num_machines, num_operations: Sizes of each row's instance, ``[B]``.
        machine, duration: Of each operation, ``[B, N]``.
        start: Start time of each scheduled operation, ``[B, N]``, else -1.
        release, due, weight, job_work: Of each job, ``[B, J]``; ``due`` is 0 where there are none.
        next_operation: Each job's next operation, ``[B, J]``; one past its last when it is finished.
        candidate_machine, candidate_duration: Of that operation, ``[B, J]``; 0 for finished jobs.
        job_ready: When each job is released or its last scheduled operation ends, ``[B, J]``.
        earliest_start: ``max(job_ready, machine_ready)`` of the next operation, ``[B, J]``.
        remaining_work, remaining_operations: Of each job, next operation included, ``[B, J]``.
        machine_ready: When each machine's last scheduled operation ends, ``[B, M]``.
        machine_work: Processing time not yet scheduled on each machine, ``[B, M]``.
        clock: The earliest start over all unfinished jobs, ``[B]``: "now" for the non-delay builder.
        bound: Lower bound on the objective (see the module's text), ``[B]``.
    """

    def __init__(
        self,
        max_jobs: int,
        max_machines: int,
        max_operations: int,
        batch_size: int,
        builder: str = "nondelay",
        objective: str = "makespan",
        delay_share: float = 0.5,
        look_ahead: bool = False,
    ) -> None:
        self.arguments = (
            max_jobs, max_machines, max_operations, batch_size, builder, objective, delay_share, look_ahead
        )  # fmt: skip
        self.batch_size = batch_size
        self.builder = builder
        self.objective_name = objective
        self.instances: list[JobShopInstance | None] = [None] * batch_size
        self.scale = np.ones(batch_size)

        width = max(max_jobs, max_machines)
        self._numbers = np.zeros((batch_size, width + 1, k.QUANTITIES), np.int64)
        self._operations = np.zeros((batch_size, k.OPERATION_LINES, max_operations), np.int64)
        self._flags = np.zeros((batch_size, k.LEGAL + max_jobs), np.bool_)
        self._reals = np.ones((batch_size, k.REALS))
        self._reals[:, k.DELAY_SHARE] = delay_share
        self._kernel_state = (self._numbers, self._operations, self._flags, self._reals)
        self._name_the_lines(max_jobs, max_machines)
        self.done[:] = True
        self.illegal_count, self.done_count = 0, batch_size
        self._observer = JobShopObserver(
            self._reals, max_jobs, max_machines, max_operations, "tardiness" in objective, look_ahead
        )
        self._look_ahead = look_ahead
        self.spec = self._observer.spec
        self._all_rows = np.arange(batch_size)
        self._own_buffers = (*self._kernel_state, *self._observer.state.dynamic_arrays)

    def _name_the_lines(self, max_jobs: int, max_machines: int) -> None:
        row, flags = self._numbers[:, k.ROW], self._flags
        jobs, machines = self._numbers[:, :max_jobs], self._numbers[:, :max_machines]
        row[:, k.BUILDER], row[:, k.OBJECTIVE] = BUILDERS.index(self.builder), OBJECTIVES.index(self.objective_name)
        self.done, self.illegal, self.action_mask = flags[:, k.DONE], flags[:, k.ILLEGAL], flags[:, k.LEGAL :]
        self._reward = self._reals[:, k.REWARD]
        self.num_jobs, self.num_machines = row[:, k.NUM_JOBS], row[:, k.NUM_MACHINES]
        self.num_operations = row[:, k.NUM_OPERATIONS]
        self.steps = row[:, k.SCHEDULED]
        self.clock, self.bound = row[:, k.CLOCK], row[:, k.BOUND]
        self.release, self.due, self.weight = jobs[:, :, k.RELEASE], jobs[:, :, k.DUE], jobs[:, :, k.WEIGHT]
        self.job_work, self.first_operation = jobs[:, :, k.WORK], jobs[:, :, k.FIRST]
        self.job_length = jobs[:, :, k.LENGTH]
        self.next_operation, self.job_ready = jobs[:, :, k.NEXT], jobs[:, :, k.READY]
        self.candidate_machine, self.candidate_duration = jobs[:, :, k.MACHINE], jobs[:, :, k.DURATION]
        self.earliest_start = jobs[:, :, k.EARLIEST]
        self.remaining_work, self.remaining_operations = jobs[:, :, k.REMAINING], jobs[:, :, k.OPERATIONS]
        self.machine_ready, self.machine_work = machines[:, :, k.FREE], machines[:, :, k.LOAD]
        self.machine, self.duration = self._operations[:, k.OF_MACHINE], self._operations[:, k.OF_DURATION]
        self.start = self._operations[:, k.OF_START]

    def _load(self, row: int, instance: JobShopInstance) -> None:
        jobs, machines, operations = instance.num_jobs, instance.num_machines, instance.num_operations
        limits = (self.action_mask.shape[1], self.machine_ready.shape[1], self.start.shape[1])
        if jobs > limits[0] or machines > limits[1] or operations > limits[2]:
            raise ValueError(
                f"{instance.name} ({jobs} jobs, {machines} machines, {operations} operations) does not fit into an "
                f"environment made for {limits[0]} jobs, {limits[1]} machines, {limits[2]} operations"
            )
        if instance.due is None and "tardiness" in self.objective_name:
            raise ValueError(f"{instance.name} has no due dates, which {self.objective_name} needs")
        self.num_jobs[row], self.num_machines[row], self.num_operations[row] = jobs, machines, operations
        self.machine[row, :operations] = instance.machine
        self.duration[row, :operations] = instance.duration
        lines = self._operations[row]
        job = np.repeat(np.arange(jobs), np.diff(instance.first_operation))
        done_work = np.cumsum(instance.duration) - instance.duration
        lines[k.OF_JOB, :operations] = job
        lines[k.OF_HEAD, :operations] = done_work - done_work[instance.first_operation[job]]
        lines[k.BY_MACHINE, :operations] = np.argsort(instance.machine, kind="stable")
        self._numbers[row, : k.ROW] = 0
        listed = np.bincount(instance.machine, minlength=machines)
        self._numbers[row, :machines, k.LISTED] = listed
        self._numbers[row, :machines, k.LISTED_FROM] = np.cumsum(listed) - listed
        self.first_operation[row, :jobs] = instance.first_operation[:-1]
        self.job_length[row, :jobs] = np.diff(instance.first_operation)
        self.release[row, :jobs] = instance.release
        self.weight[row, :jobs] = instance.weight
        self.due[row, :jobs] = 0 if instance.due is None else instance.due
        job_work = instance.job_work
        self.job_work[row, :jobs] = job_work
        self.instances[row] = instance
        load = np.bincount(instance.machine, weights=instance.duration)
        makespan_bound = max(int((instance.release + job_work).max()), int(load.max()), 1)
        cost_weight = instance.weight if self.objective_name == "total-weighted-tardiness" else np.ones(jobs)
        self.scale[row] = makespan_bound * (
            1.0 if self.objective_name == "makespan" else max(float(cost_weight.sum()), 1.0)
        )
        self._observer.load(row, instance, makespan_bound)

    def _start(self, rows: NDArray[np.int64]) -> None:
        k.reset_rows(rows, *self._kernel_state)

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Start the next operation of job ``action[b]`` in every row; see :class:`Simulator`."""
        if len(action) != self.batch_size:  # compiled code does not look
            raise ValueError(f"{len(action)} actions for {self.batch_size} rows")
        self.illegal_count, self.done_count = k.step_rows(action, False, *self._own_buffers)
        return self._reward

    def step_and_observe(
        self, action: NDArray[np.int64], out: GraphState | None = None
    ) -> tuple[NDArray[np.float64], GraphState]:
        """:meth:`step` and :meth:`observe` in one pass over the batch."""
        if len(action) != self.batch_size:
            raise ValueError(f"{len(action)} actions for {self.batch_size} rows")
        state = self._observer.state if out is None else out
        buffers = self._own_buffers if out is None else (*self._kernel_state, *out.dynamic_arrays)
        self.illegal_count, self.done_count = k.step_rows(action, True, *buffers)
        if self._look_ahead:
            look_ahead_rows(self._all_rows, *self._kernel_state, state.features)
        return self._reward, state

    def observe(self, out: GraphState | None = None, rows: NDArray[np.intp] | None = None) -> GraphState:
        """The observation; features are described in :mod:`.observe`."""
        state = self._observer.state if out is None else out
        chosen = self._all_rows if rows is None else rows
        k.observe_rows(chosen, *self._kernel_state, *state.dynamic_arrays)
        if self._look_ahead:
            look_ahead_rows(chosen, *self._kernel_state, state.features)
        return state

    def play_forced(self) -> NDArray[np.float64]:
        """Play on in every row while only one job is legal; see :class:`Simulator`."""
        self.done_count = k.play_forced_rows(*self._kernel_state)
        return self._reward

    def objective(self) -> NDArray[np.float64]:
        """The objective of each row; before the end, a lower bound on what can still be reached."""
        return self.bound.astype(np.float64)

    def solution(self, row: int) -> JobShopSolution:
        """Start times of row ``row`` so far."""
        return JobShopSolution(self.start[row, : self.num_operations[row]].copy())

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """What changes during an episode."""
        return {
            "numbers": self._numbers,
            "operations": self._operations,
            "flags": self._flags,
            "reals": self._reals,
        }
