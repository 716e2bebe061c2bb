"""Arrays of the blocking job shop's simulator, and what their columns mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NOBODY = -1
NOWHERE = -1
UNSTARTED = -1
NEVER = 2**60
"""Later than any time of an episode."""

# columns of World.row; LAW and AFTER are places in terms.LAWS and terms.AFTER_REPAIR
NUM_JOBS, NUM_MACHINES, NUM_OPERATIONS, SWAP, LAW, AFTER, REPAIR_MIN, REPAIR_MAX, LUCK = range(9)
WORLD_COLUMNS = 9
BERNOULLI, EXPONENTIAL = range(2)
RESUME, RESTART, FINISH = range(3)

# columns of World.real: probability of a failure per unit of time, then what features are multiplied with
PROBABILITY, PER_UNIT, PER_BOUND, LOG_JOBS, LOG_MACHINES, MEAN_REPAIR = range(6)
REALS = 6

# columns of World.job
RELEASE, FIRST, LENGTH, WORK = range(4)

# columns of State.job: operations started, the machine it holds, work left of the operation in progress as of the time
# since which it is what it is, its status, the machine of its next operation, the work of operations not started, and
# without swap what was found last on whether its start is safe
STARTED, ON, REST, SINCE, STATUS, TO, LEFT, VERDICT = range(8)
JOB_COLUMNS = 8
OUTSIDE, WORKING, INTERRUPTED, COMPLETE, FINISHED = range(5)  # complete: the operation, not the job

# columns of State.machine: the job on it, work not started, whether it is down, since when it is up or down, when it
# fails next or failed, when that is repaired, failures so far
HOLDER, LOAD, IS_DOWN, TURNED, DOWN_FROM, DOWN_TO, FAILURES = range(7)
MACHINE_COLUMNS = 7

# columns of State.row: the time, legal actions taken, lower bound on the makespan, jobs finished, operations started,
# and without swap the length of the plan
NOW, STEPS, BOUND, JOBS_FINISHED, OPERATIONS_STARTED, PLANNED = range(6)
ROW_COLUMNS = 6


class World(NamedTuple):
    """What instances fix; first axis the batch. J jobs, M machines, N operations."""

    row: NDArray[np.int64]  # [B, WORLD_COLUMNS]
    real: NDArray[np.float64]  # [B, REALS]
    job: NDArray[np.int64]  # [B, J, 4]
    machine: NDArray[np.int64]  # [B, N], of each operation
    duration: NDArray[np.int64]  # [B, N]


class State(NamedTuple):
    """What changes; first axis the batch."""

    job: NDArray[np.int64]  # [B, J, JOB_COLUMNS]
    machine: NDArray[np.int64]  # [B, M, MACHINE_COLUMNS]
    start: NDArray[np.int64]  # [B, N], of each operation
    plan: NDArray[np.int64]  # [B, N], without swap: jobs in the order of moves that take all those inside out
    row: NDArray[np.int64]  # [B, ROW_COLUMNS]
    legal: NDArray[np.bool_]  # [B, J + 1], the last is waiting
    done: NDArray[np.bool_]  # [B]
    illegal: NDArray[np.bool_]  # [B]
    reals: NDArray[np.float64]  # [B], the last reward
