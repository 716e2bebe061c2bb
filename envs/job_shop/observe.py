"""What a job-shop policy sees: operations, machines and jobs as a graph, and one candidate per job.

Nodes are the operations (in the instance's numbering), then the machines, then the jobs. Edges are linear in the size
of the instance: ``precedes`` leads from an operation to its job's next, ``processed_on`` from an operation to its
machine and ``part_of`` to its job; the disjunctive cliques of the classical graph are the pairs that share a machine
node.

Scales: *u* is the instance's mean duration; *H* the trivial makespan bound (the larger of the longest job, release
included, and the most loaded machine); *left* the current lower bound on the makespan, minus the clock. All are at
least 1. Features are clipped to +-10.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.graph import FEATURE_LIMIT, PADDING, GraphSpec, GraphState
from .instance import JobShopInstance
from .kernels import LOG_JOBS, LOG_MACHINES, PER_BOUND, PER_UNIT, PER_WEIGHT

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
    "due",  # of the job, in H; 0 unless the objective is a tardiness
    "weight",  # of the job, share of the largest
)

CANDIDATE_FEATURES = (
    "duration",  # of the next operation, in u
    "wait",  # from the clock to its earliest start, in u
    "ready_gap",  # job ready minus machine ready, in u: positive if the machine idles, negative if the job queues
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
    "delay",  # earliest start minus the earliest one among the jobs whose next operation needs this machine, in u
)

# shown only if asked for, and 0 where the job is not legal; see look_ahead for heads, tails and estimates
LOOK_AHEAD_FEATURES = (
    "rivals_critical",  # latest earliest-completion of the jobs that wait for this machine if this one goes first, left
    "machine_bound",  # this machine's work after this operation, then the shortest tail: from the clock, in left
    "coming",  # operations of this machine whose head is before this one's end, behind others of their jobs, share
    "coming_work",  # their durations, in left
    "coming_critical",  # as rivals_critical, of their jobs
    "next_arrival",  # the first head after this operation's end, from it, in u; the limit if there is none
    "next_queue_work",  # durations of the operations that wait for the machine of the operation after this one, in left
    "route_load",  # earliest completion of the most loaded machine that the job must visit later, from the clock, left
    "route_arrival",  # when the job could be there, from the clock, in left
    "route_tail",  # the job's work after that visit, in left
    "route_gap",  # that arrival minus the time at which what waits there is done, in u: positive if it could idle
    "own_estimate",  # estimate of this machine if the job starts now, from the clock, in left
    "top_estimate",  # estimate of the most loaded machine of all
    "route_estimate",  # estimate of the machine of route_load
)

# shown only if the objective is a tardiness: an agent that does not care about due dates should not see them
DUE_DATE_FEATURES = (
    "slack",  # due date minus earliest completion, in left
    "operation_slack",  # operation due date (by TWK) minus this operation's earliest end, in u
    "weight",  # of the job, share of the largest
)

CONTEXT_FEATURES = (
    "progress",  # scheduled operations, share
    "unfinished",  # unfinished jobs, share
    "legal",  # legal jobs, share of the unfinished
    "left",  # work still to do, in H
    "growth",  # (clock + left) / H - 1: how much worse than the trivial bound it must become
    "jobs",  # log(1 + jobs) / 5
    "machines",  # log(1 + machines) / 5
    "bottleneck",  # earliest completion of the most loaded machine, from the clock, in left
    "mean_load",  # the same of all machines, mean
)


class JobShopObserver:
    """Holds the buffers of one simulator's observations and writes their static part.

    Args:
        reals: The simulator's real numbers ``[B, REALS]``, among which are the scales that this class writes.
        max_jobs: Jobs of the largest instance.
        max_machines: Machines of the largest instance.
        max_operations: Operations of the largest instance.
        due_dates: Whether to show due dates.
        look_ahead: Whether to show the features that look ahead.

    Attributes:
        spec: Sizes and names.
        state: The buffers.
    """

    def __init__(
        self,
        reals: NDArray[np.float64],
        max_jobs: int,
        max_machines: int,
        max_operations: int,
        due_dates: bool,
        look_ahead: bool,
    ) -> None:
        self._due_dates = due_dates
        self._first_machine = max_operations
        self._first_job = max_operations + max_machines
        self.spec = GraphSpec(
            num_nodes=max_operations + max_machines + max_jobs,
            node_features=NODE_FEATURES,
            relations=(("precedes", max_operations), ("processed_on", max_operations), ("part_of", max_operations)),
            num_actions=max_jobs,
            candidate_features=(
                CANDIDATE_FEATURES
                + (LOOK_AHEAD_FEATURES if look_ahead else ())
                + (DUE_DATE_FEATURES if due_dates else ())
            ),
            context_features=CONTEXT_FEATURES,
        )
        self.state = GraphState.empty(self.spec, len(reals))
        self._reals = reals

    def load(self, row: int, instance: JobShopInstance, makespan_bound: int) -> None:
        """Write the static part of row ``row``."""
        state, count = self.state, instance.num_operations
        machines, jobs = instance.num_machines, instance.num_jobs
        mean_duration = max(float(instance.duration.mean()), 1.0)
        max_weight = max(float(instance.weight.max()), 1.0)
        self._reals[row, PER_UNIT] = 1.0 / mean_duration
        self._reals[row, PER_BOUND] = 1.0 / makespan_bound
        self._reals[row, PER_WEIGHT] = 1.0 / max_weight
        self._reals[row, LOG_JOBS] = np.log1p(jobs) / 5
        self._reals[row, LOG_MACHINES] = np.log1p(machines) / 5
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
        if self._due_dates and instance.due is not None:
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
