"""Simulated annealing over where every VM is in the end: the compiled loop of :class:`~.local_search.LocalSearch`.

A step looks at one change: a VM goes home or to a node with room; or it takes the place of another one, which goes
home, takes its place, goes on to a node with room, or takes the place of a third one, which goes on. What is usable
changes on a few PMs only. Whether the moves can be made one after another is looked at where they would be the best.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.vm import kernels as k
from .arrange import arrange
from .targets import (
    AWAY,
    COUNT,
    CPU,
    DOUBLE,
    GROUP,
    HOME,
    HOME_NODE,
    KIND,
    MOVABLE,
    NODE,
    PM,
    SPOT,
    Targets,
    carry,
    meets_group,
    not_overfull,
    settle_away,
    settle_list,
    settle_room,
)

# entries of Record.real: usable cores gained now and by the best plan, those at which a plan may end, the price in
# usable cores of a move more than allowed, those of a slot
NOW, BEST, NEEDED, PRICE, SLOT = range(5)
# entries of Record.whole: largest number of moves that is of use, moves of the best plan, cores of the smallest VM
CAP, LENGTH, LEAST = range(3)

# Found on random clusters (seeds from 1000): parts of the steps up to which a change is of a kind, in the order of the
# changes above; the share of VMs drawn from PMs with room; the price of a move, in slots.
GO_HOME, GO, REPLACE, SWAP, PUSH = 0.1, 0.4, 0.45, 0.5, 0.9
NEAR = 0.6
MOVE_PRICE = 0.05
# The price of a move too many rises and falls, so that about the allowed number is made whatever moves are worth.
PERIOD, RISE, FALL, LOWEST_PRICE, HIGHEST_PRICE = 256, 1.05, 0.95, 0.2, 2.0


class Record(NamedTuple):
    """What a search remembers; M moves are allowed.

    Attributes:
        start: Free cores and memory of every node at the start, int64 ``[P, 4]``.
        now: PM and node of every VM at the start, int64 ``[V, 2]``.
        fragment: Sizes and nodes, int64 ``[T, 2]``.
        weight: Their weights, ``[T]``.
        real: Numbers, named above.
        whole: Whole numbers, named above.
        rng: State of the random numbers, uint64 ``[1]``, not 0.
        moves: Scratch, int64 ``[M, 3]``.
        best: VM, PM and node of each move of the best plan, int64 ``[M, 3]``.
    """

    start: NDArray[np.int64]
    now: NDArray[np.int64]
    fragment: NDArray[np.int64]
    weight: NDArray[np.float64]
    real: NDArray[np.float64]
    whole: NDArray[np.int64]
    rng: NDArray[np.uint64]
    moves: NDArray[np.int64]
    best: NDArray[np.int64]


@njit(cache=True, inline="always")
def draw(rng: Any) -> float:
    """A random number in 0..1 (Marsaglia's xorshift64, 2003)."""
    x = rng[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    rng[0] = x
    return np.float64(x >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, inline="always")
def _some_vm(rng: Any, vm: Any, pm: Any, lists: Any, room: Any) -> int:
    """A random VM, often one on a PM with room; -1 if it may not be moved.

    Of those alike on a node one that is away already is taken: it costs no further move.
    """
    v = int(draw(rng) * len(vm))
    if draw(rng) < NEAR:
        p = room[0, int(draw(rng) * room[0, room.shape[1] - 1])] // 2
        v = lists[p, int(draw(rng) * pm[p, COUNT])] if pm[p, COUNT] else v
    if vm[v, AWAY] < 0 and vm[v, GROUP] < 0:
        p = vm[v, PM]
        for i in range(pm[p, COUNT]):
            w = lists[p, i]
            if vm[w, AWAY] >= 0 and vm[w, KIND] == vm[v, KIND] and vm[w, NODE] == vm[v, NODE] and vm[w, GROUP] < 0:
                v = w
                break
    return v if vm[v, MOVABLE] else -1


@njit(cache=True, inline="always")
def _link(j: int, v: int, p: int, n: int, chain: Any) -> None:
    chain[j, 0], chain[j, 1], chain[j, 2] = v, p, n


@njit(cache=True, inline="always")
def _into_place(j: int, v: int, w: int, rng: Any, vm: Any, pm: Any, chain: Any) -> bool:
    """Link j: VM v takes the place of w; whether that is a change, and there are cores enough."""
    if w < 0 or w == v or vm[v, KIND] == vm[w, KIND]:
        return False
    n = vm[w, NODE]
    if vm[v, DOUBLE]:
        n = 0
    elif vm[w, DOUBLE]:
        n = int(draw(rng) * 2)
    _link(j, v, vm[w, PM], n, chain)
    return bool(pm[vm[w, PM], n] + vm[w, CPU] >= vm[v, CPU])


@njit(cache=True, inline="always")
def _into_room(j: int, v: int, place: int, vm: Any, pm: Any, chain: Any) -> bool:
    """Link j: VM v goes to a node with room; whether there are cores enough."""
    n = 0 if vm[v, DOUBLE] else place % 2
    _link(j, v, place // 2, n, chain)
    return bool(pm[place // 2, n] >= vm[v, CPU])


@njit(cache=True, inline="always")
def _propose(vm: Any, pm: Any, lists: Any, room: Any, away: Any, rng: Any, chain: Any) -> int:
    """Write a random change to ``chain``: VM, PM and node of each link; returns the number of links, 0 for none."""
    u, gone = draw(rng), away[len(away) - 1]
    place = room[0, int(draw(rng) * room[0, room.shape[1] - 1])]
    if u < GO_HOME:
        if gone == 0:
            return 0
        v = away[int(draw(rng) * gone)]
        _link(0, v, vm[v, HOME], vm[v, HOME_NODE], chain)
        return 1 if pm[vm[v, HOME], vm[v, HOME_NODE]] >= vm[v, CPU] else 0
    v = _some_vm(rng, vm, pm, lists, room)
    if v < 0:
        return 0
    if u < GO:
        return 1 if _into_room(0, v, place, vm, pm, chain) else 0
    w = -1
    if u >= REPLACE:
        w = _some_vm(rng, vm, pm, lists, room)
    elif gone:
        w = away[int(draw(rng) * gone)]
    if not _into_place(0, v, w, rng, vm, pm, chain):
        return 0
    if u < REPLACE:
        _link(1, w, vm[w, HOME], vm[w, HOME_NODE], chain)
        return 2
    if u < SWAP:
        _link(1, w, vm[v, PM], vm[v, NODE], chain)
        return 2 if vm[v, DOUBLE] == vm[w, DOUBLE] else 0
    if u < PUSH:
        return 2 if _into_room(1, w, place, vm, pm, chain) else 0
    x = _some_vm(rng, vm, pm, lists, room)
    if x == v or not _into_place(1, w, x, rng, vm, pm, chain):
        return 0
    return 3 if _into_room(2, x, place, vm, pm, chain) else 0


@njit(cache=True, inline="always")
def _apply(links: int, vm: Any, pm: Any, chain: Any, touched: Any) -> tuple[int, int]:
    """Carry the VMs of a change; returns the number of PMs that it touches, and how many VMs more are away."""
    count, more = 0, 0
    for j in range(links):
        v, p, n = chain[j, 0], chain[j, 1], chain[j, 2]
        chain[j, 3], chain[j, 4] = vm[v, PM], vm[v, NODE]
        carry(v, p, n, vm, pm)
        more += (p != vm[v, HOME] or n != vm[v, HOME_NODE]) - (vm[v, AWAY] >= 0)
        for side in range(2):
            q = chain[j, 1 + 2 * side]
            known = False
            for i in range(count):
                known = known or touched[i] == q
            if not known:
                touched[count] = q
                count += 1
    return count, more


@njit(cache=True)
def _trade(v: int, vm: Any, lists: Any, away: Any) -> None:
    """If a VM came to the home of one like it that is away, let both change places: a move less."""
    if vm[v, AWAY] < 0 or vm[v, GROUP] >= 0:
        return
    q, m, kind = vm[v, PM], vm[v, NODE], vm[v, KIND]
    for i in range(away[len(away) - 1]):
        w = away[i]
        if vm[w, HOME] == q and vm[w, HOME_NODE] == m and vm[w, KIND] == kind and vm[w, GROUP] < 0:
            lists[q, vm[v, SPOT]], lists[vm[w, PM], vm[w, SPOT]] = w, v
            vm[v, SPOT], vm[w, SPOT] = vm[w, SPOT], vm[v, SPOT]
            vm[v, PM], vm[v, NODE] = vm[w, PM], vm[w, NODE]
            vm[w, PM], vm[w, NODE] = q, m
            settle_away(w, vm, away)
            settle_away(v, vm, away)
            return


@njit(cache=True)
def _settle(
    links: int, count: int, least: int, state: Any, fragment: Any, weight: Any, chain: Any, touched: Any
) -> None:
    """Bring lists and values up to date after a change."""
    vm, pm = state.vm, state.pm
    for j in range(links):
        settle_list(chain[j, 0], chain[j, 3], vm, pm, state.lists)
        settle_away(chain[j, 0], vm, state.away)
    for i in range(count):
        q = touched[i]
        state.value[q] = k.usable(pm[q, 0], pm[q, 1], fragment, weight)
        settle_room(q, least, pm, state.room)
    for j in range(links):
        _trade(chain[j, 0], vm, state.lists, state.away)


@njit(cache=True)
def _remember(state: Any, record: Any, free: Any) -> None:
    """Put the moves in order and keep them if they are better than the best so far."""
    real, whole = record.real, record.whole
    free[:] = record.start
    gained, length = arrange(
        whole[CAP], real[NEEDED], state.vm, state.away, free, state.members, state.first, record.fragment,
        record.weight, record.now, record.moves,
    )  # fmt: skip
    enough = gained >= real[NEEDED]
    if gained > real[BEST] + 1e-9 or (enough and length < whole[LENGTH]):
        real[BEST], whole[LENGTH] = gained, length
        record.best[:length] = record.moves[:length]
        if enough:
            whole[CAP] = length - 1


@njit(cache=True, nogil=True)
def anneal(steps: int, temperature: float, state: Targets, record: Record) -> None:
    """Look at some changes, and make those that gain, or lose little for the temperature.

    Args:
        steps: How many.
        temperature: In usable cores.
        state: Where every VM is in the end.
        record: What is known; updated.
    """
    vm, pm, value, lists, room, away = state.vm, state.pm, state.value, state.lists, state.room, state.away
    members, first, fragment, weight, rng = state.members, state.first, record.fragment, record.weight, record.rng
    real, whole = record.real, record.whole
    chain, touched, free = np.zeros((3, 5), np.int64), np.zeros(6, np.int64), np.zeros_like(record.start)
    cap, now, price, slot = whole[CAP], real[NOW], real[PRICE], real[SLOT]
    for step in range(steps if room[0, -1] else 0):
        gone = away[len(away) - 1]
        if step % PERIOD == 0:
            price *= RISE if gone > cap else FALL
            price = min(max(price, LOWEST_PRICE * slot), HIGHEST_PRICE * slot)
        links = _propose(vm, pm, lists, room, away, rng, chain)
        if links == 0:
            continue
        count, more = _apply(links, vm, pm, chain, touched)
        legal, gain = True, 0.0
        for i in range(count):
            q = touched[i]
            legal = legal and not_overfull(q, pm)
            gain += k.usable(pm[q, 0], pm[q, 1], fragment, weight) - value[q]
        net = gain - MOVE_PRICE * slot * more - price * (max(gone + more - cap, 0) - max(gone - cap, 0))
        legal = legal and (net >= 0 or draw(rng) < np.exp(net / temperature))
        for j in range(links):
            v = chain[j, 0]
            legal = legal and (vm[v, GROUP] < 0 or not meets_group(v, vm[v, PM], vm, members, first))
        if not legal:
            for j in range(links - 1, -1, -1):
                carry(chain[j, 0], chain[j, 3], chain[j, 4], vm, pm)
            continue
        _settle(links, count, whole[LEAST], state, fragment, weight, chain, touched)
        now += gain
        if now > min(real[BEST] + 1e-9, real[NEEDED]) and away[len(away) - 1] <= cap:
            _remember(state, record, free)
            cap = whole[CAP]
    real[NOW], real[PRICE] = now, price
