"""The compiled loops of the dynamic job shop: reset a batch, and go from one decision to the next.

Whole numbers of a batch are in a few arrays: ``jobs[b, j, QUANTITY]``, ``machines[b, m, QUANTITY]``,
``operations[b, LINE, o]`` and ``row[b, QUANTITY]``; ``down[b, m, k]`` holds the times at which a machine is down. A
queue is a linked list of jobs in the order of their arrival, so it has no largest length.
What calls one another is in this one file, because numba's cache does not notice changes in others.
"""

from numba import njit

from .instance import NEVER

# quantities of a job: the instance
RELEASE, DUE, WEIGHT, WORK, FIRST, LENGTH = range(6)
# quantities of a job: the episode. NEXT is its next operation (or the one in process), REMAINING the work from it on,
# OPERATIONS their number, QUEUED when it joined its queue, BEHIND the job behind it there
NEXT, REMAINING, OPERATIONS, QUEUED, BEHIND = range(6, 11)
JOB_QUANTITIES = 11

# quantities of a machine: the job in process, when that began and when it ends, the queue, the next time it is down
BUSY, STARTED, FREE_AT, HEAD, TAIL, QUEUE, QUEUE_WORK, DOWN_INDEX = range(8)
MACHINE_QUANTITIES = 8

# lines of an operation
OF_MACHINE, OF_DURATION, OF_START = range(3)
OPERATION_LINES = 3

# numbers of an episode: the instance, and the simulator's settings
NUM_JOBS, NUM_MACHINES, FIRST_RECORDED, LAST_RECORDED, WEIGHTED, FAST_FORWARD = range(6)
# numbers of an episode: time, the next job to arrive, the machine that decides, recorded jobs that are not finished,
# their tardiness so far, the bound on the total, decisions, jobs in the shop
NOW, ARRIVED, MACHINE, UNFINISHED, FINISHED_COST, BOUND, DECISIONS, PRESENT = range(6, 14)
ROW_QUANTITIES = 14

# flags of an episode; from LEGAL on, one per place in the queue
DONE, ILLEGAL, LEGAL = range(3)

# columns of the table of the deciding queue, a line per job: what rules and features are made of
(
    PROCESSING, REMAINING_WORK, REMAINING_OPERATIONS, SLACK, DUE_DATE, RELEASED, JOB_WORK, ARRIVED_AT, JOB_WEIGHT,
    NEXT_QUEUE_WORK, NEXT_PROCESSING, NEXT_MACHINE, OPERATION_DUE, ROUTE_WORK,
) = range(14)  # fmt: skip
QUEUE_COLUMNS = 14
# columns of the table of machines
(
    WAITING, WAITING_WORK, RESIDUAL, IS_DOWN, IS_IDLE, WAITING_LATE, WAITING_TIGHT, COMING, COMING_WORK, FIRST_COMING,
) = range(10)  # fmt: skip
MACHINE_COLUMNS = 10

NOBODY = -1
UNSTARTED = -1


@njit(cache=True, nogil=True)
def _next_up(b, m, time, machines, down):
    """The first moment from ``time`` on at which a machine is up; moves its pointer past what is over."""
    k = machines[b, m, DOWN_INDEX]
    while k < down.shape[2] and down[b, m, k, 1] <= time:
        k += 1
    machines[b, m, DOWN_INDEX] = k
    if k < down.shape[2] and down[b, m, k, 0] <= time:
        return down[b, m, k, 1]
    return time


@njit(cache=True, nogil=True)
def _end_of(b, m, start, duration, machines, down):
    """When work that begins at ``start``, at which the machine is up, is done: it rests while the machine is down."""
    end = start + duration
    for k in range(machines[b, m, DOWN_INDEX], down.shape[2]):
        if down[b, m, k, 0] >= end:
            break
        end += down[b, m, k, 1] - down[b, m, k, 0]
    return end


@njit(cache=True, nogil=True)
def residual_work(b, m, jobs, machines, operations, row, down):
    """Processing time that the job in process still needs, 0 for an idle machine. It tells nothing of the future."""
    j = machines[b, m, BUSY]
    if j == NOBODY:
        return 0
    now, start = row[b, NOW], machines[b, m, STARTED]
    done = now - start
    for k in range(machines[b, m, DOWN_INDEX], down.shape[2]):
        if down[b, m, k, 0] >= now:
            break
        done -= min(down[b, m, k, 1], now) - down[b, m, k, 0]
    return operations[b, OF_DURATION, jobs[b, j, NEXT]] - done


@njit(cache=True, nogil=True)
def is_down(b, m, row, machines, down):
    """Whether a machine is down now."""
    now = row[b, NOW]
    for k in range(machines[b, m, DOWN_INDEX], down.shape[2]):
        if down[b, m, k, 0] > now:
            return False
        if down[b, m, k, 1] > now:
            return True
    return False


@njit(cache=True, nogil=True)
def _join(b, j, jobs, machines, operations, row):
    """Job ``j`` joins the queue of its next operation's machine."""
    operation = jobs[b, j, NEXT]
    m = operations[b, OF_MACHINE, operation]
    jobs[b, j, QUEUED], jobs[b, j, BEHIND] = row[b, NOW], NOBODY
    if machines[b, m, HEAD] == NOBODY:
        machines[b, m, HEAD] = j
    else:
        jobs[b, machines[b, m, TAIL], BEHIND] = j
    machines[b, m, TAIL] = j
    machines[b, m, QUEUE] += 1
    machines[b, m, QUEUE_WORK] += operations[b, OF_DURATION, operation]


@njit(cache=True, nogil=True)
def _start(b, m, place, jobs, machines, operations, row, down):
    """The job at a place in the queue of machine ``m`` leaves it and is processed."""
    before, j = NOBODY, machines[b, m, HEAD]
    for _ in range(place):
        before, j = j, jobs[b, j, BEHIND]
    if before == NOBODY:
        machines[b, m, HEAD] = jobs[b, j, BEHIND]
    else:
        jobs[b, before, BEHIND] = jobs[b, j, BEHIND]
    if machines[b, m, TAIL] == j:
        machines[b, m, TAIL] = before
    operation, now = jobs[b, j, NEXT], row[b, NOW]
    machines[b, m, QUEUE] -= 1
    machines[b, m, QUEUE_WORK] -= operations[b, OF_DURATION, operation]
    machines[b, m, BUSY], machines[b, m, STARTED] = j, now
    machines[b, m, FREE_AT] = _end_of(b, m, now, operations[b, OF_DURATION, operation], machines, down)
    operations[b, OF_START, operation] = now


@njit(cache=True, nogil=True, inline="always")
def _cost(b, j, completion, jobs, row):
    late = max(completion - jobs[b, j, DUE], 0)
    return late * jobs[b, j, WEIGHT] if row[b, WEIGHTED] else late


@njit(cache=True, nogil=True, inline="always")
def _is_recorded(b, j, row):
    return row[b, FIRST_RECORDED] <= j <= row[b, LAST_RECORDED]


@njit(cache=True, nogil=True)
def _complete(b, m, jobs, machines, operations, row):
    """The job in process is done on machine ``m``: it leaves the shop or joins its next queue."""
    j = machines[b, m, BUSY]
    machines[b, m, BUSY] = NOBODY
    jobs[b, j, REMAINING] -= operations[b, OF_DURATION, jobs[b, j, NEXT]]
    jobs[b, j, OPERATIONS] -= 1
    jobs[b, j, NEXT] += 1
    if jobs[b, j, OPERATIONS] > 0:
        _join(b, j, jobs, machines, operations, row)
        return
    row[b, PRESENT] -= 1
    if _is_recorded(b, j, row):
        row[b, UNFINISHED] -= 1
        row[b, FINISHED_COST] += _cost(b, j, row[b, NOW], jobs, row)


@njit(cache=True, nogil=True)
def _refresh_bound(b, jobs, machines, operations, row):
    """Tardiness that cannot be avoided any more: every job in the shop goes on at once from now.

    Never falls as time goes on, and is the objective when all recorded jobs are finished.
    """
    bound, now = row[b, FINISHED_COST], row[b, NOW]
    for m in range(row[b, NUM_MACHINES]):
        j = machines[b, m, BUSY]
        if j != NOBODY and _is_recorded(b, j, row):
            rest = jobs[b, j, REMAINING] - operations[b, OF_DURATION, jobs[b, j, NEXT]]
            bound += _cost(b, j, machines[b, m, FREE_AT] + rest, jobs, row)
        j = machines[b, m, HEAD]
        while j != NOBODY:
            if _is_recorded(b, j, row):
                bound += _cost(b, j, now + jobs[b, j, REMAINING], jobs, row)
            j = jobs[b, j, BEHIND]
    row[b, BOUND] = bound


@njit(cache=True, nogil=True)
def _next_event(b, jobs, machines, row, down):
    """When something happens next: an arrival, a completion, or the repair of a machine that work waits for."""
    time = NEVER
    if row[b, ARRIVED] < row[b, NUM_JOBS]:
        time = jobs[b, row[b, ARRIVED], RELEASE]
    for m in range(row[b, NUM_MACHINES]):
        if machines[b, m, BUSY] != NOBODY:
            time = min(time, machines[b, m, FREE_AT])
        elif machines[b, m, QUEUE] > 0:  # then it is down, or it would have begun
            time = min(time, _next_up(b, m, row[b, NOW], machines, down))
    return time


@njit(cache=True, nogil=True)
def _deciding_machine(b, machines, row, down):
    """The first idle machine that is up and for which jobs wait, or ``NOBODY``."""
    for m in range(row[b, NUM_MACHINES]):
        if (
            machines[b, m, QUEUE] > 0
            and machines[b, m, BUSY] == NOBODY
            and _next_up(b, m, row[b, NOW], machines, down) == row[b, NOW]
        ):
            return m
    return NOBODY


@njit(cache=True, nogil=True)
def _advance(b, first, jobs, machines, operations, row, flags, down):
    """Go on to the next decision, a machine with two or more jobs to choose from, or to the end.

    With ``first`` a single job is enough: it is the first decision of an episode, so that its costs have a step.
    """
    while True:
        m = _deciding_machine(b, machines, row, down)
        if m != NOBODY:
            if machines[b, m, QUEUE] > 1 or first:
                row[b, MACHINE] = m
                break
            _start(b, m, 0, jobs, machines, operations, row, down)
            continue
        if row[b, UNFINISHED] == 0:
            flags[b, DONE] = True
            break
        row[b, NOW] = _next_event(b, jobs, machines, row, down)
        for machine in range(row[b, NUM_MACHINES]):
            if machines[b, machine, BUSY] != NOBODY and machines[b, machine, FREE_AT] == row[b, NOW]:
                _complete(b, machine, jobs, machines, operations, row)
        while row[b, ARRIVED] < row[b, NUM_JOBS] and jobs[b, row[b, ARRIVED], RELEASE] == row[b, NOW]:
            _join(b, row[b, ARRIVED], jobs, machines, operations, row)
            row[b, ARRIVED] += 1
            row[b, PRESENT] += 1
        if row[b, UNFINISHED] == 0:
            flags[b, DONE] = True
            break
    _refresh_bound(b, jobs, machines, operations, row)
    choices = 1 if flags[b, DONE] else machines[b, row[b, MACHINE], QUEUE]  # masks must not be empty
    for place in range(flags.shape[1] - LEGAL):
        flags[b, LEGAL + place] = place < choices


@njit(cache=True, nogil=True)
def _cr_spt_place(b, jobs, machines, operations, row):
    """The place in the deciding queue that CR+SPT would choose: the least p max(1, (d - t) / R)."""
    j, now = machines[b, row[b, MACHINE], HEAD], row[b, NOW]
    chosen, least = 0, float(NEVER)
    for place in range(machines[b, row[b, MACHINE], QUEUE]):
        ratio = (jobs[b, j, DUE] - now) / jobs[b, j, REMAINING]
        priority = operations[b, OF_DURATION, jobs[b, j, NEXT]] * max(ratio, 1.0)
        if priority < least:
            chosen, least = place, priority
        j = jobs[b, j, BEHIND]
    return chosen


@njit(cache=True, nogil=True)
def reset_rows(chosen, jobs, machines, operations, row, flags, down, reward):
    """Start an episode of the loaded instance in every chosen row, at the first job that can begin."""
    for b in chosen:
        for j in range(row[b, NUM_JOBS]):
            jobs[b, j, NEXT] = jobs[b, j, FIRST]
            jobs[b, j, REMAINING], jobs[b, j, OPERATIONS] = jobs[b, j, WORK], jobs[b, j, LENGTH]
            jobs[b, j, QUEUED], jobs[b, j, BEHIND] = 0, NOBODY
        for m in range(row[b, NUM_MACHINES]):
            machines[b, m] = 0
            machines[b, m, BUSY] = machines[b, m, HEAD] = machines[b, m, TAIL] = NOBODY
        operations[b, OF_START, :] = UNSTARTED
        for quantity in range(NOW, ROW_QUANTITIES):
            row[b, quantity] = 0
        row[b, NOW] = min(jobs[b, 0, RELEASE] - 1, -1)
        row[b, UNFINISHED] = row[b, LAST_RECORDED] - row[b, FIRST_RECORDED] + 1
        flags[b, DONE] = flags[b, ILLEGAL] = False
        reward[b] = 0.0
        _advance(b, True, jobs, machines, operations, row, flags, down)


@njit(cache=True, nogil=True)
def step_rows(action, divisor, jobs, machines, operations, row, flags, down, reward):
    """Start the job at place ``action[b]`` of the deciding queue in every row, and go on to the next decision.

    Returns:
        The numbers of illegal actions and of finished rows.
    """
    illegal = done = 0
    for b in range(len(action)):
        reward[b] = 0.0
        flags[b, ILLEGAL] = False
        if not flags[b, DONE]:
            place = action[b]
            if 0 <= place < flags.shape[1] - LEGAL and flags[b, LEGAL + place]:
                before = row[b, BOUND] if row[b, DECISIONS] > 0 else 0
                row[b, DECISIONS] += 1
                _start(b, row[b, MACHINE], place, jobs, machines, operations, row, down)
                _advance(b, False, jobs, machines, operations, row, flags, down)
                while row[b, ARRIVED] < row[b, FAST_FORWARD] and not flags[b, DONE]:
                    place = _cr_spt_place(b, jobs, machines, operations, row)
                    _start(b, row[b, MACHINE], place, jobs, machines, operations, row, down)
                    _advance(b, False, jobs, machines, operations, row, flags, down)
                reward[b] = -(row[b, BOUND] - before) / divisor[b]
            else:
                flags[b, ILLEGAL] = True
                illegal += 1
        done += flags[b, DONE]
    return illegal, done


@njit(cache=True, nogil=True)
def describe_machines(b, jobs, machines, operations, row, down, around):
    """Write the table of machines of row ``b``: their queues, the work in process, and who will come from there."""
    now = row[b, NOW]
    for m in range(row[b, NUM_MACHINES]):
        around[b, m, WAITING], around[b, m, WAITING_WORK] = machines[b, m, QUEUE], machines[b, m, QUEUE_WORK]
        around[b, m, RESIDUAL] = residual_work(b, m, jobs, machines, operations, row, down)
        around[b, m, IS_DOWN] = is_down(b, m, row, machines, down)
        around[b, m, IS_IDLE] = machines[b, m, BUSY] == NOBODY and machines[b, m, QUEUE] == 0
        for column in (COMING, COMING_WORK, WAITING_LATE, WAITING_TIGHT):
            around[b, m, column] = 0
        around[b, m, FIRST_COMING] = NEVER
        j = machines[b, m, HEAD]
        while j != NOBODY:
            slack = jobs[b, j, DUE] - now - jobs[b, j, REMAINING]
            around[b, m, WAITING_LATE] += slack < 0
            around[b, m, WAITING_TIGHT] += 0 <= slack < jobs[b, j, REMAINING]
            j = jobs[b, j, BEHIND]
    for m in range(row[b, NUM_MACHINES]):
        j = machines[b, m, BUSY]
        if j != NOBODY and jobs[b, j, OPERATIONS] > 1:
            target = operations[b, OF_MACHINE, jobs[b, j, NEXT] + 1]
            around[b, target, COMING] += 1
            around[b, target, COMING_WORK] += operations[b, OF_DURATION, jobs[b, j, NEXT] + 1]
            around[b, target, FIRST_COMING] = min(around[b, target, FIRST_COMING], around[b, m, RESIDUAL])


@njit(cache=True, nogil=True)
def describe_queue(b, jobs, machines, operations, row, around, table):
    """Write the table of the deciding queue of row ``b``, after :func:`describe_machines`; returns its lines."""
    if row[b, UNFINISHED] == 0:
        return 0
    count = min(machines[b, row[b, MACHINE], QUEUE], table.shape[1])
    now, j = row[b, NOW], machines[b, row[b, MACHINE], HEAD]
    for place in range(count):
        operation, left = jobs[b, j, NEXT], jobs[b, j, OPERATIONS]
        p, work = operations[b, OF_DURATION, operation], jobs[b, j, REMAINING]
        table[b, place, PROCESSING], table[b, place, REMAINING_WORK] = p, work
        table[b, place, REMAINING_OPERATIONS] = left
        table[b, place, SLACK] = jobs[b, j, DUE] - now - work
        table[b, place, DUE_DATE], table[b, place, RELEASED] = jobs[b, j, DUE], jobs[b, j, RELEASE]
        table[b, place, JOB_WORK], table[b, place, ARRIVED_AT] = jobs[b, j, WORK], jobs[b, j, QUEUED]
        table[b, place, JOB_WEIGHT] = jobs[b, j, WEIGHT] if row[b, WEIGHTED] else 1
        share = (jobs[b, j, WORK] - work + p) / jobs[b, j, WORK]
        table[b, place, OPERATION_DUE] = jobs[b, j, RELEASE] + (jobs[b, j, DUE] - jobs[b, j, RELEASE]) * share
        table[b, place, NEXT_MACHINE] = NOBODY
        table[b, place, NEXT_QUEUE_WORK] = table[b, place, NEXT_PROCESSING] = table[b, place, ROUTE_WORK] = 0
        for later in range(1, left):
            m = operations[b, OF_MACHINE, operation + later]
            ahead = around[b, m, WAITING_WORK] + around[b, m, RESIDUAL]
            table[b, place, ROUTE_WORK] += ahead
            if later == 1:
                table[b, place, NEXT_MACHINE], table[b, place, NEXT_QUEUE_WORK] = m, ahead
                table[b, place, NEXT_PROCESSING] = operations[b, OF_DURATION, operation + 1]
        j = jobs[b, j, BEHIND]
    return count


@njit(cache=True, nogil=True)
def describe_rows(chosen, jobs, machines, operations, row, down, around, table, count):
    """Write both tables of the chosen rows, and the lines of the queue's in ``count[b]``."""
    for b in chosen:
        describe_machines(b, jobs, machines, operations, row, down, around)
        count[b] = describe_queue(b, jobs, machines, operations, row, around, table)
