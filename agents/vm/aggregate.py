"""The exact model of a cluster in which VMs that can stand in for one another are counted, not named.

A class of VMs (same cores, memory and NUMA nodes, movable, same anti-affinity group) has at each place, a PM and one of
its NUMA nodes, a number of VMs. How many leave it (``out``) and come to it (``in``) are integers; so are the slots: the
VMs of each fragment size for which a NUMA node, or a PM, then has room. With some 6000 columns for 2089 VMs on 279 PMs
it is solved in seconds; the usual model with a binary per VM and place has over a million (MIP of VMR2L, [code]).

    maximise   sum gain slots
    such that  sum in = sum out                                  for each class
               sum out <= MNL
               sum cpu (in - out) + size slots <= free cores     for each NUMA node and fragment size
               sum memory (in - out) <= free memory              for each NUMA node where memory can run out
               sum in - sum out <= 1 - members there             for each anti-affinity group and PM

Moves are made one after another, which the model does not know: its optimum is a bound, and ``order`` says whether it
can be reached. Nothing here depends on a solver.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...envs.vm.instance import NODES, Fragment, VmInstance, Whole
from ...envs.vm.solution import VmSolution
from .counts import Classes, Worth


@dataclass(frozen=True)
class Columns:
    """Integer variables from 0 of one sort.

    Attributes:
        item: Class, or fragment size, of each, int64 ``[N]``.
        pm: Its PM, int64 ``[N]``.
        node: Its NUMA node, int64 ``[N]``; 0 where both are meant.
        upper: Largest value, int64 ``[N]``.
        both: Whether both NUMA nodes are meant, bool ``[N]``.
    """

    item: Whole
    pm: Whole
    node: Whole
    upper: Whole
    both: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.item)

    @classmethod
    def where(cls, upper: Whole, nodes: Whole) -> Columns:
        """One for each positive upper bound in ``[items, P, 2]``; ``nodes`` of each item, ``[items]``."""
        item, pm, node = np.nonzero(upper > 0)
        return cls(item, pm, node, upper[item, pm, node], nodes[item] == NODES)

    def places(self) -> tuple[Whole, Whole]:
        """Pairs (column, place) of all NUMA nodes touched, a place being ``2 pm + node``; two int64 arrays."""
        index = np.arange(len(self))
        double = index[self.both]
        first, second = NODES * self.pm + self.node, NODES * self.pm[double] + 1
        return np.concatenate([index, double]), np.concatenate([first, second])


@dataclass
class Rows:
    """Linear constraints ``lower <= A x <= upper``, A sparse, filled block by block.

    Attributes:
        row: Of each entry of A, blocks of int64.
        column: Likewise.
        value: Likewise.
        lower: Of each row, blocks of float64.
        upper: Likewise.
        count: Rows so far.
    """

    row: list[Whole] = field(default_factory=list)
    column: list[Whole] = field(default_factory=list)
    value: list[Whole] = field(default_factory=list)
    lower: list[NDArray[np.float64]] = field(default_factory=list)
    upper: list[NDArray[np.float64]] = field(default_factory=list)
    count: int = 0

    def add(self, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> int:
        """Append rows without entries; the index of the first."""
        first = self.count
        self.lower.append(lower)
        self.upper.append(upper)
        self.count += len(upper)
        return first

    def fill(self, row: Whole, column: Whole, value: Whole | int) -> None:
        """Entries; no pair of row and column may come twice."""
        self.row.append(row)
        self.column.append(column)
        self.value.append(np.broadcast_to(np.asarray(value, np.int64), row.shape))

    def entries(self) -> tuple[Whole, Whole, Whole]:
        """Row, column and value of all entries."""
        return np.concatenate(self.row), np.concatenate(self.column), np.concatenate(self.value)


class Aggregate:
    """The model of a cluster, or of some of its PMs whose VMs stay among them.

    Columns come in the order: all of ``out``, all of ``into``, all of ``slots``.

    Args:
        instance: The cluster.
        mnl: Largest number of moves.
        pms: The PMs that take part, int64 ``[Q]``; ``None`` for all.
        groups: Whether anti-affinity is a constraint. Without it the model is a smaller relaxation.
        goal: A value (:class:`Worth`) that must be reached; the moves are then to be minimised.

    Attributes:
        classes: What is counted.
        before: VMs of each class at each place, int64 ``[C, P, 2]``.
        room: Cores of each NUMA node less what VMs that stay take, int64 ``[P, 2]``.
        out: Columns: VMs that leave.
        into: Columns: VMs that come.
        slots: Columns: room for further VMs of each fragment size.
        rows: Constraints.
        cost: To be minimised, int64 ``[N]``: minus the value, or the moves where there is a goal.
        worth: What slots are worth.
    """

    def __init__(
        self,
        instance: VmInstance,
        mnl: int,
        pms: Whole | None = None,
        groups: bool = True,
        goal: int | None = None,
    ) -> None:
        self.instance, self.mnl, self.goal = instance, mnl, goal
        self._here = np.ones(instance.num_pms, np.bool_)
        if pms is not None:
            self._here = np.isin(np.arange(instance.num_pms), pms)
        self.classes = Classes.of(instance, instance.movable & self._here[instance.host], groups)
        self.before = self.classes.count(instance.host, instance.node, instance.num_pms)
        self._free, self._free_memory = instance.free(), instance.free_memory()
        self.room, self._room_memory = self._rooms()
        self.worth = Worth.of(instance.terms.fragments, int(self._free.sum()))
        self.out = Columns.where(np.minimum(self.before, mnl), self.classes.nodes)
        self.into = Columns.where(self._most_coming(), self.classes.nodes)
        self.slots = self._slot_columns()
        self.rows = Rows()
        self._add_rows()
        self.cost = np.zeros(self.num_columns, np.int64)
        self.cost[self._first_slot :] = -self._slot_gain()
        if goal is not None:
            self.cost[:] = 0
            self.cost[: len(self.out)] = 1

    @property
    def num_columns(self) -> int:
        """N."""
        return self._first_slot + len(self.slots)

    @property
    def _first_slot(self) -> int:
        return len(self.out) + len(self.into)

    @property
    def upper(self) -> Whole:
        """Largest value of each column, int64 ``[N]``."""
        return np.concatenate([self.out.upper, self.into.upper, self.slots.upper])

    def value(self, x: Whole) -> int:
        """What the slots of a solution ``[N]`` are worth."""
        return int(self._slot_gain() @ x[self._first_slot :])

    def constant_value(self) -> int:
        """What the slots on the PMs that take no part are worth."""
        rest = self._free[~self._here]
        pairs = zip(self.worth.gain, self.instance.terms.fragments, strict=True)
        return sum(gain * int(item.slots(rest).sum()) for gain, item in pairs)

    def change(self, x: Whole) -> Whole:
        """VMs of each class that come to each place, less those that leave it, int64 ``[C, P, 2]``."""
        change = np.zeros_like(self.before)
        outs, ins = x[: len(self.out)], x[len(self.out) : self._first_slot]
        np.subtract.at(change, (self.out.item, self.out.pm, self.out.node), outs)
        np.add.at(change, (self.into.item, self.into.pm, self.into.node), ins)
        return change

    def hint(self, solution: VmSolution) -> Whole | None:
        """The columns' values after a plan, int64 ``[N]``; ``None`` where it moves VMs from or to PMs left out."""
        instance = self.instance
        host, node = instance.host.copy(), instance.node.copy()
        for vm, pm, target in solution.moves():
            host[vm], node[vm] = pm, target
        moved = (host != instance.host) | (node != instance.node)
        if not (self._here[host[moved]].all() and (self.classes.of_vm[moved] >= 0).all()):
            return None
        change = self.classes.count(host, node, instance.num_pms) - self.before
        free = self._free.copy()
        for sign, hosts, places in ((1, instance.host, instance.node), (-1, host, node)):
            np.add.at(free, (hosts, places), sign * instance.cpu)
            double = instance.nodes == NODES
            np.add.at(free, (hosts[double], 1), sign * instance.cpu[double])
        outs = np.maximum(-change, 0)[self.out.item, self.out.pm, self.out.node]
        ins = np.maximum(change, 0)[self.into.item, self.into.pm, self.into.node]
        kinds = enumerate(instance.terms.fragments)
        table = np.stack([self._slot_table(item, free) for _, item in kinds])
        return np.concatenate([outs, ins, table[self.slots.item, self.slots.pm, self.slots.node]])

    # --- columns

    def _rooms(self) -> tuple[Whole, Whole]:
        """Cores and memory of each NUMA node less what VMs that stay take, int64 ``[P, 2]``."""
        classes = self.classes
        moving = self.before.copy()
        double = classes.nodes == NODES
        moving[double, :, 1] = moving[double, :, 0]
        used, used_memory = (np.einsum("c,cpk->pk", demand, moving) for demand in (classes.cpu, classes.memory))
        return self._free + used, self._free_memory + used_memory

    def _most_coming(self) -> Whole:
        """Upper bound on VMs of each class that come to each place, int64 ``[C, P, 2]``."""
        classes = self.classes
        most: Whole = np.zeros_like(self.before)
        for index in range(len(classes)):
            fit = self.room // classes.cpu[index]
            if classes.memory[index] > 0:
                fit = np.minimum(fit, self._room_memory // classes.memory[index])
            if classes.nodes[index] == NODES:
                fit = np.stack([fit.min(axis=1), np.zeros(len(fit), np.int64)], axis=1)
            # where VMs of a class both came and went, fewer of both would do
            most[index] = fit - self.before[index]
        elsewhere = self.before.sum(axis=(1, 2), keepdims=True) - self.before
        most = np.minimum(np.minimum(most, elsewhere), self.mnl)
        grouped = np.flatnonzero(classes.group >= 0)
        if len(grouped):
            most[grouped] = np.minimum(most[grouped], 1)
            fixed = (self.instance.group >= 0) & (classes.of_vm < 0)
            blocked = np.zeros((int(self.instance.group.max()) + 1, len(self._here)), np.bool_)
            blocked[self.instance.group[fixed], self.instance.host[fixed]] = True
            most[grouped] *= ~blocked[classes.group[grouped], :, None]
        most[:, ~self._here] = 0
        return most

    def _slot_table(self, item: Fragment, cores: Whole) -> Whole:
        """Slots by place, int64 ``[P, 2]``; those of two NUMA nodes at node 0."""
        if item.nodes == 1:
            return cores // item.size
        return np.stack([item.slots(cores), np.zeros(len(cores), np.int64)], axis=1)

    def _slot_columns(self) -> Columns:
        fragments = self.instance.terms.fragments
        upper = np.stack([self._slot_table(item, self.room) for item in fragments])
        return Columns.where(upper * self._here[None, :, None], np.array([item.nodes for item in fragments], np.int64))

    def _slot_gain(self) -> Whole:
        return np.array(self.worth.gain, np.int64)[self.slots.item]

    # --- rows

    def _add_rows(self) -> None:
        rows, first_in = self.rows, len(self.out)
        outs, ins = np.arange(first_in), np.arange(first_in, self._first_slot)
        zero = np.zeros(len(self.classes))
        balance = rows.add(zero, zero)
        rows.fill(balance + self.out.item, outs, -1)
        rows.fill(balance + self.into.item, ins, 1)
        if len(outs):
            limit = rows.add(np.array([0.0]), np.array([float(self.mnl)]))
            rows.fill(np.full(len(outs), limit), outs, 1)
        if self.goal is not None:
            goal = rows.add(np.array([float(self.goal - self.constant_value())]), np.array([np.inf]))
            slots = np.arange(self._first_slot, self.num_columns)
            rows.fill(np.full(len(slots), goal), slots, self._slot_gain())
        self._add_cores()
        self._add_memory()
        self._add_groups()

    def _moves_at(self, demand: Whole) -> tuple[Whole, Whole, Whole]:
        """Place, column and demand of each VM that may come (positive) or leave, at each NUMA node it uses."""
        parts = []
        for columns, first, sign in ((self.out, 0, -1), (self.into, len(self.out), 1)):
            index, place = columns.places()
            parts.append((place, first + index, sign * demand[columns.item[index]]))
        place, column, value = (np.concatenate(items) for items in zip(*parts, strict=True))
        order = np.argsort(place, kind="stable")
        return place[order], column[order], value[order]

    def _add_at(self, places: Whole, demand: Whole, limit: Whole) -> int:
        """One row per place in ``places``: what comes, less what leaves, is at most the limit; the first row."""
        place, column, value = self._moves_at(demand)
        begin, end = np.searchsorted(place, places), np.searchsorted(place, places, side="right")
        count = end - begin
        row = np.repeat(np.arange(len(places)), count)
        entry = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(begin, count)
        first = self.rows.add(np.full(len(places), -np.inf), limit[places].astype(np.float64))
        self.rows.fill(first + row, column[entry], value[entry])
        return first

    def _add_cores(self) -> None:
        fragments = self.instance.terms.fragments
        slot, place = self.slots.places()
        _, coming = self.into.places()
        plain = np.setdiff1d(coming, place)  # elsewhere the rows of slots say more
        first = self._add_at(np.concatenate([place, plain]), self.classes.cpu, self._free.reshape(-1))
        part = np.array([item.size // item.nodes for item in fragments], np.int64)
        self.rows.fill(first + np.arange(len(slot)), self._first_slot + slot, part[self.slots.item[slot]])

    def _add_memory(self) -> None:
        classes = self.classes
        cores, memory = self.room.reshape(-1), self._room_memory.reshape(-1)
        _, coming = self.into.places()
        # even the class with the most memory per core cannot use it up where the cores run out first
        scarce = np.zeros(len(cores), np.bool_)
        for cpu, ram in zip(classes.cpu.tolist(), classes.memory.tolist(), strict=True):
            scarce |= (cores // cpu > 0) & (cores.astype(object) * ram > memory.astype(object) * cpu).astype(np.bool_)
        places = np.unique(coming[scarce[coming]])
        if len(places):
            unit = math.gcd(*classes.memory.tolist())
            self._add_at(places, classes.memory // unit, self._free_memory.reshape(-1) // unit)

    def _add_groups(self) -> None:
        group = self.classes.group
        if not (group >= 0).any():
            return
        pms = len(self._here)
        parts = []
        for columns, first, sign in ((self.out, 0, -1), (self.into, len(self.out), 1)):
            mine = np.flatnonzero(group[columns.item] >= 0)
            pair = group[columns.item[mine]] * pms + columns.pm[mine]
            parts.append((pair, first + mine, np.full(len(mine), sign)))
        pair, column, value = (np.concatenate(items) for items in zip(*parts, strict=True))
        pairs, row = np.unique(pair, return_inverse=True)
        mine = np.flatnonzero(group >= 0)
        members = np.zeros((int(group.max()) + 1, pms), np.int64)
        np.add.at(members, group[mine], self.before[mine].sum(axis=2))
        room = (1 - members.reshape(-1)[pairs]).astype(np.float64)
        first = self.rows.add(np.full(len(pairs), -np.inf), room)
        self.rows.fill(first + row, column, value)
