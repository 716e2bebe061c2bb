"""VMs that come and go: how random clusters get their fragments, and what happens while a plan is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .instance import NODES, Whole

STEER = 10.0
"""How strongly the chance that a VM comes rather than leaves rises with the share of cores missing to the target."""


@dataclass
class Population:
    """A cluster while VMs come and go: ``count`` of them, the rest of the arrays is room for more.

    Attributes:
        free: Free cores, int64 ``[P, 2]``.
        memory: Free memory, MB, int64 ``[P, 2]``.
        vms: One VM a row: kind, PM, NUMA node, identity; int64 ``[V, 4]``.
        count: VMs that are there.
        born: VMs that there ever were: the next one's identity.
    """

    free: Whole
    memory: Whole
    vms: Whole
    count: int
    born: int


def pack(population: Population, kinds: Whole, order: Whole, draw: NDArray[np.float64]) -> None:
    """Place VMs one by one on the NUMA node, or PM, with the least free cores that still has room.

    Args:
        population: An empty cluster, changed.
        kinds: Cores and MB on each node, and nodes, of every kind, int64 ``[K, 3]``.
        order: The kinds of the VMs in turn, int64 ``[V]``; those that do not fit anywhere are left out.
        draw: Numbers in 0 .. 1, ``[V, 3]``; they break ties.
    """
    count = 0
    for vm, kind in enumerate(order):
        pm, node = _place(population.free, population.memory, kinds[kind], False, 1.0, draw[vm])
        if pm >= 0:
            _take(population.free, population.memory, kinds[kind], pm, node, 1)
            population.vms[count] = kind, pm, node, count
            count += 1
    population.count = population.born = count


@njit(cache=True)
def _cost(
    free: Any, memory: Any, cpu: int, mb: int, double: bool, pm: int, node: int, tight: bool, by_pm: bool
) -> int:  # fmt: skip
    """What a place is chosen by, the least first; -1 where there is no room.

    The demand comes as numbers: to hand on arrays costs more than all the rest of this loop.
    """
    one, two = free[pm, 0], free[pm, 1]
    here = two if node else one
    if here < cpu or memory[pm, node] < mb or (double and (two < cpu or memory[pm, 1] < mb)):
        return -1
    if not tight:
        return 0
    return int(one + two if by_pm or double else here)


@njit(cache=True)
def _take(free: Any, memory: Any, kind: Any, pm: int, node: int, sign: int) -> None:
    for n in range(NODES):
        if kind[2] == NODES or n == node:
            free[pm, n] -= sign * kind[0]
            memory[pm, n] -= sign * kind[1]


@njit(cache=True)
def _place(free: Any, memory: Any, kind: Any, by_pm: bool, tight_share: float, draw: Any) -> tuple[int, int]:
    """The tightest place with chance ``tight_share``, else any; (-1, -1) if there is none."""
    tight, cpu, mb, double = draw[1] < tight_share, kind[0], kind[1], kind[2] == NODES
    best, ties = 1 << 60, 0
    for pm in range(len(free)):
        for node in range(1 if double else NODES):
            cost = _cost(free, memory, cpu, mb, double, pm, node, tight, by_pm)
            if cost < 0:
                continue
            if cost < best:
                best, ties = cost, 0
            if cost == best:
                ties += 1
    left = int(draw[2] * ties)
    for pm in range(len(free)):
        for node in range(1 if double else NODES):
            if _cost(free, memory, cpu, mb, double, pm, node, tight, by_pm) == best:
                if left == 0:
                    return pm, node
                left -= 1
    return -1, -1


@njit(cache=True)
def churn(
    free: Any, memory: Any, vms: Any, counts: Any, kinds: Any, kind_draw: Any, draw: Any, target: float, by_pm: bool,
    tight_share: float, record: Any,
) -> None:  # fmt: skip
    """Let VMs come and go.

    A VM comes or leaves by a coin that is steered towards the target. Who leaves is any VM with equal chance; one that
    comes and fits nowhere is turned away.

    Args:
        free: Free cores ``[P, 2]``, changed.
        memory: Free memory ``[P, 2]``, changed.
        vms: Kind, PM, node and identity of each VM ``[V, 4]``, changed.
        counts: VMs now, VMs ever, and cores of all PMs ``[3]``; the first two are changed.
        kinds: Cores and MB on each node, and nodes ``[K, 3]``.
        kind_draw: The kind of the VM that comes, if one does ``[E]``.
        draw: Numbers in 0 .. 1 ``[E, 4]``.
        target: Share of the cores in use that is steered to.
        by_pm: Whether the tightest place is the tightest PM, not NUMA node.
        tight_share: Chance that a new VM goes there.
        record: Of each event: the identity of the VM that leaves or -1, PM, node and kind of the one that comes or -1
            ``[E, 4]``, written.
    """
    total = counts[2]
    used = total - free.sum()
    for event in range(len(draw)):
        record[event] = -1
        chance = 0.5 + STEER * (target - used / total)
        if draw[event, 0] < min(max(chance, 0.05), 0.95):
            kind = kinds[kind_draw[event]]
            pm, node = _place(free, memory, kind, by_pm, tight_share, draw[event])
            if pm < 0 or counts[0] == len(vms):
                continue
            _take(free, memory, kind, pm, node, 1)
            used += kind[0] * kind[2]
            row = vms[counts[0]]
            row[0], row[1], row[2], row[3] = kind_draw[event], pm, node, counts[1]
            record[event, 1], record[event, 2], record[event, 3] = pm, node, kind_draw[event]
            counts[0] += 1
            counts[1] += 1
        elif counts[0] > 0:
            leaving = int(draw[event, 3] * counts[0])
            kind = kinds[vms[leaving, 0]]
            _take(free, memory, kind, vms[leaving, 1], vms[leaving, 2], -1)
            used -= kind[0] * kind[2]
            record[event, 0] = vms[leaving, 3]
            counts[0] -= 1
            vms[leaving] = vms[counts[0]]
