"""What a job-shop policy sees: operations, machines and jobs as a graph, and one candidate per job.

Nodes are the operations (in the instance's numbering), then the machines, then the jobs. Edges are linear in the size of the
instance: ``precedes`` leads from an operation to its job's next, ``processed_on`` from an operation to its machine and
``part_of`` to its job; the disjunctive cliques of the classical graph are the pairs that share a machine node.

Scales: *u* is the instance's mean duration; *H* the trivial makespan bound (the larger of the longest job, release included, and
the most loaded machine); *left* the same bound on the work still to do, counted from the clock. All are at least 1. Features are
clipped to +-10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from ..core.graph import FEATURE_LIMIT, PADDING, GraphSpec, GraphState
from .instance import JobShopInstance

if TYPE_CHECKING:
    from .simulate import JobShopSimulator

NODE_FEATURES = (
    "is_operation",
    "is_machine",
    "is_job",
    "duration",  # of an operation, in u
    "head",  # work of the job before the operation, in H
    "tail",  # work of the job after the operation, in H
    "position",  # of the operation in its job, 0 .. 1
    "load",  # total work of the machine, of the job, or of the operation's machine, in H
    "operations",  # on the machine per job of the instance, or of the job per machine
    "release",  # of the job, in H
    "due",  # of the job, in H; 0 without due dates
    "weight",  # of the job, share of the largest
)

CANDIDATE_FEATURES = (
    "duration",  # of the next operation, in u
    "wait",  # from the clock to its earliest start, in u
    "job_queued",  # how long the job will have waited by then, in u
    "machine_idle",  # how long the machine will have idled by then, in u
    "job_work",  # remaining work of the job, in left
    "job_tail",  # the same without this operation, in left
    "job_operations",  # remaining operations, share of the longest remaining job
    "job_progress",  # share of the job's work that is scheduled
    "job_critical",  # earliest completion of the job from the clock, in left
    "machine_critical",  # earliest completion of its machine from the clock, in left
    "rivals",  # other jobs whose next operation needs this machine, share of unfinished jobs
    "rivals_work",  # their durations on it, in left
    "rivals_tail",  # their longest tail minus this one's, in left
    "next_duration",  # of the operation after this one, in u
    "next_wait",  # when that operation's machine is ready, from this one's end, in u
    "next_machine_critical",  # earliest completion of that machine from the clock, in left
    "next_queue",  # other jobs whose next operation needs that machine, share of unfinished jobs
    "slack",  # due date minus earliest completion, in left; 0 without due dates
    "operation_slack",  # operation due date (by TWK) minus this operation's earliest end, in u; 0 without
    "weight",  # of the job, share of the largest
    "legal",
)

CONTEXT_FEATURES = (
    "progress",  # scheduled operations, share
    "unfinished",  # unfinished jobs, share
    "legal",  # legal jobs, share of the unfinished
    "left",  # work still to do, in H
    "growth",  # (clock + left) / H - 1: how much worse than the trivial bound it must become
    "jobs",  # log(1 + jobs) / 5
    "machines",  # log(1 + machines) / 5
    "has_due",
)


class JobShopObserver:
    """Fills the buffers of one simulator's observations."""

    def __init__(self, simulator: JobShopSimulator, max_jobs: int, max_machines: int, max_operations: int) -> None:
        self._simulator = simulator
        self._first_machine = max_operations
        self._first_job = max_operations + max_machines
        self.spec = GraphSpec(
            num_nodes=max_operations + max_machines + max_jobs,
            node_features=NODE_FEATURES,
            relations=(("precedes", max_operations), ("processed_on", max_operations), ("part_of", max_operations)),
            num_actions=max_jobs,
            candidate_features=CANDIDATE_FEATURES,
            context_features=CONTEXT_FEATURES,
        )
        batch = simulator.batch_size
        self._state = GraphState.empty(self.spec, batch)
        self._mean_duration = np.ones(batch)
        self._makespan_bound = np.ones(batch)
        self._max_weight = np.ones(batch)
        self._machine_scratch = np.zeros((4, max_machines))

    def load(self, row: int, instance: JobShopInstance, makespan_bound: int) -> None:
        """Write the static part of row ``row``."""
        state, count = self._state, instance.num_operations
        machines, jobs = instance.num_machines, instance.num_jobs
        mean_duration = max(float(instance.duration.mean()), 1.0)
        max_weight = max(float(instance.weight.max()), 1.0)
        self._mean_duration[row], self._makespan_bound[row] = mean_duration, makespan_bound
        self._max_weight[row] = max_weight
        operation_rows = np.arange(count)
        machine_rows = self._first_machine + np.arange(machines)
        job_rows = self._first_job + np.arange(jobs)

        lengths = np.diff(instance.first_operation)
        job = np.repeat(np.arange(jobs), lengths)
        done_work = np.cumsum(instance.duration) - instance.duration
        head = done_work - done_work[instance.first_operation[:-1]][job]
        machine_work = np.bincount(instance.machine, weights=instance.duration, minlength=machines)
        column = {name: index for index, name in enumerate(NODE_FEATURES)}
        nodes = state.nodes[row]
        nodes[:] = 0
        nodes[operation_rows, column["is_operation"]] = 1
        nodes[machine_rows, column["is_machine"]] = 1
        nodes[job_rows, column["is_job"]] = 1
        nodes[operation_rows, column["duration"]] = instance.duration / mean_duration
        nodes[operation_rows, column["head"]] = head / makespan_bound
        tail = instance.job_work[job] - head - instance.duration
        nodes[operation_rows, column["tail"]] = tail / makespan_bound
        position = operation_rows - instance.first_operation[:-1][job]
        nodes[operation_rows, column["position"]] = position / np.maximum(lengths[job] - 1, 1)
        nodes[operation_rows, column["load"]] = machine_work[instance.machine] / makespan_bound
        nodes[machine_rows, column["load"]] = machine_work / makespan_bound
        nodes[job_rows, column["load"]] = instance.job_work / makespan_bound
        nodes[machine_rows, column["operations"]] = np.bincount(instance.machine, minlength=machines) / jobs
        nodes[job_rows, column["operations"]] = lengths / machines
        nodes[job_rows, column["release"]] = instance.release / makespan_bound
        if instance.due is not None:
            nodes[job_rows, column["due"]] = instance.due / makespan_bound
        nodes[job_rows, column["weight"]] = instance.weight / max_weight
        np.clip(nodes, -FEATURE_LIMIT, FEATURE_LIMIT, out=nodes)

        state.node_mask[row] = 0
        for rows in (operation_rows, machine_rows, job_rows):
            state.node_mask[row, rows] = 1
        chained = operation_rows[:-1][np.diff(job) == 0]
        for name, source, target in (
            ("precedes", chained, chained + 1),
            ("processed_on", operation_rows, self._first_machine + instance.machine),
            ("part_of", operation_rows, self._first_job + job),
        ):
            edges = state.edges[name][row]
            edges[:] = PADDING
            edges[0, : len(source)] = source
            edges[1, : len(source)] = target

    def observe(self) -> GraphState:
        """Write the dynamic part of every row and return the views."""
        s, state = self._simulator, self._state
        _observe_rows(
            self._mean_duration, self._makespan_bound, self._max_weight, self._machine_scratch,
            s.num_jobs, s.num_machines, s.num_operations, s.machine, s.duration, s.release, s.due, s.has_due, s.weight,
            s.job_work, s.next_operation, s.candidate_machine, s.candidate_duration, s.job_ready, s.machine_ready,
            s.earliest_start, s.remaining_work, s.remaining_operations, s.machine_work, s.clock, s.scheduled,
            s.action_mask, state.candidate, state.features, state.context, state.action_mask,
        )  # fmt: skip
        return state


@njit(cache=True, nogil=True)
def _observe_rows(
    mean_duration, makespan_bound, max_weight, scratch,
    num_jobs, num_machines, num_operations, machine, duration, release, due, has_due, weight,
    job_work, next_operation, candidate_machine, candidate_duration, job_ready, machine_ready,
    earliest_start, remaining_work, remaining_operations, machine_work, clock, scheduled,
    action_mask, candidate, features, context, mask,
):  # fmt: skip
    queue, queue_work, longest_tail, second_tail = scratch[0], scratch[1], scratch[2], scratch[3]
    for b in range(len(num_jobs)):
        jobs, machines = num_jobs[b], num_machines[b]
        u, now = mean_duration[b], clock[b]
        queue[:machines] = 0.0
        queue_work[:machines] = 0.0
        longest_tail[:machines] = -1.0
        second_tail[:machines] = -1.0
        left, most_operations, unfinished, legal = 1.0, 1, 0, 0
        for j in range(jobs):
            if remaining_operations[b, j] == 0:
                continue
            unfinished += 1
            legal += action_mask[b, j]
            left = max(left, earliest_start[b, j] + remaining_work[b, j] - now)
            most_operations = max(most_operations, remaining_operations[b, j])
            m = candidate_machine[b, j]
            queue[m] += 1.0
            queue_work[m] += candidate_duration[b, j]
            tail = float(remaining_work[b, j] - candidate_duration[b, j])
            if tail > longest_tail[m]:
                longest_tail[m], second_tail[m] = tail, longest_tail[m]
            elif tail > second_tail[m]:
                second_tail[m] = tail
        for m in range(machines):
            left = max(left, machine_ready[b, m] + machine_work[b, m] - now)

        for j in range(features.shape[1]):
            mask[b, j] = action_mask[b, j]
            out = features[b, j]
            if j >= jobs or remaining_operations[b, j] == 0:
                # a finished job points at its last operation, so that candidates of real jobs are real nodes
                candidate[b, j] = next_operation[b, j] - 1 if j < jobs else -1
                out[:] = 0.0
                continue
            operation, m, p = next_operation[b, j], candidate_machine[b, j], candidate_duration[b, j]
            start, work = earliest_start[b, j], remaining_work[b, j]
            tail = float(work - p)
            candidate[b, j] = operation
            out[0] = p / u
            out[1] = (start - now) / u
            out[2] = (start - job_ready[b, j]) / u
            out[3] = (start - machine_ready[b, m]) / u
            out[4] = work / left
            out[5] = tail / left
            out[6] = remaining_operations[b, j] / most_operations
            out[7] = 1.0 - work / max(job_work[b, j], 1)
            out[8] = (start + work - now) / left
            out[9] = (machine_ready[b, m] + machine_work[b, m] - now) / left
            out[10] = (queue[m] - 1.0) / unfinished
            out[11] = (queue_work[m] - p) / left
            rival_tail = second_tail[m] if tail == longest_tail[m] else longest_tail[m]
            out[12] = (max(rival_tail, 0.0) - tail) / left
            if remaining_operations[b, j] > 1:
                following = machine[b, operation + 1]
                out[13] = duration[b, operation + 1] / u
                out[14] = (machine_ready[b, following] - start - p) / u
                out[15] = (machine_ready[b, following] + machine_work[b, following] - now) / left
                out[16] = (queue[following] - (1.0 if following == m else 0.0)) / unfinished
            else:
                out[13:17] = 0.0
            if has_due[b]:
                allowance = (due[b, j] - release[b, j]) / max(job_work[b, j], 1)
                operation_due = release[b, j] + allowance * (job_work[b, j] - tail)
                out[17] = (due[b, j] - start - work) / left
                out[18] = (operation_due - start - p) / u
            else:
                out[17:19] = 0.0
            out[19] = weight[b, j] / max_weight[b]
            out[20] = 1.0 if action_mask[b, j] else 0.0
            for k in range(len(out)):
                out[k] = min(max(out[k], -FEATURE_LIMIT), FEATURE_LIMIT)

        row = context[b]
        row[0] = scheduled[b] / num_operations[b] if num_operations[b] > 0 else 0.0
        row[1] = unfinished / jobs if jobs > 0 else 0.0
        row[2] = legal / unfinished if unfinished > 0 else 0.0
        row[3] = left / makespan_bound[b] if unfinished > 0 else 0.0
        row[4] = (now + left) / makespan_bound[b] - 1.0
        row[5] = np.log(1.0 + jobs) / 5.0
        row[6] = np.log(1.0 + machines) / 5.0
        row[7] = 1.0 if has_due[b] else 0.0
        for k in range(len(row)):
            row[k] = min(max(row[k], -FEATURE_LIMIT), FEATURE_LIMIT)
