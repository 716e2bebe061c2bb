"""What a dynamic job-shop policy sees: the machines as a graph, and one candidate per job of the deciding queue.

Nodes are the machines, and one more for leaving the shop. ``feeds`` leads from a machine to those that jobs go to next.
A candidate stands on the node to which the job goes afterwards. Node features are long-run averages, which a plant
knows: expectations where streams are random, means over all jobs where they are given. Nothing else tells of jobs that
have not arrived, of breakdowns to come, or of which jobs are recorded.

Notation: t now, p the processing time of the job's operation here, R its remaining work with p, n its remaining
operations, d its due date, s = d - t - R its slack, d_o the operation's due date (by TWK), u the mean processing time.
Features are clipped to +-10. Slack is left as it is where jobs are lost already: how late counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.graph import FEATURE_LIMIT, PADDING, GraphSpec, GraphState
from .instance import DynamicJobShopInstance

NODE_FEATURES = (
    "is_machine",
    "is_exit",
    "load",  # work of the machine per work of a mean machine
    "operations",  # operations on the machine per operations on a mean machine
    "processing",  # mean processing time on the machine, in u
    "visits_last",  # share of its operations that are the last of their job
)

CANDIDATE_FEATURES = (
    "processing",  # p, in u
    "processing_log",  # log(p / u)
    "work",  # R, in 10 u
    "operations",  # n, tenths
    "slack_ratio",  # s / R
    "slack",  # in 10 u
    "slack_per_operation",  # s / n, in u
    "operation_slack",  # d_o - t - p, in 3 u
    "late",  # whether s < 0
    "lateness",  # log(1 + -s / u) where s < 0
    "waited",  # log(1 + time in this queue in u)
    "last",  # whether this is the last operation
    "next_processing",  # processing time of the operation after this one, in u
    "next_work",  # work waiting for that operation's machine, with what is in process there, in 5 u
    "next_idle",  # whether that machine idles and nobody waits for it
    "next_down",  # whether it is down
    "next_waiting",  # jobs that wait for it, fifths
    "next_late",  # share of those with s < 0
    "route_work",  # mean over all later machines of the work waiting there, in 5 u
    "route_slack",  # s minus the sum of that work, in 10 u
    "processing_rank",  # share of the other jobs here that are shorter
    "slack_rank",  # share of the other jobs here with less slack
    "cr_spt",  # log of CR+SPT's priority minus the least here
    "s_rpt_spt",  # log of S/RPT+SPT's priority minus the least here
    "atc",  # ATC's exponent and logarithm likewise
    "pt_winq",  # PT+WINQ's priority minus the least here, in 5 u
    "harm",  # unavoidable tardiness that the other jobs here gain while this one runs, in 3 u of mean weight
    "own_harm",  # what this one would gain while the shortest other one runs, in u of mean weight
    "weight",  # in mean weights of the jobs here
)

CONTEXT_FEATURES = (
    "queue",  # log(1 + jobs waiting here) / 3
    "queue_work",  # log(1 + their work in u) / 3
    "late",  # share of them with s < 0
    "slack_ratio",  # mean of s / R, fifths
    "least_slack",  # in 10 u
    "present",  # log(1 + jobs in the shop per machine)
    "waiting_late",  # of all jobs that wait anywhere, share with s < 0
    "work",  # work waiting and in process per machine, in 5 u
    "idle",  # share of machines without work
    "down",  # share of machines that are down
    "longest_queue",  # log(1 + jobs) / 3
    "coming",  # jobs in process elsewhere that come here next, thirds
    "coming_work",  # their work here, in 3 u
    "first_coming",  # the least work left of their operations there, in u; 10 if there are none
    "breakdown_level",
    "machines",  # log(1 + machines) / 5
    "late_waiting",  # jobs that wait anywhere with s < 0, per machine
    "tight_waiting",  # with 0 <= s < R, per machine
    "easy_waiting",  # with s >= R, per machine
)


class DynamicJobShopObserver:
    """Holds the buffers of one simulator's observations and writes their static part.

    Args:
        batch_size: B.
        max_machines: Machines of the largest shop.
        queue_limit: Candidates.

    Attributes:
        spec: Sizes and names.
        state: The buffers.
        reals: Of each row: u, breakdown level, log(1 + machines) / 5, float64 ``[B, 3]``.
    """

    def __init__(self, batch_size: int, max_machines: int, queue_limit: int) -> None:
        self.spec = GraphSpec(
            num_nodes=max_machines + 1,
            node_features=NODE_FEATURES,
            relations=(("feeds", max_machines * (max_machines + 1)),),
            num_actions=queue_limit,
            candidate_features=CANDIDATE_FEATURES,
            context_features=CONTEXT_FEATURES,
        )
        self.state = GraphState.empty(self.spec, batch_size)
        self.reals = np.ones((batch_size, 3))

    def load(self, row: int, instance: DynamicJobShopInstance) -> None:
        """Write the static part of row ``row``."""
        machines = instance.shop.num_machines
        averages, pairs = _long_run(instance)
        nodes = self.state.nodes[row]
        nodes[:] = 0
        nodes[:machines, 0] = 1
        nodes[machines, 1] = 1
        nodes[:machines, 2:] = np.clip(averages, -FEATURE_LIMIT, FEATURE_LIMIT)
        self.state.node_mask[row] = np.arange(self.spec.num_nodes) <= machines
        edges = self.state.edges["feeds"][row]
        edges[:] = PADDING
        edges[:, : pairs.shape[1]] = pairs
        self.reals[row] = instance.mean_processing, instance.breakdown_level, np.log1p(machines) / 5


def _long_run(instance: DynamicJobShopInstance) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Averages of the machines, the last four node features ``[M, 4]``, and which feed which, ``[2, E]``.

    Those of a random stream follow from how it is drawn; counting its jobs would tell of some that have not arrived.
    """
    shop, machines = instance.shop, instance.shop.num_machines
    if instance.mean_operations is not None:
        source, target = np.meshgrid(np.arange(machines), np.arange(machines + 1), indexing="ij")
        others = source != target
        averages = np.tile([1.0, 1.0, 1.0, 1 / instance.mean_operations], (machines, 1))
        return averages, np.stack([source[others], target[others]])
    last = np.zeros(shop.num_operations, np.bool_)
    last[shop.first_operation[1:] - 1] = True
    count = np.bincount(shop.machine, minlength=machines)
    work = np.bincount(shop.machine, weights=shop.duration, minlength=machines)
    seen = np.maximum(count, 1)
    leaving = np.bincount(shop.machine[last], minlength=machines) / seen
    columns = (work * machines / work.sum(), count * machines / count.sum(), work / seen / instance.mean_processing)
    after = np.where(last, machines, np.append(shop.machine[1:], 0))
    pairs = np.unique(shop.machine * (machines + 1) + after)
    return np.stack([*columns, leaving], axis=1), np.stack(np.divmod(pairs, machines + 1))
