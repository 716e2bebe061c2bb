"""The compiled loops of the single machine: reset, step and observe a batch.

``jobs[b, LINE, j]`` holds what belongs to jobs, ``row[b, QUANTITY]`` the single numbers of an episode, ``flags[b, i]``
truth values. The jobs that are left are kept in three sorted lists, so that no step sorts.
What calls one another is in this one file, because numba's cache does not notice changes in others.
"""

import math

from numba import njit

from ..core.graph import FEATURE_LIMIT, PADDING

# lines of a job: the instance
PROCESSING, DUE, WEIGHT = range(3)
# penalties of length: the rules of the estimates take the least of max(t + p, d) + penalty p; 0 is MDD itself
PENALTIES = (0, 1, 2, 4)
# lines that are lists: all jobs by (p, d), with weights (p, -w, d), by latest start d - p, and by (d + penalty p, d)
# for each penalty
ALL_BY_PROCESSING, ALL_BY_START, ALL_BY_DUE = range(3, 6)
# the same lists of the jobs that are left
BY_PROCESSING = ALL_BY_DUE + len(PENALTIES)
BY_START, BY_DUE = BY_PROCESSING + 1, BY_PROCESSING + 2
# the jobs that ran, in order
SEQUENCE = BY_DUE + len(PENALTIES)
# scratch: a job's place in BY_PROCESSING, whether a job is taken, whether a place's job is late, a job's estimates
PLACE, TAKEN, POOL, ESTIMATE, MDD_ESTIMATE = range(SEQUENCE + 1, SEQUENCE + 6)
LINES = SEQUENCE + 6

# numbers of an episode
NUM_JOBS, WORK, OBJECTIVE, DOMINANCE, TIME, COST, SCHEDULED = range(7)
QUANTITIES = 7

# flags of an episode; from LEGAL on, one per job
DONE, ILLEGAL, LEGAL = range(3)

# the order of config.OBJECTIVES; a test compares them
TARDINESS, WEIGHTED_TARDINESS = range(2)

BASE_FEATURES, LOOK_AHEAD_FEATURES = 14, 6
FAR = 2**62


@njit(cache=True, nogil=True, inline="always")
def _cost_of(b, j, end, jobs, row):
    """Weighted tardiness of job ``j`` if it ends then."""
    late = max(end - jobs[b, DUE, j], 0)
    return late * jobs[b, WEIGHT, j] if row[b, OBJECTIVE] == WEIGHTED_TARDINESS else late


@njit(cache=True, nogil=True)
def _mark_legal(b, jobs, row, flags):
    """Which jobs may come next: all that are left, or those that no other one dominates.

    Job i dominates j if p_i <= p_j, w_i >= w_j and d_i <= max(d_j, t + p_j): then some optimal sequence of what is
    left has i before j (Emmons 1969, theorem 1; with weights Rinnooy Kan, Lageweg & Lenstra 1975). The relation is
    transitive and follows the order by (p, -w, d), so all pairs hold at once, and comparing with survivors is enough.
    """
    left = row[b, NUM_JOBS] - row[b, SCHEDULED]
    for j in range(flags.shape[1] - LEGAL):
        flags[b, LEGAL + j] = False
    if left == 0:
        flags[b, LEGAL] = True  # masks must not be empty
        return
    survivors = 0
    for k in range(left):
        j = jobs[b, BY_PROCESSING, k]
        due = max(jobs[b, DUE, j], row[b, TIME] + jobs[b, PROCESSING, j])
        dominated = False
        for s in range(survivors if row[b, DOMINANCE] else 0):
            i = jobs[b, TAKEN, s]
            if jobs[b, DUE, i] <= due and (row[b, OBJECTIVE] == TARDINESS or jobs[b, WEIGHT, i] >= jobs[b, WEIGHT, j]):
                dominated = True
                break
        if not dominated:
            flags[b, LEGAL + j] = True
            jobs[b, TAKEN, survivors] = j
            survivors += 1


@njit(cache=True, nogil=True)
def reset_rows(chosen, jobs, row, flags, reward):
    """Start an episode of the loaded instance in every chosen row."""
    for b in chosen:
        for j in range(row[b, NUM_JOBS]):
            for line in range(BY_PROCESSING, SEQUENCE):
                jobs[b, line, j] = jobs[b, line - BY_PROCESSING + ALL_BY_PROCESSING, j]
        row[b, TIME] = row[b, COST] = row[b, SCHEDULED] = 0
        flags[b, DONE] = flags[b, ILLEGAL] = False
        reward[b] = 0.0
        _mark_legal(b, jobs, row, flags)


@njit(cache=True, nogil=True)
def _remove(b, line, job, left, jobs):
    """Take a job out of a list, keeping its order."""
    k = 0
    while jobs[b, line, k] != job:
        k += 1
    for place in range(k, left - 1):
        jobs[b, line, place] = jobs[b, line, place + 1]


@njit(cache=True, nogil=True)
def _run_job(b, j, jobs, row, flags):
    """Run job ``j`` next; returns its cost."""
    left = row[b, NUM_JOBS] - row[b, SCHEDULED]
    for line in range(BY_PROCESSING, SEQUENCE):
        _remove(b, line, j, left, jobs)
    row[b, TIME] += jobs[b, PROCESSING, j]
    cost = _cost_of(b, j, row[b, TIME], jobs, row)
    row[b, COST] += cost
    jobs[b, SEQUENCE, row[b, SCHEDULED]] = j
    row[b, SCHEDULED] += 1
    flags[b, DONE] = left == 1
    _mark_legal(b, jobs, row, flags)
    return cost


@njit(cache=True, nogil=True)
def step_rows(action, jobs, row, flags, reward):
    """Run job ``action[b]`` in every row; returns the numbers of illegal actions and of finished rows."""
    illegal = done = 0
    for b in range(len(action)):
        reward[b] = 0.0
        flags[b, ILLEGAL] = False
        if not flags[b, DONE]:
            j = action[b]
            if 0 <= j < row[b, NUM_JOBS] and flags[b, LEGAL + j]:
                reward[b] = -_run_job(b, j, jobs, row, flags)
            else:
                flags[b, ILLEGAL] = True
                illegal += 1
        done += flags[b, DONE]
    return illegal, done


@njit(cache=True, nogil=True)
def play_forced_rows(jobs, row, flags, reward):
    """Play on in every row while one job is legal; returns the number of finished rows."""
    done = 0
    for b in range(len(reward)):
        reward[b] = 0.0
        flags[b, ILLEGAL] = False
        while not flags[b, DONE]:
            legal, job = 0, 0
            for k in range(row[b, NUM_JOBS] - row[b, SCHEDULED]):
                j = jobs[b, BY_PROCESSING, k]
                if flags[b, LEGAL + j]:
                    legal += 1
                    job = j
            if legal > 1:
                break
            reward[b] -= _run_job(b, job, jobs, row, flags)
        done += flags[b, DONE]
    return done


@njit(cache=True, nogil=True)
def penalised_mdd_rest(b, first, which, jobs, row):
    """Total tardiness of what is left if ``first`` comes next and the others follow by modified due date.

    They follow by the least max(t + p, d) + PENALTIES[which] p, ties by (d, p); without a penalty that is MDD. A job
    that is late stays late, so late jobs are a pool by processing time, the others a queue by d + penalty p, and the
    whole takes about as many steps as there are jobs.
    """
    penalty, by_due = PENALTIES[which], BY_DUE + which
    left, now = row[b, NUM_JOBS] - row[b, SCHEDULED], row[b, TIME] + jobs[b, PROCESSING, first]
    cost = max(now - jobs[b, DUE, first], 0)
    for k in range(left):
        j = jobs[b, BY_PROCESSING, k]
        jobs[b, PLACE, j] = k
        jobs[b, TAKEN, j] = j == first
        jobs[b, POOL, k] = 0
    queue, joining, pool = 0, 0, left
    for _ in range(left - 1):
        while joining < left:  # who would be late now, or just in time
            j = jobs[b, BY_START, joining]
            if jobs[b, DUE, j] - jobs[b, PROCESSING, j] > now:
                break
            if not jobs[b, TAKEN, j]:
                jobs[b, POOL, jobs[b, PLACE, j]] = 1
                pool = min(pool, jobs[b, PLACE, j])
            joining += 1
        while pool < left and not jobs[b, POOL, pool]:
            pool += 1
        while queue < left and (
            jobs[b, TAKEN, jobs[b, by_due, queue]] or jobs[b, POOL, jobs[b, PLACE, jobs[b, by_due, queue]]]
        ):
            queue += 1
        if queue == left:
            j = jobs[b, BY_PROCESSING, pool]
        elif pool == left:
            j = jobs[b, by_due, queue]
        else:
            late, early = jobs[b, BY_PROCESSING, pool], jobs[b, by_due, queue]
            p, q = jobs[b, PROCESSING, late], jobs[b, PROCESSING, early]
            ahead = now + p + penalty * p - jobs[b, DUE, early] - penalty * q
            first_due = jobs[b, DUE, late] - jobs[b, DUE, early]
            j = late if ahead < 0 or (ahead == 0 and (first_due < 0 or (first_due == 0 and p <= q))) else early
        jobs[b, TAKEN, j] = 1
        jobs[b, POOL, jobs[b, PLACE, j]] = 0
        now += jobs[b, PROCESSING, j]
        cost += max(now - jobs[b, DUE, j], 0)
    return cost


@njit(cache=True, nogil=True)
def wmdd_rest(b, first, jobs, row):
    """Weighted tardiness of what is left; the others follow by the least max(p, d - t) / w (Kanet & Li 2004)."""
    left, now = row[b, NUM_JOBS] - row[b, SCHEDULED], row[b, TIME] + jobs[b, PROCESSING, first]
    cost = max(now - jobs[b, DUE, first], 0) * jobs[b, WEIGHT, first]
    count = 0
    for k in range(left):
        j = jobs[b, BY_DUE, k]
        if j != first:
            jobs[b, TAKEN, count] = j
            count += 1
    while count > 0:
        best, place = float(FAR), 0
        for k in range(count):
            j = jobs[b, TAKEN, k]
            value = max(jobs[b, PROCESSING, j], jobs[b, DUE, j] - now) / max(float(jobs[b, WEIGHT, j]), 1e-9)
            if value < best:
                best, place = value, k
        j = jobs[b, TAKEN, place]
        now += jobs[b, PROCESSING, j]
        cost += max(now - jobs[b, DUE, j], 0) * jobs[b, WEIGHT, j]
        count -= 1
        for k in range(place, count):
            jobs[b, TAKEN, k] = jobs[b, TAKEN, k + 1]
    return cost


@njit(cache=True, nogil=True)
def estimate_rest(b, first, jobs, row):
    """Note what is left to cost if ``first`` comes next: by MDD, and by the best of the penalised rules.

    With weights both are the weighted rule's.
    """
    if row[b, OBJECTIVE] == WEIGHTED_TARDINESS:
        jobs[b, ESTIMATE, first] = jobs[b, MDD_ESTIMATE, first] = wmdd_rest(b, first, jobs, row)
        return
    jobs[b, ESTIMATE, first] = jobs[b, MDD_ESTIMATE, first] = penalised_mdd_rest(b, first, 0, jobs, row)
    for which in range(1, len(PENALTIES)):
        cost = penalised_mdd_rest(b, first, which, jobs, row)
        jobs[b, ESTIMATE, first] = min(jobs[b, ESTIMATE, first], cost)


@njit(cache=True, nogil=True)
def best_estimates(line, jobs, row, flags, choice):
    """In every row the legal job whose estimate in ``line`` is least, ties by (due, processing)."""
    for b in range(len(choice)):
        least = FAR
        for k in range(row[b, NUM_JOBS] - row[b, SCHEDULED]):
            j = jobs[b, BY_DUE, k]
            if flags[b, LEGAL + j]:
                estimate_rest(b, j, jobs, row)
                if jobs[b, line, j] < least:
                    least, choice[b] = jobs[b, line, j], j


@njit(cache=True, nogil=True, inline="always")
def _clip(value):
    return max(min(value, FEATURE_LIMIT), -FEATURE_LIMIT)


@njit(cache=True, nogil=True)
def observe_rows(chosen, jobs, row, flags, reals, candidate, features, context, mask):
    """Write the observation of the chosen rows, in the order of the lists of names in ``observe``."""
    for b in chosen:
        for j in range(features.shape[1]):
            mask[b, j] = flags[b, LEGAL + j]
            candidate[b, j] = PADDING
            for k in range(features.shape[2]):
                features[b, j, k] = 0.0
        for k in range(context.shape[1]):
            context[b, k] = 0.0
        if not flags[b, DONE] and row[b, NUM_JOBS] > 0:
            _observe_row(b, jobs, row, flags, reals, candidate, features, context)


@njit(cache=True, nogil=True, error_model="numpy")
def _observe_row(b, jobs, row, flags, reals, candidate, features, context):
    left, now = row[b, NUM_JOBS] - row[b, SCHEDULED], row[b, TIME]
    work = total_slack = total_weight = 0.0
    late = legal = over = 0
    least_due, least_start, densest = FAR, jobs[b, BY_START, 0], 0.0
    for k in range(left):
        j = jobs[b, BY_DUE, k]
        p, d, w = jobs[b, PROCESSING, j], jobs[b, DUE, j], float(jobs[b, WEIGHT, j])
        work += p
        total_weight += w
        total_slack += max(d - now - p, 0)
        late += now + p > d
        legal += flags[b, LEGAL + j]
        least_due = min(least_due, max(now + p, d))
        densest = max(densest, w / p)
    for k in range(left):
        over += jobs[b, DUE, jobs[b, BY_DUE, k]] < now + work
    unit = work / left
    weighted = row[b, OBJECTIVE] == WEIGHTED_TARDINESS
    mean_weight = max(total_weight / left, 1e-9) if weighted else 1.0
    first_start = jobs[b, DUE, least_start] - jobs[b, PROCESSING, least_start]
    second = jobs[b, BY_START, 1] if left > 1 else least_start
    second_start = jobs[b, DUE, second] - jobs[b, PROCESSING, second]
    for k in range(left):
        jobs[b, PLACE, jobs[b, BY_PROCESSING, k]] = k
    for k in range(left):
        j = jobs[b, BY_DUE, k]
        candidate[b, j] = j
        if not flags[b, LEGAL + j]:
            continue
        p, d, w = jobs[b, PROCESSING, j], jobs[b, DUE, j], float(jobs[b, WEIGHT, j])
        pushed = 0
        for i in range(left):
            other = jobs[b, BY_START, i]
            start = jobs[b, DUE, other] - jobs[b, PROCESSING, other]
            if start >= now + p:
                break
            pushed += start >= now and other != j
        tightest = second_start if j == least_start else first_start
        features[b, j, 0] = _clip(p / unit)
        features[b, j, 1] = _clip((d - now - p) / unit)
        features[b, j, 2] = _clip((d - now - p) / work)
        features[b, j, 3] = now + p > d
        features[b, j, 4] = _clip((max(now + p, d) - least_due) / unit)
        features[b, j, 5] = jobs[b, PLACE, j] / left
        features[b, j, 6] = k / left
        features[b, j, 7] = pushed / left
        features[b, j, 8] = _clip(0.5 * pushed)
        features[b, j, 9] = _clip(p / unit * late / left)
        features[b, j, 10] = p / work
        features[b, j, 11] = _clip((tightest - now - p) / unit)
        features[b, j, 12] = w * reals[b, 0]
        features[b, j, 13] = w / p / densest if densest > 0 else 0.0
    context[b, 0] = row[b, SCHEDULED] / row[b, NUM_JOBS]
    context[b, 1] = reals[b, 1]
    context[b, 2] = math.log1p(left) / 5
    context[b, 3] = late / left
    context[b, 4] = legal / left
    context[b, 5] = _clip(math.log1p(legal))
    context[b, 6] = over / left
    context[b, 7] = _clip(total_slack / left / work)
    if features.shape[2] >= BASE_FEATURES + LOOK_AHEAD_FEATURES:
        _look_ahead(b, left, legal, unit, mean_weight, jobs, row, flags, features, context)


@njit(cache=True, nogil=True, error_model="numpy")
def _look_ahead(b, left, legal, unit, mean_weight, jobs, row, flags, features, context):
    """Estimates of the legal jobs, relative to the least, and of the whole."""
    if legal == 1:
        return  # nothing to compare
    least = least_mdd = FAR
    for k in range(left):
        j = jobs[b, BY_DUE, k]
        if flags[b, LEGAL + j]:
            estimate_rest(b, j, jobs, row)
            least, least_mdd = min(least, jobs[b, ESTIMATE, j]), min(least_mdd, jobs[b, MDD_ESTIMATE, j])
    scale = unit * mean_weight
    for k in range(left):
        j = jobs[b, BY_DUE, k]
        if flags[b, LEGAL + j]:
            # whole numbers: float32 would round small differences away
            regret, mdd_regret = jobs[b, ESTIMATE, j] - least, jobs[b, MDD_ESTIMATE, j] - least_mdd
            features[b, j, BASE_FEATURES] = _clip(regret / scale)
            features[b, j, BASE_FEATURES + 1] = _clip(math.log1p(regret / scale))
            features[b, j, BASE_FEATURES + 2] = min(regret / max(least, scale), 1.0)
            features[b, j, BASE_FEATURES + 3] = regret == 0
            features[b, j, BASE_FEATURES + 4] = _clip(mdd_regret / scale)
            features[b, j, BASE_FEATURES + 5] = mdd_regret == 0
    context[b, 8] = _clip(math.log1p(least / scale) / 5)
    context[b, 9] = _clip(least / scale / left)
    context[b, 10] = _clip((least_mdd - least) / scale)
