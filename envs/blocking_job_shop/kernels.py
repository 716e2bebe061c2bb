"""The physics of a blocking job shop in compiled loops; what the arrays mean is in :mod:`.state`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from . import state as s
from .luck import next_failure
from .safety import plan_after


@njit(cache=True, nogil=True)
def reset_rows(rows: Any, world: Any, state: Any) -> None:
    """Start an episode of the loaded instance in every row named, int64 ``[R]``, at the first moment with a start."""
    for b in rows:
        size = world.row[b]
        state.job[b], state.machine[b], state.start[b], state.row[b] = 0, 0, s.UNSTARTED, 0
        state.done[b] = state.illegal[b] = False
        state.reals[b] = 0.0
        for m in range(size[s.NUM_MACHINES]):
            state.machine[b, m, s.HOLDER] = s.NOBODY
            next_failure(b, m, 0, world, state)
        for j in range(size[s.NUM_JOBS]):
            job = state.job[b, j]
            job[s.ON], job[s.STATUS], job[s.SINCE] = s.NOWHERE, s.OUTSIDE, world.job[b, j, s.RELEASE]
            job[s.LEFT] = world.job[b, j, s.WORK]
            _look_up(b, j, world, state)
        for o in range(size[s.NUM_OPERATIONS]):
            state.machine[b, world.machine[b, o], s.LOAD] += world.duration[b, o]
        _settle(b, world, state)


@njit(cache=True, nogil=True)
def step_rows(action: Any, world: Any, state: Any) -> tuple[int, int]:
    """Apply an action to every row; returns how many were illegal, and how many episodes have ended."""
    illegal, done = 0, 0
    for b in range(len(action)):
        a = action[b]
        state.reals[b] = 0.0
        state.illegal[b] = not state.done[b] and not (0 <= a < state.legal.shape[1] and state.legal[b, a])
        if not state.done[b] and not state.illegal[b]:
            play_row(b, a, world, state)
        illegal += state.illegal[b]
        done += state.done[b]
    return illegal, done


@njit(cache=True, nogil=True)
def play_forced_rows(world: Any, state: Any) -> int:
    """Play on in every row while there is one legal action; returns how many episodes have ended."""
    done = 0
    for b in range(len(state.done)):
        state.reals[b] = 0.0
        state.illegal[b] = False
        while not state.done[b]:
            legal, only = 0, 0
            for a in range(state.legal.shape[1]):
                if state.legal[b, a]:
                    legal, only = legal + 1, a
            if legal > 1:
                break
            play_row(b, only, world, state)
        done += state.done[b]
    return done


@njit(cache=True, nogil=True)
def play_row(b: int, action: int, world: Any, state: Any) -> None:
    """Apply a legal action to a row, and add its reward."""
    charged = state.row[b, s.BOUND] if state.row[b, s.STEPS] > 0 else 0
    state.row[b, s.STEPS] += 1
    if action == state.legal.shape[1] - 1:
        _pass_time(b, world, state)
    else:
        if not world.row[b, s.SWAP]:
            plan = np.empty(state.plan.shape[1], np.int64)
            state.row[b, s.PLANNED] = plan_after(b, action, world, state, plan)
            state.plan[b] = plan
        enter(b, action, world, state)
    _settle(b, world, state)
    state.reals[b] += charged - state.row[b, s.BOUND]


@njit(cache=True, nogil=True)
def _settle(b: int, world: Any, state: Any) -> None:
    """Let exchanges happen, and time pass until a job can be started or all are finished."""
    while True:
        _exchange(b, world, state)
        if state.row[b, s.JOBS_FINISHED] == world.row[b, s.NUM_JOBS]:
            state.done[b] = True
            state.legal[b] = False
            state.legal[b, -1] = True  # masks must not be empty
            break
        if _mark_legal(b, world, state):
            break
        _pass_time(b, world, state)
    _raise_bound(b, world, state)


@njit(cache=True, nogil=True)
def _look_up(b: int, j: int, world: Any, state: Any) -> None:
    job, fixed = state.job[b, j], world.job[b, j]
    more = job[s.STARTED] < fixed[s.LENGTH]
    job[s.TO] = world.machine[b, fixed[s.FIRST] + job[s.STARTED]] if more else s.NOWHERE


@njit(cache=True, nogil=True)
def enter(b: int, j: int, world: Any, state: Any) -> None:
    """Job ``j`` enters the machine of its next operation now, and so leaves the one that it holds."""
    job, now = state.job[b, j], state.row[b, s.NOW]
    operation, m = world.job[b, j, s.FIRST] + job[s.STARTED], job[s.TO]
    duration = world.duration[b, operation]
    # in an exchange somebody else may hold it already
    if job[s.ON] != s.NOWHERE and state.machine[b, job[s.ON], s.HOLDER] == j:
        state.machine[b, job[s.ON], s.HOLDER] = s.NOBODY
    state.machine[b, m, s.HOLDER] = j
    state.machine[b, m, s.LOAD] -= duration
    state.start[b, operation] = now
    state.row[b, s.OPERATIONS_STARTED] += 1
    job[s.ON], job[s.REST], job[s.SINCE], job[s.STATUS] = m, duration, now, s.WORKING
    job[s.LEFT] -= duration
    job[s.STARTED] += 1
    _look_up(b, j, world, state)
    if duration == 0:
        _complete(b, j, state)


@njit(cache=True, nogil=True)
def _complete(b: int, j: int, state: Any) -> None:
    """The operation in progress of job ``j`` is complete: it stays on its machine, or leaves the shop."""
    job = state.job[b, j]
    job[s.REST], job[s.SINCE], job[s.STATUS] = 0, state.row[b, s.NOW], s.COMPLETE
    if job[s.TO] == s.NOWHERE:
        state.machine[b, job[s.ON], s.HOLDER] = s.NOBODY
        job[s.ON], job[s.STATUS] = s.NOWHERE, s.FINISHED
        state.row[b, s.JOBS_FINISHED] += 1


@njit(cache=True, nogil=True)
def _exchange(b: int, world: Any, state: Any) -> None:
    """Let jobs that wait in a circle move on, each to the machine of the next; without swap only circles of one.

    Waiting can never help such jobs: nobody can take their machines before they move, wherever else time is spent, and
    none of their operations ends earlier for beginning later, neither if it rests nor if it begins anew at a failure.
    """
    size, swap = world.row[b], world.row[b, s.SWAP] != 0
    moved = True
    while moved:
        moved = False
        for first in range(size[s.NUM_JOBS]):
            if _in_circle(b, first, swap, size[s.NUM_MACHINES], state):
                j = first
                while True:  # the machine that j takes tells who goes next, so that is read before
                    after = state.machine[b, state.job[b, j, s.TO], s.HOLDER]
                    if not swap:
                        _strike_out(b, j, state)
                    enter(b, j, world, state)
                    if after in (first, s.NOBODY):  # the first has left its machine
                        break
                    j = after
                moved = True


@njit(cache=True, nogil=True)
def _strike_out(b: int, j: int, state: Any) -> None:
    """Take the next move of a job out of the plan."""
    plan, found = state.plan[b], False
    for step in range(state.row[b, s.PLANNED]):
        if found:
            plan[step - 1] = plan[step]
        found = found or plan[step] == j
    state.row[b, s.PLANNED] -= found


@njit(cache=True, nogil=True)
def _in_circle(b: int, first: int, swap: bool, longest: int, state: Any) -> bool:
    """Whether a job is in a circle of jobs that can move on: all complete, all machines up."""
    j = first
    for _ in range(longest):
        if state.job[b, j, s.STATUS] != s.COMPLETE:
            return False
        machine = state.machine[b, state.job[b, j, s.TO]]
        if machine[s.IS_DOWN] or machine[s.HOLDER] == s.NOBODY:
            return False
        j = machine[s.HOLDER]
        if j == first:
            return True
        if not swap:
            return False
    return False


@njit(cache=True, nogil=True)
def _mark_legal(b: int, world: Any, state: Any) -> bool:
    """Mark the jobs that can be started now, and waiting; returns whether any can."""
    size, now, swap = world.row[b], state.row[b, s.NOW], world.row[b, s.SWAP] != 0
    legal, starts, comes = state.legal[b], False, False
    legal[:] = False
    for j in range(size[s.NUM_JOBS]):
        job = state.job[b, j]
        if job[s.STATUS] == s.OUTSIDE:
            if job[s.SINCE] > now:
                comes = True
                continue
        elif job[s.STATUS] != s.COMPLETE:
            comes |= job[s.STATUS] != s.FINISHED
            continue
        machine = state.machine[b, job[s.TO]]
        if machine[s.HOLDER] == s.NOBODY and not machine[s.IS_DOWN] and (swap or _may_enter(b, j, world, state)):
            legal[j] = starts = True
    # waiting for repairs alone could go on for ever
    legal[-1] = starts and comes
    return starts


@njit(cache=True, nogil=True)
def _may_enter(b: int, j: int, world: Any, state: Any) -> bool:
    """Whether the start of a job is safe; what was found holds until the next start of any job.

    Jobs that leave change nothing: the test lets them leave anyway.
    """
    job, moment = state.job[b, j], state.row[b, s.OPERATIONS_STARTED] + 1
    if job[s.VERDICT] // 2 != moment:
        plan = np.empty(state.plan.shape[1], np.int64)
        job[s.VERDICT] = 2 * moment + (plan_after(b, j, world, state, plan) >= 0)
    return job[s.VERDICT] % 2 == 1


@njit(cache=True, nogil=True)
def _pass_time(b: int, world: Any, state: Any) -> None:
    """Go on to the next event that somebody should know of: failures of machines without work in progress are not."""
    while True:
        state.row[b, s.NOW] = _next_event(b, world, state)
        if state.row[b, s.NOW] == s.NEVER:
            raise RuntimeError("blocking job shop: nothing can happen any more")
        if _happen(b, world, state):
            break


@njit(cache=True, nogil=True)
def _next_event(b: int, world: Any, state: Any) -> int:
    when, now = s.NEVER, state.row[b, s.NOW]
    for m in range(world.row[b, s.NUM_MACHINES]):
        machine = state.machine[b, m]
        when = min(when, machine[s.DOWN_TO] if machine[s.IS_DOWN] else machine[s.DOWN_FROM])
        j = machine[s.HOLDER]
        if j != s.NOBODY and state.job[b, j, s.STATUS] == s.WORKING:
            when = min(when, state.job[b, j, s.SINCE] + state.job[b, j, s.REST])
    for j in range(world.row[b, s.NUM_JOBS]):
        if state.job[b, j, s.STATUS] == s.OUTSIDE and state.job[b, j, s.SINCE] > now:
            when = min(when, state.job[b, j, s.SINCE])
    return when


@njit(cache=True, nogil=True)
def _happen(b: int, world: Any, state: Any) -> bool:
    """Everything that happens at this moment: completions, then repairs and failures; returns whether it matters."""
    now, after, matters = state.row[b, s.NOW], world.row[b, s.AFTER], False
    for m in range(world.row[b, s.NUM_MACHINES]):
        machine = state.machine[b, m]
        j = machine[s.HOLDER]
        if j != s.NOBODY and state.job[b, j, s.STATUS] == s.WORKING:
            job = state.job[b, j]
            if job[s.SINCE] + job[s.REST] == now:
                _complete(b, j, state)
                matters = True
        if machine[s.IS_DOWN]:
            if machine[s.DOWN_TO] == now:
                _repair(b, m, world, state)
                matters = True
        elif machine[s.DOWN_FROM] == now:
            machine[s.IS_DOWN], machine[s.TURNED] = 1, now
            j = machine[s.HOLDER]
            if j != s.NOBODY and state.job[b, j, s.STATUS] == s.WORKING and after != s.FINISH:
                job = state.job[b, j]
                if after == s.RESUME:
                    job[s.REST] -= now - job[s.SINCE]
                else:
                    job[s.REST] = world.duration[b, world.job[b, j, s.FIRST] + job[s.STARTED] - 1]
                job[s.SINCE], job[s.STATUS] = now, s.INTERRUPTED
                matters = True
    for j in range(world.row[b, s.NUM_JOBS]):
        matters |= state.job[b, j, s.STATUS] == s.OUTSIDE and state.job[b, j, s.SINCE] == now
    return matters


@njit(cache=True, nogil=True)
def _repair(b: int, m: int, world: Any, state: Any) -> None:
    machine, now = state.machine[b, m], state.row[b, s.NOW]
    machine[s.IS_DOWN], machine[s.TURNED] = 0, now
    machine[s.FAILURES] += 1
    next_failure(b, m, now, world, state)
    j = machine[s.HOLDER]
    if j != s.NOBODY and state.job[b, j, s.STATUS] == s.INTERRUPTED:
        state.job[b, j, s.SINCE], state.job[b, j, s.STATUS] = now, s.WORKING


@njit(cache=True, nogil=True)
def _raise_bound(b: int, world: Any, state: Any) -> None:
    """The makespan is at least this: every job goes on without waiting, every machine without idling.

    It never falls, and when the last job is finished it is the makespan.
    """
    now, bound = state.row[b, s.NOW], state.row[b, s.BOUND]
    for j in range(world.row[b, s.NUM_JOBS]):
        job = state.job[b, j]
        begin = job[s.SINCE] if job[s.STATUS] in (s.WORKING, s.FINISHED) else max(now, job[s.SINCE])
        bound = max(bound, begin + job[s.REST] + job[s.LEFT])
    for m in range(world.row[b, s.NUM_MACHINES]):
        machine = state.machine[b, m]
        until = now + machine[s.LOAD]
        j = machine[s.HOLDER]
        if j != s.NOBODY and state.job[b, j, s.STATUS] in (s.WORKING, s.INTERRUPTED):
            job = state.job[b, j]
            until += job[s.REST] - (now - job[s.SINCE] if job[s.STATUS] == s.WORKING else 0)
        bound = max(bound, until)
    state.row[b, s.BOUND] = bound
