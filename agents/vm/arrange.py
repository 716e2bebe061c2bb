"""Puts moves into an order in which each is legal when it is made."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ...envs.vm import kernels as k
from .targets import AWAY, CPU, DOUBLE, GROUP, HOME, HOME_NODE, MEMORY, NODE, PM


@njit(cache=True)
def _can_go(v: int, p: int, n: int, vm: Any, now: Any, free: Any, members: Any, first: Any) -> bool:
    """Whether a VM may move there now."""
    cpu, memory, group = vm[v, CPU], vm[v, MEMORY], vm[v, GROUP]
    if now[v, 0] == p and (now[v, 1] == n or vm[v, DOUBLE]):
        return False
    for node in range(2):
        if (vm[v, DOUBLE] or node == n) and (free[p, node] < cpu or free[p, 2 + node] < memory):
            return False
    if group >= 0:
        for i in range(first[group], first[group + 1]):
            if members[i] != v and now[members[i], 0] == p:
                return False
    return True


@njit(cache=True)
def _take(v: int, sign: int, vm: Any, now: Any, free: Any) -> None:
    p = now[v, 0]
    for node in range(2):
        if vm[v, DOUBLE] or node == now[v, 1]:
            free[p, node] += sign * vm[v, CPU]
            free[p, 2 + node] += sign * vm[v, MEMORY]


@njit(cache=True)
def _go(v: int, p: int, n: int, vm: Any, now: Any, free: Any, fragment: Any, weight: Any) -> float:
    """Move a VM; returns what that gains in usable cores."""
    q = now[v, 0]
    gain = -k.usable(free[q, 0], free[q, 1], fragment, weight)
    if p != q:
        gain -= k.usable(free[p, 0], free[p, 1], fragment, weight)
    _take(v, 1, vm, now, free)
    now[v, 0], now[v, 1] = p, n
    _take(v, -1, vm, now, free)
    gain += k.usable(free[q, 0], free[q, 1], fragment, weight)
    if p != q:
        gain += k.usable(free[p, 0], free[p, 1], fragment, weight)
    return gain


@njit(cache=True)
def _detour(wait: Any, left: int, vm: Any, now: Any, free: Any, members: Any, first: Any) -> tuple[int, int]:
    """Who should make room for another one that waits, and the node to wait at: the one with most free cores."""
    for i in range(left):
        v = wait[i]
        p, n = now[v, 0], now[v, 1]
        _take(v, 1, vm, now, free)
        now[v, 0] = -1
        helps = False
        for j in range(left):
            w = wait[j]
            helps = helps or (w != v and vm[w, PM] == p and _can_go(w, p, vm[w, NODE], vm, now, free, members, first))
        now[v, 0], now[v, 1] = p, n
        _take(v, -1, vm, now, free)
        if not helps:
            continue
        most, chosen = -1, -1
        for q in range(len(free)):
            for node in range(1 if vm[v, DOUBLE] else 2):
                if q != p and free[q, node] > most and _can_go(v, q, node, vm, now, free, members, first):
                    most, chosen = free[q, node], 2 * q + node
        if chosen >= 0:
            return v, chosen
    return -1, -1


@njit(cache=True)
def arrange(
    mnl: int, needed: float, vm: Any, away: Any, free: Any, members: Any, first: Any, fragment: Any, weight: Any,
    now: Any, moves: Any,
) -> tuple[float, int]:
    """Bring VMs from where they were to where they should be, as far as that works.

    Who can go goes; if nobody can, one that is in the way waits elsewhere, if moves remain. The rest is given up.

    Args:
        mnl: Largest number of moves.
        needed: Usable cores gained at which a plan may end; infinite for as many as possible.
        vm: See :mod:`.targets`.
        away: Likewise.
        free: What is free at the start, int64 ``[P, 4]``; overwritten.
        members: See :mod:`.targets`.
        first: Likewise.
        fragment: Sizes and nodes, int64 ``[T, 2]``.
        weight: Their weights, ``[T]``.
        now: Where VMs are, int64 ``[V, 2]``; where they start before and after the call.
        moves: VM, PM and node of each move, int64 ``[mnl, 3]``; written.

    Returns:
        Usable cores gained by the best beginning of the moves, and its length.
    """
    left = away[len(away) - 1]
    wait = away[:left].copy()
    gained, best, length, count = 0.0, 0.0, 0, 0
    while left and count < mnl and best < needed:
        kept = 0
        for i in range(left):
            v = wait[i]
            if count < mnl and _can_go(v, vm[v, PM], vm[v, NODE], vm, now, free, members, first):
                gained += _go(v, vm[v, PM], vm[v, NODE], vm, now, free, fragment, weight)
                moves[count, 0], moves[count, 1], moves[count, 2] = v, vm[v, PM], vm[v, NODE]
                count += 1
                if gained > best + 1e-9 and best < needed:
                    best, length = gained, count
            else:
                wait[kept] = v
                kept += 1
        stuck, left = kept == left, kept
        if stuck and left:
            v, place = _detour(wait, left, vm, now, free, members, first) if count + left < mnl else (-1, -1)
            if v < 0:
                break
            gained += _go(v, place // 2, place % 2, vm, now, free, fragment, weight)
            moves[count, 0], moves[count, 1], moves[count, 2] = v, place // 2, place % 2
            count += 1
    for i in range(away[len(away) - 1]):
        v = away[i]
        now[v, 0], now[v, 1] = vm[v, HOME], vm[v, HOME_NODE]
    return best, length
