"""A cluster whose virtual machines (VMs) may be moved between physical machines (PMs), and what is asked of a plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

NODES = 2  # NUMA nodes of a PM
MAX_CORES = 1 << 20
MAX_MEMORY = 1 << 40
MAX_DELAY = 86_400.0  # a day

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Fragment:
    """A size of VM for which free cores should be kept together.

    Attributes:
        size: Cores, X of FR_X.
        nodes: 1 where such a VM takes all its cores from one NUMA node, 2 where it takes half from each.
        weight: Weight in the objective.

    Raises:
        ValueError: A number is out of range, or the cores cannot be halved.
    """

    size: int
    nodes: int = 1
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MAX_CORES or self.nodes not in (1, NODES) or self.size % self.nodes:
            raise ValueError(f"a fragment of {self.size} cores on {self.nodes} NUMA nodes does not exist")
        if not 0 < self.weight < 1e6:
            raise ValueError(f"the weight of FR{self.size} must be positive, got {self.weight!r}")

    def slots(self, free: Whole) -> Whole:
        """How many more VMs of that size fit by their cores, ``[...]``, into free cores ``[..., 2]``."""
        count = free // (self.size // self.nodes)
        fitting: Whole = count.sum(axis=-1) if self.nodes == 1 else count.min(axis=-1)
        return fitting


@dataclass(frozen=True)
class Terms:
    """What is asked of a plan.

    Attributes:
        mnl: Migration number limit: the largest number of moves.
        fragments: What the fragment rate counts.
        goal: Fragment rate at which a plan may end; ``None`` for as low as possible.
        delay: Seconds after which a plan is applied, while VMs come and go.

    Raises:
        ValueError: A number is out of range.
    """

    mnl: int = 50
    fragments: tuple[Fragment, ...] = (Fragment(16),)
    goal: float | None = None
    delay: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.mnl <= 100_000:
            raise ValueError(f"mnl must lie in 1..100000, got {self.mnl!r}")
        if not 1 <= len(self.fragments) <= 8:
            raise ValueError(f"the fragment rate counts 1 to 8 sizes, got {len(self.fragments)}")
        if self.goal is not None and not 0 <= self.goal < 1e9:
            raise ValueError(f"goal must be a fragment rate from 0, got {self.goal!r}")
        if not 0 <= self.delay <= MAX_DELAY:
            raise ValueError(f"delay must lie in 0..{MAX_DELAY:g} seconds, got {self.delay!r}")


@dataclass(frozen=True, eq=False)
class Changes:
    """VMs that come and go while a plan is computed, in the order of time; where they go is a fact as well.

    Those that come and leave again are not in it at all.

    Attributes:
        time: Seconds, float64 ``[E]``, ascending.
        leaves: The VM that leaves, int64 ``[E]``; -1 where one comes.
        pm: Where a VM comes to, int64 ``[E]``; -1 where one leaves.
        node: Its NUMA node, 0 where it takes both.
        cpu: Its cores on each of its nodes, int64 ``[E]``.
        memory: Likewise, MB.
        nodes: 1 or 2 NUMA nodes, int64 ``[E]``.
    """

    time: NDArray[np.float64]
    leaves: Whole
    pm: Whole
    node: Whole
    cpu: Whole
    memory: Whole
    nodes: Whole

    @classmethod
    def none(cls) -> Changes:
        """Nothing happens."""
        return cls(np.zeros(0), *(np.zeros(0, np.int64) for _ in range(6)))

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, eq=False)
class VmInstance:
    """A cluster, where its VMs are, and what is asked.

    A VM takes ``cpu`` cores and ``memory`` MB from one NUMA node of its PM, or that much from both ("double-NUMA").

    Attributes:
        name: Under which results are reported.
        pm_names: P names.
        capacity: Cores of each node, int64 ``[P, 2]``.
        memory_capacity: Memory of each node, MB, int64 ``[P, 2]``.
        vm_names: V names.
        flavour: Name of each VM's type.
        cpu: Cores on each of its nodes, int64 ``[V]``.
        memory: MB on each of its nodes, int64 ``[V]``.
        nodes: 1 or 2 NUMA nodes, int64 ``[V]``.
        host: The PM of each VM, int64 ``[V]``.
        node: Its NUMA node, int64 ``[V]``; 0 for double-NUMA VMs.
        movable: Which VMs may be moved, bool ``[V]``.
        group: Anti-affinity group, int64 ``[V]``, from 0, -1 for none: VMs of a group never share a PM.
        rack: Rack of each PM, int64 ``[P]``.
        terms: What is asked of a plan.
        changes: What happens while it is computed.

    Raises:
        ValueError: The numbers do not describe a cluster; the message names the VM or PM.
    """

    name: str
    pm_names: tuple[str, ...]
    capacity: Whole
    memory_capacity: Whole
    vm_names: tuple[str, ...]
    flavour: tuple[str, ...]
    cpu: Whole
    memory: Whole
    nodes: Whole
    host: Whole
    node: Whole
    movable: NDArray[np.bool_]
    group: Whole
    rack: Whole
    terms: Terms = Terms()
    changes: Changes = field(default_factory=Changes.none)

    def __post_init__(self) -> None:
        self._check_shapes()
        self._check_vms()
        self._check_room()
        self._check_groups()
        for array in (
            self.capacity, self.memory_capacity, self.cpu, self.memory, self.nodes, self.host, self.node, self.movable,
            self.group, self.rack,
        ):  # fmt: skip
            array.flags.writeable = False

    def _check_shapes(self) -> None:
        pms, vms = len(self.pm_names), len(self.vm_names)
        if pms == 0:
            raise ValueError(f"{self.name}: a cluster needs a PM")
        shapes = {"capacity": (pms, NODES), "memory_capacity": (pms, NODES), "rack": (pms,)}
        per_vm = ("cpu", "memory", "nodes", "host", "node", "movable", "group")
        for name, shape in {**shapes, **dict.fromkeys(per_vm, (vms,))}.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{self.name}: {name} must have the shape {shape}, got {getattr(self, name).shape}")
        if len(self.flavour) != vms:
            raise ValueError(f"{self.name}: {len(self.flavour)} flavours for {vms} VMs")
        for what, names in (("PM", self.pm_names), ("VM", self.vm_names)):
            if len(set(names)) < len(names):
                twice = next(name for index, name in enumerate(names) if name in names[:index])
                raise ValueError(f"{self.name}: two {what}s are called {twice!r}")
        for limit, array in ((MAX_CORES, self.capacity), (MAX_MEMORY, self.memory_capacity)):
            for pm in np.flatnonzero(((array < 0) | (array > limit)).any(axis=1))[:1]:
                raise ValueError(f"{self.name}: PM {self.pm_names[pm]!r} has a capacity outside 0..{limit}")

    def _check_vms(self) -> None:
        wrong = {
            "needs cores, from 1": (self.cpu < 1) | (self.cpu > MAX_CORES),
            "has a memory out of range": (self.memory < 0) | (self.memory > MAX_MEMORY),
            "must use 1 or 2 NUMA nodes": (self.nodes < 1) | (self.nodes > NODES),
            "is on a PM that does not exist": (self.host < 0) | (self.host >= len(self.pm_names)),
            "is on a NUMA node that does not exist": (self.node < 0) | (self.node >= NODES),
            "uses both NUMA nodes, so its node must be 0": (self.nodes == NODES) & (self.node != 0),
        }
        for what, where in wrong.items():
            for vm in np.flatnonzero(where)[:1]:
                raise ValueError(f"{self.name}: VM {self.vm_names[vm]!r} {what}")

    def _check_room(self) -> None:
        free, free_memory = self.free(), self.free_memory()
        for what, left, total in (
            ("cores", free, self.capacity),
            ("MB", free_memory, self.memory_capacity),
        ):
            for pm, node in np.argwhere(left < 0)[:1]:
                used, size = total[pm, node] - left[pm, node], total[pm, node]
                demand = self.cpu if what == "cores" else self.memory
                here = (self.host == pm) & ((self.node == node) | (self.nodes == NODES))
                for vm in np.flatnonzero(here & (demand > size))[:1]:
                    raise ValueError(
                        f"{self.name}: VM {self.vm_names[vm]!r} needs {demand[vm]} {what} of a NUMA node, its PM "
                        f"{self.pm_names[pm]!r} has {size}"
                    )
                raise ValueError(
                    f"{self.name}: PM {self.pm_names[pm]!r} is overfull: VMs on its NUMA node {node} use {used} of "
                    f"{size} {what}"
                )

    def _check_groups(self) -> None:
        members = np.flatnonzero(self.group >= 0)
        seen: dict[tuple[int, int], int] = {}
        for vm in members.tolist():
            key = int(self.group[vm]), int(self.host[vm])
            if key in seen:
                raise ValueError(
                    f"{self.name}: VMs {self.vm_names[seen[key]]!r} and {self.vm_names[vm]!r} of one anti-affinity "
                    f"group share the PM {self.pm_names[key[1]]!r}"
                )
            seen[key] = vm

    @property
    def num_pms(self) -> int:
        """P."""
        return len(self.pm_names)

    @property
    def num_vms(self) -> int:
        """V."""
        return len(self.vm_names)

    def free(self) -> Whole:
        """Free cores of each node at the start, int64 ``[P, 2]``."""
        return self.capacity - self._used(self.cpu)

    def free_memory(self) -> Whole:
        """Free memory of each node at the start, MB, int64 ``[P, 2]``."""
        return self.memory_capacity - self._used(self.memory)

    def _used(self, demand: Whole) -> Whole:
        used = np.zeros((self.num_pms, NODES), np.int64)
        np.add.at(used, (self.host, self.node), demand)
        double = self.nodes == NODES
        np.add.at(used, (self.host[double], 1), demand[double])
        return used

    def fragment_rate(self) -> float:
        """The fragment rate at the start, FR0."""
        return fragment_rate(self.free(), self.terms.fragments)

    def with_terms(self, terms: Terms) -> VmInstance:
        """The same cluster with other terms."""
        return replace(self, terms=terms)

    def __repr__(self) -> str:
        return f"VmInstance({self.name!r}, {self.num_vms} VMs on {self.num_pms} PMs, {self.terms.mnl} moves)"


def fragment_rate(free: Whole, fragments: tuple[Fragment, ...]) -> float:
    """Share of the free cores that VMs of the given sizes cannot use, weighted; 0 where nothing is free.

    ``sum_t w_t (F - X_t S_t) / F``: F free cores, room for S_t further VMs of X_t cores ([code] of VMR2L, 2022).

    Args:
        free: Free cores of each node, int64 ``[P, 2]``.
        fragments: The sizes.
    """
    total = int(free.sum())
    if total == 0:
        return 0.0
    return sum(item.weight * (total - item.size * int(item.slots(free).sum())) / total for item in fragments)
