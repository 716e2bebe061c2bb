"""What is left of a plan that is applied late: VMs came and went, and moves that became illegal are dropped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .instance import NODES, VmInstance, fragment_rate
from .solution import VmSolution


@dataclass(frozen=True)
class LateResult:
    """How a late plan ends.

    Attributes:
        fragment_rate: After what is left of it.
        untouched: The fragment rate at that time without it.
        moves: Moves that were made.
        dropped: Moves that were not: the VM is gone, or its destination no longer has room or holds one of its group.
    """

    fragment_rate: float
    untouched: float
    moves: int
    dropped: int


def apply_late(instance: VmInstance, solution: VmSolution, delay: float) -> LateResult:
    """Let ``instance.changes`` happen for ``delay`` seconds, then make the moves that are still legal, in order.

    Args:
        instance: The cluster for which the plan was made.
        solution: A plan that is feasible at once.
        delay: Seconds.
    """
    free, memory = instance.free(), instance.free_memory()
    host, node = instance.host.copy(), instance.node.copy()
    here = np.ones(instance.num_vms, np.bool_)
    changes = instance.changes
    for event in range(int(np.searchsorted(changes.time, delay, side="right"))):
        vm = int(changes.leaves[event])
        if vm >= 0:
            here[vm] = False
            span = _span(int(node[vm]), int(instance.nodes[vm]))
            free[host[vm], span] += instance.cpu[vm]
            memory[host[vm], span] += instance.memory[vm]
        else:
            span = _span(int(changes.node[event]), int(changes.nodes[event]))
            free[changes.pm[event], span] -= changes.cpu[event]
            memory[changes.pm[event], span] -= changes.memory[event]
    untouched = fragment_rate(free, instance.terms.fragments)
    made = 0
    for vm, pm, target in solution.moves():
        span = _span(target, int(instance.nodes[vm]))
        cpu, ram = instance.cpu[vm], instance.memory[vm]
        old = _span(int(node[vm]), int(instance.nodes[vm]))
        stays = here[vm] and pm == host[vm] and target == node[vm]
        fits = here[vm] and not stays and bool((free[pm, span] >= cpu).all() and (memory[pm, span] >= ram).all())
        group = instance.group[vm]
        if fits and group >= 0 and pm != host[vm]:
            fits = not bool((here & (host == pm) & (instance.group == group)).any())
        if not fits:
            continue
        free[host[vm], old] += cpu
        memory[host[vm], old] += ram
        free[pm, span] -= cpu
        memory[pm, span] -= ram
        host[vm], node[vm] = pm, target
        made += 1
    return LateResult(fragment_rate(free, instance.terms.fragments), untouched, made, len(solution) - made)


def _span(node: int, nodes: int) -> slice:
    """The NUMA nodes that a VM takes."""
    return slice(0, NODES) if nodes == NODES else slice(node, node + 1)
