"""The physics of the job shop: a batch of schedules built one operation at a time.

A decision appends the next operation of one job to its machine, at
``max(job ready, machine ready)``. What differs between schedule builders is which jobs may be chosen:

* ``append``: every unfinished job.
* ``nondelay``: jobs whose next operation can start at the earliest time at which any can, so that no machine
  idles while work waits for it (Baker 1974, section 7.1).
* ``active``: jobs that compete for the machine of the operation that could finish first, and could start
  before that finish (Giffler & Thompson, Operations Research 8, 1960). Ties for the first finish go to the lowest job.

The reward of a step is the fall of minus a lower bound on the objective, starting from 0 before the first step. The
bound never falls, and after the last step it is the objective, so an episode's rewards sum to minus the objective. For
the makespan it is the larger of (a) each job's earliest next start plus remaining work and (b) each machine's ready time plus
remaining work; for the other objectives it sums each job's cost at its bound (a).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..core.graph import GraphState
from ..core.simulator import Simulator
from .config import BUILDERS, OBJECTIVES
from .instance import JobShopInstance
from .observe import JobShopObserver
from .solution import UNSCHEDULED, JobShopSolution

NONDELAY, ACTIVE, APPEND = (BUILDERS.index(name) for name in ("nondelay", "active", "append"))
MAKESPAN, TARDINESS, WEIGHTED_TARDINESS, FLOW_TIME = range(len(OBJECTIVES))
FAR_FUTURE = np.iinfo(np.int64).max


class JobShopSimulator(Simulator[JobShopInstance, JobShopSolution]):
    """B job shops side by side; action j starts the next operation of job j.

    The arrays below are public: dispatching rules and search read them. J, M and N are the largest numbers of jobs,
    machines and operations; rows with smaller instances leave the rest unused.

    Attributes:
        num_jobs, num_machines, num_operations: Sizes of each row's instance, ``[B]``.
        machine, duration: Of each operation, ``[B, N]``.
        first_operation: Where each job's operations begin, ``[B, J + 1]``.
        release, due, weight, job_work: Of each job, ``[B, J]``; ``due`` is 0 where there are none.
        next_operation: Each job's next operation, ``[B, J]``; one past its last when it is finished.
        candidate_machine, candidate_duration: Of that operation, ``[B, J]``; 0 for finished jobs.
        job_ready: When each job is released or its last scheduled operation ends, ``[B, J]``.
        machine_ready: When each machine's last scheduled operation ends, ``[B, M]``.
        earliest_start: ``max(job_ready, machine_ready)`` of the next operation, ``[B, J]``.
        remaining_work, remaining_operations: Of each job, next operation included, ``[B, J]``.
        machine_work: Processing time not yet scheduled on each machine, ``[B, M]``.
        clock: The earliest start over all unfinished jobs, ``[B]``: "now" for the non-delay builder.
        bound: Lower bound on the objective (see the module's text), ``[B]``.
        start: Start time of each scheduled operation, ``[B, N]``, else -1.
    """

    def __init__(
        self,
        max_jobs: int,
        max_machines: int,
        max_operations: int,
        batch_size: int,
        builder: str = "nondelay",
        objective: str = "makespan",
    ) -> None:
        b, j, m, n = batch_size, max_jobs, max_machines, max_operations
        self.batch_size = batch_size
        self.builder = builder
        self.objective_name = objective
        self._builder = BUILDERS.index(builder)
        self._objective = OBJECTIVES.index(objective)
        self.instances: list[JobShopInstance | None] = [None] * b

        def integers(*shape: int) -> NDArray[np.int64]:
            return np.zeros(shape, np.int64)

        self.num_jobs, self.num_machines, self.num_operations = integers(b), integers(b), integers(b)
        self.machine, self.duration, self.first_operation = integers(b, n), integers(b, n), integers(b, j + 1)
        self.release, self.due, self.weight, self.job_work = (integers(b, j) for _ in range(4))
        self.has_due = np.zeros(b, np.bool_)
        self.scale = np.ones(b)

        self.next_operation, self.candidate_machine, self.candidate_duration = (integers(b, j) for _ in range(3))
        self.job_ready, self.earliest_start = integers(b, j), integers(b, j)
        self.remaining_work, self.remaining_operations = integers(b, j), integers(b, j)
        self.machine_ready, self.machine_work = integers(b, m), integers(b, m)
        self.clock, self.bound, self.scheduled = integers(b), integers(b), integers(b)
        self.start = np.full((b, n), UNSCHEDULED, np.int64)
        self.action_mask = np.zeros((b, j), np.bool_)
        self.done = np.ones(b, np.bool_)
        self.illegal = np.zeros(b, np.bool_)
        self._reward = np.zeros(b)
        self._observer = JobShopObserver(self, max_jobs, max_machines, max_operations)
        self.spec = self._observer.spec

    def reset(self, instances: Sequence[JobShopInstance], rows: Sequence[int] | None = None) -> None:
        """Start an episode of ``instances[i]`` in row ``rows[i]``; see :class:`Simulator`."""
        rows = range(self.batch_size) if rows is None else rows
        if len(instances) != len(rows):
            raise ValueError(f"{len(instances)} instances for {len(rows)} rows")
        for row, instance in zip(rows, instances, strict=True):
            if self.instances[row] is not instance:
                self._load(row, instance)
        _reset_rows(np.asarray(rows, np.int64), self.release, self.job_work, *self._kernel_state())

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
        self.first_operation[row, : jobs + 1] = instance.first_operation
        self.release[row, :jobs] = instance.release
        self.weight[row, :jobs] = instance.weight
        self.due[row, :jobs] = 0 if instance.due is None else instance.due
        self.has_due[row] = instance.due is not None
        self.job_work[row, :jobs] = instance.job_work
        self.instances[row] = instance
        makespan_bound = max(
            int((instance.release + instance.job_work).max()),
            int(np.bincount(instance.machine, weights=instance.duration, minlength=1).max()),
            1,
        )
        cost_weight = instance.weight if self._objective == WEIGHTED_TARDINESS else np.ones(jobs)
        self.scale[row] = makespan_bound * (1.0 if self._objective == MAKESPAN else max(float(cost_weight.sum()), 1.0))
        self._observer.load(row, instance, makespan_bound)

    def _kernel_state(self) -> tuple[Any, ...]:
        return (
            self._builder, self._objective, self.num_jobs, self.num_machines, self.num_operations,
            self.machine, self.duration, self.first_operation, self.release, self.due, self.weight,
            self.next_operation, self.candidate_machine, self.candidate_duration, self.job_ready, self.machine_ready,
            self.earliest_start, self.remaining_work, self.remaining_operations, self.machine_work, self.clock,
            self.bound, self.scheduled, self.start, self.action_mask, self.done, self.illegal, self._reward,
        )  # fmt: skip

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Start the next operation of job ``action[b]`` in every row; see :class:`Simulator`."""
        _step_rows(action, *self._kernel_state())
        return self._reward

    def observe(self) -> GraphState:
        """The observation; features are described in :mod:`.observe`."""
        return self._observer.observe()

    def objective(self) -> NDArray[np.float64]:
        """The objective of each row; before the end, a lower bound on what can still be reached."""
        return self.bound.astype(np.float64)

    def solution(self, row: int) -> JobShopSolution:
        """Start times of row ``row`` so far."""
        return JobShopSolution(self.start[row, : self.num_operations[row]].copy())

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """What changes during an episode."""
        names = (
            "next_operation", "candidate_machine", "candidate_duration", "job_ready", "machine_ready", "earliest_start",
            "remaining_work", "remaining_operations", "machine_work", "clock", "bound", "scheduled", "start",
            "action_mask", "done", "illegal", "_reward",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


@njit(cache=True, nogil=True)
def _refresh(
    b, builder, objective, jobs, machines, release, due, weight,
    candidate_machine, candidate_duration, job_ready, machine_ready, earliest_start, remaining_work,
    remaining_operations, machine_work, clock, bound, action_mask,
):  # fmt: skip
    """After row ``b`` changed: earliest starts, clock, legal jobs, bound."""
    first_start, first_finish, first_job = FAR_FUTURE, FAR_FUTURE, -1
    new_bound = np.int64(0)
    for j in range(jobs):
        start = job_ready[b, j]
        if remaining_operations[b, j] > 0:
            start = max(start, machine_ready[b, candidate_machine[b, j]])
            finish = start + candidate_duration[b, j]
            first_start = min(first_start, start)
            if finish < first_finish:
                first_finish, first_job = finish, j
        earliest_start[b, j] = start
        completion = start + remaining_work[b, j]
        if objective == MAKESPAN:
            new_bound = max(new_bound, completion)
        elif objective == FLOW_TIME:
            new_bound += completion - release[b, j]
        else:
            late = max(completion - due[b, j], 0)
            new_bound += late * (weight[b, j] if objective == WEIGHTED_TARDINESS else 1)
    if objective == MAKESPAN:
        for m in range(machines):
            new_bound = max(new_bound, machine_ready[b, m] + machine_work[b, m])
    bound[b] = new_bound
    if first_job < 0:  # all jobs are finished; one action stays legal, because masks must not be empty
        action_mask[b, :] = False
        action_mask[b, 0] = True
        return
    clock[b] = first_start
    for j in range(jobs):
        legal = remaining_operations[b, j] > 0
        if builder == NONDELAY:
            legal = legal and earliest_start[b, j] == first_start
        elif builder == ACTIVE:
            same_machine = candidate_machine[b, j] == candidate_machine[b, first_job]
            legal = legal and same_machine and (earliest_start[b, j] < first_finish or j == first_job)
        action_mask[b, j] = legal


@njit(cache=True, nogil=True)
def _reset_rows(
    rows, releases, job_work, builder, objective, num_jobs, num_machines, num_operations,
    machine, duration, first_operation, release, due, weight,
    next_operation, candidate_machine, candidate_duration, job_ready, machine_ready,
    earliest_start, remaining_work, remaining_operations, machine_work, clock,
    bound, scheduled, start, action_mask, done, illegal, reward,
):  # fmt: skip
    for b in rows:
        for j in range(num_jobs[b]):
            first = first_operation[b, j]
            next_operation[b, j] = first
            candidate_machine[b, j] = machine[b, first]
            candidate_duration[b, j] = duration[b, first]
            job_ready[b, j] = releases[b, j]
            remaining_work[b, j] = job_work[b, j]
            remaining_operations[b, j] = first_operation[b, j + 1] - first
        for j in range(num_jobs[b], next_operation.shape[1]):
            next_operation[b, j] = candidate_machine[b, j] = candidate_duration[b, j] = job_ready[b, j] = 0
            remaining_work[b, j] = remaining_operations[b, j] = earliest_start[b, j] = 0
            action_mask[b, j] = False
        machine_ready[b, :] = 0
        machine_work[b, :] = 0
        for o in range(num_operations[b]):
            machine_work[b, machine[b, o]] += duration[b, o]
        start[b, :] = UNSCHEDULED
        clock[b] = scheduled[b] = 0
        done[b] = illegal[b] = False
        reward[b] = 0.0
        _refresh(
            b, builder, objective, num_jobs[b], num_machines[b], release, due, weight,
            candidate_machine, candidate_duration, job_ready, machine_ready, earliest_start, remaining_work,
            remaining_operations, machine_work, clock, bound, action_mask,
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _step_rows(
    action, builder, objective, num_jobs, num_machines, num_operations,
    machine, duration, first_operation, release, due, weight,
    next_operation, candidate_machine, candidate_duration, job_ready, machine_ready,
    earliest_start, remaining_work, remaining_operations, machine_work, clock,
    bound, scheduled, start, action_mask, done, illegal, reward,
):  # fmt: skip
    for b in range(len(action)):
        reward[b] = 0.0
        illegal[b] = False
        if done[b]:
            continue
        j = action[b]
        if j < 0 or j >= num_jobs[b] or not action_mask[b, j]:
            illegal[b] = True
            continue
        operation, m, p = next_operation[b, j], candidate_machine[b, j], candidate_duration[b, j]
        begin = earliest_start[b, j]
        start[b, operation] = begin
        job_ready[b, j] = machine_ready[b, m] = begin + p
        machine_work[b, m] -= p
        remaining_work[b, j] -= p
        remaining_operations[b, j] -= 1
        next_operation[b, j] = operation + 1
        if remaining_operations[b, j] > 0:
            candidate_machine[b, j] = machine[b, operation + 1]
            candidate_duration[b, j] = duration[b, operation + 1]
        else:
            candidate_machine[b, j] = candidate_duration[b, j] = 0
        charged = bound[b] if scheduled[b] > 0 else 0
        scheduled[b] += 1
        _refresh(
            b, builder, objective, num_jobs[b], num_machines[b], release, due, weight,
            candidate_machine, candidate_duration, job_ready, machine_ready, earliest_start, remaining_work,
            remaining_operations, machine_work, clock, bound, action_mask,
        )  # fmt: skip
        reward[b] = charged - bound[b]
        done[b] = scheduled[b] == num_operations[b]
