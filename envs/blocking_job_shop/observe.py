"""What a policy of a blocking job shop sees: operations, machines and jobs as a graph, candidates, and waiting.

Nodes are the operations (in the instance's numbering), then the machines, the jobs, and last the shop, which stands for
waiting. ``precedes`` leads from an operation to its job's next, ``processed_on`` from an operation to its machine,
``part_of`` to its job, and ``stands_in`` from a machine to the shop. If asked for, observations also hold the dynamic
disjunctive graph: what every node is at now, and edges that come and go.

Scales: *u* is the instance's mean duration; *H* the trivial makespan bound (the larger of the longest job, release
included, and the most loaded machine); *left* the current lower bound on the makespan, minus the clock; *M* machines.
All are at least 1. Features are clipped to +-10. What a machine that is down still needs is its mean time of repair,
given how long it has been down. Nothing here tells when machines will fail.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.graph import FEATURE_LIMIT, PADDING, GraphSpec, GraphState
from . import features as f
from . import state as s
from .instance import BlockingInstance

NODE_FEATURES = (
    "is_operation",
    "is_machine",
    "is_job",
    "is_shop",
    "duration",  # of an operation, in u
    "head",  # work of the job before the operation, in H
    "tail",  # work of the job after the operation, in H
    "position",  # of the operation in its job, 0 .. 1
    "load",  # total work of the machine, of the job, or of the operation's machine, in H
    "operations",  # on the machine per job of the instance, or of the job per machine
    "release",  # of the job, in H
)

# 0 where the action is not legal; the last of a name's line says of what
CANDIDATE_FEATURES = (
    "is_wait",
    "is_inside",  # the job holds a machine
    "duration",  # of the next operation, in u
    "work",  # remaining work of the job from it on, in left
    "tail",  # the same without it, in left
    "operations",  # remaining operations, share of the longest remaining job
    "progress",  # share of the job's work that has begun
    "waited",  # since it could have gone on, log(1 + u)
    "machine_work",  # not started on that machine, in left
    "rivals",  # other jobs that could enter the machine now, share of unfinished jobs
    "rivals_inside",  # of them those that hold a machine, in M
    "rivals_work",  # the longest remaining work of them minus its own, in left
    "rivals_duration",  # the shortest operation of them minus its own, in u
    "coming",  # jobs in progress that want the machine next, in M
    "coming_in",  # the first of them is complete after, in u; 10 if there is none
    "coming_work",  # the longest remaining work of them minus its own, in left
    "frees",  # jobs that wait for the machine that it leaves, and those behind them, in M
    "frees_work",  # the longest remaining work of them, in left
    "next_duration",  # of the operation after this one, in u
    "next_wait",  # time until that machine may be free, from this operation's end, in u: positive if it may block
    "next_free",  # that machine is free and up now
    "next_blocked",  # it is held by a job that cannot go on
    "next_down",
    "next_rivals",  # jobs that could enter it now or are in progress and want it next, share of unfinished jobs
    "next_rivals_work",  # the longest remaining work of them minus its own after this operation, in left
    "next_machine_work",  # not started there, in left
    "is_last",  # there is no such operation
    "run",  # machines behind this one that are free and up, until the first that is not; share of what is left
    "route_held",  # held machines among all that it visits later, share
    "route_work",  # not started on the most loaded of them, in left
    "circle",  # who holds the next machine waits, through others perhaps, for the one that it enters: a circle
    "failures",  # expected while the operation lasts
    "crowd",  # of jobs that would enter the shop: jobs inside, in M
    "to_event",  # of waiting: until something may happen, in u
    "starts",  # of waiting: other choices, share of unfinished jobs
    "starts_work",  # of waiting: the longest remaining work of them, in left
    "behind_best",  # remaining work minus the most of any choice, in left
)

CONTEXT_FEATURES = (
    "progress",  # operations that have begun, share
    "unfinished",  # unfinished jobs, share
    "starts",  # jobs that can be started, share of the unfinished
    "left",  # in H
    "growth",  # (clock + left) / H - 1: how much worse than the trivial bound it must become
    "jobs",  # log(1 + jobs) / 5
    "machines",  # log(1 + machines) / 5
    "bottleneck",  # work not started on the most loaded machine, in left
    "mean_load",  # the same of all machines, mean
    "inside",  # jobs that hold a machine, in M
    "working",  # operations in progress, in M
    "blocked",  # jobs that wait on their machine, in M
    "down",  # machines, share
    "interrupted",  # operations, in M
    "outside",  # jobs that are released and have not entered, share of the unfinished
    "to_event",  # until something may happen, in u
    "failures",  # expected of a machine in u
    "repair",  # mean time, in u
    "resumes",  # operations go on after repairs
    "restarts",  # operations begin anew
    "swap",  # jobs may exchange machines
)

STATE_FEATURES = (
    "done",  # of operations: what they are at; of jobs: finished
    "working",  # of machines and jobs, too
    "interrupted",  # of jobs, too
    "blocked",  # complete, but the job still holds the machine; of machines and jobs, too
    "next",  # of its job
    "later",
    "rest",  # work left of an operation, not started on a machine, left of a job; in u, u and left
    "down",  # of machines, and of operations and jobs in progress there
    "since",  # it is what it is, of machines and jobs: log(1 + u)
)


class BlockingObserver:
    """Holds the buffers of one simulator's observations.

    Args:
        batch_size: B.
        sizes: Jobs, machines and operations of the largest instance.
        show_graph: Whether to show what changes in the graph.

    Attributes:
        spec: Sizes and names.
        state: The buffers.
    """

    def __init__(self, batch_size: int, sizes: tuple[int, int, int], show_graph: bool) -> None:
        jobs, machines, operations = sizes
        self._first_machine, self._first_job = operations, operations + machines
        self._shop = operations + machines + jobs
        changing = (("waits_for", jobs), ("holds", machines), ("competes", operations))
        self.spec = GraphSpec(
            num_nodes=self._shop + 1,
            node_features=NODE_FEATURES,
            relations=(
                ("precedes", operations), ("processed_on", operations), ("part_of", operations), ("stands_in", machines)
            ),
            num_actions=jobs + 1,
            candidate_features=CANDIDATE_FEATURES,
            context_features=CONTEXT_FEATURES,
            state_features=STATE_FEATURES if show_graph else (),
            changing_relations=changing if show_graph else (),
        )  # fmt: skip
        self.state = GraphState.empty(self.spec, batch_size)
        self._around = np.zeros((machines, f.MACHINE_COLUMNS))
        self._all_rows = np.arange(batch_size)

    def load(self, row: int, instance: BlockingInstance, makespan_bound: float, world: s.World) -> None:
        """Write the static part of row ``row``, and the scales of the rest into ``world``."""
        shop, failing = instance.shop, instance.terms.breakdowns
        unit = max(float(shop.duration.mean()), 1.0)
        world.real[row] = (
            failing.probability, 1 / unit, 1 / makespan_bound, np.log1p(shop.num_jobs) / 5,
            np.log1p(shop.num_machines) / 5, failing.mean_repair,
        )  # fmt: skip
        operation = np.arange(shop.num_operations)
        machine = self._first_machine + np.arange(shop.num_machines)
        job_node = self._first_job + np.arange(shop.num_jobs)
        lengths = np.diff(shop.first_operation)
        job = np.repeat(np.arange(shop.num_jobs), lengths)
        done = np.cumsum(shop.duration) - shop.duration
        head = done - done[shop.first_operation[job]]
        load = np.bincount(shop.machine, weights=shop.duration, minlength=shop.num_machines)
        column = {name: index for index, name in enumerate(NODE_FEATURES)}
        nodes = self.state.nodes[row]
        nodes[:] = 0
        for name, rows, values in (
            ("is_operation", operation, 1), ("is_machine", machine, 1), ("is_job", job_node, 1),
            ("is_shop", self._shop, 1),
            ("duration", operation, shop.duration / unit), ("head", operation, head / makespan_bound),
            ("tail", operation, (shop.job_work[job] - head - shop.duration) / makespan_bound),
            ("position", operation, (operation - shop.first_operation[job]) / np.maximum(lengths[job] - 1, 1)),
            ("load", operation, load[shop.machine] / makespan_bound), ("load", machine, load / makespan_bound),
            ("load", job_node, shop.job_work / makespan_bound),
            ("operations", machine, np.bincount(shop.machine, minlength=shop.num_machines) / shop.num_jobs),
            ("operations", job_node, lengths / shop.num_machines),
            ("release", job_node, shop.release / makespan_bound),
        ):  # fmt: skip
            nodes[rows, column[name]] = values
        np.clip(nodes, -FEATURE_LIMIT, FEATURE_LIMIT, out=nodes)
        self.state.node_mask[row] = 0
        for rows in (operation, machine, job_node, self._shop):
            self.state.node_mask[row, rows] = 1
        chained = operation[:-1][np.diff(job) == 0]
        for name, source, target in (
            ("precedes", chained, chained + 1),
            ("processed_on", operation, self._first_machine + shop.machine),
            ("part_of", operation, self._first_job + job),
            ("stands_in", machine, np.full(len(machine), self._shop)),
        ):
            edges = self.state.edges[name][row]
            edges[:] = PADDING
            edges[:, : len(source)] = source, target

    def observe(
        self, world: s.World, state: s.State, out: GraphState | None, rows: NDArray[np.intp] | None
    ) -> GraphState:
        """Write the part that changes; see :meth:`Simulator.observe`."""
        seen = self.state if out is None else out
        chosen = self._all_rows if rows is None else rows
        f.write_rows(chosen, world, state, self._around, *seen.dynamic_arrays)
        if self.spec.state_features:
            changing = (seen.changing[name] for name, _ in self.spec.changing_relations)
            f.write_graph(chosen, world, state, self._first_machine, self._first_job, seen.node_state, *changing)
        return seen
