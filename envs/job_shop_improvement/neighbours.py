"""Neighbouring schedules: moves of operations inside the blocks of a critical path, and how long a schedule they make.

A block is a longest run of operations on a critical path that follow each other on one machine. Two neighbourhoods:

* ``n5`` (Nowicki & Smutnicki, Management Science 42, 1996): swap the first two and the last two operations of every
  block; not the first two of the first block nor the last two of the last one, which cannot shorten the schedule.
* ``n6`` (Balas & Vazacopoulos, Management Science 44, 1998, with the moves into the block that Zhang et al., Computers
  & Operations Research 34, 2007, add): move an operation of a block right behind its last or right before its first,
  or the first or last one into the block, where heads and tails prove that no cycle arises.

Moves are estimated as Balas & Vazacopoulos do: heads and tails of what is moved past are computed anew, those of all
others taken as they are. The estimate is the length of the longest way through a moved operation, or a little more.
"""

from __future__ import annotations

from numba import njit

from .disjunctive import (
    AFTER,
    BEFORE,
    DURATION,
    HEAD,
    JOB_AFTER,
    JOB_BEFORE,
    LAST,
    SCRATCH,
    TAIL,
    end_of,
    move_after,
    move_before,
)

N5, N6 = 0, 1
U, V, KIND, ESTIMATE, MOVE_COLUMNS = range(5)
"""Of a move: its two operations, the first of which comes earlier; whether the first goes :data:`BEHIND` the second or
the second :data:`AHEAD` of the first; the estimated makespan."""
BEHIND, AHEAD = 0, 1


@njit(cache=True, nogil=True, inline="always")
def make_move(g, none, move):
    """Make a move in the graph."""
    if move[KIND] == BEHIND:
        move_after(g, none, move[U], move[V])
    else:
        move_before(g, none, move[U], move[V])


@njit(cache=True, nogil=True)
def critical_path(g, none, jobs, makespan, draw, path):
    """A longest way through the graph.

    Args:
        g: The table.
        none: Column that stands for none.
        jobs: J.
        makespan: Its length.
        draw: A random number, whose bits decide between ways of one length.
        path: Where to write its operations, last first.

    Returns:
        How many there are.
    """
    i, skip = none, draw % jobs
    for k in range(jobs):
        j = (k + skip) % jobs
        if end_of(g, g[LAST, j]) == makespan:
            i = g[LAST, j]
            break
    length, bits = 0, draw
    while i < none:
        path[length] = i
        length += 1
        a, b, head = g[JOB_BEFORE, i], g[BEFORE, i], g[HEAD, i]
        by_machine = b < none and end_of(g, b) == head
        if by_machine and end_of(g, a) == head and a < none:
            by_machine = bits & 1 == 0
            bits = (bits >> 1) | ((bits & 1) << 30)
        i = b if by_machine else a
        if not by_machine and end_of(g, a) != head:
            break
    return length


@njit(cache=True, nogil=True)
def list_moves(g, none, path, length, neighbourhood, moves):
    """The moves of a critical path.

    Args:
        g: The table.
        none: Column that stands for none.
        path: Its operations, last first.
        length: How many there are.
        neighbourhood: ``N5`` or ``N6``.
        moves: Where to write them, ``[A, MOVE_COLUMNS]``; what does not fit is left out.

    Returns:
        How many there are, estimates not yet written. 0 proves that the schedule is optimal (no block can be left
        otherwise than it is); -1 stands for none where moves were left out because they might make a cycle, as happens
        where jobs come back to a machine or operations take no time.
    """
    count, left_out = 0, False
    stop = length  # places of the path run backwards: the block's first operation is at stop - 1
    while stop > 0:
        start = stop - 1
        while start > 0 and g[AFTER, path[start]] == path[start - 1]:
            start -= 1
        # the block is path[stop - 1], path[stop - 2], ..., path[start]
        size = stop - start
        # what comes before the path is only time that nobody needs, unless a job is released late
        opens, closes = stop == length and g[HEAD, path[stop - 1]] == 0, start == 0
        if size > 1 and not (opens and closes):
            if neighbourhood == N5:
                count = _list_ends(g, none, path, start, stop, opens, closes, moves, count)
            else:
                count = _list_block(g, none, path, start, stop, opens, closes, moves, count)
            left_out = True  # a block that could change but offers nothing; only asked if none offers anything
        stop = start
    return -1 if count == 0 and left_out else count


@njit(cache=True, nogil=True, inline="always")
def can_go_behind(g, none, u, v):
    """Whether heads and tails prove that there is no way from the next of u's job to ``v``, later on u's machine."""
    own = g[JOB_AFTER, u]
    return own >= none or (own != v and g[TAIL, own] < g[TAIL, v] + g[DURATION, v])


@njit(cache=True, nogil=True, inline="always")
def can_go_ahead(g, none, u, v):
    """Whether heads and tails prove that there is no way from ``u`` to the one before ``v`` in its job."""
    own = g[JOB_BEFORE, v]
    return own >= none or (own != u and g[HEAD, own] < end_of(g, u))


@njit(cache=True, nogil=True, inline="always")
def _add(moves, count, u, v, kind):
    if count < len(moves):
        moves[count, U], moves[count, V], moves[count, KIND] = u, v, kind
        count += 1
    return count


@njit(cache=True, nogil=True)
def _list_ends(g, none, path, start, stop, opens, closes, moves, count):
    if not closes and can_go_behind(g, none, path[start + 1], path[start]):
        count = _add(moves, count, path[start + 1], path[start], BEHIND)
    if not opens and (stop - start > 2 or closes) and can_go_behind(g, none, path[stop - 1], path[stop - 2]):
        count = _add(moves, count, path[stop - 1], path[stop - 2], BEHIND)
    return count


@njit(cache=True, nogil=True)
def _list_block(g, none, path, start, stop, opens, closes, moves, count):
    first, last = path[stop - 1], path[start]
    if not closes:  # operations behind the last, and the last one into the block
        for k in range(start + 1, stop):
            u = path[k]
            if can_go_behind(g, none, u, last):
                count = _add(moves, count, u, last, BEHIND)
        for k in range(start + 2, stop):
            u = path[k]
            if can_go_ahead(g, none, u, last):
                count = _add(moves, count, u, last, AHEAD)
    if not opens:  # operations before the first, and the first one into the block
        for k in range(start if closes else start + 1, stop - 1):
            v = path[k]
            if can_go_ahead(g, none, first, v):
                count = _add(moves, count, first, v, AHEAD)
        for k in range(start if closes else start + 1, stop - 2):
            v = path[k]
            if can_go_behind(g, none, first, v):
                count = _add(moves, count, first, v, BEHIND)
    return count


@njit(cache=True, nogil=True)
def estimate_behind(g, none, u, v):
    """Estimated makespan if ``u`` moves to right behind ``v``."""
    a, d = g[JOB_BEFORE, u], DURATION
    end = end_of(g, g[BEFORE, u])
    i, count = g[AFTER, u], 0
    while True:
        head = max(end, end_of(g, g[JOB_BEFORE, i]))
        g[SCRATCH, count] = head
        count += 1
        end = head + g[d, i]
        if i == v:
            break
        i = g[AFTER, i]
    head = max(end, end_of(g, a))
    behind, own = g[AFTER, v], g[JOB_AFTER, u]
    tail = max(g[TAIL, behind] + g[d, behind], g[TAIL, own] + g[d, own])
    longest = head + g[d, u] + tail
    way = tail + g[d, u]
    i = v
    for k in range(count - 1, -1, -1):
        own = g[JOB_AFTER, i]
        tail = max(way, g[TAIL, own] + g[d, own])
        way = tail + g[d, i]
        longest = max(longest, g[SCRATCH, k] + way)
        i = g[BEFORE, i]
    return longest


@njit(cache=True, nogil=True)
def estimate_ahead(g, none, u, v):
    """Estimated makespan if ``v`` moves to right before ``u``."""
    d = DURATION
    end = max(end_of(g, g[BEFORE, u]), end_of(g, g[JOB_BEFORE, v]))
    head_v = end
    end += g[d, v]
    i, count = u, 0
    while i != v:
        head = max(end, end_of(g, g[JOB_BEFORE, i]))
        g[SCRATCH, count] = head
        count += 1
        end = head + g[d, i]
        i = g[AFTER, i]
    behind = g[AFTER, v]
    way = g[TAIL, behind] + g[d, behind]
    i, longest = g[BEFORE, v], 0
    for k in range(count - 1, -1, -1):
        own = g[JOB_AFTER, i]
        way = max(way, g[TAIL, own] + g[d, own]) + g[d, i]
        longest = max(longest, g[SCRATCH, k] + way)
        i = g[BEFORE, i]
    own = g[JOB_AFTER, v]
    return max(longest, head_v + g[d, v] + max(way, g[TAIL, own] + g[d, own]))


@njit(cache=True, nogil=True)
def estimate_moves(g, none, moves, count):
    """Write the estimates of the first ``count`` moves."""
    for k in range(count):
        u, v = moves[k, U], moves[k, V]
        if moves[k, KIND] == BEHIND:
            moves[k, ESTIMATE] = estimate_behind(g, none, u, v)
        else:
            moves[k, ESTIMATE] = estimate_ahead(g, none, u, v)
