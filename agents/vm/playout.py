"""The compiled loops of :class:`~.mcts.Mcts`: the most promising moves of a state, and greedy plans from it.

States are arrays of :mod:`.targets`, of which only ``vm`` and ``pm`` are kept up to date here. A move is five numbers:
VM, PM and node, and the PM and node that it leaves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ...envs.vm import kernels as k
from .anneal import draw
from .targets import CPU, DOUBLE, KIND, MOVABLE, NODE, PM, carry, has_room, meets_group, usable_with

CHEAP = 6
"""Places that are looked at of each kind of VM; one that may go to none of them because of its group is not moved."""


@njit(cache=True)
def _cheapest(
    v: int,
    unit: int,
    blur: float,
    now: Any,
    vm: Any,
    pm: Any,
    fragment: Any,
    weight: Any,
    rng: Any,
    place: Any,
    loss: Any,
) -> None:
    """Where VMs like this one cost fewest usable cores, of such places where they leave least over.

    Args:
        v: The VM.
        unit: Cores of a fragment of the first size on a node.
        blur: Up to how many usable cores are added to losses at random.
        now: Usable cores of each PM, ``[P]``.
        vm: See :mod:`.targets`.
        pm: Likewise.
        fragment: Sizes and nodes, int64 ``[T, 2]``.
        weight: Their weights, ``[T]``.
        rng: Random numbers.
        place: The nodes (2 p + n), int64 ``[CHEAP]``, best first, -1 where there are no more; written.
        loss: What they cost, float64 ``[CHEAP]``; written.
    """
    place[:] = -1
    loss[:] = 1e300
    for p in range(len(pm)):
        for n in range(1 if vm[v, DOUBLE] else 2):
            if not has_room(v, p, n, vm, pm):
                continue
            lost = now[p] - usable_with(v, p, n, -1, vm, pm, fragment, weight)
            lost += 1e-6 * ((pm[p, n] - vm[v, CPU]) % unit) / unit + blur * draw(rng)
            where = 2 * p + n
            for i in range(CHEAP):
                if lost < loss[i]:
                    loss[i], lost = lost, loss[i]
                    place[i], where = where, place[i]


@njit(cache=True)
def _insert(gain: float, v: int, place: int, vm: Any, count: int, moves: Any, gains: Any) -> int:
    """Keep the best moves in order, one of those that come to the same; returns how many there are."""
    top = len(gains)
    if count == top and gain <= gains[top - 1]:
        return count
    p, n, q, m = place // 2, place % 2, vm[v, PM], vm[v, NODE]
    for i in range(count):
        w = moves[i, 0]
        same = moves[i, 1] == p and moves[i, 2] == n and moves[i, 3] == q and moves[i, 4] == m
        if same and vm[w, KIND] == vm[v, KIND]:
            return count
    i = count if count < top else top - 1
    while i > 0 and gains[i - 1] < gain:
        gains[i] = gains[i - 1]
        moves[i] = moves[i - 1]
        i -= 1
    gains[i] = gain
    moves[i, 0], moves[i, 1], moves[i, 2], moves[i, 3], moves[i, 4] = v, p, n, q, m
    return min(count + 1, top)


@njit(cache=True)
def best_moves(
    blur: float,
    kinds: Any,
    vm: Any,
    pm: Any,
    members: Any,
    first: Any,
    fragment: Any,
    weight: Any,
    rng: Any,
    moves: Any,
    gains: Any,
) -> int:
    """The moves that gain most at once, of every VM only that to its best place.

    Args:
        blur: Up to how many usable cores gains are changed by at random.
        kinds: A VM of each kind, int64 ``[K]``.
        vm: See :mod:`.targets`.
        pm: Likewise.
        members: Likewise.
        first: Likewise.
        fragment: Sizes and nodes, int64 ``[T, 2]``.
        weight: Their weights, ``[T]``.
        rng: Random numbers.
        moves: The moves, int64 ``[top, 5]``, best first; written.
        gains: What they gain, float64 ``[top]``; written.

    Returns:
        How many moves there are, at most ``top``.
    """
    unit = fragment[0, 0] // fragment[0, 1]
    now = np.empty(len(pm))
    for p in range(len(pm)):
        now[p] = k.usable(pm[p, 0], pm[p, 1], fragment, weight)
    place, loss = np.empty((len(kinds), CHEAP), np.int64), np.empty((len(kinds), CHEAP))
    for i in range(len(kinds)):
        _cheapest(kinds[i], unit, blur, now, vm, pm, fragment, weight, rng, place[i], loss[i])
    count = 0
    for v in range(len(vm)):
        if not vm[v, MOVABLE]:
            continue
        kind, p, n = vm[v, KIND], vm[v, PM], vm[v, NODE]
        leaving = usable_with(v, p, n, 1, vm, pm, fragment, weight) - now[p]
        # of moves that gain as much the one of the smallest VM, which uses up least
        leaving -= 1e-6 * vm[v, CPU] * (2 if vm[v, DOUBLE] else 1)
        for i in range(CHEAP):
            q = place[kind, i] // 2
            if place[kind, i] < 0:
                break
            if q != p and not meets_group(v, q, vm, members, first):
                count = _insert(leaving - loss[kind, i], v, place[kind, i], vm, count, moves, gains)
                break
        if not vm[v, DOUBLE] and has_room(v, p, 1 - n, vm, pm):
            change = vm[v, CPU] if n == 0 else -vm[v, CPU]
            flip = k.usable(pm[p, 0] + change, pm[p, 1] - change, fragment, weight) - now[p]
            count = _insert(flip - 1e-6 * vm[v, CPU], v, 2 * p + 1 - n, vm, count, moves, gains)
    return count


@njit(cache=True)
def make(move: Any, vm: Any, pm: Any, fragment: Any, weight: Any) -> float:
    """Make a move; returns what it gains in usable cores."""
    v, p, n, q = move[0], move[1], move[2], move[3]
    before = k.usable(pm[p, 0], pm[p, 1], fragment, weight)
    before += k.usable(pm[q, 0], pm[q, 1], fragment, weight) if p != q else 0.0
    carry(v, p, n, vm, pm)
    after = k.usable(pm[p, 0], pm[p, 1], fragment, weight)
    after += k.usable(pm[q, 0], pm[q, 1], fragment, weight) if p != q else 0.0
    return after - before


@njit(cache=True)
def undo(count: int, vm: Any, pm: Any, moves: Any) -> None:
    """Take moves back, the last one first."""
    for i in range(count - 1, -1, -1):
        carry(moves[i, 0], moves[i, 3], moves[i, 4], vm, pm)


@njit(cache=True, nogil=True)
def play_out(
    done: int,
    gained: float,
    needed: float,
    blur: float,
    kinds: Any,
    vm: Any,
    pm: Any,
    members: Any,
    first: Any,
    fragment: Any,
    weight: Any,
    rng: Any,
    moves: Any,
) -> tuple[int, float]:
    """Go on greedily while moves gain, are allowed and the goal is not reached.

    Args:
        done: Moves made so far.
        gained: Usable cores gained by them.
        needed: Those that the goal needs.
        blur: See :func:`best_moves`.
        kinds: Likewise.
        vm: Likewise.
        pm: Likewise.
        members: Likewise.
        first: Likewise.
        fragment: Likewise.
        weight: Likewise.
        rng: Likewise.
        moves: Moves made, int64 ``[mnl, 5]``; those that follow are added.

    Returns:
        The number of moves, and what they gain in usable cores.
    """
    gains = np.empty(1)
    while done < len(moves) and gained < needed:
        if best_moves(blur, kinds, vm, pm, members, first, fragment, weight, rng, moves[done : done + 1], gains) == 0:
            break
        gain = make(moves[done], vm, pm, fragment, weight)
        if gain <= 1e-9:
            undo(1, vm, pm, moves[done : done + 1])
            break
        gained += gain
        done += 1
    return done, gained
