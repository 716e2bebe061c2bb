"""Independent check of a plan of migrations. Shares no code with the simulator, on purpose."""

from __future__ import annotations

import math

import numpy as np

from ..core.problem import CheckReport
from .config import VmConfig
from .instance import Fragment, VmInstance
from .solution import VmSolution

MAX_VIOLATIONS = 100
TOLERANCE = 1e-12  # of a goal: fragment rates are quotients
LATE_SECONDS = (5, 60, 600)


def check_plan(instance: VmInstance, solution: VmSolution, config: VmConfig) -> CheckReport:
    """Play a plan move by move, and recompute its objective and what else people read.

    A plan is right if it has at most ``terms.mnl`` moves and each of them, when its turn comes,

    - moves a VM that may be moved to a PM and a NUMA node that exist (node 0 for a double-NUMA VM) and that are not
      where it is: another node of its own PM will do, so a double-NUMA VM must leave its PM;
    - finds the cores and the memory that it needs on each node that it takes, once it has left where it was;
    - meets no VM of its anti-affinity group on that PM.

    A move that is wrong is told and not made; those after it are judged as if it were not there.

    The objective is the fragment rate after the plan, or after what is left of it when it is applied ``terms.delay``
    seconds late. Where the terms have a goal it is the number of moves of a plan, applied at once, that reaches the
    goal. Any other plan is worse than all of these: it gets ``terms.mnl`` and, rounded up, the room for VMs of the
    first fragment size that it still lacks, ``(rate - goal) * free cores / size``.

    The measures are ``moves``, ``initial_rate`` and ``free_cores`` (no move changes their number). With a
    goal there is ``rate``, that after the plan; where VMs come and go, ``rate_after_5s``, ``rate_after_60s`` and
    ``rate_after_600s`` tell what the plan comes to if it is so late, and ``dropped_after_600s`` the moves then lost.

    Args:
        instance: The cluster, and what is asked.
        solution: The plan.
        config: Not looked at: all that is asked is in the instance.
    """
    found = _misshapen(solution)
    cluster = _Cluster(instance)
    initial = cluster.rate()
    if not found:
        found = _violations(cluster, solution)
    if found:
        return CheckReport(False, math.nan, tuple(found[:MAX_VIOLATIONS]))
    rate, free = cluster.rate(), cluster.free_cores()
    measures = {"moves": float(len(solution)), "initial_rate": initial, "free_cores": float(free)}
    goal, delay = instance.terms.goal, instance.terms.delay
    if goal is not None:
        objective = _moves_to_goal(instance, len(solution), rate, goal, free)
        measures["rate"] = rate
    else:
        objective = _late(instance, solution, delay)[0] if delay > 0 else rate
    return CheckReport(True, objective, measures=measures | _late_measures(instance, solution))


def _misshapen(solution: VmSolution) -> list[str]:
    """What makes the arrays unreadable."""
    arrays = {"vm": solution.vm, "pm": solution.pm, "node": solution.node}
    for name, values in arrays.items():
        if values.ndim != 1:
            return [f"{name}: must be a list of numbers, not an array of shape {values.shape}"]
        if len(values) and not np.issubdtype(values.dtype, np.integer):
            return [f"{name}: must be whole numbers, not {values.dtype}"]
    lengths = [len(values) for values in arrays.values()]
    if len(set(lengths)) > 1:
        return ["vm, pm and node must be of one length, not {}, {} and {}".format(*lengths)]
    return []


def _violations(cluster: _Cluster, solution: VmSolution) -> list[str]:
    """Make the moves that are right; a sentence for each thing that is wrong with the others."""
    found = []
    mnl = cluster.instance.terms.mnl
    moves = solution.moves()
    if len(moves) > mnl:
        who = cluster.called(mnl, *moves[mnl])
        found.append(f"{who}: at most {mnl} moves may be made, the plan has {len(moves)}")
    for number, move in enumerate(moves):
        wrong = cluster.wrong(*move)
        found += [f"{cluster.called(number, *move)}: {what}" for what in wrong]
        if not wrong:
            cluster.move(*move)
        if len(found) >= MAX_VIOLATIONS:
            break
    return found


class _Cluster:
    """Where VMs are and what is free, in plain numbers, recomputed from capacities and VMs.

    Attributes:
        instance: The instance.
        free: Free cores of each node of each PM.
        memory: Free memory likewise, MB.
        host: The PM of each VM.
        node: Its NUMA node.
        members: VMs of each anti-affinity group.
    """

    def __init__(self, instance: VmInstance) -> None:
        self.instance = instance
        self.free: list[list[int]] = instance.capacity.tolist()
        self.memory: list[list[int]] = instance.memory_capacity.tolist()
        self.host: list[int] = instance.host.tolist()
        self.node: list[int] = instance.node.tolist()
        self._cpu: list[int] = instance.cpu.tolist()
        self._mb: list[int] = instance.memory.tolist()
        self._double: list[bool] = (instance.nodes == 2).tolist()
        self.members: dict[int, list[int]] = {}
        for vm, group in enumerate(instance.group.tolist()):
            if group >= 0:
                self.members.setdefault(group, []).append(vm)
        for vm in range(len(self.host)):
            self._take(vm, 1)

    def _taken(self, vm: int, node: int) -> tuple[int, ...]:
        """NUMA nodes that a VM takes if it is put on one."""
        return (0, 1) if self._double[vm] else (node,)

    def _take(self, vm: int, sign: int) -> None:
        pm = self.host[vm]
        for node in self._taken(vm, self.node[vm]):
            self.free[pm][node] -= sign * self._cpu[vm]
            self.memory[pm][node] -= sign * self._mb[vm]

    def move(self, vm: int, pm: int, node: int) -> None:
        """Move a VM."""
        self._take(vm, -1)
        self.host[vm], self.node[vm] = pm, node
        self._take(vm, 1)

    def leave(self, vm: int) -> None:
        """Take a VM away for good."""
        self._take(vm, -1)
        group = int(self.instance.group[vm])
        if group >= 0:
            self.members[group].remove(vm)

    def called(self, number: int, vm: int, pm: int, node: int) -> str:
        """How a move is called in a sentence; VMs and PMs that do not exist by their number."""
        names, places = self.instance.vm_names, self.instance.pm_names
        who = repr(names[vm]) if 0 <= vm < len(names) else str(vm)
        where = repr(places[pm]) if 0 <= pm < len(places) else str(pm)
        return f"move {number}, VM {who} to PM {where}, node {node}"

    def wrong(self, vm: int, pm: int, node: int) -> list[str]:
        """What is wrong with a move now."""
        wrong = []
        for what, index, count in (("VMs", vm, len(self.host)), ("PMs", pm, len(self.free)), ("nodes", node, 2)):
            if not 0 <= index < count:
                there = f"{what} are numbered 0..{count - 1}" if count else f"there are no {what}"
                wrong.append(f"{there}, not {index}")
        if wrong:
            return wrong
        if not self.instance.movable[vm]:
            wrong.append("the VM may not be moved")
        if self._double[vm] and node != 0:
            wrong.append("a VM that takes both NUMA nodes goes to node 0")
        if pm == self.host[vm] and (self._double[vm] or node == self.node[vm]):
            wrong.append("it is there already")
            return wrong
        return wrong + self._lacking(vm, pm, node) + self._enemies(vm, pm)

    def _lacking(self, vm: int, pm: int, node: int) -> list[str]:
        """Cores and memory that are not there. Wherever it goes, a VM leaves no room there: not where it is now."""
        found = []
        for part in self._taken(vm, node):
            for need, left, unit in (
                (self._cpu[vm], self.free[pm][part], "cores"),
                (self._mb[vm], self.memory[pm][part], "MB"),
            ):
                if need > left:
                    found.append(f"needs {need} {unit} on NUMA node {part}, {left} are free")
        return found

    def _enemies(self, vm: int, pm: int) -> list[str]:
        group = int(self.instance.group[vm])
        names = self.instance.vm_names
        return [
            f"VM {names[other]!r} of its anti-affinity group is there"
            for other in self.members.get(group, [])
            if other != vm and self.host[other] == pm
        ]

    def free_cores(self) -> int:
        """Free cores of all PMs."""
        return sum(map(sum, self.free))

    def rate(self) -> float:
        """The fragment rate now."""
        total = self.free_cores()
        if total == 0:
            return 0.0
        rate = 0.0
        for item in self.instance.terms.fragments:
            usable = item.size * sum(_slots(item, one, two) for one, two in self.free)
            rate += item.weight * (total - usable) / total
        return rate


def _slots(item: Fragment, one: int, two: int) -> int:
    """How many more VMs of a size fit into the free cores of a PM's two nodes."""
    if item.nodes == 1:
        return one // item.size + two // item.size
    half = item.size // 2
    return min(one // half, two // half)


def _moves_to_goal(instance: VmInstance, moves: int, rate: float, goal: float, free: int) -> float:
    """Moves if they reach the goal, else more than any plan that does."""
    if rate <= goal + TOLERANCE:
        return float(moves)
    slots = (rate - goal) * free / instance.terms.fragments[0].size
    # quotients that should be whole are a little off
    return float(instance.terms.mnl + max(math.ceil(slots - 1e-9), 1))


def _late_measures(instance: VmInstance, solution: VmSolution) -> dict[str, float]:
    if not len(instance.changes):
        return {}
    late = {seconds: _late(instance, solution, seconds) for seconds in LATE_SECONDS}
    return {
        **{f"rate_after_{seconds}s": rate for seconds, (rate, _) in late.items()},
        "dropped_after_600s": float(late[LATE_SECONDS[-1]][1]),
    }


def _late(instance: VmInstance, solution: VmSolution, seconds: float) -> tuple[float, int]:
    """The fragment rate, and the moves lost, where VMs come and go for some time before a plan is applied."""
    cluster, changes, gone, lost = _Cluster(instance), instance.changes, set(), 0
    for event, time in enumerate(changes.time.tolist()):
        if time > seconds:
            break
        vm = int(changes.leaves[event])
        if vm >= 0:
            cluster.leave(vm)
            gone.add(vm)
            continue
        parts = (0, 1) if changes.nodes[event] == 2 else (int(changes.node[event]),)
        for part in parts:
            cluster.free[changes.pm[event]][part] -= int(changes.cpu[event])
            cluster.memory[changes.pm[event]][part] -= int(changes.memory[event])
    for move in solution.moves():
        if move[0] in gone or cluster.wrong(*move):
            lost += 1
        else:
            cluster.move(*move)
    return cluster.rate(), lost
