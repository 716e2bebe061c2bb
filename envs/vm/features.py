"""What policies see of a cluster now, in compiled loops; names and scales are listed in :mod:`.observe`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from . import state as s

# columns of State.table, which are also the first of a candidate's features
(
    CPU, MEMORY, DOUBLE, RESIDUE, OTHER_RESIDUE, RESIDUE_AFTER, GAIN, NEEDS, NEEDS_AFTER, FREE, FREE_MEMORY, VMS,
) = range(12)  # fmt: skip
TABLE_COLUMNS = 12

# further features of a candidate
IS_VM, IS_PLACE, STOP, WAS_MOVED, FLIP, PLACES, COSTLESS, EXACT, IS_EXACT, PROSPECT, GROUPED, CHOSEN = range(12, 24)
CANDIDATE_COLUMNS = 24

# context
(
    PICKING_PLACE, LEFT_SHARE, LEFT, USED, RATE, FREE_SHARE, PMS, FRAGMENTED_SHARE, OFFERED, CHOSEN_CPU, CHOSEN_DOUBLE,
    CHOSEN_GAIN, CHOSEN_RESIDUE, CHOSEN_COSTLESS, CHOSEN_EXACT,
) = range(15)  # fmt: skip
CONTEXT_COLUMNS = 15 + s.RESIDUES


PLENTY, PLENTY_OF_MOVES, PLENTY_OF_PMS, PLENTY_OF_CHOICES = 60, 14, 50, 250
"""Where counts end, so that large clusters look as the ones do on which policies can be trained."""


@njit(cache=True)
def clipped(value: float) -> float:
    """A feature within its limits."""
    return min(max(value, -10.0), 10.0)


@njit(cache=True, inline="always")
def needs(deficit: int, sums: Any, without: int) -> float:
    """How many VMs must leave a NUMA node before ``deficit`` more cores are free, in units of ``REMOVALS``.

    Args:
        deficit: Cores.
        sums: Sums of the largest movable VMs below a fragment on the node ``[REMOVALS]``.
        without: Cores of one of them that is not there any more; 0 for none.
    """
    if deficit <= 0:
        return 0.0
    for k in range(1, s.REMOVALS):
        there = sums[k]
        if without > 0 and sums[k] - sums[k - 1] <= without:
            # it was among the k largest, so the next one takes its place
            there = (sums[k + 1] if k + 1 < s.REMOVALS else sums[k]) - without
        if there >= deficit:
            return k / s.REMOVALS
    return 1.0


@njit(cache=True, inline="always")
def write_node(out: Any, pm: Any, capacity: Any, node: int, unit: int, sums: Any) -> None:
    """Features of a NUMA node.

    Args:
        out: Where to ``[TABLE_COLUMNS]`` or more.
        pm: Its PM, a row of ``State.pm``.
        capacity: Cores and memory of that ``[4]``.
        node: Which of its two.
        unit: Cores of a fragment on one node.
        sums: Its sums in ``State.sums`` ``[REMOVALS]``.
    """
    residue = pm[node] % unit
    out[RESIDUE] = residue / unit
    out[OTHER_RESIDUE] = (pm[1 - node] % unit) / unit
    out[NEEDS] = needs(unit - residue, sums, 0)
    out[FREE] = pm[node] / max(capacity[node], 1)
    out[FREE_MEMORY] = pm[s.FREE_MEMORY + node] / max(capacity[2 + node], 1)
    out[VMS] = clipped(pm[s.COUNT] / 10)


@njit(cache=True, inline="always")
def _write_demand(out: Any, capacity: Any, kind: Any, node: int, unit: int) -> None:
    out[CPU] = clipped(kind[s.CPU] / unit)
    out[MEMORY] = kind[s.MEMORY] / max(capacity[2 + node], 1)
    out[DOUBLE] = kind[s.NODES_USED] - 1


@njit(cache=True)
def write_table(out: Any, pm: Any, capacity: Any, kind: Any, node: int, gain: float, unit: int, sums: Any) -> None:
    """Features of a VM that only depend on its PM, in slots ``gain`` what its leaving gains; see :func:`write_node`."""
    cpu = kind[s.CPU]
    after = (pm[node] + cpu) % unit
    _write_demand(out, capacity, kind, node, unit)
    write_node(out, pm, capacity, node, unit, sums)
    out[RESIDUE_AFTER] = after / unit
    out[GAIN] = clipped(gain)
    out[NEEDS_AFTER] = needs(unit - after, sums, cpu if cpu < unit else 0)


@njit(cache=True)
def count(number: int, plenty: int = PLENTY) -> float:
    """A number of things as a feature; from ``plenty`` on it does not matter how many."""
    return math.log1p(min(max(number, 0), plenty)) / 4


@njit(cache=True)
def write_vms(
    show_all: bool, num_vms: int, vm: Any, vm_world: Any, holes: Any, table: Any, legal: Any, candidate: Any, out: Any
) -> None:
    """Features of the VMs that can be picked, or of all.

    Args:
        show_all: Whether of all.
        num_vms: How many there are.
        vm: ``State.vm`` of the row.
        vm_world: ``World.vm`` of the row.
        holes: ``State.holes`` of the row.
        table: ``State.table`` of the row.
        legal: Which can be picked.
        candidate: Where to write their PMs ``[V or more]``.
        out: Where to write their features ``[V or more, CANDIDATE_COLUMNS]``.
    """
    # logarithms once for each kind: with and without the VM's own NUMA node among the places
    counts = np.empty((len(holes), 5), np.float32)
    for k in range(len(holes)):
        for less in range(2):
            counts[k, less], counts[k, 2 + less] = count(holes[k, s.FITS] - less), count(holes[k, s.COSTLESS] - less)
        counts[k, 4] = count(holes[k, s.EXACT])
    for v in range(num_vms):
        if legal[v] or show_all:
            k = vm_world[v, s.KIND]
            candidate[v] = vm[v, s.HOST]
            for column in range(TABLE_COLUMNS):
                out[v, column] = table[v, column]
            out[v, IS_VM] = 1
            out[v, WAS_MOVED], out[v, GROUPED] = vm[v, s.MOVED], vm_world[v, s.GROUP] >= 0
            out[v, PLACES] = counts[k, vm[v, s.ROOM_HERE]]
            out[v, COSTLESS], out[v, EXACT] = counts[k, 2 + vm[v, s.COSTLESS_HERE]], counts[k, 4]
            costless = holes[k, s.COSTLESS] > vm[v, s.COSTLESS_HERE]
            out[v, PROSPECT] = clipped(table[v, GAIN] - (0.0 if costless else 1.0))


@njit(cache=True, inline="always")
def write_place(
    out: Any, pm: Any, capacity: Any, kind: Any, node: int, gain: float, prospect: float, unit: int, sums: Any,
    flip: bool,
) -> None:  # fmt: skip
    """Features of a place to which a VM can go.

    Args:
        out: Where to ``[CANDIDATE_COLUMNS]``.
        pm: The PM, a row of ``State.pm``.
        capacity: Cores and memory of that ``[4]``.
        kind: Of the VM, a row of ``World.kind``.
        node: The NUMA node.
        gain: Slots that the PM gains (a negative number).
        prospect: Slots that the whole move gains.
        unit: Cores of a fragment on one node.
        sums: The node's sums in ``State.sums`` ``[REMOVALS]``.
        flip: Whether it is the VM's own PM.
    """
    cpu = kind[s.CPU]
    after = (pm[node] - cpu) % unit
    _write_demand(out, capacity, kind, node, unit)
    write_node(out, pm, capacity, node, unit, sums)
    out[RESIDUE_AFTER] = after / unit
    out[GAIN] = clipped(gain)
    out[NEEDS_AFTER] = needs(unit - after, sums, 0)
    out[IS_PLACE] = 1
    out[FLIP] = flip
    out[IS_EXACT] = after == 0 and (kind[s.NODES_USED] == 1 or (pm[1] - cpu) % unit == 0)
    out[PROSPECT] = clipped(prospect)
