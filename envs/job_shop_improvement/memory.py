"""What a search remembers of its moves: which orders of two operations it took back, and when."""

from __future__ import annotations

from numba import njit

from .disjunctive import AFTER, BEFORE, JOB
from .neighbours import BEHIND, KIND, U, V

NEVER = -(1 << 30)
"""What is remembered of an order that was never taken back: longer ago than any memory reaches."""


@njit(cache=True, nogil=True)
def latest(g, move, memory):
    """The largest number that is remembered of an order that a move would bring back.

    Args:
        g: The table of the schedule.
        move: One move.
        memory: For an operation and a job on its machine: what :func:`remember` wrote when the operation was moved from
            before that job's operation to behind it, ``[N, J]``.
    """
    u, v = move[U], move[V]
    found = memory[v, g[JOB, u]]
    if move[KIND] == BEHIND:
        job, i = g[JOB, u], g[AFTER, u]
        while i != v:
            found = max(found, memory[i, job])
            i = g[AFTER, i]
    else:
        i = g[BEFORE, v]
        while i != u:
            found = max(found, memory[v, g[JOB, i]])
            i = g[BEFORE, i]
    return found


@njit(cache=True, nogil=True)
def remember(g, move, memory, number):
    """Note a number for every order that a move is about to take back."""
    u, v = move[U], move[V]
    memory[u, g[JOB, v]] = number
    if move[KIND] == BEHIND:
        i = g[AFTER, u]
        while i != v:
            memory[u, g[JOB, i]] = number
            i = g[AFTER, i]
    else:
        job, i = g[JOB, v], g[BEFORE, v]
        while i != u:
            memory[i, job] = number
            i = g[BEFORE, i]
