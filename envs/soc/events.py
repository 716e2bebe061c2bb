"""What happens as time passes: arrivals, starts, completions. Arrays are described in :mod:`.state`."""

from __future__ import annotations

import numpy as np
from numba import njit

from .state import (
    ARRIVED,
    ATTEMPT,
    AVAILABLE,
    COMPLETIONS_FIRST,
    COUNTED,
    COUNTS_INJECTED,
    ENDED,
    ENERGY,
    EXPECTED,
    FIRST_TASK,
    FREE_AT,
    HEAD,
    INJECTED,
    JOB,
    LEFT,
    MAX_JOBS,
    NEVER,
    NEXT,
    NEXT_ARRIVAL,
    NOBODY,
    NODE,
    NOW,
    NUM_GAPS,
    NUM_JOBS,
    NUM_PES,
    PRESENT,
    READY,
    RETRY,
    RUNNING,
    STAMP,
    STARTED,
    SUCC_COUNT,
    SUCC_FIRST,
    TAIL,
    TOTAL_LATENCY,
    UNMET,
    WARM_UP,
)


@njit(cache=True, nogil=True)
def account(b, until, world, state):
    """Let time pass: energy of busy PEs."""
    elapsed = until - max(state.row[b, NOW], min(state.row[b, WARM_UP], until))  # what the warm-up draws does not count
    state.row[b, NOW] = until
    if elapsed == 0:
        return
    watts, busy, kind = 0.0, 0, 0
    for pe in range(state.row[b, NUM_PES]):
        if world.kind[b, pe] != kind:
            watts += world.watts[b, kind, busy]
            busy, kind = 0, world.kind[b, pe]
        busy += state.pe[b, pe, RUNNING] != NOBODY
    state.real[b, ENERGY] += (watts + world.watts[b, kind, busy]) * elapsed


@njit(cache=True, nogil=True)
def remove(values, count, place):
    """Take one value out of a list, keeping the order of the others."""
    for later in range(place, count - 1):
        values[later] = values[later + 1]


@njit(cache=True, nogil=True)
def _become_ready(b, task, state):
    state.ready[b, state.row[b, READY]] = task
    state.row[b, READY] += 1


@njit(cache=True, nogil=True)
def inject(b, state):
    """The next job enters the system; its first tasks are ready."""
    j, row = state.row[b, INJECTED], state.row
    state.job[b, j, ARRIVED] = row[b, NOW]
    state.present[b, row[b, PRESENT]] = j
    row[b, PRESENT] += 1
    row[b, INJECTED] += 1
    first = state.job[b, j, FIRST_TASK]
    for task in range(first, first + state.job[b, j, LEFT]):
        if state.task[b, task, UNMET] == 0:
            _become_ready(b, task, state)


@njit(cache=True, nogil=True)
def plan_arrival(b, world, state):
    """When the next job is due, counted from now."""
    row = state.row
    if row[b, INJECTED] == row[b, NUM_JOBS]:
        row[b, NEXT_ARRIVAL] = NEVER
    else:
        # a run that tries more often than there are gaps begins with the first again
        row[b, NEXT_ARRIVAL] = row[b, NOW] + world.gap[b, row[b, ATTEMPT] % row[b, NUM_GAPS]]
        row[b, ATTEMPT] += 1


@njit(cache=True, nogil=True)
def arrive(b, world, state):
    """Inject the jobs that are due; a job that finds the system full waits or tries again later."""
    row, came = state.row, False
    while row[b, NEXT_ARRIVAL] <= row[b, NOW]:
        full = row[b, MAX_JOBS] > 0 and row[b, PRESENT] >= row[b, MAX_JOBS]
        if full and not row[b, RETRY]:
            break
        if not full:
            inject(b, state)
            came = True
        plan_arrival(b, world, state)
    return came


@njit(cache=True, nogil=True)
def _complete(b, pe, world, state):
    """The running task of a PE ends: its consumers may become ready, its job may be finished."""
    row = state.row
    task = state.pe[b, pe, RUNNING]
    state.pe[b, pe, RUNNING] = NOBODY
    j, node = state.task[b, task, JOB], state.task[b, task, NODE]
    head = world.node[b, node, SUCC_FIRST]
    for place in range(head, head + world.node[b, node, SUCC_COUNT]):
        consumer = task + world.target[b, world.leaving[b, place]] - node
        state.task[b, consumer, UNMET] -= 1
        if state.task[b, consumer, UNMET] == 0:
            _become_ready(b, consumer, state)
    state.job[b, j, LEFT] -= 1
    if state.job[b, j, LEFT] == 0:
        place = 0
        while state.present[b, place] != j:
            place += 1
        remove(state.present[b], row[b, PRESENT], place)
        row[b, PRESENT] -= 1
        since = state.job[b, j, ARRIVED] if state.row[b, COUNTS_INJECTED] else row[b, NOW]
        if since >= row[b, WARM_UP]:
            row[b, COUNTED] += 1
            row[b, TOTAL_LATENCY] += row[b, NOW] - state.job[b, j, ARRIVED]


@njit(cache=True, nogil=True)
def start_tasks(b, world, state):
    """Every idle PE takes the first of its queue whose data has arrived."""
    now = state.row[b, NOW]
    for pe in range(state.row[b, NUM_PES]):
        if state.pe[b, pe, RUNNING] != NOBODY:
            continue
        before, task = NOBODY, state.pe[b, pe, HEAD]
        while task != NOBODY and state.task[b, task, STAMP] > now:
            before, task = task, state.task[b, task, NEXT]
        if task == NOBODY:
            continue
        after = state.task[b, task, NEXT]
        if before == NOBODY:
            state.pe[b, pe, HEAD] = after
        else:
            state.task[b, before, NEXT] = after
        if after == NOBODY:
            state.pe[b, pe, TAIL] = before
        expected = world.execution[b, state.task[b, task, NODE], pe]
        actual = expected
        if world.factor.shape[1] > 0 and expected > 0:
            actual = max(np.int64(np.rint(expected * world.factor[b, task])), 1)
        state.pe[b, pe, RUNNING] = task
        state.pe[b, pe, FREE_AT], state.pe[b, pe, EXPECTED] = now + actual, now + expected
        state.task[b, task, STARTED], state.task[b, task, ENDED] = now, now + actual


@njit(cache=True, nogil=True)
def refresh_available(b, pe, world, state):
    """When a PE would be idle if what is bound to it took its expected time, one after the other."""
    now = state.row[b, NOW]
    time = now
    if state.pe[b, pe, RUNNING] != NOBODY:
        time = max(now, state.pe[b, pe, EXPECTED])
    task = state.pe[b, pe, HEAD]
    while task != NOBODY:
        time = max(time, state.task[b, task, STAMP]) + world.execution[b, state.task[b, task, NODE], pe]
        task = state.task[b, task, NEXT]
    state.pe[b, pe, AVAILABLE] = time


@njit(cache=True, nogil=True)
def next_event(b, state):
    """The time of the next completion, start or arrival; NEVER if nothing will happen."""
    row, now = state.row, state.row[b, NOW]
    time = row[b, NEXT_ARRIVAL]
    if time <= now and row[b, MAX_JOBS] > 0 and row[b, PRESENT] >= row[b, MAX_JOBS]:
        time = NEVER  # stalled: a completion will let it in
    for pe in range(row[b, NUM_PES]):
        if state.pe[b, pe, RUNNING] != NOBODY:
            time = min(time, state.pe[b, pe, FREE_AT])
        else:
            task = state.pe[b, pe, HEAD]
            while task != NOBODY:
                time = min(time, state.task[b, task, STAMP])
                task = state.task[b, task, NEXT]
    return max(time, now)


@njit(cache=True, nogil=True)
def happen(b, world, state):
    """What happens at this moment; whether there is something new to decide about."""
    now, new = state.row[b, NOW], False
    if not state.row[b, COMPLETIONS_FIRST] and arrive(b, world, state):
        return True  # completions of this moment are seen after what arrived is bound
    for pe in range(state.row[b, NUM_PES]):
        if state.pe[b, pe, RUNNING] != NOBODY and state.pe[b, pe, FREE_AT] == now:
            _complete(b, pe, world, state)
            new = True
    return arrive(b, world, state) or new


@njit(cache=True, nogil=True)
def work_ahead(b, state):
    """Whether a bound task is not finished: something will happen without a decision."""
    for pe in range(state.row[b, NUM_PES]):
        if state.pe[b, pe, RUNNING] != NOBODY or state.pe[b, pe, HEAD] != NOBODY:
            return True
    return False
