"""The loops over a batch of systems on a chip: events, bindings, rewards. Arrays are described in :mod:`.state`."""

from __future__ import annotations

import numpy as np
from numba import njit

from .state import (
    ARRIVED,
    ATTEMPT,
    AVAILABLE,
    BOUND_TO,
    BY_JOB,
    COMPLETIONS_FIRST,
    COUNTED,
    COUNTS_INJECTED,
    DECISIONS,
    DEFERRED,
    DONE,
    ENDED,
    ENERGY,
    ENERGY_PER_JOB,
    EVERY,
    EXPECTED,
    FINISHED,
    FINISHED_JOBS,
    FIRST_TASK,
    FREE_AT,
    FROM_BINDING,
    HEAD,
    ILLEGAL,
    INJECTED,
    JOB,
    LATENCY,
    LEFT,
    LEGAL,
    LENGTH,
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
    OBJECTIVE,
    PAIR,
    PICKED,
    PRED_COUNT,
    PRED_FIRST,
    PREFILLED,
    PRESENT,
    READY,
    RETRY,
    ROW_QUANTITIES,
    RUNNING,
    STAMP,
    STARTED,
    SUCC_COUNT,
    SUCC_FIRST,
    TAIL,
    TASK,
    TASK_THEN_PE,
    TIMELY,
    TOTAL_LATENCY,
    TWIN,
    UNMET,
    WARM_UP,
)


@njit(cache=True, nogil=True)
def _fill_data(b, rules, world, state):
    """Write when all data of each ready task that can be chosen could be on each PE."""
    row, node, source, kind = state.row, world.node[b], world.source[b], world.kind[b]
    task, delay, same, data = state.task[b], world.delay[b], world.same[b], state.data[b]
    now = row[b, NOW]
    for place in range(min(row[b, READY], rules.ready_limit)):
        one = state.ready[b, place]
        here = task[one, NODE]
        head = node[here, PRED_FIRST]
        for pe in range(row[b, NUM_PES]):
            data[place, pe] = now
        for edge in range(head, head + node[here, PRED_COUNT]):
            producer = one + source[edge] - here
            begin = now if state.row[b, FROM_BINDING] else task[producer, ENDED]
            there = task[producer, BOUND_TO]
            for pe in range(row[b, NUM_PES]):
                way = same[edge] if there == pe else delay[edge, kind[there], kind[pe]]
                data[place, pe] = max(data[place, pe], begin + way)


@njit(cache=True, nogil=True)
def best_pe(b, place, kind, timely, world, state):
    """The PE on which a ready task would be finished first, of one kind or (-1) of all; the first of equals.

    With ``timely`` only of those that idle when the data is there, which there must be.
    """
    best, earliest = NOBODY, NEVER
    execution, data, pes = (
        world.execution[b, state.task[b, state.ready[b, place], NODE]],
        state.data[b, place],
        state.pe[b],
    )
    for pe in range(state.row[b, NUM_PES]):
        if (kind < 0 or world.kind[b, pe] == kind) and execution[pe] >= 0:
            if timely and pes[pe, AVAILABLE] > data[pe]:
                continue
            finish = max(data[pe], pes[pe, AVAILABLE]) + execution[pe]
            if finish < earliest:
                best, earliest = pe, finish
    return best


@njit(cache=True, nogil=True)
def _account(b, until, world, state):
    """Let time pass: energy of busy PEs."""
    elapsed = until - state.row[b, NOW]
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
def _remove(values, count, place):
    """Take one value out of a list, keeping the order of the others."""
    for later in range(place, count - 1):
        values[later] = values[later + 1]


@njit(cache=True, nogil=True)
def _become_ready(b, task, state):
    state.ready[b, state.row[b, READY]] = task
    state.row[b, READY] += 1


@njit(cache=True, nogil=True)
def _inject(b, world, state):
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
def _plan_arrival(b, world, state):
    """When the next job is due, counted from now."""
    row = state.row
    if row[b, INJECTED] == row[b, NUM_JOBS]:
        row[b, NEXT_ARRIVAL] = NEVER
    else:
        # a run that tries more often than there are gaps begins with the first again
        row[b, NEXT_ARRIVAL] = row[b, NOW] + world.gap[b, row[b, ATTEMPT] % row[b, NUM_GAPS]]
        row[b, ATTEMPT] += 1


@njit(cache=True, nogil=True)
def _arrive(b, world, state):
    """Inject the jobs that are due; a job that finds the system full waits or tries again later."""
    row, came = state.row, False
    while row[b, NEXT_ARRIVAL] <= row[b, NOW]:
        full = row[b, MAX_JOBS] > 0 and row[b, PRESENT] >= row[b, MAX_JOBS]
        if full and not row[b, RETRY]:
            break
        if not full:
            _inject(b, world, state)
            came = True
        _plan_arrival(b, world, state)
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
        state.job[b, j, FINISHED] = row[b, NOW]
        row[b, FINISHED_JOBS] += 1
        place = 0
        while state.present[b, place] != j:
            place += 1
        _remove(state.present[b], row[b, PRESENT], place)
        row[b, PRESENT] -= 1
        since = state.job[b, j, ARRIVED] if state.row[b, COUNTS_INJECTED] else row[b, NOW]
        if since >= row[b, WARM_UP]:
            row[b, COUNTED] += 1
            row[b, TOTAL_LATENCY] += row[b, NOW] - state.job[b, j, ARRIVED]


@njit(cache=True, nogil=True)
def _start_tasks(b, world, state):
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
def _next_event(b, state):
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
def _events(b, world, state):
    """What happens at this moment; whether there is something new to decide about."""
    now, new = state.row[b, NOW], False
    if not state.row[b, COMPLETIONS_FIRST] and _arrive(b, world, state):
        return True  # completions of this moment are seen after what arrived is bound
    for pe in range(state.row[b, NUM_PES]):
        if state.pe[b, pe, RUNNING] != NOBODY and state.pe[b, pe, FREE_AT] == now:
            _complete(b, pe, world, state)
            new = True
    return _arrive(b, world, state) or new


@njit(cache=True, nogil=True)
def _work_ahead(b, state):
    """Whether a bound task is not finished: something will happen without a decision."""
    for pe in range(state.row[b, NUM_PES]):
        if state.pe[b, pe, RUNNING] != NOBODY or state.pe[b, pe, HEAD] != NOBODY:
            return True
    return False


@njit(cache=True, nogil=True)
def _advance(b, rules, world, state):
    """Go on to the next decision, or to the end."""
    row = state.row
    while not state.flag[b, DONE]:
        if row[b, READY] > 0 and not row[b, DEFERRED]:
            break
        _start_tasks(b, world, state)
        time = _next_event(b, state)
        if row[b, LENGTH] > 0 and time > row[b, LENGTH]:
            _account(b, row[b, LENGTH], world, state)
            state.flag[b, DONE] = True
        elif time >= NEVER:
            state.flag[b, DONE] = True
        else:
            _account(b, time, world, state)
            if _events(b, world, state):
                row[b, DEFERRED] = 0
    for pe in range(row[b, NUM_PES]):
        refresh_available(b, pe, world, state)
    _fill_data(b, rules, world, state)
    state.real[b, OBJECTIVE] = _objective(b, rules, state)


@njit(cache=True, nogil=True)
def _objective(b, rules, state):
    """The objective so far; at the end of the run it is the objective."""
    row = state.row
    if row[b, LENGTH] > 0:
        jobs, total = row[b, COUNTED], float(row[b, TOTAL_LATENCY])
        if jobs == 0:
            # nothing finished is as if one job had been there all the time
            jobs, total = 1, float(row[b, LENGTH]) if state.flag[b, DONE] else 0.0
    else:
        jobs, total = row[b, NUM_JOBS], float(row[b, TOTAL_LATENCY])
        for place in range(row[b, PRESENT]):
            total += row[b, NOW] - state.job[b, state.present[b, place], ARRIVED]
    if rules.objective == LATENCY:
        return total / jobs
    if rules.objective == ENERGY_PER_JOB:
        return state.real[b, ENERGY] / jobs
    return total / jobs * (state.real[b, ENERGY] / jobs)


@njit(cache=True, nogil=True)
def _shown(b, place, rules, world, state):
    """Whether a ready task is offered: of interchangeable ones only the first is.

    Those are tasks of one job that are alike in all that follows, and in when their data can be where.
    """
    if rules.offer == EVERY:
        return True
    task, ready, data, twin = state.task[b], state.ready[b], state.data[b], world.node[b, :, TWIN]
    one = ready[place]
    for earlier in range(place):
        two = ready[earlier]
        if task[one, JOB] == task[two, JOB] and twin[task[one, NODE]] == twin[task[two, NODE]]:
            same = True
            for pe in range(state.row[b, NUM_PES]):
                if data[place, pe] != data[earlier, pe]:
                    same = False
                    break
            if same:
                return False
    return True


@njit(cache=True, nogil=True)
def columns_of(rules, num_pes, num_kinds):
    """Actions for each ready task."""
    if rules.action != PAIR:
        return 1
    return num_pes if rules.offer == EVERY else num_kinds


@njit(cache=True, nogil=True)
def _write_mask(b, rules, columns, world, state):
    """Which actions are legal; never none."""
    flag, row = state.flag, state.row
    flag[b, LEGAL:] = False
    last = flag.shape[1] - 1  # the action that defers
    if flag[b, DONE]:
        flag[b, last] = True
        return
    if row[b, PICKED] != NOBODY:
        node = state.task[b, state.ready[b, row[b, PICKED]], NODE]
        for pe in range(row[b, NUM_PES]):
            flag[b, LEGAL + pe] = world.execution[b, node, pe] >= 0
        return
    for place in range(min(row[b, READY], rules.ready_limit)):
        if not _shown(b, place, rules, world, state):
            continue
        if rules.action != PAIR:
            flag[b, LEGAL + place] = True
            continue
        task = state.ready[b, place]
        node = state.task[b, task, NODE]
        for pe in range(row[b, NUM_PES]):
            if world.execution[b, node, pe] < 0:
                continue
            if rules.offer == TIMELY and state.pe[b, pe, AVAILABLE] > state.data[b, place, pe]:
                continue
            column = pe if rules.offer == EVERY else world.kind[b, pe]
            flag[b, LEGAL + place * columns + column] = True
    flag[b, last] = rules.defer and _work_ahead(b, state)


@njit(cache=True, nogil=True)
def bind(b, place, pe, world, state):
    """Give the ready task at a place to a PE; it queues there behind what is bound already."""
    task = state.ready[b, place]
    state.task[b, task, STAMP] = state.data[b, place, pe]
    state.task[b, task, BOUND_TO] = pe
    before, after = state.pe[b, pe, TAIL], NOBODY
    if state.row[b, BY_JOB]:
        before, after = NOBODY, state.pe[b, pe, HEAD]
        while after != NOBODY and state.task[b, after, JOB] <= state.task[b, task, JOB]:
            before, after = after, state.task[b, after, NEXT]
    state.task[b, task, NEXT] = after
    if before == NOBODY:
        state.pe[b, pe, HEAD] = task
    else:
        state.task[b, before, NEXT] = task
    if after == NOBODY:
        state.pe[b, pe, TAIL] = task
    _remove(state.ready[b], state.row[b, READY], place)
    state.row[b, READY] -= 1
    refresh_available(b, pe, world, state)


@njit(cache=True, nogil=True)
def reset_rows(chosen, rules, columns, world, state):
    """Start an episode of the loaded instance in every chosen row, at the first decision."""
    for b in chosen:
        row = state.row
        for quantity in range(NOW, ROW_QUANTITIES):
            row[b, quantity] = 0
        state.real[b, :] = 0.0
        row[b, PICKED] = NOBODY
        state.flag[b, DONE] = state.flag[b, ILLEGAL] = False
        for pe in range(state.pe.shape[1]):
            state.pe[b, pe, RUNNING] = state.pe[b, pe, HEAD] = state.pe[b, pe, TAIL] = NOBODY
            state.pe[b, pe, FREE_AT] = state.pe[b, pe, EXPECTED] = state.pe[b, pe, AVAILABLE] = 0
        for j in range(row[b, NUM_JOBS]):
            first = state.job[b, j, FIRST_TASK]
            count = state.job[b, j + 1, FIRST_TASK] - first
            state.job[b, j, ARRIVED] = state.job[b, j, FINISHED] = NOBODY
            state.job[b, j, LEFT] = count
            for task in range(first, first + count):
                state.task[b, task, BOUND_TO] = state.task[b, task, NEXT] = NOBODY
                state.task[b, task, STARTED] = state.task[b, task, ENDED] = NOBODY
                state.task[b, task, UNMET] = world.node[b, state.task[b, task, NODE], PRED_COUNT]
        for _ in range(row[b, PREFILLED]):
            _inject(b, world, state)
        _plan_arrival(b, world, state)
        _arrive(b, world, state)
        _advance(b, rules, world, state)
        _write_mask(b, rules, columns[b], world, state)


@njit(cache=True, nogil=True)
def _decide(b, action, rules, columns, world, state):
    """Apply a legal action."""
    row = state.row
    if action == state.flag.shape[1] - 1 - LEGAL and row[b, PICKED] == NOBODY:
        row[b, DEFERRED] = 1
    elif rules.action == TASK_THEN_PE and row[b, PICKED] == NOBODY:
        row[b, PICKED] = action
        return
    elif rules.action == TASK_THEN_PE:
        bind(b, row[b, PICKED], action, world, state)
        row[b, PICKED] = NOBODY
    elif rules.action == TASK:
        bind(b, action, best_pe(b, action, NOBODY, False, world, state), world, state)
    else:
        place, column = action // columns, action % columns
        if rules.offer != EVERY:
            column = best_pe(b, place, column, rules.offer == TIMELY, world, state)
        bind(b, place, column, world, state)
    _advance(b, rules, world, state)


@njit(cache=True, nogil=True)
def step_rows(action, rules, columns, world, state, reward):
    """Apply one action per row and go on to the next decision.

    Returns:
        The numbers of illegal actions and of finished rows.
    """
    illegal = done = 0
    for b in range(len(action)):
        reward[b] = 0.0
        state.flag[b, ILLEGAL] = False
        if not state.flag[b, DONE]:
            a = action[b]
            if 0 <= a < state.flag.shape[1] - LEGAL and state.flag[b, LEGAL + a]:
                # what passed before the first decision is charged to it, so that rewards sum to the objective
                before = state.real[b, OBJECTIVE] if state.row[b, DECISIONS] > 0 else 0.0
                state.row[b, DECISIONS] += 1
                _decide(b, a, rules, columns[b], world, state)
                _write_mask(b, rules, columns[b], world, state)
                reward[b] = before - state.real[b, OBJECTIVE]
            else:
                state.flag[b, ILLEGAL] = True
                illegal += 1
        done += state.flag[b, DONE]
    return illegal, done
