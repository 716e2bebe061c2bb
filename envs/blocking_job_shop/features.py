"""The features of a blocking job shop, compiled; names, units and scales are in :mod:`.observe`."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from . import state as s

# columns of the table of machines: jobs that could enter, those of them inside, their longest and second longest
# remaining work, their shortest and second shortest operation; jobs in progress that come next, when the first is
# complete, their longest remaining work; jobs that wait for it, and those behind them, and their longest remaining
# work; when it may be free
(
    READY, READY_INSIDE, LONGEST, SECOND, SHORTEST, SECOND_SHORTEST, COMING, FIRST_COMING, COMING_WORK, BEHIND,
    BEHIND_WORK, CLEAR,
) = range(12)  # fmt: skip
MACHINE_COLUMNS = 12

FEATURES = 37
CONTEXT = 21
LIMIT = 10.0
PADDING = -1


@njit(cache=True, nogil=True)
def _clip(value: float) -> float:
    return max(min(value, LIMIT), -LIMIT)


@njit(cache=True, nogil=True)
def rest_of(b: int, j: int, world: Any, state: Any) -> float:
    """Time until the operation in progress of a job is complete, as far as can be known: 0 where none is.

    Of one that was interrupted, with the mean time that the repair still takes.
    """
    job = state.job[b, j]
    if job[s.STATUS] == s.WORKING:
        return float(job[s.SINCE] + job[s.REST] - state.row[b, s.NOW])
    if job[s.STATUS] == s.INTERRUPTED:
        return job[s.REST] + repair_left(b, job[s.ON], world, state)
    return 0.0


@njit(cache=True, nogil=True)
def repair_left(b: int, m: int, world: Any, state: Any) -> float:
    """Mean time that the repair of a machine still takes, from how long it has been down; 0 for one that is up."""
    machine, size = state.machine[b, m], world.row[b]
    if not machine[s.IS_DOWN]:
        return 0.0
    past = state.row[b, s.NOW] - machine[s.TURNED]
    shortest, longest = max(size[s.REPAIR_MIN], past + 1), size[s.REPAIR_MAX]
    return (shortest + longest) / 2.0 - past


@njit(cache=True, nogil=True)
def describe_machines(b: int, world: Any, state: Any, around: Any) -> None:
    """Write the table of machines of row ``b``: who wants them, who comes, and when they may be free."""
    size, now = world.row[b], state.row[b, s.NOW]
    for m in range(size[s.NUM_MACHINES]):
        around[m] = 0.0
        around[m, LONGEST] = around[m, SECOND] = around[m, COMING_WORK] = -1.0
        around[m, SHORTEST] = around[m, SECOND_SHORTEST] = around[m, FIRST_COMING] = math.inf
    for j in range(size[s.NUM_JOBS]):
        job = state.job[b, j]
        m, status, work = job[s.TO], job[s.STATUS], float(job[s.LEFT])
        if m == s.NOWHERE:
            continue
        line = around[m]
        if status == s.COMPLETE or (status == s.OUTSIDE and job[s.SINCE] <= now):
            duration = float(world.duration[b, world.job[b, j, s.FIRST] + job[s.STARTED]])
            line[READY] += 1
            line[READY_INSIDE] += status == s.COMPLETE
            line[SECOND] = max(line[SECOND], min(line[LONGEST], work))
            line[LONGEST] = max(line[LONGEST], work)
            line[SECOND_SHORTEST] = min(line[SECOND_SHORTEST], max(line[SHORTEST], duration))
            line[SHORTEST] = min(line[SHORTEST], duration)
        elif status != s.OUTSIDE:
            line[COMING] += 1
            line[FIRST_COMING] = min(line[FIRST_COMING], rest_of(b, j, world, state))
            line[COMING_WORK] = max(line[COMING_WORK], work)
        if status == s.COMPLETE:
            _count_behind(b, j, work, size[s.NUM_MACHINES], state, around)
    for m in range(size[s.NUM_MACHINES]):
        around[m, CLEAR] = _clear_in(b, m, world, state)


@njit(cache=True, nogil=True)
def _count_behind(b: int, j: int, work: float, most: int, state: Any, around: Any) -> None:
    """Job ``j`` waits for its next machine, and so for what the job there waits for, and so on."""
    for _ in range(most):
        m = state.job[b, j, s.TO]
        around[m, BEHIND] += 1
        around[m, BEHIND_WORK] = max(around[m, BEHIND_WORK], work)
        j = state.machine[b, m, s.HOLDER]
        if j == s.NOBODY or state.job[b, j, s.STATUS] != s.COMPLETE:
            break


@njit(cache=True, nogil=True)
def _clear_in(b: int, m: int, world: Any, state: Any) -> float:
    """Time until a machine may be free: its job is complete, and the machines that are waited for are free in turn."""
    time, first = 0.0, m
    for _ in range(world.row[b, s.NUM_MACHINES]):
        time = max(time, repair_left(b, m, world, state) if m != first else 0.0)
        j = state.machine[b, m, s.HOLDER]
        if j == s.NOBODY:
            break
        time = max(time, rest_of(b, j, world, state))
        m = state.job[b, j, s.TO]
        if m == s.NOWHERE or m == first:
            break
    return time


@njit(cache=True, nogil=True)
def to_event(b: int, world: Any, state: Any) -> float:
    """Time until something may happen: a completion, a release, or, on average, a repair."""
    time, now = math.inf, state.row[b, s.NOW]
    for j in range(world.row[b, s.NUM_JOBS]):
        job = state.job[b, j]
        if job[s.STATUS] == s.WORKING:
            time = min(time, rest_of(b, j, world, state))
        elif job[s.STATUS] == s.OUTSIDE and job[s.SINCE] > now:
            time = min(time, float(job[s.SINCE] - now))
    for m in range(world.row[b, s.NUM_MACHINES]):
        if state.machine[b, m, s.IS_DOWN]:
            time = min(time, repair_left(b, m, world, state))
    return time if time < math.inf else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def write_rows(
    rows: Any, world: Any, state: Any, around: Any, candidate: Any, features: Any, context: Any, mask: Any
) -> None:
    """Write the observation of every row named."""
    if features.shape[2] != FEATURES or context.shape[1] != CONTEXT:
        raise RuntimeError("compiled for other features: delete the cached files (make clean)")
    last = mask.shape[1] - 1
    for b in rows:
        describe_machines(b, world, state, around)
        size, row = world.row[b], state.row[b]
        left = max(float(row[s.BOUND] - row[s.NOW]), 1.0)
        unfinished = max(float(size[s.NUM_JOBS] - row[s.JOBS_FINISHED]), 1.0)
        event = to_event(b, world, state)
        longest, inside, starts, most_work = 1, 0, 0, 0.0
        features[b] = 0.0
        for j in range(size[s.NUM_JOBS]):
            job = state.job[b, j]
            longest = max(longest, world.job[b, j, s.LENGTH] - job[s.STARTED])
            inside += job[s.ON] != s.NOWHERE
            if state.legal[b, j]:
                starts += 1
                most_work = max(most_work, float(job[s.LEFT]))
        for j in range(last + 1):
            mask[b, j] = state.legal[b, j]
            candidate[b, j] = PADDING
            if j < size[s.NUM_JOBS] and state.job[b, j, s.TO] != s.NOWHERE:
                candidate[b, j] = world.job[b, j, s.FIRST] + state.job[b, j, s.STARTED]
            if j < last and state.legal[b, j]:
                out = features[b, j]
                _describe_job(b, j, left, longest, unfinished, world, state, around, out)
                _describe_next(b, j, left, unfinished, world, state, around, out)
                _describe_route(b, j, left, world, state, out)
                out[32] = inside / size[s.NUM_MACHINES] if state.job[b, j, s.ON] == s.NOWHERE else 0.0
                out[36] = _clip((state.job[b, j, s.LEFT] - most_work) / left)
        candidate[b, last] = len_nodes(world, state) - 1
        out = features[b, last]
        out[0] = 1.0
        out[33] = _clip(event * world.real[b, s.PER_UNIT])
        out[34] = starts / unfinished
        out[35] = _clip(most_work / left)
        _write_context(b, left, unfinished, starts, event, world, state, context[b])


@njit(cache=True, nogil=True)
def len_nodes(world: Any, state: Any) -> int:
    """Nodes of the largest graph: operations, machines, jobs and the shop."""
    return world.machine.shape[1] + state.machine.shape[1] + state.job.shape[1] + 1


@njit(cache=True, nogil=True, error_model="numpy")
def _describe_job(
    b: int, j: int, left: float, longest: int, unfinished: float, world: Any, state: Any, around: Any, out: Any
) -> None:
    """The job, the machine that it would enter, and the one that it would leave."""
    job, fixed, size = state.job[b, j], world.job[b, j], world.row[b]
    unit, m = world.real[b, s.PER_UNIT], job[s.TO]
    machines, line = float(size[s.NUM_MACHINES]), around[m]
    duration = float(world.duration[b, fixed[s.FIRST] + job[s.STARTED]])
    work, is_inside = float(job[s.LEFT]), job[s.ON] != s.NOWHERE
    out[1] = is_inside
    out[2] = _clip(duration * unit)
    out[3] = _clip(work / left)
    out[4] = _clip((work - duration) / left)
    out[5] = (fixed[s.LENGTH] - job[s.STARTED]) / longest
    out[6] = 1.0 - work / max(float(fixed[s.WORK]), 1.0)
    out[7] = _clip(math.log1p((state.row[b, s.NOW] - job[s.SINCE]) * unit))
    out[8] = _clip(state.machine[b, m, s.LOAD] / left)
    out[9] = (line[READY] - 1) / unfinished
    out[10] = (line[READY_INSIDE] - is_inside) / machines
    if line[READY] > 1:
        rival = line[SECOND] if work == line[LONGEST] else line[LONGEST]
        out[11] = _clip((rival - work) / left)
        rival = line[SECOND_SHORTEST] if duration == line[SHORTEST] else line[SHORTEST]
        out[12] = _clip((rival - duration) * unit)
    out[13] = line[COMING] / machines
    out[14] = LIMIT
    if line[COMING] > 0:
        out[14] = _clip(line[FIRST_COMING] * unit)
        out[15] = _clip((line[COMING_WORK] - work) / left)
    if is_inside:
        out[16] = _clip(around[job[s.ON], BEHIND] / machines)
        out[17] = _clip(around[job[s.ON], BEHIND_WORK] / left)
    out[31] = _clip(world.real[b, s.PROBABILITY] * duration)


@njit(cache=True, nogil=True, error_model="numpy")
def _describe_next(
    b: int, j: int, left: float, unfinished: float, world: Any, state: Any, around: Any, out: Any
) -> None:
    """The machine after the one that the job would enter."""
    job, fixed, unit = state.job[b, j], world.job[b, j], world.real[b, s.PER_UNIT]
    operation = fixed[s.FIRST] + job[s.STARTED]
    if job[s.STARTED] + 1 == fixed[s.LENGTH]:
        out[26] = 1.0
        return
    duration, m = float(world.duration[b, operation]), world.machine[b, operation + 1]
    line, machine = around[m], state.machine[b, m]
    wait = max(line[CLEAR] if machine[s.HOLDER] != j else 0.0, repair_left(b, m, world, state))
    out[18] = _clip(world.duration[b, operation + 1] * unit)
    out[19] = _clip((wait - duration) * unit)
    holder = machine[s.HOLDER]
    out[20] = (holder == s.NOBODY or holder == j) and not machine[s.IS_DOWN]
    out[21] = holder not in (s.NOBODY, j) and state.job[b, holder, s.STATUS] == s.COMPLETE
    out[22] = machine[s.IS_DOWN]
    own = job[s.TO] == m
    rivals = line[READY] - own + line[COMING]
    out[23] = rivals / unfinished
    if rivals > 0:
        out[24] = _clip((max(line[LONGEST], line[COMING_WORK]) - job[s.LEFT] + duration) / left)
    out[25] = _clip(machine[s.LOAD] / left)
    for _ in range(world.row[b, s.NUM_MACHINES]):
        if holder in (s.NOBODY, j):
            break
        m = state.job[b, holder, s.TO]
        if m == job[s.TO]:
            out[30] = 1.0
            break
        if m == s.NOWHERE:
            break
        holder = state.machine[b, m, s.HOLDER]


@njit(cache=True, nogil=True, error_model="numpy")
def _describe_route(b: int, j: int, left: float, world: Any, state: Any, out: Any) -> None:
    """All machines behind the one that the job would enter."""
    job, fixed = state.job[b, j], world.job[b, j]
    run, held, load, open_road = 0, 0, 0, True
    later = fixed[s.LENGTH] - job[s.STARTED] - 1
    for position in range(job[s.STARTED] + 1, fixed[s.LENGTH]):
        machine = state.machine[b, world.machine[b, fixed[s.FIRST] + position]]
        taken = machine[s.HOLDER] not in (s.NOBODY, j)
        open_road = open_road and not taken and not machine[s.IS_DOWN]
        run += open_road
        held += taken
        load = max(load, machine[s.LOAD])
    out[27] = run / max(later, 1)
    out[28] = held / max(later, 1)
    out[29] = _clip(load / left)


@njit(cache=True, nogil=True, error_model="numpy")
def _write_context(
    b: int, left: float, unfinished: float, starts: int, event: float, world: Any, state: Any, out: Any
) -> None:
    size, row, real = world.row[b], state.row[b], world.real[b]
    machines = float(size[s.NUM_MACHINES])
    load = top = 0.0
    down = inside = working = blocked = interrupted = outside = 0
    for m in range(size[s.NUM_MACHINES]):
        load += state.machine[b, m, s.LOAD]
        top = max(top, float(state.machine[b, m, s.LOAD]))
        down += state.machine[b, m, s.IS_DOWN] != 0
    for j in range(size[s.NUM_JOBS]):
        status = state.job[b, j, s.STATUS]
        working += status == s.WORKING
        blocked += status == s.COMPLETE
        interrupted += status == s.INTERRUPTED
        outside += status == s.OUTSIDE and state.job[b, j, s.SINCE] <= row[s.NOW]
    inside = working + blocked + interrupted
    out[0] = row[s.OPERATIONS_STARTED] / max(size[s.NUM_OPERATIONS], 1)
    out[1] = (size[s.NUM_JOBS] - row[s.JOBS_FINISHED]) / max(size[s.NUM_JOBS], 1)
    out[2] = starts / unfinished
    # before the first instance is loaded there is nothing to scale with
    out[3] = _clip(left * real[s.PER_BOUND]) if row[s.JOBS_FINISHED] < size[s.NUM_JOBS] else 0.0
    out[4] = _clip(max(row[s.BOUND], 1) * real[s.PER_BOUND] - 1.0)
    out[5] = real[s.LOG_JOBS]
    out[6] = real[s.LOG_MACHINES]
    out[7] = _clip(top / left)
    out[8] = _clip(load / max(machines, 1.0) / left)
    out[9] = inside / max(machines, 1.0)
    out[10] = working / max(machines, 1.0)
    out[11] = blocked / max(machines, 1.0)
    out[12] = down / max(machines, 1.0)
    out[13] = interrupted / max(machines, 1.0)
    out[14] = outside / unfinished
    out[15] = _clip(event * real[s.PER_UNIT])
    out[16] = _clip(real[s.PROBABILITY] / real[s.PER_UNIT]) if real[s.PER_UNIT] > 0 else 0.0
    out[17] = _clip(real[s.MEAN_REPAIR] * real[s.PER_UNIT])
    out[18] = size[s.AFTER] == s.RESUME
    out[19] = size[s.AFTER] == s.RESTART
    out[20] = size[s.SWAP] != 0


@njit(cache=True, nogil=True, error_model="numpy")
def write_graph(
    rows: Any, world: Any, state: Any, first_machine: int, first_job: int, nodes: Any, waits: Any, holds: Any,
    competes: Any,
) -> None:  # fmt: skip
    """Write what changes in the graph of every row named: what nodes are at, who waits, holds and competes."""
    for b in rows:
        nodes[b], waits[b], holds[b], competes[b] = 0.0, PADDING, PADDING, PADDING
        size, unit = world.row[b], world.real[b, s.PER_UNIT]
        left = max(float(state.row[b, s.BOUND] - state.row[b, s.NOW]), 1.0)
        for m in range(size[s.NUM_MACHINES]):
            machine, out = state.machine[b, m], nodes[b, first_machine + m]
            out[6], out[7] = _clip(machine[s.LOAD] * unit), machine[s.IS_DOWN] != 0
            out[8] = _clip(math.log1p((state.row[b, s.NOW] - machine[s.TURNED]) * unit))
            if machine[s.HOLDER] != s.NOBODY:
                holds[b, 0, m], holds[b, 1, m] = first_machine + m, first_job + machine[s.HOLDER]
        for j in range(size[s.NUM_JOBS]):
            _write_job(b, j, left, world, state, first_machine, first_job, nodes[b])
            job = state.job[b, j]
            if job[s.STATUS] == s.COMPLETE or (job[s.STATUS] == s.OUTSIDE and job[s.SINCE] <= state.row[b, s.NOW]):
                waits[b, 0, j], waits[b, 1, j] = first_job + j, first_machine + job[s.TO]
            for o in range(
                world.job[b, j, s.FIRST] + job[s.STARTED], world.job[b, j, s.FIRST] + world.job[b, j, s.LENGTH]
            ):
                competes[b, 0, o], competes[b, 1, o] = o, first_machine + world.machine[b, o]
            if job[s.STATUS] in (s.WORKING, s.INTERRUPTED):
                o = world.job[b, j, s.FIRST] + job[s.STARTED] - 1
                competes[b, 0, o], competes[b, 1, o] = o, first_machine + world.machine[b, o]


@njit(cache=True, nogil=True, error_model="numpy")
def _write_job(
    b: int, j: int, left: float, world: Any, state: Any, first_machine: int, first_job: int, nodes: Any
) -> None:
    job, fixed, unit = state.job[b, j], world.job[b, j], world.real[b, s.PER_UNIT]
    status, first, current = job[s.STATUS], fixed[s.FIRST], fixed[s.FIRST] + job[s.STARTED] - 1
    of_status = 1 if status == s.WORKING else 2 if status == s.INTERRUPTED else 3
    rest = 0.0
    if status == s.WORKING:
        rest = float(job[s.SINCE] + job[s.REST] - state.row[b, s.NOW])
    elif status == s.INTERRUPTED:
        rest = float(job[s.REST])
    for o in range(first, first + fixed[s.LENGTH]):
        out = nodes[o]
        if o > current:
            out[4 if o == current + 1 else 5] = 1.0
            out[6] = _clip(world.duration[b, o] * unit)
        elif o < current or status == s.FINISHED:
            out[0] = 1.0
        else:
            out[of_status] = 1.0
            out[6] = _clip(rest * unit)
            out[7] = state.machine[b, job[s.ON], s.IS_DOWN] != 0
    out = nodes[first_job + j]
    out[6] = _clip((rest + job[s.LEFT]) / left)
    out[8] = _clip(math.log1p(max(state.row[b, s.NOW] - job[s.SINCE], 0) * unit))
    if status == s.FINISHED:
        out[0] = 1.0
    elif status != s.OUTSIDE:
        out[of_status] = 1.0
        nodes[first_machine + job[s.ON], of_status] = 1.0
        out[7] = state.machine[b, job[s.ON], s.IS_DOWN] != 0
