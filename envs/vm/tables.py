"""What the simulator needs of an instance, computed once for each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .instance import VmInstance, Whole


@dataclass(frozen=True, eq=False)
class Tables:
    """Derived facts of an instance.

    Attributes:
        kinds: Cores and MB on each NUMA node, and nodes, of every kind of VM, int64 ``[K, 3]``.
        kind: The kind of each VM, int64 ``[V]``.
        hosts: Which PM holds which kind at the start, int64 ``[2, pairs]``.
        unit: Cores that a fragment of the first size takes from one NUMA node.
        most: VMs that a PM could hold at once, at most.
    """

    kinds: Whole
    kind: Whole
    hosts: Whole
    unit: int
    most: int


@lru_cache(maxsize=128)
def tables_of(instance: VmInstance) -> Tables:
    """The tables of an instance."""
    demand = np.stack([instance.cpu, instance.memory, instance.nodes], axis=1)
    kinds, kind = np.unique(demand, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    hosts = np.unique(np.stack([instance.host, kind]), axis=1)
    first = instance.terms.fragments[0]
    least = int((instance.cpu * instance.nodes).min()) if instance.num_vms else 1
    most = min(int(instance.capacity.sum(axis=1).max()) // least, instance.num_vms) if instance.num_vms else 1
    return Tables(kinds, kind, hosts, first.size // first.nodes, max(most, 1))
