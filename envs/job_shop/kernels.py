"""The compiled loops of the job shop: reset, step and observe a batch.

A call from Python costs by the number of arrays it passes, and a batch of one is stepped two hundred thousand times a second.
So numbers of one kind share an array, ``jobs[b, F, j]``, ``machines[b, F, m]``, ``operations[b, F, o]`` and ``rows[b, F]``, with
the fields F below; the first three are 32 bits wide. Everything compiled is in this one file, because numba's cache does not
notice changes in others, and helpers are inlined, because a call inside hands over every array in a dozen registers.
"""

import numpy as np
from numba import njit

# rows: the instance
NUM_JOBS, NUM_MACHINES, NUM_OPERATIONS, HAS_DUE = range(4)
# rows: the episode. BOUND is the lower bound on the objective, SPAN that on the makespan
CLOCK, BOUND, SPAN, SCHEDULED = range(4, 8)
ROW_FIELDS = 8

# jobs: the instance
RELEASE, DUE, WEIGHT, WORK, FIRST, LENGTH = range(6)
# jobs: the episode. MACHINE and DURATION are those of the next operation, AFTER_... those of the one after it
NEXT, MACHINE, DURATION, AFTER_MACHINE, AFTER_DURATION, READY, EARLIEST, REMAINING, OPERATIONS = range(6, 15)
JOB_FIELDS = 15

# machines: when the last scheduled operation ends, and the work not yet scheduled
FREE, LOAD = range(2)
MACHINE_FIELDS = 2

# operations
OF_MACHINE, OF_DURATION, OF_START = range(3)
OPERATION_FIELDS = 3

# scales: what the features of a row are multiplied with
PER_UNIT, PER_BOUND, PER_WEIGHT, LOG_JOBS, LOG_MACHINES = range(5)
SCALES = 5

# the order of config.BUILDERS and config.OBJECTIVES; a test compares them
NONDELAY, ACTIVE, APPEND = range(3)
MAKESPAN, TARDINESS, WEIGHTED_TARDINESS, FLOW_TIME = range(4)

# flags of a row
DONE, ILLEGAL = range(2)

# settings of a simulator
BUILDER, OBJECTIVE = range(2)

FAR_FUTURE = np.iinfo(np.int64).max
UNSCHEDULED = -1
PADDING = -1
LIMIT = np.float32(10.0)
ONE, ZERO = np.float32(1.0), np.float32(0.0)


@njit(cache=True, nogil=True, inline="always")
def _refresh(b, settings, rows, jobs, machines, action_mask):
    """After row ``b`` changed: earliest starts, clock, legal jobs, bounds."""
    builder, objective = settings[BUILDER], settings[OBJECTIVE]
    first_start, first_finish, first_job = FAR_FUTURE, FAR_FUTURE, -1
    cost = np.int64(0)
    span = rows[b, SPAN]
    num_jobs = rows[b, NUM_JOBS]
    for j in range(num_jobs):
        start = jobs[b, READY, j]
        if jobs[b, OPERATIONS, j] > 0:
            start = max(start, machines[b, FREE, jobs[b, MACHINE, j]])
            finish = start + jobs[b, DURATION, j]
            first_start = min(first_start, start)
            if finish < first_finish:
                first_finish, first_job = finish, j
        jobs[b, EARLIEST, j] = start
        completion = start + jobs[b, REMAINING, j]
        span = max(span, completion)
        if objective == FLOW_TIME:
            cost += completion - jobs[b, RELEASE, j]
        elif objective != MAKESPAN:
            late = max(completion - jobs[b, DUE, j], 0)
            cost += late * (jobs[b, WEIGHT, j] if objective == WEIGHTED_TARDINESS else 1)
    rows[b, SPAN] = span
    rows[b, BOUND] = span if objective == MAKESPAN else cost
    if first_job < 0:  # all jobs are finished; one action stays legal, because masks must not be empty
        action_mask[b, :] = False
        action_mask[b, 0] = True
    else:
        rows[b, CLOCK] = first_start
        machine = jobs[b, MACHINE, first_job]
        for j in range(num_jobs):
            legal = jobs[b, OPERATIONS, j] > 0
            if builder == NONDELAY:
                legal &= jobs[b, EARLIEST, j] == first_start
            elif builder == ACTIVE:
                legal &= (jobs[b, MACHINE, j] == machine) & ((jobs[b, EARLIEST, j] < first_finish) | (j == first_job))
            action_mask[b, j] = legal


@njit(cache=True, nogil=True, inline="always")
def _look_up(b, j, operation, jobs, operations):
    """Write what job ``j`` needs to know about ``operation``, its next, and the one after it."""
    count = jobs[b, OPERATIONS, j]
    jobs[b, NEXT, j] = operation
    jobs[b, MACHINE, j] = operations[b, OF_MACHINE, operation] if count > 0 else 0
    jobs[b, DURATION, j] = operations[b, OF_DURATION, operation] if count > 0 else 0
    jobs[b, AFTER_MACHINE, j] = operations[b, OF_MACHINE, operation + 1] if count > 1 else 0
    jobs[b, AFTER_DURATION, j] = operations[b, OF_DURATION, operation + 1] if count > 1 else 0


@njit(cache=True, nogil=True)
def reset_rows(chosen, settings, rows, jobs, machines, operations, action_mask, flags, reward):
    """Start an episode of the loaded instance in every chosen row."""
    for b in chosen:
        for j in range(jobs.shape[2]):
            action_mask[b, j] = False
            if j >= rows[b, NUM_JOBS]:
                continue
            jobs[b, READY, j] = jobs[b, RELEASE, j]
            jobs[b, REMAINING, j] = jobs[b, WORK, j]
            jobs[b, OPERATIONS, j] = jobs[b, LENGTH, j]
            _look_up(b, j, jobs[b, FIRST, j], jobs, operations)
        machines[b] = 0
        for o in range(rows[b, NUM_OPERATIONS]):
            machines[b, LOAD, operations[b, OF_MACHINE, o]] += operations[b, OF_DURATION, o]
        operations[b, OF_START, :] = UNSCHEDULED
        rows[b, CLOCK] = rows[b, SCHEDULED] = 0
        rows[b, SPAN] = machines[b, LOAD].max()
        flags[b, DONE] = flags[b, ILLEGAL] = False
        reward[b] = 0.0
        _refresh(b, settings, rows, jobs, machines, action_mask)


@njit(cache=True, nogil=True, inline="always")
def _clip(value):
    # written as selections, which compile to single instructions
    value = value if value < LIMIT else LIMIT
    return value if value > -LIMIT else -LIMIT


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _observe_row(b, scales, scratch, rows, jobs, machines, action_mask, candidate, features, context, mask):
    """Write the features of row ``b``, in the order of ``observe.CANDIDATE_FEATURES`` and ``CONTEXT_FEATURES``."""
    queue, queue_work, longest_tail, second_tail = scratch[0], scratch[1], scratch[2], scratch[3]
    num_jobs, now = rows[b, NUM_JOBS], rows[b, CLOCK]
    per_u = scales[b, PER_UNIT]
    left, most_operations, unfinished, legal = max(rows[b, SPAN] - now, 1), 1, 0, 0
    for m in range(rows[b, NUM_MACHINES]):
        queue[m] = queue_work[m] = 0
        longest_tail[m] = second_tail[m] = -1
    for j in range(num_jobs):
        count = jobs[b, OPERATIONS, j]
        if count == 0:
            continue
        unfinished += 1
        legal += action_mask[b, j]
        most_operations = max(most_operations, count)
        m, p = jobs[b, MACHINE, j], jobs[b, DURATION, j]
        queue[m] += 1
        queue_work[m] += p
        tail = jobs[b, REMAINING, j] - p
        if tail > longest_tail[m]:
            longest_tail[m], second_tail[m] = tail, longest_tail[m]
        elif tail > second_tail[m]:
            second_tail[m] = tail
    # products with reciprocals: a division costs ten times as much, and there are twenty per candidate
    per_left, per_unfinished = ONE / np.float32(left), ONE / np.float32(max(unfinished, 1))
    per_most = ONE / np.float32(most_operations)

    for j in range(num_jobs, features.shape[1]):
        mask[b, j] = 0
        candidate[b, j] = PADDING
        for k in range(features.shape[2]):
            features[b, j, k] = ZERO
    for j in range(num_jobs):
        mask[b, j] = action_mask[b, j]
        count = jobs[b, OPERATIONS, j]
        if count == 0:
            # a finished job points at its last operation, so that candidates of real jobs are real nodes
            candidate[b, j] = jobs[b, NEXT, j] - 1
            for k in range(features.shape[2]):
                features[b, j, k] = ZERO
            continue
        # all numbers are read before the first is written: a store makes the compiler read everything again
        operation, m, p = jobs[b, NEXT, j], jobs[b, MACHINE, j], jobs[b, DURATION, j]
        start, work, total = jobs[b, EARLIEST, j], jobs[b, REMAINING, j], jobs[b, WORK, j]
        job_ready, machine_ready = jobs[b, READY, j], machines[b, FREE, m]
        machine_left = machine_ready + machines[b, LOAD, m] - now
        rivals, rivals_work = queue[m] - 1, queue_work[m] - p
        end, tail = start + p, work - p
        rival_tail = second_tail[m] if tail == longest_tail[m] else longest_tail[m]
        share_done = np.float32(total - work) / np.float32(max(total, 1))
        weight = np.float32(jobs[b, WEIGHT, j]) * scales[b, PER_WEIGHT]
        next_duration = next_wait = next_left = next_queue = ZERO
        if count > 1:
            following = jobs[b, AFTER_MACHINE, j]
            next_ready = machines[b, FREE, following]
            next_duration = _clip(np.float32(jobs[b, AFTER_DURATION, j]) * per_u)
            next_wait = _clip(np.float32(next_ready - end) * per_u)
            next_left = np.float32(next_ready + machines[b, LOAD, following] - now) * per_left
            next_queue = np.float32(queue[following] - (1 if following == m else 0)) * per_unfinished
        slack = operation_slack = ZERO
        if rows[b, HAS_DUE]:
            due, release = jobs[b, DUE, j], jobs[b, RELEASE, j]
            share = np.float32(total - tail) / np.float32(max(total, 1))
            slack = _clip(np.float32(due - start - work) * per_left)
            operation_slack = _clip((np.float32(release - end) + np.float32(due - release) * share) * per_u)
        candidate[b, j] = operation
        features[b, j, 0] = _clip(np.float32(p) * per_u)
        features[b, j, 1] = _clip(np.float32(start - now) * per_u)
        features[b, j, 2] = _clip(np.float32(job_ready - machine_ready) * per_u)
        features[b, j, 3] = np.float32(work) * per_left
        features[b, j, 4] = np.float32(tail) * per_left
        features[b, j, 5] = np.float32(count) * per_most
        features[b, j, 6] = share_done
        features[b, j, 7] = np.float32(start + work - now) * per_left
        features[b, j, 8] = np.float32(machine_left) * per_left
        features[b, j, 9] = np.float32(rivals) * per_unfinished
        features[b, j, 10] = _clip(np.float32(rivals_work) * per_left)
        features[b, j, 11] = np.float32(max(rival_tail, 0) - tail) * per_left
        features[b, j, 12] = next_duration
        features[b, j, 13] = next_wait
        features[b, j, 14] = next_left
        features[b, j, 15] = next_queue
        features[b, j, 16] = slack
        features[b, j, 17] = operation_slack
        features[b, j, 18] = weight

    per_bound = scales[b, PER_BOUND]
    context[b, 0] = np.float32(rows[b, SCHEDULED]) / np.float32(max(rows[b, NUM_OPERATIONS], 1))
    context[b, 1] = np.float32(unfinished) / np.float32(max(num_jobs, 1))
    context[b, 2] = np.float32(legal) * per_unfinished
    context[b, 3] = _clip(np.float32(left) * per_bound) if unfinished > 0 else ZERO
    context[b, 4] = _clip(np.float32(now + left) * per_bound - ONE)
    context[b, 5] = scales[b, LOG_JOBS]
    context[b, 6] = scales[b, LOG_MACHINES]
    context[b, 7] = np.float32(rows[b, HAS_DUE])


@njit(cache=True, nogil=True)
def observe_rows(
    chosen, rows, jobs, machines, action_mask, scales, scratch, candidate, features, context, mask
):  # fmt: skip
    """Write the observation of the chosen rows."""
    for b in chosen:
        _observe_row(b, scales, scratch, rows, jobs, machines, action_mask, candidate, features, context, mask)


@njit(cache=True, nogil=True)
def step_rows(
    action, observing, settings, rows, jobs, machines, operations, action_mask, flags, reward, scales, scratch,
    candidate, features, context, mask,
):  # fmt: skip
    """Apply an action in every row, and if ``observing`` write its observation while it is in the processor's cache.

    Returns how many actions were illegal and how many rows are done.
    """
    illegal_count = done_count = 0
    for b in range(len(rows)):
        reward[b] = 0.0
        flags[b, ILLEGAL] = False
        j = action[b]
        if flags[b, DONE]:
            done_count += 1
        elif j < 0 or j >= rows[b, NUM_JOBS] or not action_mask[b, j]:
            flags[b, ILLEGAL] = True
            illegal_count += 1
        else:
            operation, m, p = jobs[b, NEXT, j], jobs[b, MACHINE, j], jobs[b, DURATION, j]
            begin = jobs[b, EARLIEST, j]
            operations[b, OF_START, operation] = begin
            jobs[b, READY, j] = machines[b, FREE, m] = begin + p
            machines[b, LOAD, m] -= p
            jobs[b, REMAINING, j] -= p
            jobs[b, OPERATIONS, j] -= 1
            _look_up(b, j, operation + 1, jobs, operations)
            # of all machines only this one's end can have moved
            rows[b, SPAN] = max(rows[b, SPAN], begin + p + machines[b, LOAD, m])
            charged = rows[b, BOUND] if rows[b, SCHEDULED] > 0 else 0
            rows[b, SCHEDULED] += 1
            _refresh(b, settings, rows, jobs, machines, action_mask)
            reward[b] = charged - rows[b, BOUND]
            flags[b, DONE] = rows[b, SCHEDULED] == rows[b, NUM_OPERATIONS]
            done_count += flags[b, DONE]
        if observing:
            _observe_row(b, scales, scratch, rows, jobs, machines, action_mask, candidate, features, context, mask)
    return illegal_count, done_count
