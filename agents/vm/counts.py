"""What the aggregated model counts: VMs that can stand in for one another, what slots are worth, and where to look."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction as Rational

import numpy as np
from numpy.typing import NDArray

from ...envs.vm.instance import NODES, Fragment, VmInstance, Whole

MAX_DENOMINATOR, MAX_SCALE = 1000, 10_000
NEVER = 1 << 30


@dataclass(frozen=True)
class Classes:
    """Movable VMs that can stand in for one another.

    Attributes:
        cpu: Cores on each NUMA node used, int64 ``[C]``.
        memory: MB likewise, int64 ``[C]``.
        nodes: 1 or 2 NUMA nodes, int64 ``[C]``.
        group: Anti-affinity group, int64 ``[C]``; -1 for none.
        of_vm: The class of each VM, int64 ``[V]``; -1 for VMs that stay where they are.
    """

    cpu: Whole
    memory: Whole
    nodes: Whole
    group: Whole
    of_vm: Whole

    def __len__(self) -> int:
        return len(self.cpu)

    @classmethod
    def of(cls, instance: VmInstance, moving: NDArray[np.bool_], groups: bool) -> Classes:
        """The classes of some VMs.

        Args:
            instance: The cluster.
            moving: Which VMs may be moved, bool ``[V]``.
            groups: Whether anti-affinity groups tell VMs apart; where not, they are ignored.
        """
        group = np.full(instance.num_vms, -1, np.int64)
        if groups and instance.num_vms:
            size = np.bincount(instance.group + 1)
            group = np.where(size[instance.group + 1] > 1, instance.group, -1)  # one alone keeps off nobody
        table = np.stack([instance.cpu, instance.memory, instance.nodes, group], axis=1)
        kinds, index = np.unique(table[moving], axis=0, return_inverse=True)
        of_vm = np.full(instance.num_vms, -1, np.int64)
        of_vm[moving] = index.reshape(-1)
        cpu, memory, nodes, groups_of = (kinds[:, column].copy() for column in range(4))
        return cls(cpu, memory, nodes, groups_of, of_vm)

    def count(self, host: Whole, node: Whole, pms: int) -> Whole:
        """VMs of each class at each place, int64 ``[C, P, 2]``; those with two NUMA nodes count for node 0."""
        count = np.zeros((len(self), pms, NODES), np.int64)
        known = self.of_vm >= 0
        np.add.at(count, (self.of_vm[known], host[known], node[known]), 1)
        return count


@dataclass(frozen=True)
class Worth:
    """The objective in whole numbers: ``sum gain slots`` is ``sum weight size slots`` in units.

    Attributes:
        gain: Of a slot of each fragment size.
        sizes: The sizes.
        unit: Cores that one is worth.
        step: All values are multiples of it.
        weights: Sum of the weights.
        free: Free cores of the cluster, F.
    """

    gain: tuple[int, ...]
    sizes: tuple[int, ...]
    unit: float
    step: int
    weights: float
    free: int

    @classmethod
    def of(cls, fragments: tuple[Fragment, ...], free: int) -> Worth:
        """Weights become fractions with a small denominator, rounded up, so that bounds remain bounds."""
        largest = max(item.weight for item in fragments)
        ratios = [item.weight / largest for item in fragments]
        scale = math.lcm(*(Rational(ratio).limit_denominator(MAX_DENOMINATOR).denominator for ratio in ratios))
        if scale > MAX_SCALE or any(abs(round(ratio * scale) - ratio * scale) > 1e-9 for ratio in ratios):
            scale = MAX_SCALE
        sizes = tuple(item.size for item in fragments)
        gain = tuple(math.ceil(ratio * scale - 1e-9) * size for ratio, size in zip(ratios, sizes, strict=True))
        return cls(gain, sizes, largest / scale, math.gcd(*gain), sum(item.weight for item in fragments), free)

    def rate(self, value: float) -> float:
        """The fragment rate with slots worth that much."""
        return self.weights - self.unit * value / self.free

    def needed(self, goal: float) -> int:
        """The least value with which a fragment rate is reached."""
        # a rate that equals the goal up to the rounding of its division has reached it
        least = (self.weights - goal) * self.free / self.unit
        return max(0, math.ceil((least - 1e-9 * max(1.0, abs(least))) / self.step) * self.step)

    @property
    def most(self) -> int:
        """No value is larger: all free cores in one place."""
        return sum(gain * (self.free // size) for gain, size in zip(self.gain, self.sizes, strict=True))

    def whole(self, bound: float) -> int:
        """The largest value that is possible below a solver's upper bound, infinite if it has none."""
        if bound >= self.most:
            return self.most
        return math.floor((bound + 1e-6 * max(1.0, abs(bound))) / self.step) * self.step


def fragmented_pms(instance: VmInstance) -> Whole:
    """The PMs with free cores of no use, and others on which a slot is freed by few moves, int64 ``[Q]``.

    Of the others, those come first that need the fewest moves, as many as twice the moves allowed could free. The
    optimum over these PMs was that over all of them on the smaller real cluster at 10, 25, 50, 75 and 100 moves, and on
    the larger one at 50 and 100, where 104 of 279 and 565 of 1176 PMs are left out. Without the others the fragment
    rate of the smaller one ends .012, .023 and .069 higher at 50, 75 and 100 moves.
    """
    free = instance.free()
    wasted = np.zeros(instance.num_pms, np.bool_)
    effort = np.full(instance.num_pms, NEVER)
    for item in instance.terms.fragments:
        wasted |= free.sum(axis=1) > item.size * item.slots(free)
        effort = np.minimum(effort, _moves_to_free(instance, item.size // item.nodes))
    others = np.flatnonzero(~wasted & (effort < NEVER))
    others = others[np.argsort(effort[others], kind="stable")]
    others = others[np.cumsum(effort[others]) <= 2 * instance.terms.mnl]
    return np.union1d(np.flatnonzero(wasted), others)


def _moves_to_free(instance: VmInstance, cores: int) -> Whole:
    """The fewest VMs below a size that must leave a NUMA node for one more VM of that size, the best node, ``[P]``."""
    classes = Classes.of(instance, instance.movable, groups=False)
    count = classes.count(instance.host, instance.node, instance.num_pms)
    lacking = cores - instance.free() % cores
    moves = np.zeros_like(lacking)
    for kind in np.argsort(-classes.cpu, kind="stable"):
        cpu = int(classes.cpu[kind])
        if cpu < cores:
            here = count[kind] if classes.nodes[kind] == 1 else count[kind][:, :1]
            leave = np.minimum(here, np.maximum(-(-lacking // cpu), 0))
            moves, lacking = moves + leave, lacking - leave * cpu
    fewest: Whole = np.where(lacking <= 0, moves, NEVER).min(axis=1)
    return fewest
