"""VM rescheduling: a batch of clusters in which VMs are moved one by one, each move two picks.

The first pick takes a VM, or stops; the second takes the NUMA node it goes to. Moves happen at once. A move changes two
PMs, so everything is kept up to date by looking at those: what is free, where each kind of VM fits, and the features of
the VMs there. The loops are in :mod:`.kernels`, what the arrays mean in :mod:`.state`.

The reward of a step is the fall of the objective, so the rewards of an episode sum to what it is at the start minus
what it is in the end. With a delay the last step also pays for what that costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.graph import GraphState
from ..core.simulator import Simulator
from . import kernels, objective
from . import state as s
from .config import OFFERS
from .features import TABLE_COLUMNS
from .instance import VmInstance
from .late import apply_late
from .observe import VmObserver, observe_rows
from .solution import VmSolution
from .tables import Tables, tables_of

Sizes = tuple[int, int, int, int, int, int]
SIZE_NAMES = ("PMs", "VMs", "kinds of VMs", "VMs on one PM", "moves", "fragment sizes")


def sizes_of(instances: Sequence[VmInstance]) -> Sizes:
    """The sizes of a simulator just large enough for these instances."""
    rows = [_sizes(instance, tables_of(instance)) for instance in instances]
    pms, vms, kinds, most, moves, fragments = (max(column) for column in zip(*rows, strict=True))
    return pms, vms, kinds, most, moves, fragments


def _sizes(instance: VmInstance, tables: Tables) -> Sizes:
    terms = instance.terms
    return (
        instance.num_pms, max(instance.num_vms, 1), max(len(tables.kinds), 1), tables.most, terms.mnl,
        len(terms.fragments),
    )  # fmt: skip


class VmSimulator(Simulator[VmInstance, VmSolution]):
    """B clusters side by side; with V VMs and P PMs, action v picks VM v, V + 2 p + n node n of PM p, the last stops.

    The arrays below are public views: rules and search read them.

    Args:
        sizes: Largest numbers of PMs, VMs, kinds of VMs, VMs on one PM, moves and fragment sizes.
        batch_size: B.
        offer: Which VMs can be picked, one of ``OFFERS``.
        show_all: Whether observations show all VMs and NUMA nodes, not only the legal choices.

    Attributes:
        world: What instances fix.
        state: What changes.
        chosen: The VM that was picked and has no place yet, int64 ``[B]``; -1 where the next pick is a VM.
    """

    def __init__(self, sizes: Sizes, batch_size: int, offer: str = "every", show_all: bool = False) -> None:
        self.arguments = (sizes, batch_size, offer, show_all)
        self.batch_size, self.sizes = batch_size, sizes
        pms, vms, kinds, most, moves, fragments = sizes
        b = batch_size
        self._offer, self._show_all = OFFERS.index(offer), show_all
        self.instances: list[VmInstance | None] = [None] * b
        self.scale = np.ones(b)
        self.world = s.World(
            kind=np.zeros((b, kinds, 3), np.int64),
            vm=np.zeros((b, vms, 5), np.int32),
            capacity=np.zeros((b, pms, 4), np.int64),
            fragment=np.zeros((b, fragments, 2), np.int64),
            weight=np.zeros((b, fragments)),
            row=np.ones((b, s.WORLD_COLUMNS), np.int64),
            real=np.zeros((b, 5)),
        )
        self.state = s.State(
            vm=np.zeros((b, vms, s.VM_COLUMNS), np.int32),
            pm=np.zeros((b, pms, s.PM_COLUMNS), np.int64),
            lists=np.zeros((b, pms, most), np.int32),
            sums=np.zeros((b, pms, 2, s.REMOVALS), np.int32),
            holes=np.zeros((b, kinds, 3), np.int64),
            residues=np.zeros((b, s.RESIDUES), np.int64),
            table=np.zeros((b, vms, TABLE_COLUMNS), np.float32),
            moves=np.zeros((b, moves, 3), np.int32),
            row=np.zeros((b, s.ROW_COLUMNS), np.int64),
            real=np.zeros((b, 2)),
            legal=np.zeros((b, vms + 2 * pms + 1), np.bool_),
            done=np.ones(b, np.bool_),
            illegal=np.zeros(b, np.bool_),
            reward=np.zeros(b),
        )
        self.action_mask, self.done, self.illegal = self.state.legal, self.state.done, self.state.illegal
        self.steps = self.state.row[:, s.STEPS]
        self.action_mask[:, -1] = True
        self.illegal_count, self.done_count = 0, b
        self._observer = VmObserver(b, pms, vms, kinds)
        self.spec = self._observer.spec
        self._all_rows = np.arange(b)

    @property
    def chosen(self) -> NDArray[np.int64]:
        """The VM that was picked and has no place yet, int64 ``[B]``; -1 where the next pick is a VM."""
        return np.where(self.state.row[:, s.PHASE] == s.PICK_PLACE, self.state.row[:, s.CHOSEN], -1)

    def _load(self, row: int, instance: VmInstance) -> None:
        tables = tables_of(instance)
        for limit, size, what in zip(self.sizes, _sizes(instance, tables), SIZE_NAMES, strict=True):
            if size > limit:
                raise ValueError(
                    f"{instance.name} ({size} {what}) does not fit into an environment made for {limit} {what}"
                )
        self.instances[row] = instance
        world, terms, pms, vms = self.world, instance.terms, instance.num_pms, instance.num_vms
        world.kind[row, : len(tables.kinds)] = tables.kinds
        world.vm[row, :vms] = np.stack(
            [tables.kind, instance.group, instance.movable, instance.host, instance.node], axis=1
        )
        world.capacity[row] = 0
        world.capacity[row, :pms, :2], world.capacity[row, :pms, 2:] = instance.capacity, instance.memory_capacity
        world.fragment[row] = world.weight[row] = 0
        for index, item in enumerate(terms.fragments):
            world.fragment[row, index] = item.size, item.nodes
            world.weight[row, index] = item.weight
        free, first = int(instance.free().sum()), terms.fragments[0]
        by_moves = terms.goal is not None
        world.row[row] = vms, pms, len(tables.kinds), terms.mnl, tables.unit, by_moves, self.spec.num_nodes - 1
        world.real[row, s.FREE_CORES], world.real[row, s.SLOT] = free, first.size * first.weight
        world.real[row, s.WEIGHTS] = sum(item.weight for item in terms.fragments)
        world.real[row, s.GOAL], world.real[row, s.CAPACITY] = terms.goal or 0.0, instance.capacity.sum()
        # what as many slots as moves are worth, a little less than the best plans gain
        self.scale[row] = terms.mnl * (1.0 if by_moves else first.size * first.weight / max(free, 1))
        self._observer.load(row, instance, tables)

    def _start(self, rows: NDArray[np.int64]) -> None:
        kernels.start_rows(rows, self._offer, self.world, self.state)
        self._add_delays(rows)

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Take or place a VM in every row, or stop; see :class:`Simulator`."""
        if len(action) != self.batch_size:  # compiled code does not look
            raise ValueError(f"{len(action)} actions for {self.batch_size} rows")
        before = self.done_count
        self.illegal_count, self.done_count = kernels.step_rows(action, self._offer, self.world, self.state)
        if self.done_count != before:
            self._add_delays(self._all_rows)
        return self.state.reward

    def _add_delays(self, rows: NDArray[np.int64]) -> None:
        """What moves that a delay makes impossible cost the plans that are just complete."""
        for row in rows.tolist():
            instance, real = self.instances[row], self.state.real[row]
            if (
                instance is None
                or not instance.terms.delay
                or instance.terms.goal is not None
                or not self.done[row]
                or real[s.LATE]
            ):
                continue
            late = apply_late(instance, self.solution(row), instance.terms.delay)
            on_time = objective.rate(row, self.world, self.state)
            real[s.LATE] = late.fragment_rate - on_time
            self.state.reward[row] -= real[s.LATE]

    def observe(self, out: GraphState | None = None, rows: NDArray[np.intp] | None = None) -> GraphState:
        """The observation; features are described in :mod:`.observe`."""
        state = self._observer.state if out is None else out
        chosen = self._all_rows if rows is None else rows
        observe_rows(chosen, self._show_all, self.world, self.state, *state.dynamic_arrays)
        return state

    def objective(self) -> NDArray[np.float64]:
        """The fragment rate, or with a goal the number of moves, ``[B]``."""
        now: NDArray[np.float64] = objective.costs(self.world, self.state) + self.state.real[:, s.LATE]
        return now

    def can_go(self, row: int, vm: int, pm: int, node: int) -> bool:
        """Whether a VM of row ``row`` may move to that NUMA node (0 if it is double-NUMA) of that PM now."""
        world, state = self.world, self.state
        double = world.kind[row, world.vm[row, vm, s.KIND], s.NODES_USED] == 2
        return not (double and node) and bool(
            kernels.is_place(
                vm, pm, node, state.vm[row], world.vm[row], state.pm[row], state.lists[row], world.kind[row]
            )
        )

    def twins(self, row: int, vm: int) -> list[int]:
        """Other VMs of row ``row`` like this one on the same NUMA node of the same PM."""
        world, state = self.world.vm[row], self.state.vm[row]
        host = state[vm, s.HOST]
        here = self.state.lists[row, host, : self.state.pm[row, host, s.COUNT]].tolist()

        def told_apart_by(one: int) -> tuple[int, ...]:
            return (world[one, s.KIND], state[one, s.NODE], state[one, s.MOVED])

        free = [one for one in here if world[one, s.GROUP] < 0 and world[one, s.MOVABLE]]
        if vm not in free:
            return []
        return [other for other in free if other != vm and told_apart_by(other) == told_apart_by(vm)]

    def fragment_rates(self) -> NDArray[np.float64]:
        """The fragment rate of each row now, ``[B]``."""
        rates: NDArray[np.float64] = objective.rates(self.world, self.state)
        return rates

    def solution(self, row: int) -> VmSolution:
        """The moves of row ``row`` so far."""
        moves = self.state.moves[row, : self.state.row[row, s.MOVES]].astype(np.int64)
        return VmSolution(moves[:, 0].copy(), moves[:, 1].copy(), moves[:, 2].copy())

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """What changes during an episode."""
        return dict(self.state._asdict())
