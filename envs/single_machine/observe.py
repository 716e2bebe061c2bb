"""What a single-machine policy sees: jobs as a graph, and one candidate per job that is left.

Nodes are the jobs. Edges are two chains, linear in the size of the instance: ``next_due`` leads from a job to the next
by due date, ``next_longer`` to the next by processing time. Ties are broken by the other of the two.

Scales: *u* is the mean processing time of the jobs that are left, *W* their sum, *P* the sum of all, *now* the time at
which the next job starts. Features are clipped to +-10. Those of a candidate are 0 where it may not be chosen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.graph import FEATURE_LIMIT, PADDING, GraphSpec, GraphState
from .instance import SingleMachineInstance

NODE_FEATURES = (
    "processing",  # in means of the instance
    "due",  # in P
    "slack",  # due minus processing, in P
    "processing_rank",  # place by processing time, 0 .. 1
    "due_rank",  # place by due date, 0 .. 1
    "weight",  # share of the largest
    "rank_gap",  # due_rank minus processing_rank
)

CANDIDATE_FEATURES = (
    "processing",  # in u
    "slack",  # due minus earliest completion, in u
    "slack_share",  # the same, in W
    "late",  # whether it would be late if it ran now
    "modified_due",  # max(now + processing, due) minus the least of all that are left, in u
    "processing_rank",  # place among those left by processing time, 0 .. 1
    "due_rank",  # place among those left by due date, 0 .. 1
    "pushed",  # others that would be in time as the next one but no longer after this one, share of those left
    "pushed_count",  # their number, halved
    "delay",  # processing in u, times the share of those left that are late anyway
    "work_share",  # processing, in W
    "tightest",  # latest start of the most urgent other job minus this one's completion, in u
    "weight",  # share of the largest
    "density",  # weight / processing, share of the largest among those left
)

# shown only if asked for. An estimate is the cost of the rest if this job comes next and the others follow by the best
# of several rules: modified due date, with and without a penalty for long jobs (with weights, weighted modified due
# date). Regret is that minus the least estimate of a legal job
LOOK_AHEAD_FEATURES = (
    "regret",  # in u (times the mean weight)
    "regret_log",  # log(1 + regret)
    "regret_share",  # of the least estimate, at most 1
    "estimate_best",  # whether it is the least
    "mdd_regret",  # the same of the modified due date alone, in u
    "mdd_best",  # whether that is the least
)

CONTEXT_FEATURES = (
    "progress",  # jobs that ran, share
    "jobs",  # log(1 + jobs) / 5
    "left",  # log(1 + jobs left) / 5
    "late",  # of those left, share that would be late if they came next
    "legal",  # legal jobs, share of those left
    "legal_count",  # log(1 + legal jobs)
    "overloaded",  # of those left, share due before all would be done
    "mean_slack",  # positive slack of those left, mean, in W
    "estimate",  # log(1 + least estimate in u) / 5; 0 without looking ahead
    "mean_estimate",  # least estimate per job left, in u; likewise
    "penalty_gain",  # by how much penalties for long jobs lower the least estimate, in u; likewise
)


class SingleMachineObserver:
    """Holds the buffers of one simulator's observations and writes their static part.

    Args:
        batch_size: B.
        max_jobs: Jobs of the largest instance.
        look_ahead: Whether to show the features that look ahead.

    Attributes:
        spec: Sizes and names.
        state: The buffers.
        reals: Of each row: 1 / largest weight, log(1 + jobs) / 5, float64 ``[B, 2]``.
    """

    def __init__(self, batch_size: int, max_jobs: int, look_ahead: bool) -> None:
        chain = max(max_jobs - 1, 1)
        self.spec = GraphSpec(
            num_nodes=max_jobs,
            node_features=NODE_FEATURES,
            relations=(("next_due", chain), ("next_longer", chain)),
            num_actions=max_jobs,
            candidate_features=CANDIDATE_FEATURES + (LOOK_AHEAD_FEATURES if look_ahead else ()),
            context_features=CONTEXT_FEATURES,
        )
        self.state = GraphState.empty(self.spec, batch_size)
        self.reals = np.ones((batch_size, 2))

    def load(
        self, row: int, instance: SingleMachineInstance, by_processing: NDArray[np.int64], by_due: NDArray[np.int64]
    ) -> None:
        """Write the static part of row ``row``.

        Args:
            row: The row.
            instance: Its instance.
            by_processing: Jobs by (processing, due), ``[J]``.
            by_due: Jobs by (due, processing), ``[J]``.
        """
        jobs, total = instance.num_jobs, float(instance.processing.sum())
        last = max(jobs - 1, 1)
        rank, due_rank = np.empty(jobs), np.empty(jobs)
        rank[by_processing] = np.arange(jobs) / last
        due_rank[by_due] = np.arange(jobs) / last
        heaviest = max(float(instance.weight.max()), 1e-9)
        columns = (
            instance.processing / (total / jobs),
            instance.due / total,
            (instance.due - instance.processing) / total,
            rank,
            due_rank,
            instance.weight / heaviest,
            due_rank - rank,
        )
        state = self.state
        state.nodes[row] = 0
        state.nodes[row, :jobs] = np.clip(np.stack(columns, axis=1), -FEATURE_LIMIT, FEATURE_LIMIT)
        state.node_mask[row] = np.arange(self.spec.num_nodes) < jobs
        for name, order in (("next_due", by_due), ("next_longer", by_processing)):
            edges = state.edges[name][row]
            edges[:] = PADDING
            edges[:, : jobs - 1] = order[:-1], order[1:]
        self.reals[row] = 1 / heaviest, np.log1p(jobs) / 5
