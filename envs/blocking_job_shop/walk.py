"""Moves of the jobs inside a shop without exchanges, as far as it matters for deadlocks: who stands where.

Jobs are numbered by place in ``jobs``; ``at`` is the position of each in its route, or ``GONE``; ``busy`` says which
machines are held. ``fixed`` and ``route`` are a row's tables of jobs and of the machines of operations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from . import state as s

GONE = 2**15 - 1  # the position of a job that has left


@njit(cache=True, nogil=True)
def place(j: int, position: int, fixed: Any, route: Any) -> int:
    """The machine of an operation of job ``j``, by its position in the route."""
    return route[fixed[j, s.FIRST] + position]


@njit(cache=True, nogil=True)
def move(i: int, jobs: Any, at: Any, busy: Any, fixed: Any, route: Any) -> None:
    """A job goes to its next machine, and leaves the shop where that is its last."""
    busy[place(jobs[i], at[i], fixed, route)] = False
    at[i] += 1
    busy[place(jobs[i], at[i], fixed, route)] = True
    leave(i, jobs, at, busy, fixed, route)


@njit(cache=True, nogil=True)
def leave(i: int, jobs: Any, at: Any, busy: Any, fixed: Any, route: Any) -> bool:
    """Whether a job is on its last operation, and so leaves."""
    if at[i] != fixed[jobs[i], s.LENGTH] - 1:
        return False
    busy[place(jobs[i], at[i], fixed, route)] = False
    at[i] = GONE
    return True


@njit(cache=True, nogil=True)
def let_finish(
    count: int, jobs: Any, at: Any, busy: Any, fixed: Any, route: Any, plan: Any, length: int
) -> tuple[int, int]:
    """Take out, one after another, every job that can go to its end through free machines.

    Returns:
        How many jobs stay, and the length of the plan with the moves of those that left, unless ``plan`` is empty.
    """
    staying = 0
    for i in range(count):
        staying += at[i] != GONE
    again = True
    while again:
        again = False
        for i in range(count):
            if at[i] == GONE:
                continue
            here = place(jobs[i], at[i], fixed, route)
            through = True
            for position in range(at[i] + 1, fixed[jobs[i], s.LENGTH]):
                m = place(jobs[i], position, fixed, route)
                if busy[m] and m != here:  # its own is free once it has left it
                    through = False
                    break
            if through:
                for _ in range(at[i] + 1, fixed[jobs[i], s.LENGTH] if len(plan) > 0 else 0):
                    plan[length] = jobs[i]
                    length += 1
                busy[here] = False
                at[i] = GONE
                staying -= 1
                again = True
    return staying, length


@njit(cache=True, nogil=True)
def is_stuck(count: int, jobs: Any, at: Any, busy: Any, fixed: Any, route: Any) -> bool:
    """Whether some jobs wait in a circle; none of them is on its last operation."""
    who = np.full(len(busy), -1, np.int64)
    for i in range(count):
        if at[i] != GONE:
            who[place(jobs[i], at[i], fixed, route)] = i
    for i in range(count):
        if at[i] == GONE:
            continue
        current = i
        for _ in range(count + 1):
            other = who[place(jobs[current], at[current] + 1, fixed, route)]
            if other in (-1, current):  # free, or its own machine again
                current = -1
                break
            current = other
        if current != -1:
            return True
    return False
