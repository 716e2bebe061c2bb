"""What a SoC policy sees: task graphs and PEs as a graph, and one candidate per legal action.

Nodes are the tasks of all applications, one after another, the PEs, and one that stands for the system. ``precedes``
leads from producers to consumers, ``runs_on`` from a task to each PE that supports it. A candidate stands on the node
of its task, where only a PE is picked (``task-then-pe``) on that PE's, and where nothing is bound on the system's.

Nothing here tells of jobs that have not arrived, nor of how long tasks really take.

Notation: S the least latency of a mean job, by the applications' shares, alone in the system, u = S / 4, the unit of
times; t now. The finish of a task on a PE is max(data there, PE idle) plus the expected time. Features are clipped to
+-10. Of more than 16 jobs in the system the younger ones show zeros from ``age`` to ``latency``, and nothing looks
ahead for them.
"""

from __future__ import annotations

import numpy as np

from ..core.graph import FEATURE_LIMIT, PADDING, GraphSpec, GraphState
from .features import MOST_JOBS, NUM_CANDIDATE_FEATURES, NUM_CONTEXT_FEATURES, Numbers, scratch
from .instance import SocInstance
from .system import System

NODE_FEATURES = (
    "is_task",
    "is_pe",
    "is_system",
    "mean_time",  # of a task over PEs, in u
    "least_time",  # on its fastest PE, in u
    "spread",  # log of slowest over fastest time
    "support",  # share of PEs that can run it; of a PE: share of tasks that it can run
    "rank",  # longest path from here to the end by mean times (upward rank), in S
    "share",  # the same, as a share of its application's longest
    "producers",  # thirds
    "consumers",  # thirds
    "slowness",  # of a PE: mean over its tasks of the log of its time over the fastest PE's
)

CANDIDATE_FEATURES = (
    "defers",  # whether this leaves the ready tasks for later
    "time",  # expected execution time, in u
    "time_ratio",  # log of it over that of the fastest PE
    "data_wait",  # until the data is there, in u
    "pe_wait",  # until the PE idles, in u
    "idle",  # how long the PE then waits for the data, in u
    "finish",  # from t, in u; of deferring: the next expected completion
    "task_regret",  # finish minus that on the task's best PE, in u
    "regret",  # finish minus the earliest of any ready task, in u: what ETF minimises
    "rank",  # upward rank, in S
    "least",  # least time from the start on this PE to the end of the job, in S
    "optimistic",  # finish plus PEFT's optimistic cost minus the least over PEs, in u
    "consumers",  # thirds
    "releases",  # consumers that wait for this task only, thirds
    "wanted",  # other ready tasks whose best PE this is, thirds
    "harm",  # by how much those then finish later, in u
    "at_once",  # whether it would start now
    "support",  # share of PEs that can run the task
    "demand",  # share of ready tasks that the PE can run
    "age",  # of the job, in S
    "remaining",  # longest path of the job that is not bound yet, in S
    "critical",  # the task's rank as a share of that
    "tasks_left",  # share of the job's tasks that are not finished
    "older",  # share of the other jobs that are older
    "shorter",  # share of the other jobs with less remaining
    "ready_here",  # ready tasks of the job, fifths
    "latency",  # age plus remaining, in S
    "late_srpt",  # whether late binding, smallest rank first, would do this; 0 where it looks ahead
    "etf",  # whether no ready task could be finished earlier
    "look_etf",  # sum of the jobs' ends if ETF goes on from there, minus the least of all candidates, in u
    "look_long",  # the same, preferring long paths
    "look_short",  # the same, preferring jobs that are nearly done
    "look_best",  # the least of the three, minus the least of all candidates
)

CONTEXT_FEATURES = (
    "jobs",  # log(1 + jobs in the system) / 2
    "ready",  # log(1 + ready tasks) / 2
    "idle",  # share of PEs that idle
    "work",  # work bound per PE, in 3 u
    "age",  # mean age of jobs, in S
    "oldest",  # greatest age, in S
    "remaining",  # mean remaining path, in S
    "full",  # whether as many jobs are there as may be
    "next_completion",  # from t, in u
    "noise",  # relative standard deviation of execution times
    "pes",  # log(PEs) / 3
    "ready_per_pe",
    "picked",  # whether a task is picked and a PE is to be
    "soonest",  # earliest finish of a ready task, from t, in u
    "jobs_per_pe",
    "look_best",  # best sum of the jobs' ends that looking ahead finds, per job, in S
    "looks",  # whether it looks ahead: asked for, and at most 48 tasks are not bound
)

assert len(CANDIDATE_FEATURES) == NUM_CANDIDATE_FEATURES
assert len(CONTEXT_FEATURES) == NUM_CONTEXT_FEATURES


class SocObserver:
    """Holds the buffers of one simulator's observations and writes their static part.

    Args:
        batch_size: B.
        nodes: Tasks of all applications, at most.
        edges: Their edges, at most.
        pes: PEs, at most.
        actions: Candidates.
        ready: Ready tasks that are looked at.

    Attributes:
        spec: Sizes and names.
        state: The buffers.
        numbers: What features need of each row, and scratch.
    """

    def __init__(self, batch_size: int, nodes: int, edges: int, pes: int, actions: int, ready: int) -> None:
        self.spec = GraphSpec(
            num_nodes=nodes + pes + 1,
            node_features=NODE_FEATURES,
            relations=(("precedes", max(edges, 1)), ("runs_on", nodes * pes)),
            num_actions=actions,
            candidate_features=CANDIDATE_FEATURES,
            context_features=CONTEXT_FEATURES,
        )
        self.state = GraphState.empty(self.spec, batch_size)
        self._nodes, self._pes = nodes, pes
        self.numbers = Numbers(
            np.ones(batch_size), np.ones(batch_size), np.zeros(batch_size), np.zeros((batch_size, nodes)),
            np.full((batch_size, nodes, pes), np.inf), np.zeros((batch_size, nodes, pes)),
            np.ones((batch_size, nodes), np.int64), *scratch(MOST_JOBS * nodes, pes, ready),
        )  # fmt: skip

    def load(self, row: int, instance: SocInstance, system: System) -> None:
        """Write the static part of row ``row``."""
        count, pes, numbers = system.num_nodes, system.platform.num_pes, self.numbers
        scale = system.mean_path(instance)
        numbers.scale[row], numbers.unit[row], numbers.deviation[row] = scale, scale / 4, instance.deviation
        numbers.rank[row, :count] = system.rank
        numbers.least[row, :count, :pes] = system.least
        numbers.optimistic[row, :count, :pes] = system.optimistic
        numbers.size[row, :count] = np.repeat(np.diff(system.first_node), np.diff(system.first_node))
        nodes = self.state.nodes[row]
        nodes[:] = 0
        nodes[:count] = self._task_features(system, scale)
        place = self._nodes + np.arange(pes)
        supported = system.costs.execution >= 0
        fastest = np.where(supported, system.costs.execution, np.iinfo(np.int64).max).min(axis=1)
        slower = np.log((np.maximum(system.costs.execution, 0) + 1) / (fastest + 1)[:, None])
        nodes[place, 1] = 1
        nodes[place, 6] = supported.mean(axis=0)
        nodes[place, 11] = np.where(supported, slower, 0).sum(axis=0) / np.maximum(supported.sum(axis=0), 1)
        nodes[self._nodes + self._pes, 2] = 1
        np.clip(nodes, -FEATURE_LIMIT, FEATURE_LIMIT, out=nodes)
        mask = self.state.node_mask[row]
        mask[:] = 0
        mask[:count], mask[place], mask[self._nodes + self._pes] = 1, 1, 1
        task, pe = np.nonzero(supported)
        for name, pairs in (("precedes", system.edges.T), ("runs_on", np.stack([task, self._nodes + pe]))):
            edges = self.state.edges[name][row]
            edges[:] = PADDING
            edges[:, : pairs.shape[1]] = pairs

    @staticmethod
    def _task_features(system: System, scale: float) -> np.ndarray:
        """Features of all tasks, float64 ``[N, F]``."""
        count = system.num_nodes
        supported = system.costs.execution >= 0
        slowest = system.costs.execution.max(axis=1)
        fastest = np.where(supported, system.costs.execution, slowest[:, None]).min(axis=1)
        longest = np.repeat(np.maximum.reduceat(system.rank, system.first_node[:-1]), np.diff(system.first_node))
        features = np.zeros((count, len(NODE_FEATURES)))
        features[:, 0] = 1
        features[:, 3], features[:, 4] = 4 * system.mean_time / scale, 4 * fastest / scale
        features[:, 5] = np.log((slowest + 1) / (fastest + 1))
        features[:, 6] = supported.mean(axis=1)
        features[:, 7], features[:, 8] = system.rank / scale, system.rank / np.maximum(longest, 1e-9)
        features[:, 9] = np.bincount(system.edges[:, 1], minlength=count) / 3
        features[:, 10] = np.bincount(system.edges[:, 0], minlength=count) / 3
        return features
