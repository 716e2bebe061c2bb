"""Prototype."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# columns of vm
CPU, MEMORY, DOUBLE, GROUP, HOME, HOME_NODE, PM, NODE, SPOT, AWAY, KIND, MOVABLE = range(12)
# param
# pm columns: 0,1 free cpu; 2,3 free mem; 4 count


@njit(cache=True, inline="always")
def rand(rng: Any) -> float:
    x = rng[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    rng[0] = x
    return np.float64(x >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, inline="always")
def worth(f0: int, f1: int, fragment: Any, weight: Any, eps: float) -> float:
    total = 0.0
    for t in range(len(fragment)):
        size, nodes = fragment[t, 0], fragment[t, 1]
        unit = size // nodes
        if nodes == 1:
            a = f0 // unit
            b = f1 // unit
            ra = (f0 - a * unit) / unit
            rb = (f1 - b * unit) / unit
            total += weight[t] * size * (a + b + eps * (ra * ra + rb * rb))
        else:
            m = min(f0, f1)
            a = m // unit
            ra = (m - a * unit) / unit
            total += weight[t] * size * (a + eps * ra * ra)
    return total


@njit(cache=True)
def shift(v: int, p: int, n: int, vm: Any, pm: Any, fragment: Any, weight: Any, eps: float) -> float:
    """Move VM in vm/pm (not lists); returns change of worth."""
    q, m = vm[v, PM], vm[v, NODE]
    c, r = vm[v, CPU], vm[v, MEMORY]
    before = worth(pm[q, 0], pm[q, 1], fragment, weight, eps)
    if p != q:
        before += worth(pm[p, 0], pm[p, 1], fragment, weight, eps)
    if vm[v, DOUBLE]:
        pm[q, 0] += c
        pm[q, 1] += c
        pm[q, 2] += r
        pm[q, 3] += r
        pm[p, 0] -= c
        pm[p, 1] -= c
        pm[p, 2] -= r
        pm[p, 3] -= r
    else:
        pm[q, m] += c
        pm[q, 2 + m] += r
        pm[p, n] -= c
        pm[p, 2 + n] -= r
    vm[v, PM], vm[v, NODE] = p, n
    after = worth(pm[q, 0], pm[q, 1], fragment, weight, eps)
    if p != q:
        after += worth(pm[p, 0], pm[p, 1], fragment, weight, eps)
    return after - before


@njit(cache=True)
def unshift(v: int, p: int, n: int, vm: Any, pm: Any) -> None:
    q, m = vm[v, PM], vm[v, NODE]
    c, r = vm[v, CPU], vm[v, MEMORY]
    if vm[v, DOUBLE]:
        pm[q, 0] += c
        pm[q, 1] += c
        pm[q, 2] += r
        pm[q, 3] += r
        pm[p, 0] -= c
        pm[p, 1] -= c
        pm[p, 2] -= r
        pm[p, 3] -= r
    else:
        pm[q, m] += c
        pm[q, 2 + m] += r
        pm[p, n] -= c
        pm[p, 2 + n] -= r
    vm[v, PM], vm[v, NODE] = p, n


@njit(cache=True, inline="always")
def valid(p: int, pm: Any) -> bool:
    return pm[p, 0] >= 0 and pm[p, 1] >= 0 and pm[p, 2] >= 0 and pm[p, 3] >= 0


@njit(cache=True)
def enemies(v: int, vm: Any, members: Any, first: Any) -> bool:
    g = vm[v, GROUP]
    for i in range(first[g], first[g + 1]):
        w = members[i]
        if w != v and vm[w, PM] == vm[v, PM]:
            return True
    return False


@njit(cache=True, inline="always")
def settle_open(p: int, n: int, pm: Any, opened: Any, spot: Any) -> None:
    """Keep the list of nodes with free cores. opened[-1] is count"""
    i = 2 * p + n
    last = len(opened) - 1
    is_open = pm[p, n] > 0
    if is_open and spot[i] < 0:
        spot[i] = opened[last]
        opened[opened[last]] = i
        opened[last] += 1
    elif not is_open and spot[i] >= 0:
        opened[last] -= 1
        other = opened[opened[last]]
        opened[spot[i]] = other
        spot[other] = spot[i]
        spot[i] = -1


@njit(cache=True)
def settle(v: int, q: int, p: int, vm: Any, pm: Any, lists: Any, opened: Any, spot: Any, away: Any) -> None:
    """Bring lists up to date after v went from q to vm[v,PM]"""
    if q != p:
        last = pm[q, 4] - 1
        w = lists[q, last]
        lists[q, vm[v, SPOT]] = w
        vm[w, SPOT] = vm[v, SPOT]
        pm[q, 4] = last
        lists[p, pm[p, 4]] = v
        vm[v, SPOT] = pm[p, 4]
        pm[p, 4] += 1
    for n in range(2):
        settle_open(q, n, pm, opened, spot)
        settle_open(p, n, pm, opened, spot)
    last = len(away) - 1
    is_away = vm[v, PM] != vm[v, HOME] or vm[v, NODE] != vm[v, HOME_NODE]
    if is_away and vm[v, AWAY] < 0:
        vm[v, AWAY] = away[last]
        away[away[last]] = v
        away[last] += 1
    elif not is_away and vm[v, AWAY] >= 0:
        away[last] -= 1
        w = away[away[last]]
        away[vm[v, AWAY]] = w
        vm[w, AWAY] = vm[v, AWAY]
        vm[v, AWAY] = -1


@njit(cache=True)
def standin(v: int, vm: Any, pm: Any, lists: Any) -> int:
    """A moved VM like v on its node, else v."""
    if vm[v, AWAY] >= 0 or vm[v, GROUP] >= 0:
        return v
    p = vm[v, PM]
    for i in range(pm[p, 4]):
        w = lists[p, i]
        if vm[w, AWAY] >= 0 and vm[w, KIND] == vm[v, KIND] and vm[w, NODE] == vm[v, NODE] and vm[w, GROUP] < 0:
            return w
    return v


@njit(cache=True)
def some_vm(rng: Any, bias: float, vm: Any, pm: Any, lists: Any, opened: Any) -> int:
    """random movable vm, with the given chance from an open PM"""
    v = -1
    if rand(rng) < bias:
        p = opened[int(rand(rng) * opened[len(opened) - 1])] // 2
        if pm[p, 4] == 0:
            return -1
        v = lists[p, int(rand(rng) * pm[p, 4])]
    else:
        v = int(rand(rng) * len(vm))
    if not vm[v, MOVABLE]:
        return -1
    return standin(v, vm, pm, lists)


@njit(cache=True)
def run(
    steps: int,
    t0: float,
    t1: float,
    vm: Any,
    pm: Any,
    lists: Any,
    opened: Any,
    spot: Any,
    away: Any,
    members: Any,
    first: Any,
    fragment: Any,
    weight: Any,
    real: Any,
    par: Any,
    rng: Any,
    best: Any,
    stat: Any,
) -> None:
    """real: 0 current usable, 1 best usable. par: 0 cap,1 mu,2 over,3 eps,4 bias, 5.. probs of kinds"""
    cap, mu, over, eps, bias = int(par[0]), par[1], par[2], par[3], par[4]
    chain_v = np.zeros(4, np.int64)
    chain_p = np.zeros(4, np.int64)
    chain_n = np.zeros(4, np.int64)
    old_p = np.zeros(4, np.int64)
    old_n = np.zeros(4, np.int64)
    nopen = len(opened) - 1
    naway = len(away) - 1
    ratio = (t1 / t0) ** (1.0 / max(steps, 1))
    temp = t0
    for step in range(steps):
        temp *= ratio
        k = 0
        u = rand(rng)
        if opened[nopen] == 0:
            return
        kind = 0
        if u < par[5]:  # relocate
            v = some_vm(rng, bias, vm, pm, lists, opened)
            if v < 0:
                continue
            i = opened[int(rand(rng) * opened[nopen])]
            p, n = i // 2, i % 2
            if vm[v, DOUBLE]:
                n = 0
            if p == vm[v, PM] and (vm[v, DOUBLE] or n == vm[v, NODE]):
                continue
            if pm[p, n] < vm[v, CPU]:
                continue
            chain_v[0], chain_p[0], chain_n[0] = v, p, n
            k = 1
        elif u < par[6]:  # return home
            if away[naway] == 0:
                continue
            v = away[int(rand(rng) * away[naway])]
            chain_v[0], chain_p[0], chain_n[0] = v, vm[v, HOME], vm[v, HOME_NODE]
            k = 1
            kind = 1
            p = vm[v, HOME]
            if pm[p, vm[v, HOME_NODE]] < vm[v, CPU]:
                # someone is in the way
                if pm[p, 4] == 0:
                    continue
                w = lists[p, int(rand(rng) * pm[p, 4])]
                if w == v or not vm[w, MOVABLE]:
                    continue
                w = standin(w, vm, pm, lists)
                chain_v[1] = w
                if vm[w, AWAY] >= 0 and rand(rng) < 0.5:
                    chain_p[1], chain_n[1] = vm[w, HOME], vm[w, HOME_NODE]
                elif vm[w, DOUBLE] == vm[v, DOUBLE] and rand(rng) < 0.5:
                    chain_p[1], chain_n[1] = vm[v, PM], vm[v, NODE]
                else:
                    i = opened[int(rand(rng) * opened[nopen])]
                    chain_p[1], chain_n[1] = i // 2, 0 if vm[w, DOUBLE] else i % 2
                k = 2
        elif u < par[7]:  # swap
            v = some_vm(rng, bias, vm, pm, lists, opened)
            w = some_vm(rng, bias, vm, pm, lists, opened)
            if v < 0 or w < 0 or v == w or vm[v, KIND] == vm[w, KIND] or vm[v, DOUBLE] != vm[w, DOUBLE]:
                continue
            if vm[v, PM] == vm[w, PM] and vm[v, NODE] == vm[w, NODE]:
                continue
            p, n, q, m = vm[v, PM], vm[v, NODE], vm[w, PM], vm[w, NODE]
            d = vm[v, CPU] - vm[w, CPU]
            if pm[q, m] < d or pm[p, n] < -d:
                continue
            chain_v[0], chain_p[0], chain_n[0] = v, q, m
            chain_v[1], chain_p[1], chain_n[1] = w, p, n
            k = 2
            kind = 2
        elif u < par[8]:  # ejection: v to place of w, w to open
            v = some_vm(rng, bias, vm, pm, lists, opened)
            w = some_vm(rng, bias, vm, pm, lists, opened)
            if v < 0 or w < 0 or v == w or vm[v, KIND] == vm[w, KIND]:
                continue
            q, m = vm[w, PM], vm[w, NODE]
            if vm[v, DOUBLE]:
                m = 0
            elif vm[w, DOUBLE]:
                m = int(rand(rng) * 2)
            if vm[v, PM] == q and (vm[v, NODE] == m or vm[v, DOUBLE]):
                continue
            if pm[q, m] + vm[w, CPU] < vm[v, CPU]:
                continue
            i = opened[int(rand(rng) * opened[nopen])]
            p, n = i // 2, 0 if vm[w, DOUBLE] else i % 2
            if p == q or pm[p, n] < vm[w, CPU]:
                continue
            chain_v[0], chain_p[0], chain_n[0] = v, q, m
            chain_v[1], chain_p[1], chain_n[1] = w, p, n
            k = 2
            kind = 3
        else:  # send one home, move another
            if away[naway] == 0:
                continue
            u2 = away[int(rand(rng) * away[naway])]
            v = some_vm(rng, bias, vm, pm, lists, opened)
            if v < 0 or v == u2:
                continue
            chain_v[0], chain_p[0], chain_n[0] = u2, vm[u2, HOME], vm[u2, HOME_NODE]
            if rand(rng) < 0.5:  # into the place left
                if vm[v, DOUBLE] != vm[u2, DOUBLE]:
                    continue
                p, n = vm[u2, PM], vm[u2, NODE]
                if pm[p, n] + vm[u2, CPU] < vm[v, CPU]:
                    continue
            else:
                i = opened[int(rand(rng) * opened[nopen])]
                p, n = i // 2, 0 if vm[v, DOUBLE] else i % 2
                if pm[p, n] < vm[v, CPU]:
                    continue
            if p == vm[v, PM] and (vm[v, DOUBLE] or n == vm[v, NODE]):
                continue
            chain_v[1], chain_p[1], chain_n[1] = v, p, n
            k = 2
            kind = 4
        stat[kind, 0] += 1
        delta = 0.0
        before = away[naway]
        after = before
        for j in range(k):
            v = chain_v[j]
            old_p[j], old_n[j] = vm[v, PM], vm[v, NODE]
            delta += shift(v, chain_p[j], chain_n[j], vm, pm, fragment, weight, eps)
            after += (chain_p[j] != vm[v, HOME] or chain_n[j] != vm[v, HOME_NODE]) - (vm[v, AWAY] >= 0)
        ok = True
        for j in range(k):
            if not valid(chain_p[j], pm) or not valid(old_p[j], pm):
                ok = False
        if ok:
            stat[kind, 1] += 1
            cost = mu * (after - before) + over * (max(after - cap, 0) - max(before - cap, 0))
            gain = delta - cost
            if gain < 0:
                ok = rand(rng) < np.exp(gain / temp)
            if ok:
                for j in range(k):
                    if vm[chain_v[j], GROUP] >= 0 and enemies(chain_v[j], vm, members, first):
                        ok = False
        if not ok:
            for j in range(k - 1, -1, -1):
                unshift(chain_v[j], old_p[j], old_n[j], vm, pm)
            continue
        stat[kind, 2] += 1
        for j in range(k):
            settle(chain_v[j], old_p[j], chain_p[j], vm, pm, lists, opened, spot, away)
        # identical: who came to the home of one like it that is away
        for j in range(k):
            v = chain_v[j]
            if vm[v, AWAY] < 0 or vm[v, GROUP] >= 0:
                continue
            for i in range(away[naway]):
                w = away[i]
                if (
                    w != v
                    and vm[w, KIND] == vm[v, KIND]
                    and vm[w, HOME] == vm[v, PM]
                    and vm[w, HOME_NODE] == vm[v, NODE]
                    and vm[w, GROUP] < 0
                ):
                    p, n = vm[w, PM], vm[w, NODE]
                    q, m = vm[v, PM], vm[v, NODE]
                    vm[w, PM], vm[w, NODE] = q, m
                    vm[v, PM], vm[v, NODE] = p, n
                    settle(w, p, q, vm, pm, lists, opened, spot, away)
                    settle(v, q, p, vm, pm, lists, opened, spot, away)
                    break
        real[2] += gain
        if away[naway] <= cap and gain > 0:
            total = 0.0
            for p in range(len(pm)):
                total += worth(pm[p, 0], pm[p, 1], fragment, weight, 0.0)
            if total > real[1]:
                real[1] = total
                for v in range(len(vm)):
                    best[v, 0], best[v, 1] = vm[v, PM], vm[v, NODE]
