"""The compiled loop of :class:`~.local_search.LocalSearch`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ...envs.vm import kernels as k
from .arrange import arrange
from .targets import (
    AWAY, COUNT, CPU, DOUBLE, GROUP, HOME, HOME_NODE, KIND, MOVABLE, NODE, PM, SPOT, carry, meets_group, not_overfull,
    settle_away, settle_list, settle_room,
)  # fmt: skip

# entries of real: usable cores now, those gained by the best plan, those at which a plan may end (less those at first)
NOW, BEST, NEEDED = range(3)
# entries of whole: largest number of moves that is of use, moves of the best plan, least cores of a VM
CAP, LENGTH, LEAST = range(3)


@njit(cache=True, inline="always")
def draw(rng: Any) -> float:
    """A random number in 0..1 (xorshift64)."""
    x = rng[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    rng[0] = x
    return np.float64(x >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, inline="always")
def pick(near: float, rng: Any, vm: Any, pm: Any, lists: Any, room: Any) -> int:
    """A random VM, with some probability one on a PM with room; -1 if it may not be moved.

    Of those alike on a node one that is away already is taken: it costs no further move.
    """
    v = int(draw(rng) * len(vm))
    if draw(rng) < near:
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


@njit(cache=True)
def trade(v: int, vm: Any, pm: Any, lists: Any, away: Any) -> None:
    """If a VM came to the home of one like it that is away, let both change places: one move less."""
    if vm[v, AWAY] < 0 or vm[v, GROUP] >= 0:
        return
    q, m, kind = vm[v, PM], vm[v, NODE], vm[v, KIND]
    for i in range(away[len(away) - 1]):
        w = away[i]
        if vm[w, HOME] == q and vm[w, HOME_NODE] == m and vm[w, KIND] == kind and vm[w, GROUP] < 0:
            p, n = vm[w, PM], vm[w, NODE]
            vm[w, PM], vm[w, NODE], vm[v, PM], vm[v, NODE] = q, m, p, n
            if p != q:
                lists[q, vm[v, SPOT]], lists[p, vm[w, SPOT]] = w, v
                vm[v, SPOT], vm[w, SPOT] = vm[w, SPOT], vm[v, SPOT]
            settle_away(w, vm, away)
            settle_away(v, vm, away)
            return


@njit(cache=True)
def anneal(
    steps: int, hot: float, cold: float, par: Any, vm: Any, pm: Any, value: Any, lists: Any, room: Any, away: Any,
    members: Any, first: Any, fragment: Any, weight: Any, start: Any, now: Any, real: Any, whole: Any, rng: Any,
    moves: Any, best_moves: Any, stat: Any,
) -> None:
    mu, over, near = par[0], par[1], par[2]
    chain = np.zeros((3, 5), np.int64)
    touched = np.zeros(6, np.int64)
    rooms, aways = room.shape[1] - 1, len(away) - 1
    free = np.zeros_like(start)
    temp = hot
    ratio = (cold / hot) ** (1.0 / max(steps, 1))
    for step in range(steps):
        temp *= ratio
        if step % 256 == 0:
            over = min(max(over * (par[8] if away[aways] > whole[CAP] else par[9]), par[10]), par[11])
            par[1] = over
        u = draw(rng)
        if room[0, rooms] == 0:
            return
        i = room[0, int(draw(rng) * room[0, rooms])]
        p, n = i // 2, i % 2
        size = 1
        if u < par[3]:  # one goes home
            if away[aways] == 0:
                continue
            v = away[int(draw(rng) * away[aways])]
            p, n = vm[v, HOME], vm[v, HOME_NODE]
            if pm[p, n] < vm[v, CPU]:
                continue
            chain[0, 0], chain[0, 1], chain[0, 2] = v, p, n
        else:
            v = pick(near, rng, vm, pm, lists, room)
            if v < 0:
                continue
            if u < par[4]:  # relocate
                n = 0 if vm[v, DOUBLE] else n
                if pm[p, n] < vm[v, CPU]:
                    continue
                chain[0, 0], chain[0, 1], chain[0, 2] = v, p, n
            else:
                # v to the place of w
                if u < par[5]:
                    if away[aways] == 0:
                        continue
                    w = away[int(draw(rng) * away[aways])]
                else:
                    w = pick(near, rng, vm, pm, lists, room)
                if w < 0 or w == v or vm[v, KIND] == vm[w, KIND]:
                    continue
                q, m = vm[w, PM], vm[w, NODE]
                if vm[v, DOUBLE]:
                    m = 0
                elif vm[w, DOUBLE]:
                    m = int(draw(rng) * 2)
                if pm[q, m] + vm[w, CPU] < vm[v, CPU]:
                    continue
                chain[0, 0], chain[0, 1], chain[0, 2] = v, q, m
                size = 2
                if u < par[5]:
                    chain[1, 0], chain[1, 1], chain[1, 2] = w, vm[w, HOME], vm[w, HOME_NODE]
                elif u < par[6]:  # swap
                    if vm[v, DOUBLE] != vm[w, DOUBLE]:
                        continue
                    chain[1, 0], chain[1, 1], chain[1, 2] = w, vm[v, PM], vm[v, NODE]
                elif u < par[7]:  # ejection
                    n = 0 if vm[w, DOUBLE] else n
                    if pm[p, n] < vm[w, CPU]:
                        continue
                    chain[1, 0], chain[1, 1], chain[1, 2] = w, p, n
                else:  # long ejection
                    x = pick(near, rng, vm, pm, lists, room)
                    if x < 0 or x == v or x == w or vm[x, KIND] == vm[w, KIND]:
                        continue
                    q, m = vm[x, PM], vm[x, NODE]
                    if vm[w, DOUBLE]:
                        m = 0
                    elif vm[x, DOUBLE]:
                        m = int(draw(rng) * 2)
                    if pm[q, m] + vm[x, CPU] < vm[w, CPU]:
                        continue
                    chain[1, 0], chain[1, 1], chain[1, 2] = w, q, m
                    n = 0 if vm[x, DOUBLE] else n
                    if pm[p, n] < vm[x, CPU]:
                        continue
                    chain[2, 0], chain[2, 1], chain[2, 2] = x, p, n
                    size = 3
        # apply
        count = 0
        before = away[aways]
        after = before
        for j in range(size):
            v, p, n = chain[j, 0], chain[j, 1], chain[j, 2]
            chain[j, 3], chain[j, 4] = vm[v, PM], vm[v, NODE]
            carry(v, p, n, vm, pm)
            after += (p != vm[v, HOME] or n != vm[v, HOME_NODE]) - (vm[v, AWAY] >= 0)
            for q in (p, chain[j, 3]):
                known = False
                for l in range(count):
                    known = known or touched[l] == q
                if not known:
                    touched[count] = q
                    count += 1
        ok = True
        gain = 0.0
        for l in range(count):
            q = touched[l]
            ok = ok and not_overfull(q, pm)
            gain += k.usable(pm[q, 0], pm[q, 1], fragment, weight) - value[q]
        if ok:
            price = mu * (after - before) + over * (max(after - whole[CAP], 0) - max(before - whole[CAP], 0))
            net = gain - price
            ok = net >= 0 or draw(rng) < np.exp(net / temp)
            for j in range(size):
                ok = ok and (vm[chain[j, 0], GROUP] < 0 or not meets_group(chain[j, 0], vm, members, first))
        if not ok:
            for j in range(size - 1, -1, -1):
                carry(chain[j, 0], chain[j, 3], chain[j, 4], vm, pm)
            continue
        stat[size] += 1
        for j in range(size):
            settle_list(chain[j, 0], chain[j, 3], vm, pm, lists)
            settle_away(chain[j, 0], vm, away)
        for l in range(count):
            q = touched[l]
            value[q] = k.usable(pm[q, 0], pm[q, 1], fragment, weight)
            settle_room(q, whole[LEAST], pm, room)
        for j in range(size):
            trade(chain[j, 0], vm, pm, lists, away)
        real[NOW] += gain
        if away[aways] <= whole[CAP] and real[NOW] > min(real[BEST], real[NEEDED] - 1e-9) + 1e-9:
            stat[0] += 1
            free[:] = start
            gained, length = arrange(
                whole[CAP], real[NEEDED], vm, away, free, members, first, fragment, weight, now, moves
            )
            if gained > real[BEST] + 1e-9 or (gained >= real[NEEDED] - 1e-9 and length < whole[LENGTH]):
                real[BEST], whole[LENGTH] = gained, length
                best_moves[:length] = moves[:length]
                if gained >= real[NEEDED] - 1e-9:
                    whole[CAP] = length - 1
