"""Writes what a SoC policy sees at every step: compiled loops. Names, units and scales are in :mod:`.observe`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from ..core.graph import FEATURE_LIMIT, PADDING
from . import state as s
from .kernels import best_pe
from .look_ahead import BIASES, UNPLACED, late_binding, locate, roll_out, take_stock

NUM_CANDIDATE_FEATURES = 33
NUM_CONTEXT_FEATURES = 17
FIRST_LOOK = 29  # the column of the first roll-out's value

MOST_JOBS = 16  # that roll-outs look at, the oldest
MOST_PLACED = 48  # tasks that a roll-out places
MOST_UNBOUND = 48  # tasks not bound yet up to which looking ahead is worth its time

# --- columns of Numbers.choice
BEST, BEST_AT, SECOND, FASTEST, SUPPORT = range(5)

# --- columns of Numbers.job
AGE, REMAINING, TASKS_LEFT, OLDER, SHORTER, READY_HERE = range(6)


class Numbers(NamedTuple):
    """What an instance fixes for its features, one line per row, and scratch."""

    scale: Any  # float64 [B]: latency of a mean job alone
    unit: Any  # float64 [B]: of times
    deviation: Any  # float64 [B]
    rank: Any  # float64 [B, N]
    least: Any  # float64 [B, N, P]
    optimistic: Any  # float64 [B, N, P]
    size: Any  # int64 [B, N]: tasks of the node's application
    first: Any  # int64 [jobs + 1]
    lists: Any  # of tasks: see look_ahead.roll_out
    copies: Any  # the same, to be changed
    last: Any  # int64 [jobs]
    finish: Any  # int64 [R, P]: when a ready task would be finished
    job: Any  # float64 [jobs, 6]
    slot: Any  # int64 [R]: place of a ready task's job among those looked at
    node: Any  # int64 [R]: its node
    choice: Any  # int64 [R, 5]: its best PE and so on
    choice_cost: Any  # float64 [R]: its least finish plus optimistic cost


def scratch(tasks: int, pes: int, ready: int) -> tuple[Any, ...]:
    """The scratch fields of :class:`Numbers`, in their order."""

    def lists() -> tuple[Any, ...]:
        ends, places, unmet, node_at, waiting, best, best_on = (np.zeros(tasks, np.int64) for _ in range(7))
        idle, data = np.zeros(pes, np.int64), np.zeros((tasks, pes), np.int64)
        return ends, places, unmet, idle, node_at, waiting, data, best, best_on

    return (
        np.zeros(MOST_JOBS + 1, np.int64), lists(), lists(), np.zeros(MOST_JOBS, np.int64),
        np.zeros((ready, pes), np.int64), np.zeros((MOST_JOBS, 6)), np.zeros(ready, np.int64),
        np.zeros(ready, np.int64), np.zeros((ready, 5), np.int64), np.zeros(ready),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _limited(value):
    return min(max(value, -FEATURE_LIMIT), FEATURE_LIMIT)


@njit(cache=True, nogil=True)
def _describe_jobs(b, jobs, n, state):
    """Fill the table of jobs; their order counts only those that are looked at."""
    now = state.row[b, s.NOW]
    for slot in range(jobs):
        j = state.present[b, slot]
        begin, left = state.job[b, j, s.FIRST_TASK], 0.0
        for task in range(begin, state.job[b, j + 1, s.FIRST_TASK]):
            if state.task[b, task, s.BOUND_TO] == s.NOBODY:
                left = max(left, n.rank[b, state.task[b, task, s.NODE]])
        n.job[slot, AGE] = now - state.job[b, j, s.ARRIVED]
        n.job[slot, REMAINING], n.job[slot, TASKS_LEFT] = left, state.job[b, j, s.LEFT]
        n.job[slot, READY_HERE] = 0
    for slot in range(jobs):
        shorter = 0
        for other in range(jobs):
            shorter += n.job[other, REMAINING] < n.job[slot, REMAINING]
        n.job[slot, OLDER], n.job[slot, SHORTER] = slot / max(jobs - 1, 1), shorter / max(jobs - 1, 1)


@njit(cache=True, nogil=True)
def _fill_finish(b, count, world, state, n, jobs):
    """When each ready task would be finished on each PE, -1 where it cannot run; and its job."""
    for place in range(count):
        task = state.ready[b, place]
        node = state.task[b, task, s.NODE]
        n.slot[place], n.node[place] = -1, node
        for slot in range(jobs):
            if state.present[b, slot] == state.task[b, task, s.JOB]:
                n.slot[place] = slot
                n.job[slot, READY_HERE] += 1
        _fill_finish_of(
            n.finish[place], n.choice[place], n.choice_cost[place : place + 1], world.execution[b, node],
            state.data[b, place], state.pe[b], n.optimistic[b, node], state.row[b, s.NUM_PES],
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _fill_finish_of(finish, choice, cost, execution, data, pes, optimistic, count):
    """When one ready task would be finished on each PE, and where best."""
    choice[BEST], choice[BEST_AT], choice[SECOND] = s.NEVER, -1, s.NEVER
    choice[FASTEST], choice[SUPPORT] = s.NEVER, 0
    cost[0] = np.inf
    for pe in range(count):
        finish[pe] = -1
        if execution[pe] < 0:
            continue
        finish[pe] = max(data[pe], pes[pe, s.AVAILABLE]) + execution[pe]
        choice[SUPPORT] += 1
        choice[FASTEST] = min(choice[FASTEST], execution[pe])
        cost[0] = min(cost[0], finish[pe] + optimistic[pe])
        if finish[pe] < choice[BEST]:
            choice[SECOND], choice[BEST], choice[BEST_AT] = choice[BEST], finish[pe], pe
        elif finish[pe] < choice[SECOND]:
            choice[SECOND] = finish[pe]


@njit(cache=True, nogil=True)
def _others(place, pe, count, finish, choice, here, ready_node):
    """How many other ready tasks want a PE, and by how much they finish later if a pair is bound there.

    Args:
        place: The task of the pair, among the ready ones.
        pe: Its PE.
        count: Ready tasks.
        finish: Of each on each PE.
        choice: Of each, its best PE and so on.
        here: Execution times of all nodes on that PE.
        ready_node: The node of each.
    """
    wanted, harm, supported = 0, 0, 0
    for other in range(count):
        if finish[other, pe] < 0:
            continue
        supported += 1
        if other != place and choice[other, BEST_AT] == pe:
            wanted += 1
            later = max(choice[other, BEST], finish[place, pe] + here[ready_node[other]])
            harm += min(choice[other, SECOND], later) - choice[other, BEST]
    return wanted, harm, supported


@njit(cache=True, nogil=True)
def _write_pair(b, place, pe, count, soonest, world, state, n, features):
    """The features of one pair of ready task and PE, but for the look ahead."""
    unit, scale, now = n.unit[b], n.scale[b], state.row[b, s.NOW]
    pes, finish = state.row[b, s.NUM_PES], n.finish
    task = state.ready[b, place]
    node, slot = state.task[b, task, s.NODE], n.slot[place]
    time, available = world.execution[b, node, pe], state.pe[b, pe, s.AVAILABLE]
    data = state.data[b, place, pe]
    best, fastest, support = n.choice[place, BEST], n.choice[place, FASTEST], n.choice[place, SUPPORT]
    optimistic = n.choice_cost[place]
    wanted, harm, supported = _others(place, pe, count, finish, n.choice, world.execution[b, :, pe], n.node)
    features[0] = 0.0
    features[1] = time / unit
    features[2] = np.log((time + 1) / (fastest + 1))
    features[3] = (data - now) / unit
    features[4] = (available - now) / unit
    features[5] = max(data - available, 0) / unit
    features[6] = (finish[place, pe] - now) / unit
    features[7] = (finish[place, pe] - best) / unit
    features[8] = (finish[place, pe] - soonest) / unit
    features[9] = n.rank[b, node] / scale
    features[10] = n.least[b, node, pe] / scale
    features[11] = (finish[place, pe] + n.optimistic[b, node, pe] - optimistic) / unit
    following = world.node[b, node, s.SUCC_COUNT]
    released = 0
    for way in range(world.node[b, node, s.SUCC_FIRST], world.node[b, node, s.SUCC_FIRST] + following):
        released += state.task[b, task + world.target[b, world.leaving[b, way]] - node, s.UNMET] == 1
    features[12], features[13] = following / 3, released / 3
    features[14], features[15] = wanted / 3, harm / unit
    features[16] = 1.0 if max(data, available) <= now else 0.0
    features[17], features[18] = support / pes, supported / count
    if slot >= 0:
        features[19] = n.job[slot, AGE] / scale
        features[20] = n.job[slot, REMAINING] / scale
        features[21] = n.rank[b, node] / max(n.job[slot, REMAINING], 1.0)
        features[22] = n.job[slot, TASKS_LEFT] / n.size[b, node]
        features[23], features[24] = n.job[slot, OLDER], n.job[slot, SHORTER]
        features[25] = n.job[slot, READY_HERE] / 5
        features[26] = (n.job[slot, AGE] + n.job[slot, REMAINING]) / scale


@njit(cache=True, nogil=True)
def _copy(jobs, n):
    """Take the lists of the present state as those that the next roll-out changes."""
    tasks = n.first[jobs]
    n.copies[0][:tasks] = n.lists[0][:tasks]
    n.copies[1][:tasks] = n.lists[1][:tasks]
    n.copies[2][:tasks] = n.lists[2][:tasks]
    n.copies[3][:] = n.lists[3]


@njit(cache=True, nogil=True)
def _look(b, place, pe, jobs, not_before, world, state, n, features):
    """What the three rules would make of the jobs here, after a pair is bound (or, with place -1, nothing for now)."""
    for which in range(len(BIASES)):
        _copy(jobs, n)
        ends, places, unmet, available, _, waiting, data, best, best_on = n.copies
        if place >= 0:
            task = state.ready[b, place]
            at = locate(b, task, jobs, n.first, state)
            if at >= 0:
                node = state.task[b, task, s.NODE]
                ends[at], places[at] = n.finish[place, pe], pe
                head = world.node[b, node, s.SUCC_FIRST]
                for way in range(head, head + world.node[b, node, s.SUCC_COUNT]):
                    unmet[at + world.target[b, world.leaving[b, way]] - node] -= 1
            available[pe] = n.finish[place, pe]
        total = roll_out(
            b, BIASES[which], MOST_PLACED, not_before, jobs, world, state, n.rank[b], n.least[b],
            (n.first, ends, places, unmet, available, n.lists[4], waiting, data, best, best_on), n.last,
        )  # fmt: skip
        features[FIRST_LOOK + which] = total / n.scale[b]


@njit(cache=True, nogil=True)
def next_completion(b, state):
    """When the next running task is expected to end, after now; NEVER if none runs."""
    time = s.NEVER
    for pe in range(state.row[b, s.NUM_PES]):
        if state.pe[b, pe, s.RUNNING] != s.NOBODY:
            time = min(time, max(state.pe[b, pe, s.EXPECTED], state.row[b, s.NOW] + 1))
    return time


@njit(cache=True, nogil=True)
def _write_context(b, jobs, count, soonest, state, n, context):
    """Global numbers."""
    row, unit, scale, now = state.row, n.unit[b], n.scale[b], state.row[b, s.NOW]
    pes, idle, work = row[b, s.NUM_PES], 0, 0
    for pe in range(pes):
        idle += state.pe[b, pe, s.AVAILABLE] <= now
        work += state.pe[b, pe, s.AVAILABLE] - now
    age = remaining = oldest = 0.0
    for slot in range(jobs):
        age += n.job[slot, AGE]
        remaining += n.job[slot, REMAINING]
        oldest = max(oldest, n.job[slot, AGE])
    context[0] = np.log1p(row[b, s.PRESENT]) / 2
    context[1] = np.log1p(row[b, s.READY]) / 2
    context[2] = idle / pes
    context[3] = work / pes / unit / 3
    context[4], context[5] = age / max(jobs, 1) / scale, oldest / scale
    context[6] = remaining / max(jobs, 1) / scale
    context[7] = 1.0 if row[b, s.MAX_JOBS] > 0 and row[b, s.PRESENT] >= row[b, s.MAX_JOBS] else 0.0
    context[8] = min((next_completion(b, state) - now) / unit, FEATURE_LIMIT)
    context[9] = n.deviation[b]
    context[10] = np.log(pes) / 3
    context[11] = count / pes
    context[12] = 1.0 if row[b, s.PICKED] != s.NOBODY else 0.0
    context[13] = (soonest - now) / unit if soonest < s.NEVER else 0.0
    context[14] = row[b, s.PRESENT] / pes
    context[15] = 0.0


@njit(cache=True, nogil=True)
def _candidate_of(b, action, rules, columns, world, state):
    """The ready task and the PE behind a legal action; (-1, -1) for the one that defers."""
    if action == state.flag.shape[1] - 1 - s.LEGAL and state.row[b, s.PICKED] == s.NOBODY:
        return -1, -1
    if rules.action == s.PAIR:
        place, column = action // columns, action % columns
        if rules.offer != s.EVERY:
            column = best_pe(b, place, column, rules.offer == s.TIMELY, world, state)
        return place, column
    if state.row[b, s.PICKED] != s.NOBODY:
        return state.row[b, s.PICKED], action
    return action, best_pe(b, action, s.NOBODY, False, world, state)


@njit(cache=True, nogil=True)
def _alike(b, place, pe, other, other_pe, kinds, world, state):
    """Whether two pairs bind interchangeable tasks of one job to the same PE or, with ``kinds``, to PEs of one kind."""
    if not kinds and pe != other_pe:
        return False
    one, two = state.ready[b, place], state.ready[b, other]
    if state.task[b, one, s.JOB] != state.task[b, two, s.JOB] or world.kind[b, pe] != world.kind[b, other_pe]:
        return False
    twin, other_twin = (
        world.node[b, state.task[b, one, s.NODE], s.TWIN],
        world.node[b, state.task[b, two, s.NODE], s.TWIN],
    )
    return twin == other_twin


@njit(cache=True, nogil=True)
def _write_candidates(b, rules, look_ahead, columns, count, jobs, soonest, world, state, n, candidate, features):
    """Nodes and features of the legal actions of a row; returns the best value that looking ahead has found."""
    nodes, last = world.node.shape[1], state.flag.shape[1] - 1 - s.LEGAL
    looks = len(BIASES)
    least = np.full(looks + 1, np.inf)
    n.copies[3][:] = n.lists[3]
    late, late_pe = -1, -1
    if not look_ahead:
        late, late_pe = late_binding(b, count, False, n.rank[b], n.copies[3], world, state)
    kinds = rules.action == s.PAIR and rules.offer != s.EVERY
    for a in range(last + 1):
        if not state.flag[b, s.LEGAL + a]:
            continue
        place, pe = _candidate_of(b, a, rules, columns, world, state)
        row = features[b, a]
        not_before = state.row[b, s.NOW]
        if place < 0:
            candidate[b, a] = nodes + world.kind.shape[1]
            row[0] = 1.0
            not_before = next_completion(b, state)
            row[6] = min((not_before - state.row[b, s.NOW]) / n.unit[b], FEATURE_LIMIT)
            if not_before == s.NEVER:
                not_before = state.row[b, s.NOW]
        else:
            picked = state.row[b, s.PICKED] != s.NOBODY
            candidate[b, a] = nodes + pe if picked else state.task[b, state.ready[b, place], s.NODE]
            _write_pair(b, place, pe, count, soonest, world, state, n, row)
        if (
            not look_ahead
            and (place < 0) == (late < 0)
            and (place < 0 or _alike(b, place, pe, late, late_pe, kinds, world, state))
        ):
            row[27] = 1.0
        row[28] = 1.0 if place >= 0 and row[8] <= 0.0 else 0.0
        if look_ahead:
            _look(b, place, pe, jobs, not_before, world, state, n, row)
            row[FIRST_LOOK + looks] = row[FIRST_LOOK : FIRST_LOOK + looks].min()
            for which in range(looks + 1):
                least[which] = min(least[which], row[FIRST_LOOK + which])
    for a in range(last + 1):
        if state.flag[b, s.LEGAL + a]:
            for which in range(looks + 1 if look_ahead else 0):
                features[b, a, FIRST_LOOK + which] = (features[b, a, FIRST_LOOK + which] - least[which]) * 4
            for d in range(features.shape[2]):
                features[b, a, d] = _limited(features[b, a, d])
    return least[looks] if look_ahead else 0.0


@njit(cache=True, nogil=True)
def _unbound(count, ends):
    """How many of the tasks looked at are not bound."""
    unbound = 0
    for at in range(count):
        unbound += ends[at] == UNPLACED
    return unbound


@njit(cache=True, nogil=True)
def write_rows(chosen, rules, look_ahead, columns, world, state, n, candidate, features, context, mask):
    """Write the dynamic part of the observation of every chosen row."""
    assert features.shape[2] == NUM_CANDIDATE_FEATURES
    assert context.shape[1] == NUM_CONTEXT_FEATURES
    for b in chosen:
        candidate[b] = PADDING
        features[b] = 0.0
        context[b] = 0.0
        for a in range(mask.shape[1]):
            mask[b, a] = state.flag[b, s.LEGAL + a]
        if state.flag[b, s.DONE]:
            continue
        count = min(state.row[b, s.READY], n.finish.shape[0])
        stock = n.lists
        jobs = take_stock(b, MOST_JOBS, world, state, n.first, stock[0], stock[1], stock[2], stock[3], stock[4])
        _describe_jobs(b, jobs, n, state)
        _fill_finish(b, count, world, state, n, jobs)
        soonest = s.NEVER
        for place in range(count):
            soonest = min(soonest, n.choice[place, BEST])
        _write_context(b, jobs, count, soonest, state, n, context[b])
        few = look_ahead and jobs > 0 and _unbound(n.first[jobs], n.lists[0]) <= MOST_UNBOUND
        value = _write_candidates(b, rules, few, columns[b], count, jobs, soonest, world, state, n, candidate, features)
        context[b, 15], context[b, 16] = value / max(jobs, 1), 1.0 if few else 0.0
        for c in range(context.shape[1]):
            context[b, c] = _limited(context[b, c])
