"""The compiled loop that turns a queue and the machines around it into features.

It reads the tables that :mod:`.kernels` writes, of which it shares only the numbers of the columns.
"""

import math

from numba import njit

from ..core.graph import FEATURE_LIMIT, PADDING
from .instance import NEVER
from .kernels import (
    ARRIVED_AT,
    COMING,
    COMING_WORK,
    FIRST_COMING,
    IS_DOWN,
    IS_IDLE,
    JOB_WEIGHT,
    LEGAL,
    MACHINE,
    MACHINE_COLUMNS,
    NEXT_MACHINE,
    NEXT_PROCESSING,
    NEXT_QUEUE_WORK,
    NOW,
    NUM_MACHINES,
    OPERATION_DUE,
    PRESENT,
    PROCESSING,
    QUEUE_COLUMNS,
    REMAINING_OPERATIONS,
    REMAINING_WORK,
    RESIDUAL,
    ROUTE_WORK,
    ROW_QUANTITIES,
    SLACK,
    WAITING,
    WAITING_LATE,
    WAITING_TIGHT,
    WAITING_WORK,
)

# features that compare with the rest of the queue come last: their numbers, in the order of observe.CANDIDATE_FEATURES
PROCESSING_RANK, SLACK_RANK, CR_SPT, S_RPT_SPT, ATC, PT_WINQ, HARM, OWN_HARM, WEIGHT = range(20, 29)

WAITING_PER_WORK = 2.0  # of ATC: expected waiting per processing time (Vepsalainen & Morton 1987)
ATC_LOOK_AHEAD = 3.0


@njit(cache=True, nogil=True, inline="always")
def _clip(value):
    return max(min(value, FEATURE_LIMIT), -FEATURE_LIMIT)


@njit(cache=True, nogil=True)
def write_rows(chosen, row, flags, reals, around, table, count, candidate, features, context, mask):
    """Write the observation of the chosen rows."""
    if table.shape[2] != QUEUE_COLUMNS or around.shape[2] != MACHINE_COLUMNS or row.shape[1] != ROW_QUANTITIES:
        raise RuntimeError("compiled for other columns: delete the cached files (make clean)")
    for b in chosen:
        lines = count[b]
        for place in range(features.shape[1]):
            mask[b, place] = flags[b, LEGAL + place]
            if place >= lines:
                candidate[b, place] = PADDING
                features[b, place] = 0.0
        context[b] = 0.0
        if lines > 0:
            unit = 1.0 / reals[b, 0]  # a product is cheaper than a division
            for place in range(lines):
                machine = int(table[b, place, NEXT_MACHINE])
                # jobs that leave the shop stand on the node after the machines
                candidate[b, place] = machine if machine >= 0 else row[b, NUM_MACHINES]
                _own_features(b, place, unit, row, around, table, features)
            _compare(b, lines, unit, table, features)
            _write_context(b, lines, unit, row, reals, around, table, context)


@njit(cache=True, nogil=True, error_model="numpy")
def _own_features(b, place, unit, row, around, table, features):
    line, out, now = table[b, place], features[b, place], row[b, NOW]
    p, work, left, slack = line[PROCESSING], line[REMAINING_WORK], line[REMAINING_OPERATIONS], line[SLACK]
    out[0] = _clip(p * unit)
    out[1] = _clip(math.log(p * unit))
    out[2] = _clip(work * unit / 10)
    out[3] = _clip(left / 10)
    out[4] = _clip(slack / work)
    out[5] = _clip(slack * unit / 10)
    out[6] = _clip(slack * unit / left)
    out[7] = _clip((line[OPERATION_DUE] - now - p) * unit / 3)
    out[8] = slack < 0
    out[9] = _clip(math.log1p(max(-slack, 0.0) * unit))
    out[10] = _clip(math.log1p((now - line[ARRIVED_AT]) * unit))
    out[11] = left == 1
    out[12] = _clip(line[NEXT_PROCESSING] * unit)
    out[13] = _clip(line[NEXT_QUEUE_WORK] * unit / 5)
    for k in range(14, 20):
        out[k] = 0.0
    if left > 1:
        following = around[b, int(line[NEXT_MACHINE])]
        out[14] = following[IS_IDLE]
        out[15] = following[IS_DOWN]
        out[16] = _clip(following[WAITING] / 5)
        out[17] = following[WAITING_LATE] / max(following[WAITING], 1.0)
        out[18] = _clip(line[ROUTE_WORK] * unit / (5 * (left - 1)))
    out[19] = _clip((slack - line[ROUTE_WORK]) * unit / 10)


@njit(cache=True, nogil=True, error_model="numpy")
def _compare(b, lines, unit, table, features):
    """Features that compare a job with the others of its queue."""
    least_ratio = least_slack_ratio = least_cost = least_next = math.inf
    mean = weights = 0.0
    for place in range(lines):
        mean += table[b, place, PROCESSING] / lines
        weights += table[b, place, JOB_WEIGHT] / lines
    for place in range(lines):
        line, out = table[b, place], features[b, place]
        p, work, slack, w = line[PROCESSING], line[REMAINING_WORK], line[SLACK], line[JOB_WEIGHT]
        out[CR_SPT] = math.log(p * max(1.0, (slack + work) / work))
        out[S_RPT_SPT] = math.log(p * max(1.0, slack / work))
        # the rest of the job is expected to take its work and its waiting
        allowance = slack - WAITING_PER_WORK * (work - p)
        out[ATC] = max(allowance, 0.0) / (ATC_LOOK_AHEAD * mean) - math.log(max(w, 1e-9) / p)
        out[PT_WINQ] = (p + line[NEXT_QUEUE_WORK]) * unit
        least_ratio, least_slack_ratio = min(least_ratio, out[CR_SPT]), min(least_slack_ratio, out[S_RPT_SPT])
        least_cost, least_next = min(least_cost, out[ATC]), min(least_next, out[PT_WINQ])
        shorter = urgent = 0
        harm, shortest = 0.0, math.inf
        for other in range(lines):
            if other != place:
                theirs = table[b, other]
                shorter += theirs[PROCESSING] < p
                urgent += theirs[SLACK] < slack
                harm += theirs[JOB_WEIGHT] * max(0.0, p - max(theirs[SLACK], 0.0))
                shortest = min(shortest, theirs[PROCESSING])
        others = max(lines - 1, 1)
        out[PROCESSING_RANK], out[SLACK_RANK] = shorter / others, urgent / others
        scale = unit / max(weights, 1e-9)
        out[HARM] = _clip(harm * scale / 3)
        out[OWN_HARM] = _clip(w * max(0.0, shortest - max(slack, 0.0)) * scale) if lines > 1 else 0.0
        out[WEIGHT] = _clip(w / max(weights, 1e-9))
    for place in range(lines):
        out = features[b, place]
        out[CR_SPT], out[S_RPT_SPT] = _clip(out[CR_SPT] - least_ratio), _clip(out[S_RPT_SPT] - least_slack_ratio)
        out[ATC], out[PT_WINQ] = _clip(out[ATC] - least_cost), _clip((out[PT_WINQ] - least_next) / 5)


@njit(cache=True, nogil=True, error_model="numpy")
def _write_context(b, lines, unit, row, reals, around, table, context):
    count = row[b, NUM_MACHINES]
    late = ratio = 0.0
    least = math.inf
    for place in range(lines):
        slack = table[b, place, SLACK]
        late += slack < 0
        ratio += _clip(slack / table[b, place, REMAINING_WORK]) / lines
        least = min(least, slack)
    waiting = waiting_late = soon = work = idle = down = longest = 0.0
    for m in range(count):
        waiting += around[b, m, WAITING]
        waiting_late += around[b, m, WAITING_LATE]
        soon += around[b, m, WAITING_TIGHT]
        work += around[b, m, WAITING_WORK] + around[b, m, RESIDUAL]
        idle += around[b, m, IS_IDLE]
        down += around[b, m, IS_DOWN]
        longest = max(longest, around[b, m, WAITING])
    here, out = around[b, row[b, MACHINE]], context[b]
    out[0] = _clip(math.log1p(here[WAITING]) / 3)
    out[1] = _clip(math.log1p(here[WAITING_WORK] * unit) / 3)
    out[2] = late / lines
    out[3] = ratio / 5
    out[4] = _clip(least * unit / 10)
    out[5] = _clip(math.log1p(row[b, PRESENT] / count))
    out[6] = waiting_late / max(waiting, 1.0)
    out[7] = _clip(work * unit / (5 * count))
    out[8] = idle / count
    out[9] = down / count
    out[10] = _clip(math.log1p(longest) / 3)
    out[11] = _clip(here[COMING] / 3)
    out[12] = _clip(here[COMING_WORK] * unit / 3)
    out[13] = _clip(here[FIRST_COMING] * unit) if here[FIRST_COMING] < NEVER else FEATURE_LIMIT
    out[14] = reals[b, 1]
    out[15] = reals[b, 2]
    # plain numbers: what waits and is late is what tardiness grows by
    out[16] = _clip(waiting_late / count)
    out[17] = _clip(soon / count)
    out[18] = _clip((waiting - waiting_late - soon) / count)
