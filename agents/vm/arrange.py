"""Puts moves into an order in which each is legal when it is made."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ...envs.vm import kernels as k
from ...envs.vm.instance import VmInstance
from ...envs.vm.solution import VmSolution
from .targets import DOUBLE, GROUP, HOME, HOME_NODE, NODE, PM, Targets, fragments_of, has_room, take


@njit(cache=True)
def _can_go(v: int, p: int, n: int, vm: Any, now: Any, free: Any, members: Any, first: Any) -> bool:
    """Whether a VM may move there now."""
    if (now[v, 0] == p and (now[v, 1] == n or vm[v, DOUBLE])) or not has_room(v, p, n, vm, free):
        return False
    group = vm[v, GROUP]
    if group >= 0:
        for i in range(first[group], first[group + 1]):
            if members[i] != v and now[members[i], 0] == p:
                return False
    return True


@njit(cache=True)
def _go(v: int, p: int, n: int, vm: Any, now: Any, free: Any, fragment: Any, weight: Any, move: Any) -> float:
    """Move a VM and write that down; returns what it gains in usable cores."""
    q, m = now[v, 0], now[v, 1]
    before = k.usable(free[q, 0], free[q, 1], fragment, weight)
    before += k.usable(free[p, 0], free[p, 1], fragment, weight) if p != q else 0.0
    take(v, q, m, 1, vm, free)
    take(v, p, n, -1, vm, free)
    after = k.usable(free[q, 0], free[q, 1], fragment, weight)
    after += k.usable(free[p, 0], free[p, 1], fragment, weight) if p != q else 0.0
    now[v, 0], now[v, 1] = p, n
    move[0], move[1], move[2] = v, p, n
    return after - before


@njit(cache=True)
def _in_the_way(v: int, wait: Any, left: int, vm: Any, now: Any, free: Any, members: Any, first: Any) -> bool:
    """Whether another VM that waits could come if this one left."""
    p, n = now[v, 0], now[v, 1]
    take(v, p, n, 1, vm, free)
    now[v, 0] = -1
    helps = False
    for j in range(left):
        w = wait[j]
        if w != v and vm[w, PM] == p and _can_go(w, p, vm[w, NODE], vm, now, free, members, first):
            helps = True
            break
    now[v, 0] = p
    take(v, p, n, -1, vm, free)
    return helps


@njit(cache=True)
def _detour(wait: Any, left: int, vm: Any, now: Any, free: Any, members: Any, first: Any) -> tuple[int, int]:
    """Who should make room for others, and the node to wait at: where the most is free it is least in the way."""
    for i in range(left):
        v = wait[i]
        if not _in_the_way(v, wait, left, vm, now, free, members, first):
            continue
        most, chosen = -1, -1
        for q in range(len(free)):
            for node in range(1 if vm[v, DOUBLE] else 2):
                if q != now[v, 0] and free[q, node] > most and _can_go(v, q, node, vm, now, free, members, first):
                    most, chosen = free[q, node], 2 * q + node
        if chosen >= 0:
            return v, chosen
    return -1, -1


@njit(cache=True)
def arrange(
    mnl: int,
    needed: float,
    vm: Any,
    away: Any,
    free: Any,
    members: Any,
    first: Any,
    fragment: Any,
    weight: Any,
    now: Any,
    moves: Any,
) -> tuple[float, int]:
    """Bring VMs from where they were to where they should be, as far as that works.

    Who can go goes; if nobody can, one that is in the way waits elsewhere, if moves remain. The rest is given up.

    Args:
        mnl: Largest number of moves.
        needed: Gain in usable cores at which a plan may end; infinite for as much as possible.
        vm: See :mod:`.targets`.
        away: Likewise.
        free: What is free at the start, int64 ``[P, 4]``; overwritten.
        members: See :mod:`.targets`.
        first: Likewise.
        fragment: Sizes and nodes, int64 ``[T, 2]``.
        weight: Their weights, ``[T]``.
        now: Where VMs are, int64 ``[V, 2]``; where they start, before the call and after it.
        moves: VM, PM and node of each move, int64 ``[mnl, 3]``; written.

    Returns:
        What the best beginning of the moves gains in usable cores, and its length.
    """
    total = left = away[len(away) - 1]
    wait = away[:total].copy()
    gained, best, length, count = 0.0, 0.0, 0, 0
    while left and count < mnl and best < needed:
        kept = 0
        for i in range(left):
            v = wait[i]
            p, n = vm[v, PM], vm[v, NODE]
            if count < mnl and _can_go(v, p, n, vm, now, free, members, first):
                gained += _go(v, p, n, vm, now, free, fragment, weight, moves[count])
                count += 1
                if gained > best + 1e-9 and best < needed:
                    best, length = gained, count
            else:
                wait[kept] = v
                kept += 1
        stuck, left = kept == left, kept
        if stuck:
            v, place = _detour(wait, left, vm, now, free, members, first) if count + left < mnl else (-1, -1)
            if v < 0:
                break
            gained += _go(v, place // 2, place % 2, vm, now, free, fragment, weight, moves[count])
            count += 1
    for i in range(total):
        v = away[i]
        now[v, 0], now[v, 1] = vm[v, HOME], vm[v, HOME_NODE]
    return best, length


def arranged(instance: VmInstance, state: Targets) -> tuple[VmSolution, float]:
    """The plan of :func:`arrange`, and what it gains in usable cores.

    Args:
        instance: The cluster.
        state: Where every VM should be.
    """
    moves = np.zeros((instance.terms.mnl, 3), np.int64)
    free = np.concatenate([instance.free(), instance.free_memory()], axis=1)
    now = np.stack([instance.host, instance.node], axis=1)
    gained, length = arrange(
        instance.terms.mnl, gain_to_goal(instance), state.vm, state.away, free, state.members, state.first,
        *fragments_of(instance), now, moves,
    )  # fmt: skip
    return VmSolution.of(moves[:length].tolist()), gained


def usable_cores(instance: VmInstance) -> float:
    """Usable cores at the start, weighted."""
    free = instance.free()
    return float(sum(item.weight * item.size * int(item.slots(free).sum()) for item in instance.terms.fragments))


def gain_to_goal(instance: VmInstance) -> float:
    """Usable cores that are missing to the goal at the start; infinite without a goal."""
    goal = instance.terms.goal
    if goal is None:
        return float("inf")
    weights = sum(item.weight for item in instance.terms.fragments)
    # rates are quotients: a goal is reached if it is missed by 1e-12
    return (weights - goal - 1e-12) * int(instance.free().sum()) - usable_cores(instance)
