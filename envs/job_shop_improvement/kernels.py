"""The loops over a batch of searches: moves, what may be done next, and what a policy sees of it."""

from __future__ import annotations

import numpy as np
from numba import njit

from .disjunctive import (
    AFTER,
    BEFORE,
    DURATION,
    HEAD,
    JOB,
    JOB_AFTER,
    JOB_BEFORE,
    PLACE,
    TAIL,
    end_of,
    makespan_of,
    take_sequence,
    write_sequence,
)
from .memory import NEVER, latest, remember
from .neighbours import BEHIND, ESTIMATE, KIND, U, V, critical_path, estimate_moves, list_moves, make_move

RETURN = 0
"""The action that goes back to the best schedule."""

(
    JOBS, MACHINES, OPERATIONS, LIMIT, FIRST_MAKESPAN, BOUND, STEPS, MAKESPAN, BEST, SINCE, OFFERED, PATH, NUMBERS
) = range(13)  # fmt: skip
"""Of a row: sizes, moves of an episode, the first makespan and a lower bound, which stay; then the actions so far, the
makespan now and at best, the action that reached that, moves on offer, operations of the critical path."""

MEAN_DURATION, REWARD, REALS = range(3)


@njit(cache=True, nogil=True)
def draw_of(step):
    """31 bits that decide between critical paths of one length: the same whenever a search is repeated."""
    x = np.uint64(step + 1) * np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(29)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    return np.int64(x >> np.uint64(33))


@njit(cache=True, nogil=True)
def start_rows(rows, neighbourhood, tenure, none, tables, start, first, best, memory, counts, numbers, reals, moves,
               path, legal, done, illegal):  # fmt: skip
    """Begin a search in every row named."""
    for b in rows:
        n, row = numbers[b, OPERATIONS], numbers[b]
        best[b, :n] = start[b, :n]
        take_sequence(tables[b], n, none, best[b, :n], first[b, : row[MACHINES] + 1])
        memory[b] = NEVER
        counts[b] = 0
        row[MAKESPAN] = row[BEST] = row[FIRST_MAKESPAN] = makespan_of(tables[b], row[JOBS])
        row[STEPS] = row[SINCE] = 0
        reals[b, REWARD] = 0.0
        illegal[b] = False
        _offer(b, neighbourhood, tenure, none, tables, memory, numbers, moves, path, legal, done)


@njit(cache=True, nogil=True)
def step_rows(action, neighbourhood, tenure, none, tables, first, best, memory, counts, numbers, reals, moves, path,
              legal, done, illegal):  # fmt: skip
    """One action in every row; returns how many were illegal and how many rows are done."""
    bad = over = 0
    for b in range(len(action)):
        reals[b, REWARD] = 0.0
        a = action[b]
        illegal[b] = not done[b] and (a < 0 or a >= legal.shape[1] or not legal[b, a])
        if not done[b] and not illegal[b]:
            g, row = tables[b], numbers[b]
            n = row[OPERATIONS]
            row[STEPS] += 1
            if a == RETURN:
                take_sequence(g, n, none, best[b, :n], first[b, : row[MACHINES] + 1])
                row[SINCE] = row[STEPS]
            else:
                move = moves[b, a - 1]
                # a little longer at times, or searches would go round in circles
                remember(g, move, memory[b], row[STEPS] + draw_of(-row[STEPS]) % (tenure // 2 + 1))
                counts[b, move[U], g[JOB, move[V]]] += 1
                make_move(g, none, move)
            row[MAKESPAN] = makespan_of(g, row[JOBS])
            if row[MAKESPAN] < row[BEST]:
                reals[b, REWARD] = row[BEST] - row[MAKESPAN]
                row[BEST], row[SINCE] = row[MAKESPAN], row[STEPS]
                write_sequence(g, none, best[b, :n], first[b, : row[MACHINES] + 1])
            _offer(b, neighbourhood, tenure, none, tables, memory, numbers, moves, path, legal, done)
        bad += 1 if illegal[b] else 0
        over += 1 if done[b] else 0
    return bad, over


@njit(cache=True, nogil=True)
def _offer(b, neighbourhood, tenure, none, tables, memory, numbers, moves, path, legal, done):
    """List the moves of the schedule that is, with estimates, and which of them are allowed."""
    g, row = tables[b], numbers[b]
    row[PATH] = critical_path(g, none, row[JOBS], row[MAKESPAN], draw_of(row[STEPS]), path[b])
    count = max(list_moves(g, none, path[b], row[PATH], neighbourhood, moves[b]), 0)
    estimate_moves(g, none, moves[b], count)
    row[OFFERED] = count
    done[b] = count == 0 or row[STEPS] >= row[LIMIT] or row[BEST] <= row[BOUND]
    legal[b] = False
    any_move = False
    for k in range(count):
        allowed = moves[b, k, ESTIMATE] < row[BEST] or latest(g, moves[b, k], memory[b]) <= row[STEPS] - tenure
        legal[b, k + 1] = allowed
        any_move = any_move or allowed
    if not any_move:
        legal[b, 1 : count + 1] = True
    legal[b, RETURN] = count == 0 or row[STEPS] > row[SINCE]


@njit(cache=True, nogil=True)
def observe_rows(rows, none, tables, memory, counts, numbers, reals, moves, path, legal, candidate, features, context,
                 mask):  # fmt: skip
    """Candidates, features, context and mask; see :mod:`.observe`."""
    for b in rows:
        g, row = tables[b], numbers[b]
        mask[b] = legal[b]
        candidate[b] = -1
        features[b] = 0
        candidate[b, RETURN] = none
        per_unit, makespan, best = 1.0 / reals[b, MEAN_DURATION], row[MAKESPAN], max(row[BEST], 1)
        blocks = _blocks(g, path[b], row[PATH])
        features[b, RETURN, 0] = 1.0
        for k in range(row[OFFERED]):
            move = moves[b, k]
            candidate[b, k + 1] = move[U] if move[KIND] == BEHIND else move[V]
            _observe_move(g, none, move, memory[b], counts[b], row, per_unit, features[b, k + 1])
        line = context[b]
        line[0] = row[STEPS] / row[LIMIT]
        line[1] = np.log1p(row[LIMIT] - row[STEPS]) / 10
        line[2] = np.log1p(row[STEPS] - row[SINCE]) / 5
        line[3] = 10.0 * (makespan - row[BEST]) / best
        line[4] = (row[BEST] - row[BOUND]) / row[BOUND]
        line[5] = 10.0 * (row[FIRST_MAKESPAN] - row[BEST]) / max(row[FIRST_MAKESPAN], 1)
        line[6] = np.log1p(row[OFFERED]) / 5
        line[7] = np.log1p(row[PATH]) / 5
        line[8] = np.log1p(blocks) / 5
        line[9] = np.log1p(row[JOBS]) / 5
        line[10] = np.log1p(row[MACHINES]) / 5
        for c in range(context.shape[1]):
            line[c] = min(max(line[c], -10.0), 10.0)


@njit(cache=True, nogil=True)
def _blocks(g, path, length):
    count = 1 if length > 0 else 0
    for k in range(1, length):
        if g[AFTER, path[k]] != path[k - 1]:
            count += 1
    return count


@njit(cache=True, nogil=True)
def _observe_move(g, none, move, memory, counts, row, per_unit, line):
    u, v, estimate = move[U], move[V], move[ESTIMATE]
    makespan, now = max(row[MAKESPAN], 1), row[STEPS]
    line[1] = (row[MAKESPAN] - estimate) * per_unit
    line[2] = (row[BEST] - estimate) * per_unit
    line[3] = 1.0 if estimate < makespan else 0.0
    line[4] = 1.0 if estimate < row[BEST] else 0.0
    last = latest(g, move, memory)
    # how long ago the order that the move brings back was taken back; 0 where it never was
    line[5] = 0.0 if last < 0 else 1.0 / (1.0 + 0.1 * max(now - last, 0))
    line[6] = 1.0 if last < 0 else 0.0
    line[7] = np.log1p(counts[u, g[JOB, v]])
    line[8] = np.log1p(counts[v, g[JOB, u]])
    line[9] = g[DURATION, u] * per_unit
    line[10] = g[DURATION, v] * per_unit
    line[11] = 2.0 * g[HEAD, u] / makespan - 1.0
    passed, i = 0, u
    while i != v:
        passed += 1
        i = g[AFTER, i]
    line[12] = np.log1p(passed)
    # does the block go on before u, and behind v?
    opens = g[BEFORE, u] >= none or end_of(g, g[BEFORE, u]) != g[HEAD, u]
    behind = g[AFTER, v]
    closes = behind >= none or g[TAIL, behind] + g[DURATION, behind] != g[TAIL, v]
    line[13] = 1.0 if opens else 0.0
    line[14] = 1.0 if closes else 0.0
    # room beside the machine: how much later u, and how much earlier v, could go for all that their jobs say
    own = g[JOB_AFTER, u]
    line[15] = (g[TAIL, u] - (g[TAIL, own] + g[DURATION, own])) * per_unit
    line[16] = (g[HEAD, v] - end_of(g, g[JOB_BEFORE, v])) * per_unit
    line[17] = 1.0 if move[KIND] == BEHIND else 0.0
    for c in range(len(line)):
        line[c] = min(max(line[c], -10.0), 10.0)


@njit(cache=True, nogil=True)
def observe_graph(rows, none, tables, numbers, node_state, follows):
    """The disjunctive graph of the present schedules: features of the operations, and who follows whom on machines."""
    for b in rows:
        g, n, makespan = tables[b], numbers[b, OPERATIONS], max(numbers[b, MAKESPAN], 1)
        node_state[b] = 0
        follows[b] = -1
        at = 0
        for i in range(n):
            head, tail, d = g[HEAD, i], g[TAIL, i], g[DURATION, i]
            slack = numbers[b, MAKESPAN] - head - d - tail
            node_state[b, i, 0] = head / makespan
            node_state[b, i, 1] = tail / makespan
            node_state[b, i, 2] = min(slack / max(d, 1), 10.0) / 5
            node_state[b, i, 3] = 1.0 if slack == 0 else 0.0
            node_state[b, i, 4] = g[PLACE, i] / n
            if g[AFTER, i] < none:
                follows[b, 0, at], follows[b, 1, at] = i, g[AFTER, i]
                at += 1
