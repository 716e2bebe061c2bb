"""Features that look ahead: what starting a job now would mean for the operations that are still to come.

They cost more than all the others together, so they are shown only if asked for. They are 0 where a job is not legal.

``head`` of an operation is the earliest time at which it could start if only its own job mattered; ``tail`` is the work
of its job after it. An *estimate* of a machine is what Schrage's rule makes of
these (at any time the available operation with the longest tail first; Carlier, EJOR 11, 1982): its latest completion
plus tail, close to the best that this machine alone allows. Estimates count heads from each job's next possible start,
the others from when the job is ready.

Numba's cache does not notice changes in :mod:`.kernels`, whose numbering is used here: ``make clean`` after such a
change.
"""

import numpy as np

from .kernels import (
    BASE_FEATURES,
    BY_MACHINE,
    CLOCK,
    DURATION,
    EARLIEST,
    FAR_FUTURE,
    FREE,
    LEGAL,
    LISTED,
    LISTED_FROM,
    LOAD,
    LOOK_AHEAD_FEATURES,
    MACHINE,
    NEXT,
    NUM_JOBS,
    NUM_MACHINES,
    OF_DURATION,
    OF_HEAD,
    OF_JOB,
    OF_MACHINE,
    OF_START,
    OPERATIONS,
    PER_UNIT,
    QUEUE_WORK,
    READY,
    REMAINING,
    ROW,
    SCRATCH_DURATION,
    SCRATCH_HEAD,
    SCRATCH_TAIL,
    SPAN,
    UNSCHEDULED,
    WORK,
    kernel,
)

LIMIT = np.float32(10.0)
ONE, ZERO = np.float32(1.0), np.float32(0.0)

# the columns, in the order of observe.LOOK_AHEAD_FEATURES
RIVALS, MACHINE_BOUND, COMING, COMING_WORK, COMING_CRITICAL, NEXT_ARRIVAL, NEXT_QUEUE = range(
    BASE_FEATURES, BASE_FEATURES + 7
)
ROUTE_LOAD, ROUTE_ARRIVAL, ROUTE_TAIL, ROUTE_GAP = range(BASE_FEATURES + 7, BASE_FEATURES + 11)
OWN_ESTIMATE, TOP_ESTIMATE, ROUTE_ESTIMATE = range(BASE_FEATURES + 11, BASE_FEATURES + 14)


@kernel(inline="always")
def _scaled(value, scale):
    return max(min(np.float32(value) * scale, LIMIT), -LIMIT)


@kernel()
def _own_machine(b, j, now, per_unit, per_left, per_job, state, operations, features):
    """The other operations of job ``j``'s machine: those that wait, those that come meanwhile, the next after that."""
    m, own = state[b, j, MACHINE], state[b, j, NEXT]
    end = state[b, j, EARLIEST] + state[b, j, DURATION]
    rest = state[b, m, LOAD] - state[b, j, DURATION]
    shortest_tail, next_arrival = FAR_FUTURE, FAR_FUTURE
    queued_critical = coming_critical = now
    coming, coming_work = 0, np.int64(0)
    for index in range(state[b, m, LISTED_FROM], state[b, m, LISTED_FROM] + state[b, m, LISTED]):
        o = operations[b, BY_MACHINE, index]
        if operations[b, OF_START, o] != UNSCHEDULED or o == own:
            continue
        i, p = operations[b, OF_JOB, o], operations[b, OF_DURATION, o]
        begin = state[b, j, EARLIEST] if i == j else state[b, i, READY]
        head = begin + operations[b, OF_HEAD, o] - operations[b, OF_HEAD, state[b, i, NEXT]]
        tail = state[b, i, WORK] - operations[b, OF_HEAD, o] - p
        shortest_tail = min(shortest_tail, tail)
        critical = max(end, head) + p + tail
        if o == state[b, i, NEXT]:
            queued_critical = max(queued_critical, critical)
        elif head < end:
            coming += 1
            coming_work += p
            coming_critical = max(coming_critical, critical)
        else:
            next_arrival = min(next_arrival, head)
    last_tail = state[b, j, REMAINING] - state[b, j, DURATION] if rest == 0 else shortest_tail
    features[b, j, RIVALS] = _scaled(queued_critical - now, per_left)
    features[b, j, MACHINE_BOUND] = _scaled(end + rest + last_tail - now, per_left)
    features[b, j, COMING] = np.float32(coming) * per_job
    features[b, j, COMING_WORK] = _scaled(coming_work, per_left)
    features[b, j, COMING_CRITICAL] = _scaled(coming_critical - now, per_left)
    features[b, j, NEXT_ARRIVAL] = LIMIT if next_arrival == FAR_FUTURE else _scaled(next_arrival - end, per_unit)


@kernel()
def _route(b, j, now, per_unit, per_left, state, operations, features):
    """The most loaded machine that job ``j`` must still visit after this one; returns it, or -1."""
    arrival = state[b, j, EARLIEST] + state[b, j, DURATION]
    tail = state[b, j, REMAINING] - state[b, j, DURATION]
    most, machine, arrival_there, tail_there = np.int64(-1), np.int64(-1), np.int64(0), np.int64(0)
    first = state[b, j, NEXT] + 1
    for o in range(first, first + state[b, j, OPERATIONS] - 1):
        m, p = operations[b, OF_MACHINE, o], operations[b, OF_DURATION, o]
        tail -= p
        if state[b, m, FREE] + state[b, m, LOAD] > most:
            most, machine = state[b, m, FREE] + state[b, m, LOAD], m
            arrival_there, tail_there = arrival, tail
        arrival += p
    if machine >= 0:
        runs_dry = state[b, machine, FREE] + state[b, machine, QUEUE_WORK]
        following = state[b, operations[b, OF_MACHINE, first], QUEUE_WORK]
        features[b, j, NEXT_QUEUE] = _scaled(following, per_left)
        features[b, j, ROUTE_LOAD] = _scaled(most - now, per_left)
        features[b, j, ROUTE_ARRIVAL] = _scaled(arrival_there - now, per_left)
        features[b, j, ROUTE_TAIL] = _scaled(tail_there, per_left)
        features[b, j, ROUTE_GAP] = _scaled(arrival_there - runs_dry, per_unit)
    return machine


@kernel()
def _estimate(b, j, machine, state, operations):
    """Schrage's estimate of ``machine`` if job ``j`` starts now; at least job ``j``'s own earliest completion."""
    own, own_machine = state[b, j, NEXT], state[b, j, MACHINE]
    end = state[b, j, EARLIEST] + state[b, j, DURATION]
    left = 0
    for index in range(state[b, machine, LISTED_FROM], state[b, machine, LISTED_FROM] + state[b, machine, LISTED]):
        o = operations[b, BY_MACHINE, index]
        if operations[b, OF_START, o] != UNSCHEDULED or o == own:
            continue
        i, p = operations[b, OF_JOB, o], operations[b, OF_DURATION, o]
        begin = state[b, i, EARLIEST]
        if i != j and state[b, i, MACHINE] == own_machine:
            begin = max(begin, end)
        operations[b, SCRATCH_HEAD, left] = (
            begin + operations[b, OF_HEAD, o] - operations[b, OF_HEAD, state[b, i, NEXT]]
        )
        operations[b, SCRATCH_DURATION, left] = p
        operations[b, SCRATCH_TAIL, left] = state[b, i, WORK] - operations[b, OF_HEAD, o] - p
        left += 1
    time = end if machine == own_machine else state[b, machine, FREE]
    latest = end + state[b, j, REMAINING] - state[b, j, DURATION]
    while left > 0:
        chosen, longest, soonest = -1, np.int64(-1), FAR_FUTURE
        for place in range(left):
            head, tail = operations[b, SCRATCH_HEAD, place], operations[b, SCRATCH_TAIL, place]
            soonest = min(soonest, head)
            if head <= time and tail > longest:
                chosen, longest = place, tail
        if chosen < 0:
            time = soonest
            continue
        time += operations[b, SCRATCH_DURATION, chosen]
        latest = max(latest, time + longest)
        left -= 1
        for line in (SCRATCH_HEAD, SCRATCH_DURATION, SCRATCH_TAIL):
            operations[b, line, chosen] = operations[b, line, left]
    return latest


@kernel(error_model="numpy")
def look_ahead_rows(chosen, state, operations, flags, reals, features):
    """Write the columns of looking ahead of the chosen rows, whose other columns are written."""
    for b in chosen:
        now = state[b, ROW, CLOCK]
        per_unit, per_left = np.float32(reals[b, PER_UNIT]), ONE / np.float32(max(state[b, ROW, SPAN] - now, 1))
        unfinished, top, most = 0, 0, np.int64(-1)
        for j in range(state[b, ROW, NUM_JOBS]):
            unfinished += state[b, j, OPERATIONS] > 0
        for m in range(state[b, ROW, NUM_MACHINES]):
            if state[b, m, LOAD] > 0 and state[b, m, FREE] + state[b, m, LOAD] > most:
                top, most = m, state[b, m, FREE] + state[b, m, LOAD]
        per_job = ONE / np.float32(max(unfinished, 1))
        for j in range(features.shape[1]):
            for column in range(BASE_FEATURES, BASE_FEATURES + LOOK_AHEAD_FEATURES):
                features[b, j, column] = ZERO
            if j >= state[b, ROW, NUM_JOBS] or not flags[b, LEGAL + j] or state[b, j, OPERATIONS] == 0:
                continue
            _own_machine(b, j, now, per_unit, per_left, per_job, state, operations, features)
            route = _route(b, j, now, per_unit, per_left, state, operations, features)
            own = _estimate(b, j, state[b, j, MACHINE], state, operations)
            features[b, j, OWN_ESTIMATE] = _scaled(own - now, per_left)
            features[b, j, TOP_ESTIMATE] = _scaled(_estimate(b, j, top, state, operations) - now, per_left)
            if route >= 0:
                features[b, j, ROUTE_ESTIMATE] = _scaled(_estimate(b, j, route, state, operations) - now, per_left)
