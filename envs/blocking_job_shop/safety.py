"""Whether the jobs inside a shop without exchanges can all still leave it.

A state is where every job inside stands: an operation each, on machines that differ. It is *safe* if some order of
moves into free machines takes all of them out. Jobs outside stay there, operations end and machines are repaired, so
nothing else matters. To decide this is NP-complete where machines hold one job (Lawley & Reveliotis 2001), so the test
is a search, made short by six facts:

* A job that can go to its end through machines that are free now may leave first: the others keep every way out that
  they had. Often this empties the shop, in at most I rounds over I jobs of K operations: O(I I K) steps.
* Jobs that wait in a circle, each for the machine of the next, never move: such a state is not searched.
* A state that was looked at is not looked at again; states are compared in full, not by their hashes.
* Two jobs that could not both leave even if they were alone doom any state they are part of; a table of all positions
  of two jobs is soon filled from their ends backwards. In long searches, also of three.
* A way out that was found before mostly still works after the next start: every row keeps one as its *plan*.
* Moves that do not hinder each other need not be tried in every order. A *stubborn set* (Valmari 1991) of jobs holds,
  with a job whose next machine is free, all others that need this machine later, and with one whose next machine is
  held its holder. Of any way out the first move by a job of the set could as well be made at once: nobody before it
  needs its machine, and who holds it would have to move before. So only moves of one such set are tried.

In the worst case the search meets all combinations of positions, K to the power of I. It stops with an error at
``MOST_STATES`` of :mod:`.search` rather than guess. Random play, which crowds a shop as nothing else does, makes about
15 000 decisions per second in shops of 10 x 10 on one core, 1000 in 15 x 15 and 100 in 20 x 20, where single decisions
take seconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from . import state as s
from .search import search
from .walk import GONE, is_stuck, leave, let_finish, move, place


@njit(cache=True, nogil=True)
def plan_after(b: int, mover: int, world: Any, state: Any, plan: Any) -> int:
    """Write moves that take out all jobs inside after the next start of job ``mover``, as the jobs that move.

    Args:
        b: The row; its own plan, which takes out all jobs as they stand now, is tried first.
        mover: The job.
        world: See :mod:`.state`.
        state: See :mod:`.state`.
        plan: Where to write, int64 ``[N]``.

    Returns:
        How many moves the plan has; -1 if there is none: the start is not safe.

    Raises:
        RuntimeError: The search grew too long.
    """
    machines, fixed, route = world.row[b, s.NUM_MACHINES], world.job[b], world.machine[b]
    jobs, at = np.empty(machines, np.int64), np.empty(machines, np.int64)
    busy = np.zeros(machines, np.bool_)
    count = 1
    jobs[0], at[0] = mover, state.job[b, mover, s.STARTED]
    busy[state.job[b, mover, s.TO]] = True
    for m in range(machines):
        j = state.machine[b, m, s.HOLDER]
        if j != s.NOBODY and j != mover:
            jobs[count], at[count] = j, state.job[b, j, s.STARTED] - 1
            busy[m] = True
            count += 1
    staying = 0
    for i in range(count):
        staying += not leave(i, jobs, at, busy, fixed, route)
    if staying == 0:
        return 0
    if is_stuck(count, jobs, at, busy, fixed, route):
        return -1
    outside, known = state.job[b, mover, s.ON] == s.NOWHERE, state.plan[b, : state.row[b, s.PLANNED]]
    length = _follow(count, outside, known, jobs, at.copy(), busy.copy(), fixed, route, plan)
    return length if length >= 0 else find_plan(count, jobs, at, busy, fixed, route, plan)


@njit(cache=True, nogil=True)
def find_plan(count: int, jobs: Any, at: Any, busy: Any, fixed: Any, route: Any, plan: Any) -> int:
    """Write a plan for jobs on the operations ``at`` of their routes, from scratch; ``at`` and ``busy`` are used up."""
    first = at.copy()
    staying, length = let_finish(count, jobs, at, busy, fixed, route, plan, 0)
    if staying == 0:
        return length
    if is_stuck(count, jobs, at, busy, fixed, route):
        return -1
    movers = search(count, jobs, at, fixed, route, len(busy))
    if len(movers) == 0:
        return -1
    at[:] = first
    busy[:] = False
    for i in range(count):
        if at[i] != GONE:
            busy[place(jobs[i], at[i], fixed, route)] = True
    staying, length = let_finish(count, jobs, at, busy, fixed, route, plan, 0)
    for i in movers:
        move(i, jobs, at, busy, fixed, route)
        plan[length] = jobs[i]
        staying, length = let_finish(count, jobs, at, busy, fixed, route, plan, length + 1)
    return length


@njit(cache=True, nogil=True)
def _follow(
    count: int, outside: bool, known: Any, jobs: Any, at: Any, busy: Any, fixed: Any, route: Any, plan: Any
) -> int:
    """Write a plan that is known, with the start of ``jobs[0]`` before it, if it still works; else return -1.

    Where that job is in somebody's way because it is ahead of the plan, it moves on.
    """
    who = np.full(len(fixed), -1, np.int64)
    for i in range(count):
        who[jobs[i]] = i
    # the plan does not know a job from outside, so that one is ahead for ever
    ahead, length = 1, 0
    for j in known:
        i = who[j]
        if i == 0 and ahead > 0:
            ahead -= 1
            continue
        there = place(jobs[i], at[i] + 1, fixed, route)
        while busy[there] and there != place(jobs[i], at[i], fixed, route):
            if at[0] == GONE or place(jobs[0], at[0], fixed, route) != there or (ahead == 0 and not outside):
                return -1
            after = place(jobs[0], at[0] + 1, fixed, route)
            if busy[after] and after != there:
                return -1
            move(0, jobs, at, busy, fixed, route)
            plan[length] = jobs[0]
            ahead, length = ahead + 1, length + 1
        move(i, jobs, at, busy, fixed, route)
        plan[length] = jobs[i]
        length += 1
    while at[0] != GONE:  # only a job from outside is still here
        move(0, jobs, at, busy, fixed, route)
        plan[length] = jobs[0]
        length += 1
    return length
