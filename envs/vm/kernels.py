"""The physics of VM rescheduling in compiled loops: what fits where, what a move changes, which picks are legal."""

from __future__ import annotations

from typing import Any

from numba import njit

from . import state as s
from .features import write_table
from .objective import cost, reached

EVERY, DISTINCT, ONCE, FRAGMENTED = range(4)


@njit(cache=True, inline="always")
def usable(free0: int, free1: int, fragment: Any, weight: Any) -> float:
    """Weighted cores of a PM that VMs of the fragment sizes could use."""
    total = 0.0
    for t in range(len(fragment)):
        size, nodes = fragment[t, 0], fragment[t, 1]
        if size > 0:
            unit = size // nodes
            slots = free0 // unit + free1 // unit if nodes == 1 else min(free0, free1) // unit
            total += weight[t] * size * slots
    return total


@njit(cache=True, inline="always")
def fits(pm: Any, kind: Any, node: int) -> bool:
    """Whether a VM of a kind has room on a PM, on that NUMA node or, double-NUMA, on both."""
    if kind[s.NODES_USED] == 2:
        return bool(
            pm[0] >= kind[s.CPU]
            and pm[1] >= kind[s.CPU]
            and pm[s.FREE_MEMORY] >= kind[s.MEMORY]
            and pm[s.FREE_MEMORY + 1] >= kind[s.MEMORY]
        )
    return bool(pm[node] >= kind[s.CPU] and pm[s.FREE_MEMORY + node] >= kind[s.MEMORY])


@njit(cache=True, inline="always")
def usable_with(pm: Any, kind: Any, node: int, sign: int, fragment: Any, weight: Any) -> float:
    """:func:`usable` after a VM of a kind leaves (sign 1) or comes (sign -1)."""
    double = kind[s.NODES_USED] == 2
    change = sign * kind[s.CPU]
    free0 = pm[0] + (change if double or node == 0 else 0)
    free1 = pm[1] + (change if double or node == 1 else 0)
    return usable(free0, free1, fragment, weight)


@njit(cache=True)
def take(pm: Any, kind: Any, node: int, sign: int) -> None:
    """Change what is free on a PM when a VM of a kind comes (sign -1) or leaves (sign 1)."""
    for n in range(2):
        if kind[s.NODES_USED] == 2 or n == node:
            pm[n] += sign * kind[s.CPU]
            pm[s.FREE_MEMORY + n] += sign * kind[s.MEMORY]


@njit(cache=True)
def _count_holes(
    pm: Any, kinds: Any, fragment: Any, weight: Any, unit: int, sign: int, holes: Any, residues: Any
) -> None:
    """Add (sign 1) or take away a PM's part of the counts of places by kind, and of residues."""
    now = usable(pm[0], pm[1], fragment, weight)
    for k in range(len(kinds)):
        kind = kinds[k]
        double = kind[s.NODES_USED] == 2
        for node in range(1 if double else 2):
            if fits(pm, kind, node):
                holes[k, s.FITS] += sign
                if usable_with(pm, kind, node, -1, fragment, weight) == now:
                    holes[k, s.COSTLESS] += sign
                    exact = (pm[node] - kind[s.CPU]) % unit == 0
                    if exact and (not double or (pm[1] - kind[s.CPU]) % unit == 0):
                        holes[k, s.EXACT] += sign
    for node in range(2):
        residues[pm[node] % unit * s.RESIDUES // unit] += sign


@njit(cache=True)
def _describe(p: int, lists: Any, pm: Any, vm: Any, vm_world: Any, kinds: Any, fragment: Any, sums: Any) -> None:
    """Refresh what depends on who is on a PM: who stands for whom, the sums of the largest, loose cores."""
    sums[:] = 0
    count, unit = pm[s.COUNT], fragment[0, 0] // fragment[0, 1]
    for i in range(count):
        v = lists[i]
        kind, node = vm_world[v, s.KIND], vm[v, s.NODE]
        stands = True
        if vm_world[v, s.GROUP] < 0 and vm_world[v, s.MOVABLE]:
            for j in range(count):
                w = lists[j]
                if (
                    w < v and vm_world[w, s.KIND] == kind and vm[w, s.NODE] == node
                    and vm[w, s.MOVED] == vm[v, s.MOVED] and vm_world[w, s.GROUP] < 0 and vm_world[w, s.MOVABLE]
                ):  # fmt: skip
                    stands = False
                    break
        vm[v, s.STANDS] = stands
        # one as large as a fragment costs where it goes what it frees here
        if vm_world[v, s.MOVABLE] and kinds[kind, s.CPU] < unit:
            for n in range(2):
                if kinds[kind, s.NODES_USED] == 2 or n == node:
                    _insert(sums[n], kinds[kind, s.CPU])
    for n in range(2):
        for k in range(1, s.REMOVALS):
            sums[n, k] += sums[n, k - 1]
    loose = 0
    for t in range(len(fragment)):
        size, nodes = fragment[t, 0], fragment[t, 1]
        if size > 0:
            unit = size // nodes
            slots = pm[0] // unit + pm[1] // unit if nodes == 1 else min(pm[0], pm[1]) // unit
            loose += pm[0] + pm[1] - size * slots
    pm[s.LOOSE] = loose


@njit(cache=True)
def _insert(largest: Any, size: int) -> None:
    """Keep the largest sizes in descending order from entry 1 on."""
    for k in range(1, s.REMOVALS):
        if size > largest[k]:
            largest[k], size = size, largest[k]


@njit(cache=True)
def _shares_group(v: int, p: int, lists: Any, count: int, vm_world: Any) -> bool:
    group = vm_world[v, s.GROUP]
    if group < 0:
        return False
    for i in range(count):
        w = lists[p, i]
        if w != v and vm_world[w, s.GROUP] == group:
            return True
    return False


@njit(cache=True)
def is_place(v: int, p: int, node: int, vm: Any, vm_world: Any, pm: Any, lists: Any, kinds: Any) -> bool:
    """Whether VM v may move to that NUMA node of PM p (node 0 if it is double-NUMA)."""
    kind = kinds[vm_world[v, s.KIND]]
    if vm[v, s.HOST] == p and (vm[v, s.NODE] == node or kind[s.NODES_USED] == 2):
        return False
    return fits(pm[p], kind, node) and not _shares_group(v, p, lists, pm[p, s.COUNT], vm_world)


@njit(cache=True)
def _grouped_can_move(v: int, num_pms: int, vm: Any, vm_world: Any, pm: Any, lists: Any, kinds: Any) -> bool:
    for p in range(num_pms):
        for n in range(1 if kinds[vm_world[v, s.KIND], s.NODES_USED] == 2 else 2):
            if is_place(v, p, n, vm, vm_world, pm, lists, kinds):
                return True
    return False


@njit(cache=True)
def _offer_vms(
    offer: int,
    num_vms: int,
    num_pms: int,
    vm: Any,
    vm_world: Any,
    pm: Any,
    lists: Any,
    kinds: Any,
    holes: Any,
    legal: Any,
) -> int:
    """Mark the VMs that can be picked; returns how many."""
    offered = 0
    for v in range(num_vms):
        can = vm_world[v, s.MOVABLE] and holes[vm_world[v, s.KIND], s.FITS] > vm[v, s.ROOM_HERE]
        can = can and (offer < DISTINCT or vm[v, s.STANDS])
        can = can and (offer < ONCE or not vm[v, s.MOVED])
        can = can and (offer != FRAGMENTED or pm[vm[v, s.HOST], s.LOOSE] > 0)
        if can and vm_world[v, s.GROUP] >= 0:
            can = _grouped_can_move(v, num_pms, vm, vm_world, pm, lists, kinds)
        legal[v] = can
        offered += can
    return offered


@njit(cache=True)
def _offer_places(v: int, num_pms: int, vm: Any, vm_world: Any, pm: Any, lists: Any, kinds: Any, legal: Any) -> int:
    """Mark the places of a VM, ``legal`` ``[2 P]``; returns how many."""
    k, host, node = vm_world[v, s.KIND], vm[v, s.HOST], vm[v, s.NODE]
    cpu, memory, double = kinds[k, s.CPU], kinds[k, s.MEMORY], kinds[k, s.NODES_USED] == 2
    group, offered = vm_world[v, s.GROUP], 0
    for p in range(num_pms):
        fits0 = pm[p, 0] >= cpu and pm[p, s.FREE_MEMORY] >= memory
        fits1 = pm[p, 1] >= cpu and pm[p, s.FREE_MEMORY + 1] >= memory
        if double:
            fits0, fits1 = fits0 and fits1 and p != host, False
        elif p == host:
            fits0, fits1 = fits0 and node == 1, fits1 and node == 0
        if group >= 0 and (fits0 or fits1) and _shares_group(v, p, lists, pm[p, s.COUNT], vm_world):
            fits0 = fits1 = False
        legal[2 * p], legal[2 * p + 1] = fits0, fits1
        offered += fits0 + fits1
    return offered


@njit(cache=True)
def _offer(b: int, offer: int, world: Any, state: Any) -> None:
    """Write the mask of a row: VMs that can be picked, or places of the chosen one; after the end only to stop."""
    legal, row = state.legal[b], state.row[b]
    vms, num_vms, num_pms = state.vm.shape[1], world.row[b, s.NUM_VMS], world.row[b, s.NUM_PMS]
    legal[:] = False
    row[s.OFFERED] = 0
    if row[s.PHASE] == s.PICK_PLACE:
        row[s.OFFERED] = _offer_places(
            row[s.CHOSEN], num_pms, state.vm[b], world.vm[b], state.pm[b], state.lists[b], world.kind[b], legal[vms:]
        )
        return
    legal[len(legal) - 1] = True
    if not state.done[b]:
        row[s.OFFERED] = _offer_vms(
            offer, num_vms, num_pms, state.vm[b], world.vm[b], state.pm[b], state.lists[b], world.kind[b],
            state.holes[b], legal,
        )  # fmt: skip


@njit(cache=True)
def _refresh(b: int, p: int, world: Any, state: Any) -> None:
    """Count a changed PM again."""
    pm, lists, kinds = state.pm[b, p], state.lists[b, p], world.kind[b, : world.row[b, s.NUM_KINDS]]
    fragment, weight, unit = world.fragment[b], world.weight[b], world.row[b, s.UNIT]
    _count_holes(pm, kinds, fragment, weight, unit, 1, state.holes[b], state.residues[b])
    _describe(p, lists, pm, state.vm[b], world.vm[b], kinds, fragment, state.sums[b, p])
    state.row[b, s.FRAGMENTED] += pm[s.LOOSE] > 0
    slot = world.real[b, s.SLOT]
    now = usable(pm[0], pm[1], fragment, weight)
    for i in range(pm[s.COUNT]):
        v = lists[i]
        kind, vm = kinds[world.vm[b, v, s.KIND]], state.vm[b, v]
        node = vm[s.NODE]
        vm[s.ROOM_HERE] = fits(pm, kind, node)
        vm[s.COSTLESS_HERE] = vm[s.ROOM_HERE] and usable_with(pm, kind, node, -1, fragment, weight) == now
        gain = (usable_with(pm, kind, node, 1, fragment, weight) - now) / slot
        write_table(state.table[b, v], pm, world.capacity[b, p], kind, node, gain, unit, state.sums[b, p, node])


@njit(cache=True)
def _forget(b: int, p: int, world: Any, state: Any) -> None:
    """Take a PM out of the counts before it changes."""
    pm, kinds = state.pm[b, p], world.kind[b, : world.row[b, s.NUM_KINDS]]
    unit = world.row[b, s.UNIT]
    _count_holes(pm, kinds, world.fragment[b], world.weight[b], unit, -1, state.holes[b], state.residues[b])
    state.row[b, s.FRAGMENTED] -= pm[s.LOOSE] > 0


@njit(cache=True, nogil=True)
def start_rows(rows: Any, offer: int, world: Any, state: Any) -> None:
    """Put every VM of these rows where the instance has it."""
    for b in rows:
        vms, pms = world.row[b, s.NUM_VMS], world.row[b, s.NUM_PMS]
        state.row[b] = 0
        state.illegal[b] = False
        state.reward[b] = 0
        state.holes[b] = 0
        state.residues[b] = 0
        pm = state.pm[b]
        pm[:] = 0
        pm[:, : s.COUNT] = world.capacity[b]
        for v in range(vms):
            p, node = world.vm[b, v, s.FIRST_HOST], world.vm[b, v, s.FIRST_NODE]
            state.vm[b, v, s.HOST], state.vm[b, v, s.NODE], state.vm[b, v, s.MOVED] = p, node, 0
            take(pm[p], world.kind[b, world.vm[b, v, s.KIND]], node, -1)
            state.lists[b, p, pm[p, s.COUNT]] = v
            pm[p, s.COUNT] += 1
        total = 0.0
        for p in range(pms):
            _refresh(b, p, world, state)
            total += usable(pm[p, 0], pm[p, 1], world.fragment[b], world.weight[b])
        state.real[b, s.USABLE], state.real[b, s.LATE] = total, 0.0
        state.done[b] = reached(b, world, state)
        _offer(b, offer, world, state)
        if not state.row[b, s.OFFERED]:
            state.done[b] = True


@njit(cache=True)
def _move(b: int, v: int, p: int, node: int, world: Any, state: Any) -> None:
    """Move VM v; the caller knows that it is legal."""
    vm, pm, lists = state.vm[b, v], state.pm[b], state.lists[b]
    kind = world.kind[b, world.vm[b, v, s.KIND]]
    fragment, weight = world.fragment[b], world.weight[b]
    origin = vm[s.HOST]
    change = 0.0
    for place in range(2):
        q = origin if place == 0 else p
        if place == 1 and p == origin:
            continue
        change -= usable(pm[q, 0], pm[q, 1], fragment, weight)
        _forget(b, q, world, state)
    take(pm[origin], kind, vm[s.NODE], 1)
    take(pm[p], kind, node, -1)
    if p != origin:
        last = pm[origin, s.COUNT] - 1
        for i in range(last + 1):
            if lists[origin, i] == v:
                lists[origin, i] = lists[origin, last]
                break
        pm[origin, s.COUNT] = last
        lists[p, pm[p, s.COUNT]] = v
        pm[p, s.COUNT] += 1
    vm[s.HOST], vm[s.NODE], vm[s.MOVED] = p, node, 1
    for place in range(2):
        q = origin if place == 0 else p
        if place == 1 and p == origin:
            continue
        _refresh(b, q, world, state)
        change += usable(pm[q, 0], pm[q, 1], fragment, weight)
    state.real[b, s.USABLE] += change


@njit(cache=True)
def _step(b: int, action: int, offer: int, world: Any, state: Any) -> None:
    row, vms = state.row[b], state.vm.shape[1]
    row[s.STEPS] += 1
    before = cost(b, world, state)
    if action == state.legal.shape[1] - 1:
        state.done[b] = True
    elif row[s.PHASE] == s.PICK_VM:
        row[s.CHOSEN], row[s.PHASE] = action, s.PICK_PLACE
    else:
        v, p, node = row[s.CHOSEN], (action - vms) // 2, (action - vms) % 2
        _move(b, v, p, node, world, state)
        move = state.moves[b, row[s.MOVES]]
        move[0], move[1], move[2] = v, p, node
        row[s.MOVES] += 1
        row[s.PHASE] = s.PICK_VM
        state.done[b] = row[s.MOVES] == world.row[b, s.MNL] or reached(b, world, state)
    _offer(b, offer, world, state)
    if row[s.PHASE] == s.PICK_VM and not row[s.OFFERED]:
        state.done[b] = True
    state.reward[b] = before - cost(b, world, state)


@njit(cache=True, nogil=True)
def step_rows(action: Any, offer: int, world: Any, state: Any) -> tuple[int, int]:
    """Apply one action per row; returns the numbers of illegal actions and of rows that are done."""
    illegal, done = 0, 0
    for b in range(len(action)):
        a = action[b]
        state.reward[b] = 0.0
        state.illegal[b] = False
        if not state.done[b]:
            if a < 0 or a >= state.legal.shape[1] or not state.legal[b, a]:
                state.illegal[b] = True
                illegal += 1
            else:
                _step(b, a, offer, world, state)
        done += state.done[b]
    return illegal, done
