"""What an improvement policy sees: the job shop as a graph, the moves on offer, and if asked the present schedule.

Nodes are the operations (in the instance's numbering) and one for the schedule as a whole, behind the candidate that
goes back to the best one. Scales: *u* is the instance's mean duration. Features are clipped to +-10.
"""

from __future__ import annotations

import numpy as np

from ..core.graph import PADDING, GraphSpec, GraphState
from ..job_shop.instance import JobShopInstance

NODE_FEATURES = (
    "is_operation",
    "duration",  # in u
    "position",  # in its job, 0 .. 1
    "job_head",  # work of the job before it, share of the job's
    "job_load",  # work of its job, share of the largest
    "machine_load",  # work of its machine, share of the largest
)

CANDIDATE_FEATURES = (
    "is_return",  # goes back to the best schedule; all its other features are 0
    "gain",  # present makespan minus the move's estimate, in u
    "gain_on_best",  # best makespan minus the estimate, in u
    "shortens",  # whether the estimate is below the present makespan
    "new_best",  # whether it is below the best
    "recent",  # 1 / (1 + moves since the order that it brings back was taken back / 10); 0 if it never was
    "unseen",  # whether it never was
    "taken",  # log(1 + how often this order was taken back)
    "brought",  # log(1 + how often it was brought back)
    "first_duration",  # of the operation that comes first now, in u
    "second_duration",  # of the other, in u
    "when",  # head of the first, -1 .. 1 over the schedule
    "passed",  # log(1 + operations moved past)
    "opens",  # whether the first begins its block
    "closes",  # whether the second ends its block
    "room_behind",  # by how much the first could be later for all that its job says, in u
    "room_ahead",  # by how much the second could be earlier, in u
    "moves_back",  # whether the first moves behind the second, not the second ahead of the first
)

# shown only if asked for; of moves that are not among the most promising 0
LOOK_AHEAD_FEATURES = (
    "ahead",  # present makespan minus the shortest on the way when greedy moves follow, in u
    "ahead_of_best",  # best makespan minus that, in u
    "tried",  # whether the move was among those
)

CONTEXT_FEATURES = (
    "progress",  # share of the moves that are made
    "left",  # log(1 + moves left) / 10
    "since",  # log(1 + moves since the best was found or returned to) / 5
    "behind_best",  # how much longer than the best the present schedule is, in 10 %
    "above_bound",  # best makespan per trivial lower bound, minus 1
    "gained",  # how much shorter than the first the best is, in 10 %
    "offered",  # log(1 + moves on offer) / 5
    "path",  # log(1 + operations of the critical path) / 5
    "blocks",  # log(1 + its blocks) / 5
    "jobs",  # log(1 + jobs) / 5
    "machines",  # log(1 + machines) / 5
)

# shown only if asked for
STATE_FEATURES = (
    "head",  # share of the makespan
    "tail",  # share of the makespan
    "slack",  # in durations of the operation, per 5
    "critical",  # whether there is none
    "place",  # in a topological order, 0 .. 1
)


def spec_of(max_operations: int, max_moves: int, look_ahead: bool, show_graph: bool) -> GraphSpec:
    """Sizes and names of the observation."""
    return GraphSpec(
        num_nodes=max_operations + 1,
        node_features=NODE_FEATURES,
        relations=(("precedes", max_operations), ("part_of", max_operations)),
        num_actions=max_moves + 1,
        candidate_features=CANDIDATE_FEATURES + (LOOK_AHEAD_FEATURES if look_ahead else ()),
        context_features=CONTEXT_FEATURES,
        state_features=STATE_FEATURES if show_graph else (),
        changing_relations=(("follows", max_operations),) if show_graph else (),
    )


def load_static(state: GraphState, row: int, shop: JobShopInstance) -> None:
    """Write the static part of row ``row``."""
    count, whole = shop.num_operations, state.nodes.shape[1] - 1
    operations = np.arange(count)
    lengths = np.diff(shop.first_operation)
    job = np.repeat(np.arange(shop.num_jobs), lengths)
    done_work = np.cumsum(shop.duration) - shop.duration
    head = done_work - done_work[shop.first_operation[:-1]][job]
    work = np.maximum(shop.job_work, 1)
    load = np.bincount(shop.machine, weights=shop.duration, minlength=shop.num_machines)
    nodes = state.nodes[row]
    nodes[:] = 0
    columns = (
        np.ones(count),
        shop.duration / max(float(shop.duration.mean()), 1.0),
        (operations - shop.first_operation[:-1][job]) / np.maximum(lengths[job] - 1, 1),
        head / work[job],
        (work / work.max())[job],
        load[shop.machine] / max(float(load.max()), 1.0),
    )
    nodes[operations] = np.clip(np.stack(columns, axis=1), -10, 10)
    state.node_mask[row] = 0
    state.node_mask[row, operations] = state.node_mask[row, whole] = 1
    chained = operations[:-1][np.diff(job) == 0]
    for name, source, target in (("precedes", chained, chained + 1), ("part_of", operations, np.full(count, whole))):
        edges = state.edges[name][row]
        edges[:] = PADDING
        edges[0, : len(source)], edges[1, : len(source)] = source, target
