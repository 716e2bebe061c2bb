"""The compiled loops of the job shop: reset, step and observe a batch.

A call from Python costs by the number of arrays it passes, and a batch of one is stepped two hundred thousand times a
second. So all whole numbers of a batch share one array, ``state[b, i, QUANTITY]``. Record i holds job i and machine i,
side by side, and the last record, ``ROW``, the single numbers of the row. A record is contiguous, so that the compiler
reaches all of a job through one pointer; with a line per quantity it ran out of registers. What grows with the
operations is in ``operations[b, LINE, o]``, truth values are in ``flags[b, i]`` and real numbers in ``reals[b, i]``.
What calls one another is in this one file, because numba's cache does not notice changes in others, and helpers are
inlined, because a call inside hands over every array in a dozen registers.
"""

from functools import partial
from typing import Any

import numpy as np
from numba import njit

# quantities of a job: the instance
RELEASE, DUE, WEIGHT, WORK, FIRST, LENGTH = range(6)
# quantities of a job: the episode. MACHINE and DURATION are of the next operation, AFTER_... of the one after it
NEXT, MACHINE, DURATION, AFTER_MACHINE, AFTER_DURATION, READY, EARLIEST, REMAINING, OPERATIONS = range(6, 15)
# quantities of a machine: when its last scheduled operation ends, and the work not yet scheduled on it
FREE, LOAD = range(15, 17)
# quantities of a machine, for observing: the next operations that need it, their work, the longest tails behind them,
# the earliest of their starts
QUEUE, QUEUE_WORK, LONGEST_TAIL, SECOND_TAIL, FIRST_START = range(17, 22)
# quantities of a machine: where its operations are in the line BY_MACHINE, and how many they are
LISTED_FROM, LISTED = range(22, 24)
QUANTITIES = 24
# the last record is the row's own
ROW = -1

# the record ROW: the instance, and the simulator's settings
NUM_JOBS, NUM_MACHINES, NUM_OPERATIONS, BUILDER, OBJECTIVE = range(5)
# the record ROW: the episode. BOUND is the lower bound on the objective, SPAN that on the makespan
CLOCK, BOUND, SPAN, SCHEDULED = range(5, 9)

# lines of an operation
OF_MACHINE, OF_DURATION, OF_START, OF_JOB, OF_HEAD = range(5)
# not a line of operations in their order, but the operations sorted by machine
BY_MACHINE = 5
# for the estimates of looking ahead: a list of operations that is being worked off
SCRATCH_HEAD, SCRATCH_DURATION, SCRATCH_TAIL = range(6, 9)
OPERATION_LINES = 9

# flags of a row; from LEGAL on, one per job
DONE, ILLEGAL, LEGAL = range(3)

# real numbers of a row: the last reward, and what features are multiplied with
REWARD, PER_UNIT, PER_BOUND, PER_WEIGHT, LOG_JOBS, LOG_MACHINES, DELAY_SHARE = range(7)
REALS = 7

# the order of config.BUILDERS and config.OBJECTIVES; a test compares them
NONDELAY, ACTIVE, APPEND, HYBRID = range(4)
MAKESPAN, TARDINESS, WEIGHTED_TARDINESS, FLOW_TIME = range(4)

FAR_FUTURE = np.iinfo(np.int64).max
# features of a candidate: first those that are always shown, then those of looking ahead and of due dates, if asked for
BASE_FEATURES, LOOK_AHEAD_FEATURES, DUE_DATE_FEATURES = 17, 14, 3

UNSCHEDULED = -1
PADDING = -1
LIMIT = np.float32(10.0)
ONE, ZERO = np.float32(1.0), np.float32(0.0)


def _no_reference_counts() -> dict[str, Any]:
    """Nothing here allocates, so references to arrays need no counting: a fifth of a microsecond per call.

    The option is not among numba's documented ones, so it is used only where it exists.
    """
    try:
        njit(_nrt=False)(lambda: None)  # type: ignore[call-overload]
    except (KeyError, TypeError):
        return {}
    return {"_nrt": False}


kernel = partial(njit, cache=True, nogil=True, **_no_reference_counts())


@kernel(inline="always")
def _refresh(b, state, flags, reals):
    """After row ``b`` changed: earliest starts, clock, legal jobs, bounds."""
    builder, objective = state[b, ROW, BUILDER], state[b, ROW, OBJECTIVE]
    first_start = FAR_FUTURE
    cost = np.int64(0)
    span = state[b, ROW, SPAN]
    num_jobs = state[b, ROW, NUM_JOBS]
    for j in range(num_jobs):
        unfinished = state[b, j, OPERATIONS] > 0
        ready = state[b, j, READY]
        # a finished job points at machine 0; selections instead of branches, which would be guessed wrong too often
        start = max(ready, state[b, state[b, j, MACHINE], FREE]) if unfinished else ready
        first_start = min(first_start, start if unfinished else FAR_FUTURE)
        state[b, j, EARLIEST] = start
        completion = start + state[b, j, REMAINING]
        span = max(span, completion)
        if objective == FLOW_TIME:
            cost += completion - state[b, j, RELEASE]
        elif objective != MAKESPAN:
            late = max(completion - state[b, j, DUE], 0)
            cost += late * (state[b, j, WEIGHT] if objective == WEIGHTED_TARDINESS else 1)
    state[b, ROW, SPAN] = span
    state[b, ROW, BOUND] = span if objective == MAKESPAN else cost
    if first_start == FAR_FUTURE:  # all jobs are finished; one action stays legal, because masks must not be empty
        flags[b, LEGAL:] = False
        flags[b, LEGAL] = True
    else:
        state[b, ROW, CLOCK] = first_start
        if builder in (ACTIVE, HYBRID):
            _mark_conflict_set(b, state, flags, 1.0 if builder == ACTIVE else reals[b, DELAY_SHARE])
        else:
            latest = first_start if builder == NONDELAY else FAR_FUTURE
            for j in range(num_jobs):
                flags[b, LEGAL + j] = (state[b, j, OPERATIONS] > 0) & (state[b, j, EARLIEST] <= latest)


@kernel()
def _mark_conflict_set(b, state, flags, delay_share):
    """Legal jobs of the active builder, those in Giffler & Thompson's conflict set; of the hybrid one, some of them."""
    first_finish, first_job = FAR_FUTURE, -1
    for j in range(state[b, ROW, NUM_JOBS]):
        finish = state[b, j, EARLIEST] + state[b, j, DURATION]
        if state[b, j, OPERATIONS] > 0 and finish < first_finish:
            first_finish, first_job = finish, j
    machine, first_start = state[b, first_job, MACHINE], FAR_FUTURE
    for j in range(state[b, ROW, NUM_JOBS]):
        if state[b, j, OPERATIONS] > 0 and state[b, j, MACHINE] == machine:
            first_start = min(first_start, state[b, j, EARLIEST])
    latest = first_start + delay_share * (first_finish - first_start)
    for j in range(state[b, ROW, NUM_JOBS]):
        competes = state[b, j, OPERATIONS] > 0 and state[b, j, MACHINE] == machine
        start = state[b, j, EARLIEST]
        # somebody must be in, even if operations take no time: the first to finish, or else those that start first
        certain = j == first_job if delay_share >= 1.0 else start == first_start
        flags[b, LEGAL + j] = competes and (start < latest or certain)


@kernel(inline="always")
def _look_up(b, j, operation, state, operations):
    """Write what job ``j`` needs to know about ``operation``, its next, and the one after it."""
    count = state[b, j, OPERATIONS]
    state[b, j, NEXT] = operation
    state[b, j, MACHINE] = operations[b, OF_MACHINE, operation] if count > 0 else 0
    state[b, j, DURATION] = operations[b, OF_DURATION, operation] if count > 0 else 0
    state[b, j, AFTER_MACHINE] = operations[b, OF_MACHINE, operation + 1] if count > 1 else 0
    state[b, j, AFTER_DURATION] = operations[b, OF_DURATION, operation + 1] if count > 1 else 0


@kernel()
def reset_rows(chosen, state, operations, flags, reals):
    """Start an episode of the loaded instance in every chosen row."""
    for b in chosen:
        for j in range(flags.shape[1] - LEGAL):
            flags[b, LEGAL + j] = False
            if j >= state[b, ROW, NUM_JOBS]:
                continue
            state[b, j, READY] = state[b, j, RELEASE]
            state[b, j, REMAINING] = state[b, j, WORK]
            state[b, j, OPERATIONS] = state[b, j, LENGTH]
            _look_up(b, j, state[b, j, FIRST], state, operations)
        for m in range(state[b, ROW, NUM_MACHINES]):
            state[b, m, FREE] = state[b, m, LOAD] = 0
        for o in range(state[b, ROW, NUM_OPERATIONS]):
            state[b, operations[b, OF_MACHINE, o], LOAD] += operations[b, OF_DURATION, o]
        operations[b, OF_START, :] = UNSCHEDULED
        state[b, ROW, CLOCK] = state[b, ROW, SCHEDULED] = state[b, ROW, SPAN] = 0
        for m in range(state[b, ROW, NUM_MACHINES]):
            state[b, ROW, SPAN] = max(state[b, ROW, SPAN], state[b, m, LOAD])
        flags[b, DONE] = flags[b, ILLEGAL] = False
        reals[b, REWARD] = 0.0
        _refresh(b, state, flags, reals)


@kernel(inline="always")
def _clip(value):
    # not two conditional expressions, which compile to branches
    return max(min(value, LIMIT), -LIMIT)


@kernel(inline="always")
def _cap(value):
    """:func:`_clip` of a number that is not negative."""
    return value if value < LIMIT else LIMIT


@kernel(error_model="numpy", inline="always")
def _observe_row(b, state, flags, reals, candidate, features, context, mask):
    """Write the features of row ``b``, in the order of the lists of names in ``observe``."""
    num_jobs, now = state[b, ROW, NUM_JOBS], state[b, ROW, CLOCK]
    per_u = np.float32(reals[b, PER_UNIT])
    left, most_operations, unfinished, legal = max(state[b, ROW, SPAN] - now, 1), 1, 0, 0
    latest, busy = now, np.int64(0)
    for m in range(state[b, ROW, NUM_MACHINES]):
        until = state[b, m, FREE] + state[b, m, LOAD]
        latest = max(latest, until)
        busy += max(until - now, 0)
        state[b, m, QUEUE] = state[b, m, QUEUE_WORK] = 0
        state[b, m, LONGEST_TAIL] = state[b, m, SECOND_TAIL] = -1
        state[b, m, FIRST_START] = FAR_FUTURE
    for j in range(num_jobs):
        count = state[b, j, OPERATIONS]
        if count == 0:
            continue
        unfinished += 1
        legal += flags[b, LEGAL + j]
        most_operations = max(most_operations, count)
        m, p = state[b, j, MACHINE], state[b, j, DURATION]
        state[b, m, QUEUE] += 1
        state[b, m, QUEUE_WORK] += p
        tail, longest = state[b, j, REMAINING] - p, state[b, m, LONGEST_TAIL]
        state[b, m, SECOND_TAIL] = max(state[b, m, SECOND_TAIL], min(longest, tail))
        state[b, m, LONGEST_TAIL] = max(longest, tail)
        state[b, m, FIRST_START] = min(state[b, m, FIRST_START], state[b, j, EARLIEST])
    # products with reciprocals: a division costs ten times as much, and there are twenty per candidate
    per_left, per_unfinished = ONE / np.float32(left), ONE / np.float32(max(unfinished, 1))
    per_most = ONE / np.float32(most_operations)
    looks_ahead = features.shape[2] >= BASE_FEATURES + LOOK_AHEAD_FEATURES
    due_at = BASE_FEATURES + (LOOK_AHEAD_FEATURES if looks_ahead else 0)

    for j in range(features.shape[1]):
        mask[b, j] = flags[b, LEGAL + j]
    for j in range(num_jobs, features.shape[1]):
        candidate[b, j] = PADDING
        for k in range(features.shape[2]):
            features[b, j, k] = ZERO
    for j in range(num_jobs):
        count = state[b, j, OPERATIONS]
        if count == 0:
            candidate[b, j] = PADDING
            for k in range(features.shape[2]):
                features[b, j, k] = ZERO
            continue
        # all numbers are read before the first is written: a store makes the compiler read everything again
        operation, m, p = state[b, j, NEXT], state[b, j, MACHINE], state[b, j, DURATION]
        start, work, total = state[b, j, EARLIEST], state[b, j, REMAINING], state[b, j, WORK]
        job_ready, machine_ready = state[b, j, READY], state[b, m, FREE]
        machine_left = machine_ready + state[b, m, LOAD] - now
        rivals, rivals_work = state[b, m, QUEUE] - 1, state[b, m, QUEUE_WORK] - p
        end, tail = start + p, work - p
        # both are read before the choice, which a conditional read would make a branch that is guessed wrong
        longest, second = state[b, m, LONGEST_TAIL], state[b, m, SECOND_TAIL]
        rival_tail = second if tail == longest else longest
        share_done = np.float32(total - work) / np.float32(max(total, 1))
        next_duration = next_wait = next_left = next_queue = ZERO
        if count > 1:
            following = state[b, j, AFTER_MACHINE]
            next_ready = state[b, following, FREE]
            next_duration = _cap(np.float32(state[b, j, AFTER_DURATION]) * per_u)
            next_wait = _clip(np.float32(next_ready - end) * per_u)
            next_left = _clip(np.float32(next_ready + state[b, following, LOAD] - now) * per_left)
            next_queue = np.float32(state[b, following, QUEUE] - (1 if following == m else 0)) * per_unfinished
        if due_at < features.shape[2]:
            due, release = state[b, j, DUE], state[b, j, RELEASE]
            share = np.float32(total - tail) / np.float32(max(total, 1))
            to_operation_due = np.float32(release - end) + np.float32(due - release) * share
            features[b, j, due_at] = _clip(np.float32(due - start - work) * per_left)
            features[b, j, due_at + 1] = _clip(to_operation_due * per_u)
            features[b, j, due_at + 2] = np.float32(state[b, j, WEIGHT]) * np.float32(reals[b, PER_WEIGHT])
        delay = start - state[b, m, FIRST_START]
        candidate[b, j] = operation
        features[b, j, 0] = _cap(np.float32(p) * per_u)
        features[b, j, 1] = _cap(np.float32(start - now) * per_u)
        features[b, j, 2] = _clip(np.float32(job_ready - machine_ready) * per_u)
        features[b, j, 3] = np.float32(work) * per_left
        features[b, j, 4] = np.float32(tail) * per_left
        features[b, j, 5] = np.float32(count) * per_most
        features[b, j, 6] = share_done
        features[b, j, 7] = np.float32(start + work - now) * per_left
        features[b, j, 8] = _clip(np.float32(machine_left) * per_left)
        features[b, j, 9] = np.float32(rivals) * per_unfinished
        features[b, j, 10] = _cap(np.float32(rivals_work) * per_left)
        features[b, j, 11] = np.float32(max(rival_tail, 0) - tail) * per_left
        features[b, j, 12] = next_duration
        features[b, j, 13] = next_wait
        features[b, j, 14] = next_left
        features[b, j, 15] = next_queue
        features[b, j, 16] = _cap(np.float32(delay) * per_u)
    per_bound = np.float32(reals[b, PER_BOUND])
    context[b, 0] = np.float32(state[b, ROW, SCHEDULED]) / np.float32(max(state[b, ROW, NUM_OPERATIONS], 1))
    context[b, 1] = np.float32(unfinished) / np.float32(max(num_jobs, 1))
    context[b, 2] = np.float32(legal) * per_unfinished
    context[b, 3] = _cap(np.float32(left) * per_bound) if unfinished > 0 else ZERO
    context[b, 4] = _clip(np.float32(now + left) * per_bound - ONE)
    context[b, 5] = reals[b, LOG_JOBS]
    context[b, 6] = reals[b, LOG_MACHINES]
    context[b, 7] = np.float32(latest - now) * per_left
    context[b, 8] = np.float32(busy) * per_left / np.float32(max(state[b, ROW, NUM_MACHINES], 1))


@kernel()
def observe_rows(chosen, state, operations, flags, reals, candidate, features, context, mask):  # fmt: skip
    """Write the observation of the chosen rows."""
    for b in chosen:
        _observe_row(b, state, flags, reals, candidate, features, context, mask)


@kernel(inline="always")
def _apply(b, j, state, operations, flags, reals):
    """Start the next operation of job ``j``, and add the reward of that."""
    operation, m, p = state[b, j, NEXT], state[b, j, MACHINE], state[b, j, DURATION]
    begin = state[b, j, EARLIEST]
    operations[b, OF_START, operation] = begin
    state[b, j, READY] = state[b, m, FREE] = begin + p
    state[b, m, LOAD] -= p
    state[b, j, REMAINING] -= p
    state[b, j, OPERATIONS] -= 1
    _look_up(b, j, operation + 1, state, operations)
    # of all machines only this one's end can have moved
    state[b, ROW, SPAN] = max(state[b, ROW, SPAN], begin + p + state[b, m, LOAD])
    charged = state[b, ROW, BOUND] if state[b, ROW, SCHEDULED] > 0 else 0
    state[b, ROW, SCHEDULED] += 1
    _refresh(b, state, flags, reals)
    reals[b, REWARD] += charged - state[b, ROW, BOUND]
    flags[b, DONE] = state[b, ROW, SCHEDULED] == state[b, ROW, NUM_OPERATIONS]


@kernel()
def play_forced_rows(state, operations, flags, reals):
    """Play on in every row while there is one legal action; returns how many rows are done."""
    done_count = 0
    for b in range(len(state)):
        reals[b, REWARD] = 0.0
        while not flags[b, DONE]:
            legal, only = 0, 0
            for j in range(state[b, ROW, NUM_JOBS]):
                if flags[b, LEGAL + j]:
                    legal, only = legal + 1, j
            if legal > 1:
                break
            _apply(b, only, state, operations, flags, reals)
        done_count += flags[b, DONE]
    return done_count


@kernel()
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
            _apply(b, j, state, operations, flags, reals)
            done_count += flags[b, DONE]
        if observing:
            _observe_row(b, state, flags, reals, candidate, features, context, mask)
    return illegal_count, done_count
