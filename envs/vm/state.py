"""Arrays of the VM-rescheduling simulator, and what their columns mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# columns of World.kind: demand on each NUMA node, number of nodes
CPU, MEMORY, NODES_USED = range(3)

# columns of World.vm
KIND, GROUP, MOVABLE, FIRST_HOST, FIRST_NODE = range(5)

# columns of State.vm: where it is, whether it was moved, whether it stands for those like it on its NUMA node, and
# whether there would be room for another one like it, or that at the cost of no slot
HOST, NODE, MOVED, STANDS, ROOM_HERE, COSTLESS_HERE = range(6)
VM_COLUMNS = 6

# columns of State.pm: free cores and memory of both nodes, VMs, fragment cores
FREE, FREE_MEMORY, COUNT, LOOSE = 0, 2, 4, 5
PM_COLUMNS = 6

# columns of State.holes: NUMA nodes (PMs, for double-NUMA kinds) where a VM of a kind fits, where it costs no slot, and
# where it leaves nothing over
FITS, COSTLESS, EXACT = range(3)

# columns of State.row
PHASE, CHOSEN, MOVES, STEPS, FRAGMENTED, OFFERED = range(6)
ROW_COLUMNS = 6
PICK_VM, PICK_PLACE = range(2)

# columns of World.row
NUM_VMS, NUM_PMS, NUM_KINDS, MNL, UNIT, BY_MOVES, CLUSTER = range(7)
WORLD_COLUMNS = 7

# columns of World.real
FREE_CORES, SLOT, WEIGHTS, GOAL, CAPACITY = range(5)

# columns of State.real: usable cores (weighted), and what a delay adds to the objective
USABLE, LATE = range(2)

REMOVALS = 8
"""Of how many of the largest movable VMs below a fragment on a NUMA node the sums are kept.

Entry k of State.sums is that of the k largest.
"""

RESIDUES = 8
"""Buckets of free cores beyond whole fragments, by eighths of a fragment."""


class World(NamedTuple):
    """What instances fix; first axis the batch.

    P PMs, V VMs, K kinds of VMs, T fragment sizes.
    """

    kind: NDArray[np.int64]  # [B, K, 3]
    vm: NDArray[np.int32]  # [B, V, 5]
    capacity: NDArray[np.int64]  # [B, P, 4], cores and memory of both nodes
    fragment: NDArray[np.int64]  # [B, T, 2], size and nodes; size 0 where there is none
    weight: NDArray[np.float64]  # [B, T]
    row: NDArray[np.int64]  # [B, WORLD_COLUMNS]
    real: NDArray[np.float64]  # [B, 5]


class State(NamedTuple):
    """What changes; first axis the batch."""

    vm: NDArray[np.int32]  # [B, V, VM_COLUMNS]
    pm: NDArray[np.int64]  # [B, P, PM_COLUMNS]
    lists: NDArray[np.int32]  # [B, P, L], VMs of each PM
    sums: NDArray[np.int32]  # [B, P, 2, REMOVALS], see REMOVALS
    holes: NDArray[np.int64]  # [B, K, 3]
    residues: NDArray[np.int64]  # [B, RESIDUES], NUMA nodes in each bucket
    table: NDArray[np.float32]  # [B, V, ...], features of VMs that only depend on their PM
    moves: NDArray[np.int32]  # [B, M, 3], VM, PM and node of each move
    row: NDArray[np.int64]  # [B, ROW_COLUMNS]
    real: NDArray[np.float64]  # [B, 2]
    legal: NDArray[np.bool_]  # [B, A]
    done: NDArray[np.bool_]  # [B]
    illegal: NDArray[np.bool_]  # [B]
    reward: NDArray[np.float64]  # [B]
