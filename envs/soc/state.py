"""The arrays of a batch of systems on a chip, and what their columns mean.

Arrays of a row come in two named tuples: :class:`World`, which an instance fixes, and :class:`State`, which changes.
Axes: B rows, J jobs, T tasks of all jobs of a run, N tasks (nodes) of all applications, E their edges, P PEs, K kinds,
R ready tasks.
A task of a run is named by its place among all, a node by that of its task in its application.
"""

from __future__ import annotations

from typing import Any, NamedTuple

NOBODY = -1
NEVER = 2**60

# --- columns of State.job
FIRST_TASK, ARRIVED, LEFT = range(3)
JOB_QUANTITIES = 3

# --- columns of State.task
BOUND_TO, STARTED, ENDED, UNMET, STAMP, NEXT, JOB, NODE = range(8)
TASK_QUANTITIES = 8

# --- columns of State.pe
RUNNING, FREE_AT, EXPECTED, HEAD, TAIL, AVAILABLE = range(6)
PE_QUANTITIES = 6

# --- columns of World.node
PRED_FIRST, PRED_COUNT, SUCC_FIRST, SUCC_COUNT, TWIN = range(5)
NODE_QUANTITIES = 5

# --- columns of State.row; those up to and with PREFILLED are the instance's
NUM_JOBS, NUM_PES, NUM_GAPS, MAX_JOBS, RETRY, LENGTH, WARM_UP = range(7)
BY_JOB, FROM_BINDING, COMPLETIONS_FIRST, COUNTS_INJECTED, PREFILLED = range(7, 12)
NOW, INJECTED, ATTEMPT, NEXT_ARRIVAL, PRESENT, READY, DEFERRED, PICKED = range(12, 20)
COUNTED, TOTAL_LATENCY, DECISIONS = range(20, 23)
ROW_QUANTITIES = 23

# --- columns of State.real
ENERGY, OBJECTIVE = range(2)
REALS = 2

# --- columns of State.flag
DONE, ILLEGAL, LEGAL = range(3)

# --- what an action is, in Rules.action
TASK_THEN_PE, PAIR, TASK = range(3)
# --- which PEs and tasks are offered, in Rules.offer
EVERY, DISTINCT, TIMELY = range(3)
# --- what is minimised, in Rules.objective
LATENCY, ENERGY_PER_JOB, ENERGY_DELAY = range(3)


class Rules(NamedTuple):
    """How the game is played: plain numbers."""

    action: int
    offer: int
    defer: bool
    ready_limit: int
    objective: int


class World(NamedTuple):
    """What an instance fixes, one line per row."""

    node: Any  # int64 [B, N, NODE_QUANTITIES]
    execution: Any  # int64 [B, N, P]; -1 unsupported
    source: Any  # int64 [B, E]: producer of each edge; a node's own edges lie side by side
    delay: Any  # int64 [B, E, K, K]
    same: Any  # int64 [B, E]
    leaving: Any  # int64 [B, E]: edges by producer
    target: Any  # int64 [B, E]: consumer of each edge
    kind: Any  # int64 [B, P]
    watts: Any  # float64 [B, K, most PEs of a kind + 1]
    gap: Any  # int64 [B, G]
    factor: Any  # float64 [B, T]: actual over expected execution time; 0 columns without noise


class State(NamedTuple):
    """What changes during an episode, one line per row."""

    job: Any  # int64 [B, J, JOB_QUANTITIES]
    task: Any  # int64 [B, T, TASK_QUANTITIES]
    pe: Any  # int64 [B, P, PE_QUANTITIES]
    present: Any  # int64 [B, J]: jobs in the system, in the order of injection
    ready: Any  # int64 [B, T]: ready tasks, in the order in which they became so
    data: Any  # int64 [B, R, P]: when all data of a ready task can be on a PE
    row: Any  # int64 [B, ROW_QUANTITIES]
    real: Any  # float64 [B, REALS]
    flag: Any  # bool [B, LEGAL + A]
