"""Moves one after another, each legal when it is made, that bring VMs to where a model wants them."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ...envs.vm.instance import NODES, VmInstance, Whole
from ...envs.vm.solution import VmSolution
from .counts import Classes

TRIES = 16
TOLERANCE = 1e-12  # of a goal: fragment rates are quotients
Place = tuple[int, int]  # PM and NUMA node
Move = tuple[int, int, int]  # VM and where it goes


@dataclass(frozen=True)
class Executed:
    """A sequence of moves.

    Attributes:
        solution: The moves, up to the best fragment rate on the way, or to the goal of the terms.
        rate: The fragment rate after them.
        complete: Whether all that was wanted can be done.
    """

    solution: VmSolution
    rate: float
    complete: bool


class Cluster:
    """Where VMs are while they are moved.

    Attributes:
        free: Free cores by PM and NUMA node, lists of two.
        memory: Free MB likewise.
        host: PM of each VM.
        node: Its NUMA node.
        rates: Fragment rate at first and after each move.
        moves: Moves made.
    """

    def __init__(self, instance: VmInstance) -> None:
        self.instance = instance
        self.free: list[list[int]] = instance.free().tolist()
        self.memory: list[list[int]] = instance.free_memory().tolist()
        self.host: list[int] = instance.host.tolist()
        self.node: list[int] = instance.node.tolist()
        self.moves: list[Move] = []
        self._cpu, self._ram, self._double = instance.cpu.tolist(), instance.memory.tolist(), instance.nodes == NODES
        self._group: list[int] = instance.group.tolist()
        self._members = {(group, pm) for group, pm in zip(self._group, self.host, strict=True) if group >= 0}
        self._total = int(instance.free().sum())
        self._slots = [int(item.slots(instance.free()).sum()) for item in instance.terms.fragments]
        self.rates = [self._rate()]

    def legal(self, vm: int, place: Place) -> bool:
        """Whether a VM can go there now."""
        pm, node = place
        if pm == self.host[vm] and (node == self.node[vm] or self._double[vm]):
            return False
        group = self._group[vm]
        if group >= 0 and pm != self.host[vm] and (group, pm) in self._members:
            return False
        cpu, ram, span = self._cpu[vm], self._ram[vm], self._span(vm, node)
        return all(self.free[pm][k] >= cpu and self.memory[pm][k] >= ram for k in span)

    def move(self, vm: int, place: Place) -> None:
        """Move a VM to where it can go."""
        pm, node = place
        old, group = self.host[vm], self._group[vm]
        touched = {old, pm}
        before = self._slots_on(touched)
        for where, span, sign in ((old, self._span(vm, self.node[vm]), 1), (pm, self._span(vm, node), -1)):
            for k in span:
                self.free[where][k] += sign * self._cpu[vm]
                self.memory[where][k] += sign * self._ram[vm]
        if group >= 0:
            self._members.discard((group, old))
            self._members.add((group, pm))
        self.host[vm], self.node[vm] = pm, node
        after = self._slots_on(touched)
        self._slots = [count + b - a for count, a, b in zip(self._slots, before, after, strict=True)]
        self.moves.append((vm, pm, node))
        self.rates.append(self._rate())

    def best(self, complete: bool) -> Executed:
        """The moves up to the goal, or to the lowest fragment rate."""
        goal = self.instance.terms.goal
        length = int(np.argmin(self.rates))
        if goal is not None and self.rates[length] <= goal + TOLERANCE:
            length = next(index for index, rate in enumerate(self.rates) if rate <= goal + TOLERANCE)
        return Executed(VmSolution.of(self.moves[:length]), self.rates[length], complete)

    def _span(self, vm: int, node: int) -> Iterable[int]:
        return range(NODES) if self._double[vm] else (node,)

    def _slots_on(self, pms: Iterable[int]) -> list[int]:
        free = np.array([self.free[pm] for pm in pms], np.int64)
        return [int(item.slots(free).sum()) for item in self.instance.terms.fragments]

    def _rate(self) -> float:
        if self._total == 0:
            return 0.0
        pairs = zip(self.instance.terms.fragments, self._slots, strict=True)
        return sum(item.weight * (self._total - item.size * slots) / self._total for item, slots in pairs)


class _Errand:
    """What is left to do, and doing it.

    Args:
        cluster: Where VMs are.
        classes: VMs that can stand in for one another.
        change: VMs of each class that come to each place, less those that leave it, int64 ``[C, P, 2]``.
        rng: Shuffles the order in which moves are tried; ``None`` leaves it.
    """

    def __init__(self, cluster: Cluster, classes: Classes, change: Whole, rng: np.random.Generator | None) -> None:
        self.cluster, self._classes = cluster, classes
        self._sources: dict[int, Counter[Place]] = {}
        self._sinks: dict[int, Counter[Place]] = {}
        entries = np.argwhere(change)
        if rng is not None:
            rng.shuffle(entries)
        for kind, pm, node in entries.tolist():
            count = int(change[kind, pm, node])
            side = self._sinks if count > 0 else self._sources
            side.setdefault(kind, Counter())[pm, node] = abs(count)
        self._vms: dict[tuple[int, Place], list[int]] = {}
        wanted = np.isin(classes.of_vm, list(self._sources))
        for vm in np.flatnonzero(wanted).tolist():
            place = cluster.host[vm], cluster.node[vm]
            self._vms.setdefault((int(classes.of_vm[vm]), place), []).append(vm)

    @property
    def left(self) -> int:
        """Moves that are wanted and not made."""
        return sum(sinks.total() for sinks in self._sinks.values())

    def run(self, mnl: int) -> bool:
        """Make moves until all is done or no way on is found; whether all is done."""
        while self._round() or (self._spare(mnl) and self._detour()):
            pass
        return self.left == 0

    def _spare(self, mnl: int) -> bool:
        return 0 < self.left < mnl - len(self.cluster.moves)

    def _round(self) -> bool:
        """Make each wanted move that is legal when its turn comes; whether there was any."""
        before = len(self.cluster.moves)
        for kind, sinks in self._sinks.items():
            for sink in [place for place, count in sinks.items() for _ in range(count)]:
                found = next((pair for pair in self._candidates(kind) if self.cluster.legal(pair[0], sink)), None)
                if found is not None:
                    self._carry(kind, found[0], found[1], sink)
                    sinks[sink] -= 1
                    self._sources[kind][found[1]] -= 1
        return len(self.cluster.moves) > before

    def _candidates(self, kind: int) -> Iterator[tuple[int, Place]]:
        """VMs of a class that are where too many of them are, those first whose places others wait for."""
        waited = {place for sinks in self._sinks.values() for place, count in sinks.items() if count > 0}
        places = [place for place, count in self._sources[kind].items() if count > 0]
        for place in sorted(places, key=lambda place: place not in waited):
            for vm in self._vms[kind, place]:
                yield vm, place

    def _carry(self, kind: int, vm: int, source: Place, target: Place) -> None:
        self.cluster.move(vm, target)
        self._vms[kind, source].remove(vm)
        self._vms.setdefault((kind, target), []).append(vm)

    def _detour(self) -> bool:
        """Send a VM that is in the way of another to some place from which it goes on later."""
        free, memory = np.array(self.cluster.free), np.array(self.cluster.memory)
        for kind, sources in self._sources.items():
            cpu, ram = int(self._classes.cpu[kind]), int(self._classes.memory[kind])
            double = self._classes.nodes[kind] == NODES
            for source in [place for place, count in sources.items() if count > 0]:
                if not self._frees(source, cpu, ram, bool(double)):
                    continue
                fits = (free >= cpu) & (memory >= ram)
                fits = np.stack([fits.all(axis=1), np.zeros(len(fits), np.bool_)], axis=1) if double else fits
                places = np.argwhere(fits)
                # where the most is free it is least in the way
                order = np.argsort(-free[places[:, 0], places[:, 1]], kind="stable")
                for pm, node in places[order].tolist():
                    for vm in self._vms[kind, source]:
                        if pm != source[0] and self.cluster.legal(vm, (pm, node)):
                            self._carry(kind, vm, source, (pm, node))
                            sources[source] -= 1
                            sources[pm, node] += 1
                            return True
        return False

    def _frees(self, source: Place, cpu: int, ram: int, double: bool) -> bool:
        """Whether a VM that waits could come to a place, or next to it, if one of some size left."""
        pm = source[0]
        free, memory = list(self.cluster.free[pm]), list(self.cluster.memory[pm])
        for k in range(NODES) if double else (source[1],):
            free[k] += cpu
            memory[k] += ram
        for kind, sinks in self._sinks.items():
            for node in (node for node in range(NODES) if sinks[pm, node] > 0):
                span = range(NODES) if self._classes.nodes[kind] == NODES else (node,)
                need, need_memory = self._classes.cpu[kind], self._classes.memory[kind]
                if all(free[k] >= need and memory[k] >= need_memory for k in span):
                    return True
        return False


def execute(instance: VmInstance, classes: Classes, change: Whole, mnl: int, until: float = math.inf) -> Executed:
    """Moves that change the counts of VMs as wanted, or as far as they can.

    Moves are made in rounds as they become legal. Where VMs stand in each other's way, one goes by way of another place
    if moves remain. If that does not help either, other orders are tried, and the best sequence found is kept.

    Args:
        instance: The cluster.
        classes: VMs that can stand in for one another; anti-affinity is heeded whether they tell groups apart or not.
        change: VMs of each class that come to each place, less those that leave it, int64 ``[C, P, 2]``.
        mnl: Largest number of moves; no fewer than come in ``change``.
        until: When to try no more orders, by ``time.perf_counter``.
    """
    found: list[Executed] = []
    for attempt in range(TRIES):
        rng = np.random.default_rng(attempt) if attempt else None
        errand = _Errand(Cluster(instance), classes, change, rng)
        complete = errand.run(mnl)
        found.append(errand.cluster.best(complete))
        if complete or time.perf_counter() > until:
            break
    return min(found, key=lambda item: (item.rate, len(item.solution)))


def replay(instance: VmInstance, solution: VmSolution) -> Executed:
    """A plan as it is, up to the first move that is not legal."""
    cluster = Cluster(instance)
    for vm, pm, node in solution.moves():
        if not instance.movable[vm] or len(cluster.moves) == instance.terms.mnl or not cluster.legal(vm, (pm, node)):
            return cluster.best(complete=False)
        cluster.move(vm, (pm, node))
    return cluster.best(complete=True)
