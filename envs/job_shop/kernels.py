"""The compiled loops of the job shop: reset, step and observe a batch.

A call from Python costs by the number of arrays it passes, and a batch of one is stepped two hundred thousand times a
second. So all whole numbers of a batch share one array, ``state[b, LINE, i]``, with a line per quantity; i is a job,
a machine, or, on the line ``ROW``, one of the single numbers of the row. What grows with the operations is in
``operations[b, LINE, o]``, truth values are in ``flags[b, i]`` and real numbers in ``reals[b, i]``. Everything
compiled is in this one file, because numba's cache does not notice changes in others, and helpers are inlined,
because a call inside hands over every array in a dozen registers.
"""

import numpy as np
from numba import njit

# lines of a job: the instance
RELEASE, DUE, WEIGHT, WORK, FIRST, LENGTH = range(6)
# lines of a job: the episode. MACHINE and DURATION are those of the next operation, AFTER_... those of the one after it
NEXT, MACHINE, DURATION, AFTER_MACHINE, AFTER_DURATION, READY, EARLIEST, REMAINING, OPERATIONS = range(6, 15)
# lines of a machine: when its last scheduled operation ends, and the work not yet scheduled on it
FREE, LOAD = range(15, 17)
# lines of a machine, for observing: the next operations that need it, their work, the longest tails behind them
QUEUE, QUEUE_WORK, LONGEST_TAIL, SECOND_TAIL = range(17, 21)
ROW = 21
LINES = 22

# the line ROW: the instance, and the simulator's settings
NUM_JOBS, NUM_MACHINES, NUM_OPERATIONS, HAS_DUE, BUILDER, OBJECTIVE = range(6)
# the line ROW: the episode. BOUND is the lower bound on the objective, SPAN that on the makespan
CLOCK, BOUND, SPAN, SCHEDULED = range(6, 10)
ROW_NUMBERS = 10

# lines of an operation
OF_MACHINE, OF_DURATION, OF_START = range(3)
OPERATION_LINES = 3

# flags of a row; from LEGAL on, one per job
DONE, ILLEGAL, LEGAL = range(3)

# real numbers of a row: the last reward, and what features are multiplied with
REWARD, PER_UNIT, PER_BOUND, PER_WEIGHT, LOG_JOBS, LOG_MACHINES = range(6)
REALS = 6

# the order of config.BUILDERS and config.OBJECTIVES; a test compares them
NONDELAY, ACTIVE, APPEND = range(3)
MAKESPAN, TARDINESS, WEIGHTED_TARDINESS, FLOW_TIME = range(4)

FAR_FUTURE = np.iinfo(np.int64).max
UNSCHEDULED = -1
PADDING = -1
LIMIT = np.float32(10.0)
ONE, ZERO = np.float32(1.0), np.float32(0.0)


@njit(cache=True, nogil=True, inline="always")
def _refresh(b, state, flags):
    """After row ``b`` changed: earliest starts, clock, legal jobs, bounds."""
    builder, objective = state[b, ROW, BUILDER], state[b, ROW, OBJECTIVE]
    first_start = FAR_FUTURE
    cost = np.int64(0)
    span = state[b, ROW, SPAN]
    num_jobs = state[b, ROW, NUM_JOBS]
    for j in range(num_jobs):
        unfinished = state[b, OPERATIONS, j] > 0
        ready = state[b, READY, j]
        # a finished job points at machine 0; selections instead of branches, which would be guessed wrong too often
        start = max(ready, state[b, FREE, state[b, MACHINE, j]]) if unfinished else ready
        first_start = min(first_start, start if unfinished else FAR_FUTURE)
        state[b, EARLIEST, j] = start
        completion = start + state[b, REMAINING, j]
        span = max(span, completion)
        if objective == FLOW_TIME:
            cost += completion - state[b, RELEASE, j]
        elif objective != MAKESPAN:
            late = max(completion - state[b, DUE, j], 0)
            cost += late * (state[b, WEIGHT, j] if objective == WEIGHTED_TARDINESS else 1)
    state[b, ROW, SPAN] = span
    state[b, ROW, BOUND] = span if objective == MAKESPAN else cost
    if first_start == FAR_FUTURE:  # all jobs are finished; one action stays legal, because masks must not be empty
        flags[b, LEGAL:] = False
        flags[b, LEGAL] = True
    else:
        state[b, ROW, CLOCK] = first_start
        if builder == ACTIVE:
            _mark_conflict_set(b, state, flags)
        else:
            latest = first_start if builder == NONDELAY else FAR_FUTURE
            for j in range(num_jobs):
                flags[b, LEGAL + j] = (state[b, OPERATIONS, j] > 0) & (state[b, EARLIEST, j] <= latest)


@njit(cache=True, nogil=True)
def _mark_conflict_set(b, state, flags):
    """Legal jobs of the active builder: those in Giffler & Thompson's conflict set."""
    first_finish, first_job = FAR_FUTURE, -1
    for j in range(state[b, ROW, NUM_JOBS]):
        finish = state[b, EARLIEST, j] + state[b, DURATION, j]
        if state[b, OPERATIONS, j] > 0 and finish < first_finish:
            first_finish, first_job = finish, j
    for j in range(state[b, ROW, NUM_JOBS]):
        competes = state[b, OPERATIONS, j] > 0 and state[b, MACHINE, j] == state[b, MACHINE, first_job]
        # the job that finishes first is in, even if its operation takes no time
        flags[b, LEGAL + j] = competes and (state[b, EARLIEST, j] < first_finish or j == first_job)


@njit(cache=True, nogil=True, inline="always")
def _look_up(b, j, operation, state, operations):
    """Write what job ``j`` needs to know about ``operation``, its next, and the one after it."""
    count = state[b, OPERATIONS, j]
    state[b, NEXT, j] = operation
    state[b, MACHINE, j] = operations[b, OF_MACHINE, operation] if count > 0 else 0
    state[b, DURATION, j] = operations[b, OF_DURATION, operation] if count > 0 else 0
    state[b, AFTER_MACHINE, j] = operations[b, OF_MACHINE, operation + 1] if count > 1 else 0
    state[b, AFTER_DURATION, j] = operations[b, OF_DURATION, operation + 1] if count > 1 else 0


@njit(cache=True, nogil=True)
def reset_rows(chosen, state, operations, flags, reals):
    """Start an episode of the loaded instance in every chosen row."""
    for b in chosen:
        for j in range(flags.shape[1] - LEGAL):
            flags[b, LEGAL + j] = False
            if j >= state[b, ROW, NUM_JOBS]:
                continue
            state[b, READY, j] = state[b, RELEASE, j]
            state[b, REMAINING, j] = state[b, WORK, j]
            state[b, OPERATIONS, j] = state[b, LENGTH, j]
            _look_up(b, j, state[b, FIRST, j], state, operations)
        state[b, FREE, :] = state[b, LOAD, :] = 0
        for o in range(state[b, ROW, NUM_OPERATIONS]):
            state[b, LOAD, operations[b, OF_MACHINE, o]] += operations[b, OF_DURATION, o]
        operations[b, OF_START, :] = UNSCHEDULED
        state[b, ROW, CLOCK] = state[b, ROW, SCHEDULED] = 0
        state[b, ROW, SPAN] = state[b, LOAD].max()
        flags[b, DONE] = flags[b, ILLEGAL] = False
        reals[b, REWARD] = 0.0
        _refresh(b, state, flags)


@njit(cache=True, nogil=True, inline="always")
def _clip(value):
    # written as selections, which compile to single instructions
    value = value if value < LIMIT else LIMIT
    return value if value > -LIMIT else -LIMIT


@njit(cache=True, nogil=True, inline="always")
def _cap(value):
    """:func:`_clip` of a number that is not negative."""
    return value if value < LIMIT else LIMIT


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _observe_row(b, state, flags, reals, candidate, features, context, mask):
    """Write the features of row ``b``, in the order of ``observe.CANDIDATE_FEATURES`` and ``CONTEXT_FEATURES``."""
    num_jobs, now = state[b, ROW, NUM_JOBS], state[b, ROW, CLOCK]
    per_u = np.float32(reals[b, PER_UNIT])
    left, most_operations, unfinished, legal = max(state[b, ROW, SPAN] - now, 1), 1, 0, 0
    for m in range(state[b, ROW, NUM_MACHINES]):
        state[b, QUEUE, m] = state[b, QUEUE_WORK, m] = 0
        state[b, LONGEST_TAIL, m] = state[b, SECOND_TAIL, m] = -1
    for j in range(num_jobs):
        count = state[b, OPERATIONS, j]
        if count == 0:
            continue
        unfinished += 1
        legal += flags[b, LEGAL + j]
        most_operations = max(most_operations, count)
        m, p = state[b, MACHINE, j], state[b, DURATION, j]
        state[b, QUEUE, m] += 1
        state[b, QUEUE_WORK, m] += p
        tail, longest = state[b, REMAINING, j] - p, state[b, LONGEST_TAIL, m]
        state[b, SECOND_TAIL, m] = max(state[b, SECOND_TAIL, m], min(longest, tail))
        state[b, LONGEST_TAIL, m] = max(longest, tail)
    # products with reciprocals: a division costs ten times as much, and there are twenty per candidate
    per_left, per_unfinished = ONE / np.float32(left), ONE / np.float32(max(unfinished, 1))
    per_most = ONE / np.float32(most_operations)

    for j in range(num_jobs, features.shape[1]):
        mask[b, j] = 0
        candidate[b, j] = PADDING
        for k in range(features.shape[2]):
            features[b, j, k] = ZERO
    for j in range(num_jobs):
        mask[b, j] = flags[b, LEGAL + j]
        count = state[b, OPERATIONS, j]
        if count == 0:
            # a finished job points at its last operation, so that candidates of real jobs are real nodes
            candidate[b, j] = state[b, NEXT, j] - 1
            for k in range(features.shape[2]):
                features[b, j, k] = ZERO
            continue
        # all numbers are read before the first is written: a store makes the compiler read everything again
        operation, m, p = state[b, NEXT, j], state[b, MACHINE, j], state[b, DURATION, j]
        start, work, total = state[b, EARLIEST, j], state[b, REMAINING, j], state[b, WORK, j]
        job_ready, machine_ready = state[b, READY, j], state[b, FREE, m]
        machine_left = machine_ready + state[b, LOAD, m] - now
        rivals, rivals_work = state[b, QUEUE, m] - 1, state[b, QUEUE_WORK, m] - p
        end, tail = start + p, work - p
        rival_tail = state[b, SECOND_TAIL, m] if tail == state[b, LONGEST_TAIL, m] else state[b, LONGEST_TAIL, m]
        share_done = np.float32(total - work) / np.float32(max(total, 1))
        weight = np.float32(state[b, WEIGHT, j]) * np.float32(reals[b, PER_WEIGHT])
        next_duration = next_wait = next_left = next_queue = ZERO
        if count > 1:
            following = state[b, AFTER_MACHINE, j]
            next_ready = state[b, FREE, following]
            next_duration = _cap(np.float32(state[b, AFTER_DURATION, j]) * per_u)
            next_wait = _clip(np.float32(next_ready - end) * per_u)
            next_left = np.float32(next_ready + state[b, LOAD, following] - now) * per_left
            next_queue = np.float32(state[b, QUEUE, following] - (1 if following == m else 0)) * per_unfinished
        slack = operation_slack = ZERO
        if state[b, ROW, HAS_DUE]:
            due, release = state[b, DUE, j], state[b, RELEASE, j]
            share = np.float32(total - tail) / np.float32(max(total, 1))
            slack = _clip(np.float32(due - start - work) * per_left)
            operation_slack = _clip((np.float32(release - end) + np.float32(due - release) * share) * per_u)
        candidate[b, j] = operation
        features[b, j, 0] = _cap(np.float32(p) * per_u)
        features[b, j, 1] = _cap(np.float32(start - now) * per_u)
        features[b, j, 2] = _clip(np.float32(job_ready - machine_ready) * per_u)
        features[b, j, 3] = np.float32(work) * per_left
        features[b, j, 4] = np.float32(tail) * per_left
        features[b, j, 5] = np.float32(count) * per_most
        features[b, j, 6] = share_done
        features[b, j, 7] = np.float32(start + work - now) * per_left
        features[b, j, 8] = np.float32(machine_left) * per_left
        features[b, j, 9] = np.float32(rivals) * per_unfinished
        features[b, j, 10] = _cap(np.float32(rivals_work) * per_left)
        features[b, j, 11] = np.float32(max(rival_tail, 0) - tail) * per_left
        features[b, j, 12] = next_duration
        features[b, j, 13] = next_wait
        features[b, j, 14] = next_left
        features[b, j, 15] = next_queue
        features[b, j, 16] = slack
        features[b, j, 17] = operation_slack
        features[b, j, 18] = weight

    per_bound = np.float32(reals[b, PER_BOUND])
    context[b, 0] = np.float32(state[b, ROW, SCHEDULED]) / np.float32(max(state[b, ROW, NUM_OPERATIONS], 1))
    context[b, 1] = np.float32(unfinished) / np.float32(max(num_jobs, 1))
    context[b, 2] = np.float32(legal) * per_unfinished
    context[b, 3] = _cap(np.float32(left) * per_bound) if unfinished > 0 else ZERO
    context[b, 4] = _clip(np.float32(now + left) * per_bound - ONE)
    context[b, 5] = reals[b, LOG_JOBS]
    context[b, 6] = reals[b, LOG_MACHINES]
    context[b, 7] = np.float32(state[b, ROW, HAS_DUE])


@njit(cache=True, nogil=True)
def observe_rows(chosen, state, flags, reals, candidate, features, context, mask):  # fmt: skip
    """Write the observation of the chosen rows."""
    for b in chosen:
        _observe_row(b, state, flags, reals, candidate, features, context, mask)


@njit(cache=True, nogil=True)
def step_rows(action, observing, state, operations, flags, reals, candidate, features, context, mask):  # fmt: skip
    """Apply an action in every row, and if ``observing`` write its observation while it is in the processor's cache.

    Returns how many actions were illegal and how many rows are done.
    """
    illegal_count = done_count = 0
    for b in range(len(state)):
        reals[b, REWARD] = 0.0
        flags[b, ILLEGAL] = False
        j = action[b]
        if flags[b, DONE]:
            done_count += 1
        elif j < 0 or j >= state[b, ROW, NUM_JOBS] or not flags[b, LEGAL + j]:
            flags[b, ILLEGAL] = True
            illegal_count += 1
        else:
            operation, m, p = state[b, NEXT, j], state[b, MACHINE, j], state[b, DURATION, j]
            begin = state[b, EARLIEST, j]
            operations[b, OF_START, operation] = begin
            state[b, READY, j] = state[b, FREE, m] = begin + p
            state[b, LOAD, m] -= p
            state[b, REMAINING, j] -= p
            state[b, OPERATIONS, j] -= 1
            _look_up(b, j, operation + 1, state, operations)
            # of all machines only this one's end can have moved
            state[b, ROW, SPAN] = max(state[b, ROW, SPAN], begin + p + state[b, LOAD, m])
            charged = state[b, ROW, BOUND] if state[b, ROW, SCHEDULED] > 0 else 0
            state[b, ROW, SCHEDULED] += 1
            _refresh(b, state, flags)
            reals[b, REWARD] = charged - state[b, ROW, BOUND]
            flags[b, DONE] = state[b, ROW, SCHEDULED] == state[b, ROW, NUM_OPERATIONS]
            done_count += flags[b, DONE]
        if observing:
            _observe_row(b, state, flags, reals, candidate, features, context, mask)
    return illegal_count, done_count
