"""Where every VM is in the end: the state of :class:`~.local_search.LocalSearch`, and what keeps it up to date.

Arrays, for V VMs on P PMs:

- ``vm`` int64 ``[V, 12]``, the columns below
- ``pm`` int64 ``[P, 5]``: free cores of both nodes, free MB of both nodes, VMs; what is free may fall below 0 while a
  change is looked at
- ``value`` float64 ``[P]``: usable cores of each PM, weighted
- ``lists`` int32 ``[P, L]``: VMs of each PM
- ``room`` int64 ``[2, 2 P + 1]``: the NUMA nodes (2 p + n) with cores for the smallest VM that may move, and
  where in that list each node is (-1: nowhere); the last entry of the first row counts them
- ``away`` int64 ``[V + 1]``: the VMs that are not where they started; the last entry counts them
- ``members`` int64 ``[G]``, ``first`` int64 ``[groups + 1]``: VMs by anti-affinity group
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.vm import kernels as k
from ...envs.vm.instance import NODES, Fragment, Terms, VmInstance
from ...envs.vm.solution import VmSolution
from ...envs.vm.tables import tables_of

# columns of vm: demand on each node, whether on both, kind, group, whether it may move; where it was and is;
# its place in the list of its PM and among those away (-1: none)
CPU, MEMORY, DOUBLE, KIND, GROUP, MOVABLE, HOME, HOME_NODE, PM, NODE, SPOT, AWAY = range(12)

# columns of pm
FREE_MEMORY, COUNT = 2, 4


class Targets(NamedTuple):
    """The arrays described above."""

    vm: NDArray[np.int64]
    pm: NDArray[np.int64]
    value: NDArray[np.float64]
    lists: NDArray[np.int32]
    room: NDArray[np.int64]
    away: NDArray[np.int64]
    members: NDArray[np.int64]
    first: NDArray[np.int64]


def fragments_of(instance: VmInstance) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sizes and nodes ``[T, 2]`` and weights ``[T]`` of the fragment sizes."""
    fragments = instance.terms.fragments
    return np.array([(item.size, item.nodes) for item in fragments]), np.array([item.weight for item in fragments])


def least_cores(instance: VmInstance) -> int:
    """Cores that the smallest VM that may be moved takes from a node; 1 if none may."""
    return int(instance.cpu[instance.movable].min(initial=int(instance.cpu.max(initial=1))))


def sample_cluster() -> VmInstance:
    """A cluster of two PMs and three VMs, to compile kernels with."""
    two = np.array([[4, 4], [4, 4]])
    return VmInstance(
        "sample", ("a", "b"), two, two, ("u", "v", "w"), ("any",) * 3, cpu=np.array([2, 2, 1]),
        memory=np.ones(3, np.int64), nodes=np.ones(3, np.int64), host=np.array([0, 1, 1]), node=np.array([0, 0, 1]),
        movable=np.ones(3, np.bool_), group=np.array([0, 0, -1]), rack=np.zeros(2, np.int64),
        terms=Terms(1, (Fragment(4),)),
    )  # fmt: skip


def start_at(instance: VmInstance, plan: VmSolution) -> Targets:
    """Every VM where a plan brings it.

    Args:
        instance: The cluster.
        plan: An executable plan.
    """
    tables, vms, pms = tables_of(instance), instance.num_vms, instance.num_pms
    vm = np.zeros((vms, 12), np.int64)
    known = {
        CPU: instance.cpu, MEMORY: instance.memory, DOUBLE: instance.nodes == NODES, KIND: tables.kind,
        GROUP: instance.group, MOVABLE: instance.movable, HOME: instance.host, HOME_NODE: instance.node,
        PM: instance.host, NODE: instance.node,
    }  # fmt: skip
    for column, values in known.items():
        vm[:, column] = values
    # of several moves of a VM the last one counts
    vm[plan.vm, PM], vm[plan.vm, NODE] = plan.pm, plan.node
    pm = np.zeros((pms, 5), np.int64)
    pm[:, :2], pm[:, FREE_MEMORY:COUNT] = instance.capacity, instance.memory_capacity
    grouped = np.flatnonzero(instance.group >= 0)
    members = grouped[np.argsort(instance.group[grouped], kind="stable")]
    groups = int(instance.group.max(initial=-1)) + 1
    room = np.full((2, 2 * pms + 1), -1)
    room[0, -1] = 0
    state = Targets(
        vm, pm, np.zeros(pms), np.zeros((pms, tables.most), np.int32), room, np.zeros(vms + 1, np.int64), members,
        np.searchsorted(instance.group[members], np.arange(groups + 1)),
    )  # fmt: skip
    _fill(least_cores(instance), *state[:6], *fragments_of(instance))
    return state


@njit(cache=True)
def _fill(
    least: int, vm: Any, pm: Any, value: Any, lists: Any, room: Any, away: Any, fragment: Any, weight: Any
) -> None:
    """Everything that follows from where the VMs are."""
    for v in range(len(vm)):
        p, n = vm[v, PM], vm[v, NODE]
        lists[p, pm[p, COUNT]] = v
        vm[v, SPOT] = pm[p, COUNT]
        pm[p, COUNT] += 1
        vm[v, AWAY] = -1
        settle_away(v, vm, away)
        take(v, p, n, -1, vm, pm)
    for p in range(len(pm)):
        value[p] = k.usable(pm[p, 0], pm[p, 1], fragment, weight)
        settle_room(p, least, pm, room)


@njit(cache=True, inline="always")
def take(v: int, p: int, n: int, sign: int, vm: Any, free: Any) -> None:
    """Change what is free on a PM when a VM comes to a node (sign -1) or leaves it (sign 1)."""
    cpu, memory = sign * vm[v, CPU], sign * vm[v, MEMORY]
    free[p, n] += cpu
    free[p, 2 + n] += memory
    if vm[v, DOUBLE]:
        free[p, 1] += cpu
        free[p, 3] += memory


@njit(cache=True, inline="always")
def carry(v: int, p: int, n: int, vm: Any, pm: Any) -> None:
    """Put a VM on a node of a PM, fitting or not; lists and values stay as they are."""
    take(v, vm[v, PM], vm[v, NODE], 1, vm, pm)
    take(v, p, n, -1, vm, pm)
    vm[v, PM], vm[v, NODE] = p, n


@njit(cache=True, inline="always")
def has_room(v: int, p: int, n: int, vm: Any, free: Any) -> bool:
    """Whether a VM fits into what is free on a node, or on both."""
    cpu, memory = vm[v, CPU], vm[v, MEMORY]
    fits = free[p, n] >= cpu and free[p, 2 + n] >= memory
    return bool(fits and (not vm[v, DOUBLE] or (free[p, 1] >= cpu and free[p, 3] >= memory)))


@njit(cache=True, inline="always")
def usable_with(v: int, p: int, n: int, sign: int, vm: Any, pm: Any, fragment: Any, weight: Any) -> float:
    """Usable cores of PM p after a VM comes to a node of it (sign -1) or leaves that (sign 1)."""
    change = sign * vm[v, CPU]
    free0 = pm[p, 0] + (change if vm[v, DOUBLE] or n == 0 else 0)
    free1 = pm[p, 1] + (change if vm[v, DOUBLE] or n == 1 else 0)
    return k.usable(free0, free1, fragment, weight)


@njit(cache=True, inline="always")
def not_overfull(p: int, pm: Any) -> bool:
    """Whether the VMs of a PM have room there."""
    return bool(pm[p, 0] >= 0 and pm[p, 1] >= 0 and pm[p, 2] >= 0 and pm[p, 3] >= 0)


@njit(cache=True)
def meets_group(v: int, p: int, vm: Any, members: Any, first: Any) -> bool:
    """Whether another VM of its group is on PM p."""
    group = vm[v, GROUP]
    if group >= 0:
        for i in range(first[group], first[group + 1]):
            if members[i] != v and vm[members[i], PM] == p:
                return True
    return False


@njit(cache=True)
def settle_room(p: int, least: int, pm: Any, room: Any) -> None:
    """Keep the list of nodes with at least so many free cores."""
    last = room.shape[1] - 1
    for n in range(2):
        i, spot = 2 * p + n, room[1, 2 * p + n]
        if pm[p, n] >= least and spot < 0:
            room[0, room[0, last]] = i
            room[1, i] = room[0, last]
            room[0, last] += 1
        elif pm[p, n] < least and spot >= 0:
            room[0, last] -= 1
            other = room[0, room[0, last]]
            room[0, spot] = other
            room[1, other] = spot
            room[1, i] = -1


@njit(cache=True)
def settle_away(v: int, vm: Any, away: Any) -> None:
    """Keep the list of VMs that are not where they started."""
    last, spot = len(away) - 1, vm[v, AWAY]
    elsewhere = vm[v, PM] != vm[v, HOME] or vm[v, NODE] != vm[v, HOME_NODE]
    if elsewhere and spot < 0:
        away[away[last]] = v
        vm[v, AWAY] = away[last]
        away[last] += 1
    elif not elsewhere and spot >= 0:
        away[last] -= 1
        other = away[away[last]]
        away[spot] = other
        vm[other, AWAY] = spot
        vm[v, AWAY] = -1


@njit(cache=True)
def settle_list(v: int, q: int, vm: Any, pm: Any, lists: Any) -> None:
    """Keep the lists of VMs by PM after one was carried from PM q to where it is now."""
    p = vm[v, PM]
    if p == q:
        return
    pm[q, COUNT] -= 1
    other, spot = lists[q, pm[q, COUNT]], vm[v, SPOT]
    lists[q, spot] = other
    vm[other, SPOT] = spot
    lists[p, pm[p, COUNT]] = v
    vm[v, SPOT] = pm[p, COUNT]
    pm[p, COUNT] += 1
