"""What becomes of the jobs in the system if a simple rule goes on from here: roll-outs without randomness.

A roll-out places every unbound task of the jobs that are there, one after the other: of the tasks whose producers are
placed, that with the smallest priority goes to the PE that would finish it first. Expected times, no further arrivals,
transfers as if data travelled from the producer's finish.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .state import (
    BOUND_TO,
    ENDED,
    EXPECTED,
    FIRST_TASK,
    HEAD,
    JOB,
    NEVER,
    NEXT,
    NOBODY,
    NODE,
    NOW,
    NUM_PES,
    PRED_COUNT,
    PRED_FIRST,
    PRESENT,
    READY,
    RUNNING,
    STAMP,
    STARTED,
    SUCC_COUNT,
    SUCC_FIRST,
)

UNPLACED = -1
NEW = -1  # a task of which no best PE is known

BIASES = (0.0, -0.5, 0.5)
"""Of the three rules that look ahead; see :func:`roll_out`."""


@njit(cache=True, nogil=True)
def take_stock(b, most_jobs, world, state, first, end, place, unmet, available, node_at):
    """Write the present state for roll-outs.

    Args:
        b: The row.
        most_jobs: Jobs that are looked at, the oldest.
        world: What the instance fixes.
        state: What changes.
        first: Where each job's tasks begin in the lists below, int64 ``[jobs + 1]``.
        end: When each task of these jobs is or will be finished, ``UNPLACED`` if it is not bound.
        place: On which PE.
        unmet: Producers of each that are not bound.
        available: When each PE idles.
        node_at: The node of each task.

    Returns:
        The number of jobs.
    """
    now = state.row[b, NOW]
    jobs = min(state.row[b, PRESENT], most_jobs)
    first[0] = 0
    for slot in range(jobs):
        j = state.present[b, slot]
        begin = state.job[b, j, FIRST_TASK]
        count = state.job[b, j + 1, FIRST_TASK] - begin
        if first[slot] + count > len(end):
            jobs = slot
            break
        first[slot + 1] = first[slot] + count
        for k in range(count):
            task, at = begin + k, first[slot] + k
            place[at] = state.task[b, task, BOUND_TO]
            end[at] = UNPLACED
            if state.task[b, task, STARTED] != NOBODY:
                end[at] = state.task[b, task, ENDED]
            unmet[at] = 0
            node = state.task[b, task, NODE]
            node_at[at] = node
            head = world.node[b, node, PRED_FIRST]
            for edge in range(head, head + world.node[b, node, PRED_COUNT]):
                producer = task + world.source[b, edge] - node
                unmet[at] += state.task[b, producer, BOUND_TO] == NOBODY
    for pe in range(state.row[b, NUM_PES]):
        time = now
        running = state.pe[b, pe, RUNNING]
        if running != NOBODY:
            time = max(now, state.pe[b, pe, EXPECTED])
            _note(b, running, time, jobs, first, end, state)
        task = state.pe[b, pe, HEAD]
        while task != NOBODY:
            time = max(time, state.task[b, task, STAMP]) + world.execution[b, state.task[b, task, NODE], pe]
            _note(b, task, time, jobs, first, end, state)
            task = state.task[b, task, NEXT]
        available[pe] = time
    return jobs


@njit(cache=True, nogil=True)
def _note(b, task, time, jobs, first, end, state):
    """Write the expected end of a bound task, if its job is looked at."""
    at = locate(b, task, jobs, first, state)
    if at >= 0:
        end[at] = time


@njit(cache=True, nogil=True)
def locate(b, task, jobs, first, state):
    """Where a task stands in the lists of :func:`take_stock`; -1 if its job is not looked at."""
    j = state.task[b, task, JOB]
    for slot in range(jobs):
        if state.present[b, slot] == j:
            return first[slot] + task - state.job[b, j, FIRST_TASK]
    return -1


@njit(cache=True, nogil=True)
def roll_out(b, bias, most, not_before, jobs, world, state, rank, least, lists, last):
    """Place unbound tasks by smallest finish time plus ``bias`` times what remains of the job; changes ``lists``.

    Args:
        b: The row.
        bias: 0 for ETF; positive prefers jobs that are nearly done, negative the longest paths.
        most: Tasks that are placed at most; what then remains of a job is taken to need its least time.
        not_before: Nothing new starts before this time.
        jobs: How many are looked at.
        world: What the instance fixes.
        state: What changes.
        rank: Of nodes: remaining path, float64 ``[N]``.
        least: Least time from the start of a node on each PE to the end of its job, float64 ``[N, P]``.
        lists: As :func:`take_stock` leaves them, and scratch.
        last: Where the end of each job is written.

    Returns:
        The sum over jobs of the time from now to their end.
    """
    first, end, place, unmet, available, node_at, ready, data, best, best_on = lists
    # views of the row: functions that took all arrays would count references at every call
    node, execution, source, kind = world.node[b], world.execution[b], world.source[b], world.kind[b]
    delay, same, leaving, target = world.delay[b], world.same[b], world.leaving[b], world.target[b]
    now, pes, tasks, waiting = state.row[b, NOW], state.row[b, NUM_PES], first[jobs], 0
    for at in range(tasks):
        if end[at] == UNPLACED and unmet[at] == 0:
            ready[waiting], best_on[at] = at, NEW
            waiting += 1
    for pe in range(pes):
        available[pe] = max(available[pe], not_before)
    placed, changed = 0, NEW
    while waiting > 0:
        chosen, smallest = 0, np.inf
        for index in range(waiting):
            at = ready[index]
            here = node_at[at]
            if best_on[at] == NEW:
                head = node[here, PRED_FIRST]
                for pe in range(pes):
                    data[at, pe] = not_before
                    for edge in range(head, head + node[here, PRED_COUNT]):
                        producer = at + source[edge] - here
                        there = place[producer]
                        way = same[edge] if there == pe else delay[edge, kind[there], kind[pe]]
                        data[at, pe] = max(data[at, pe], end[producer] + way)
            # the best PE of a task is another only once something was placed on it
            if best_on[at] == NEW or best_on[at] == changed:
                best[at] = NEVER
                for pe in range(pes):
                    if execution[here, pe] >= 0:
                        finish = max(available[pe], data[at, pe]) + execution[here, pe]
                        if finish < best[at]:
                            best[at], best_on[at] = finish, pe
            key = best[at] + bias * rank[here]
            if key < smallest:
                chosen, smallest = index, key
        if placed == most:
            break
        at = ready[chosen]
        here = node_at[at]
        waiting -= 1
        ready[chosen] = ready[waiting]
        changed = best_on[at]
        end[at], place[at], available[changed] = best[at], changed, best[at]
        placed += 1
        head = node[here, SUCC_FIRST]
        for way in range(head, head + node[here, SUCC_COUNT]):
            consumer = at + target[leaving[way]] - here
            unmet[consumer] -= 1
            if unmet[consumer] == 0:
                ready[waiting], best_on[consumer] = consumer, NEW
                waiting += 1
    slot, total = 0, 0.0
    last[:jobs] = now
    for at in range(tasks):
        while at >= first[slot + 1]:
            slot += 1
        if end[at] != UNPLACED:
            last[slot] = max(last[slot], end[at])
        elif unmet[at] == 0:
            # what is not placed any more needs at least its shortest way to the end
            soonest = np.inf
            for pe in range(pes):
                if execution[node_at[at], pe] >= 0:
                    soonest = min(soonest, max(available[pe], data[at, pe]) + least[node_at[at], pe])
            last[slot] = max(last[slot], np.int64(soonest))
    for slot in range(jobs):
        total += last[slot] - now
    return total


@njit(cache=True, nogil=True)
def late_binding(b, limit, by_age, rank, available, world, state):
    """The first ready task by priority whose best PE idles when its data is there; those before it reserve theirs.

    Args:
        b: The row.
        limit: Ready tasks that are looked at.
        by_age: Oldest job first, of its tasks the largest rank; else the smallest rank of all.
        rank: Of nodes: upward rank, float64 ``[N]``.
        available: When each PE idles, int64 ``[P]``; changed.
        world: What the instance fixes.
        state: What changes.

    Returns:
        Place in the ready list and PE; (-1, -1) if there is none.
    """
    count, task, ready = min(state.row[b, READY], limit), state.task[b], state.ready[b]
    key = np.empty(count)
    for place in range(count):
        key[place] = rank[task[ready[place], NODE]]
        if by_age:
            # far apart, so that ranks only order the tasks of a job
            key[place] = task[ready[place], JOB] * 1e9 - key[place]
    for place in np.argsort(key, kind="mergesort"):
        execution, data = world.execution[b, task[ready[place], NODE]], state.data[b, place]
        best, finish = -1, NEVER
        for pe in range(state.row[b, NUM_PES]):
            if execution[pe] >= 0 and max(available[pe], data[pe]) + execution[pe] < finish:
                best, finish = pe, max(available[pe], data[pe]) + execution[pe]
        if available[best] <= data[best]:
            return place, best
        available[best] = finish
    return -1, -1
