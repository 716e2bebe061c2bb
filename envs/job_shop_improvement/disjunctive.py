"""The disjunctive graph of a complete schedule: heads, tails and a topological order, kept up to date move by move.

A schedule is the order of the operations on every machine. Its graph has an arc from every operation to the next of its
job and to the next on its machine; the head of an operation is the longest way to it (its earliest start), its tail the
longest way from its end to the end of the schedule. A move takes one operation out of its machine's order and puts it
elsewhere; only what lies between both places in the topological order has to be ordered anew, and only the operations
whose head or tail changes are visited (Nowicki & Smutnicki, Journal of Scheduling 8, 2005, section 4).

All loops work on one row: a table ``g`` of :data:`LINES` lines, one column for every operation, then one that stands
for "none", then one for every job, which stands before its first operation and ends at its release.
"""

from __future__ import annotations

import numpy as np
from numba import njit

(
    DURATION, JOB, JOB_BEFORE, JOB_AFTER, BEFORE, AFTER, HEAD, TAIL, ORDER, PLACE, FLAG, SCRATCH, LAST, LINES
) = range(14)  # fmt: skip
"""Lines: what an operation is, its neighbours in its job and on its machine, its head and tail; which operation is at a
place of the topological order and the place of each; marks and room for work; by job its last operation."""

TYPE = np.int32


def columns(max_operations: int, max_jobs: int) -> int:
    """Columns of a table."""
    return max_operations + 1 + max_jobs


@njit(cache=True, nogil=True, inline="always")
def end_of(g, i):
    """When operation ``i`` ends."""
    return g[HEAD, i] + g[DURATION, i]


@njit(cache=True, nogil=True)
def take_sequence(g, count, none, sequence, first):
    """Make the table of machine orders: heads, tails and a topological order of ``count`` operations.

    Args:
        g: The table, with durations, jobs and the neighbours in the job filled in, and the columns of the jobs.
        count: Operations.
        none: Column that stands for none.
        sequence: Operations machine by machine, in their order, ``[count]``.
        first: Where each machine begins in it, ``[M + 1]``.

    Returns:
        Whether the orders contradict neither each other nor the routings.
    """
    for m in range(len(first) - 1):
        before = none
        for k in range(first[m], first[m + 1]):
            i = sequence[k]
            g[BEFORE, i] = before
            g[AFTER, i] = none
            if before != none:
                g[AFTER, before] = i
            before = i
    done = 0
    for i in range(count):
        waits = (1 if g[JOB_BEFORE, i] < none else 0) + (1 if g[BEFORE, i] < none else 0)
        g[FLAG, i] = waits
        if waits == 0:
            g[ORDER, done] = i
            done += 1
    at = 0
    while at < done:
        i = g[ORDER, at]
        g[PLACE, i] = at
        at += 1
        g[HEAD, i] = max(end_of(g, g[JOB_BEFORE, i]), end_of(g, g[BEFORE, i]))
        for line in (JOB_AFTER, AFTER):
            j = g[line, i]
            if j < none:
                g[FLAG, j] -= 1
                if g[FLAG, j] == 0:
                    g[ORDER, done] = j
                    done += 1
    if done < count:
        g[FLAG, :count] = 0
        return False
    for at in range(count - 1, -1, -1):
        i = g[ORDER, at]
        a, b = g[JOB_AFTER, i], g[AFTER, i]
        g[TAIL, i] = max(g[TAIL, a] + g[DURATION, a], g[TAIL, b] + g[DURATION, b])
    return True


@njit(cache=True, nogil=True)
def write_sequence(g, none, sequence, first):
    """The inverse of :func:`take_sequence`: the machine orders of a table, ``[count]``."""
    for m in range(len(first) - 1):
        if first[m] == first[m + 1]:
            continue
        i = sequence[first[m]]  # of the machine, wherever it is in the order now
        while g[BEFORE, i] != none:
            i = g[BEFORE, i]
        for k in range(first[m], first[m + 1]):
            sequence[k] = i
            i = g[AFTER, i]


@njit(cache=True, nogil=True)
def makespan_of(g, jobs):
    """The makespan of the schedule."""
    longest = 0
    for j in range(jobs):
        longest = max(longest, end_of(g, g[LAST, j]))
    return longest


@njit(cache=True, nogil=True)
def move_after(g, none, u, v):
    """Move operation ``u`` to right behind ``v``, which comes later on its machine; there must be no way from the next
    operation of u's job to ``v``.
    """
    low, high = g[PLACE, u], g[PLACE, v]
    before, next_one, behind = g[BEFORE, u], g[AFTER, u], g[AFTER, v]
    if before < none:
        g[AFTER, before] = next_one
    g[BEFORE, next_one] = before
    g[AFTER, v] = u
    g[BEFORE, u] = v
    g[AFTER, u] = behind
    if behind < none:
        g[BEFORE, behind] = u
    # in the topological order: first what leads to v, then u, then the rest
    g[FLAG, v] = 1
    for at in range(high - 1, low, -1):
        i = g[ORDER, at]
        if g[FLAG, g[JOB_AFTER, i]] or g[FLAG, g[AFTER, i]]:
            g[FLAG, i] = 1
    to, kept = low, 0
    for at in range(low + 1, high + 1):
        i = g[ORDER, at]
        if g[FLAG, i]:
            g[FLAG, i] = 0
            g[ORDER, to] = i
            g[PLACE, i] = to
            to += 1
        else:
            g[SCRATCH, kept] = i
            kept += 1
    g[ORDER, to] = u
    g[PLACE, u] = to
    for k in range(kept):
        g[ORDER, to + 1 + k] = g[SCRATCH, k]
        g[PLACE, g[SCRATCH, k]] = to + 1 + k
    _update(g, none, next_one, u, behind, before, v, u)


@njit(cache=True, nogil=True)
def move_before(g, none, u, v):
    """Move operation ``v`` to right before ``u``, which comes earlier on its machine; there must be no way from ``u``
    to the operation before v in its job.
    """
    low, high = g[PLACE, u], g[PLACE, v]
    before, last_one, behind = g[BEFORE, u], g[BEFORE, v], g[AFTER, v]
    if behind < none:
        g[BEFORE, behind] = last_one
    g[AFTER, last_one] = behind
    g[BEFORE, u] = v
    g[AFTER, v] = u
    g[BEFORE, v] = before
    if before < none:
        g[AFTER, before] = v
    # in the topological order: first what u does not lead to, then v, then u and the rest
    g[FLAG, u] = 1
    kept, to = 0, low
    g[SCRATCH, kept] = u
    kept += 1
    for at in range(low + 1, high):
        i = g[ORDER, at]
        if g[FLAG, g[JOB_BEFORE, i]] or g[FLAG, g[BEFORE, i]]:
            g[FLAG, i] = 1
            g[SCRATCH, kept] = i
            kept += 1
        else:
            g[ORDER, to] = i
            g[PLACE, i] = to
            to += 1
    g[ORDER, to] = v
    g[PLACE, v] = to
    for k in range(kept):
        i = g[SCRATCH, k]
        g[FLAG, i] = 0
        g[ORDER, to + 1 + k] = i
        g[PLACE, i] = to + 1 + k
    _update(g, none, v, u, behind, before, v, last_one)


@njit(cache=True, nogil=True)
def _update(g, none, head_one, head_two, head_three, tail_one, tail_two, tail_three):
    """Heads and tails after a move, starting at the operations that got another neighbour before or behind them."""
    low, high = 1 << 30, -1
    for i in (head_one, head_two, head_three):
        if i < none:
            g[FLAG, i] = 1
            low, high = min(low, g[PLACE, i]), max(high, g[PLACE, i])
    at = low
    while at <= high:
        i = g[ORDER, at]
        at += 1
        if g[FLAG, i]:
            g[FLAG, i] = 0
            head = max(end_of(g, g[JOB_BEFORE, i]), end_of(g, g[BEFORE, i]))
            if head != g[HEAD, i]:
                g[HEAD, i] = head
                for j in (g[JOB_AFTER, i], g[AFTER, i]):
                    if j < none:
                        g[FLAG, j] = 1
                        high = max(high, g[PLACE, j])
    low, high = 1 << 30, -1
    for i in (tail_one, tail_two, tail_three):
        if i < none:
            g[FLAG, i] = 1
            low, high = min(low, g[PLACE, i]), max(high, g[PLACE, i])
    at = high
    while at >= low:
        i = g[ORDER, at]
        at -= 1
        if g[FLAG, i]:
            g[FLAG, i] = 0
            a, b = g[JOB_AFTER, i], g[AFTER, i]
            tail = max(g[TAIL, a] + g[DURATION, a], g[TAIL, b] + g[DURATION, b])
            if tail != g[TAIL, i]:
                g[TAIL, i] = tail
                for j in (g[JOB_BEFORE, i], g[BEFORE, i]):
                    if j < none:
                        g[FLAG, j] = 1
                        low = min(low, g[PLACE, j])
