"""The loops over a batch of systems on a chip: decisions, masks, rewards. Arrays are described in :mod:`.state`."""

from __future__ import annotations

from numba import njit

from .events import (
    account,
    arrive,
    happen,
    inject,
    next_event,
    plan_arrival,
    refresh_available,
    remove,
    start_tasks,
    work_ahead,
)
from .state import (
    ARRIVED,
    AVAILABLE,
    BOUND_TO,
    BY_JOB,
    COUNTED,
    DECISIONS,
    DEFERRED,
    DONE,
    ENDED,
    ENERGY,
    ENERGY_PER_JOB,
    EVERY,
    EXPECTED,
    FIRST_TASK,
    FREE_AT,
    FROM_BINDING,
    HEAD,
    ILLEGAL,
    JOB,
    LATENCY,
    LEFT,
    LEGAL,
    LENGTH,
    NEVER,
    NEXT,
    NOBODY,
    NODE,
    NOW,
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
    ROW_QUANTITIES,
    RUNNING,
    STAMP,
    STARTED,
    TAIL,
    TASK,
    TASK_THEN_PE,
    TIMELY,
    TOTAL_LATENCY,
    TWIN,
    UNMET,
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
def _advance(b, rules, world, state):
    """Go on to the next decision, or to the end."""
    row = state.row
    while not state.flag[b, DONE]:
        if row[b, READY] > 0 and not row[b, DEFERRED]:
            break
        start_tasks(b, world, state)
        time = next_event(b, state)
        if row[b, LENGTH] > 0 and time > row[b, LENGTH]:
            account(b, row[b, LENGTH], world, state)
            state.flag[b, DONE] = True
        elif time >= NEVER:
            state.flag[b, DONE] = True
        else:
            account(b, time, world, state)
            if happen(b, world, state):
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
        node = state.task[b, state.ready[b, place], NODE]
        for pe in range(row[b, NUM_PES]):
            if world.execution[b, node, pe] < 0:
                continue
            if rules.offer == TIMELY and state.pe[b, pe, AVAILABLE] > state.data[b, place, pe]:
                continue
            column = pe if rules.offer == EVERY else world.kind[b, pe]
            flag[b, LEGAL + place * columns + column] = True
    flag[b, last] = rules.defer and work_ahead(b, state)


@njit(cache=True, nogil=True)
def bind(b, place, pe, state):
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
    remove(state.ready[b], state.row[b, READY], place)
    state.row[b, READY] -= 1


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
            state.job[b, j, ARRIVED] = NOBODY
            state.job[b, j, LEFT] = count
            for task in range(first, first + count):
                state.task[b, task, BOUND_TO] = state.task[b, task, NEXT] = NOBODY
                state.task[b, task, STARTED] = state.task[b, task, ENDED] = NOBODY
                state.task[b, task, UNMET] = world.node[b, state.task[b, task, NODE], PRED_COUNT]
        for _ in range(row[b, PREFILLED]):
            inject(b, state)
        plan_arrival(b, world, state)
        arrive(b, world, state)
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
        bind(b, row[b, PICKED], action, state)
        row[b, PICKED] = NOBODY
    elif rules.action == TASK:
        bind(b, action, best_pe(b, action, NOBODY, False, world, state), state)
    else:
        place, column = action // columns, action % columns
        if rules.offer != EVERY:
            column = best_pe(b, place, column, rules.offer == TIMELY, world, state)
        bind(b, place, column, state)
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
