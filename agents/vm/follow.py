"""Plays out, move by move, what a solver has found: a teacher for learned policies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.core.simulator import Simulator
from ...envs.vm.instance import VmInstance
from ...envs.vm.simulate import VmSimulator
from ...envs.vm.solution import VmSolution
from ..core import Policy, Solver

Move = tuple[int, int, int]


class FollowPlan(Policy[VmInstance, VmSolution]):
    """Solves every cluster once and makes the moves of the plan in a random order, each as soon as it is legal.

    Several rows with one cluster make the same moves in different orders: of a plan it matters what is moved, seldom
    when. A VM that stands for others like it is taken in their place; moves that cannot be made are left out.

    Args:
        solver: Who plans.
        time_limit: Seconds for each cluster.
    """

    stochastic = True

    def __init__(self, solver: Solver[VmInstance, VmSolution], time_limit: float) -> None:
        self.solver, self.time_limit = solver, time_limit
        self._left: list[list[Move]] = []
        self._next: list[Move | None] = []
        self._rng = np.random.default_rng(0)

    def begin(self, simulator: Simulator[VmInstance, VmSolution], seed: int) -> None:
        """Solve the clusters."""
        plans: dict[int, list[Move]] = {}
        self._left, self._rng = [], np.random.default_rng(seed)
        for instance in simulator.instances:
            assert instance is not None
            if id(instance) not in plans:
                found = self.solver.solve(instance, time_limit=self.time_limit, seed=seed).solution
                plans[id(instance)] = found.moves()
            self._left.append(list(plans[id(instance)]))
        self._next = [None] * len(self._left)

    def act(self, simulator: Simulator[VmInstance, VmSolution]) -> NDArray[np.int64]:
        """The next pick of every row."""
        assert isinstance(simulator, VmSimulator)
        return np.array([self._pick(simulator, row) for row in range(simulator.batch_size)])

    def _pick(self, simulator: VmSimulator, row: int) -> int:
        if simulator.done[row]:
            return 0
        pms, vms = simulator.sizes[:2]
        stop = vms + 2 * pms
        move = self._next[row]
        if simulator.chosen[row] >= 0:
            assert move is not None
            self._next[row] = None
            return vms + 2 * move[1] + move[2]
        left = self._left[row]
        for index in self._rng.permutation(len(left)).tolist():
            vm, pm, node = left[index]
            if any(other == vm for other, _, _ in left[:index]):
                continue  # a VM that goes by way of another place goes there first
            for twin in self._twins(simulator, row, vm):
                if simulator.action_mask[row, twin] and simulator.can_go(row, twin, pm, node):
                    self._next[row] = left.pop(index)
                    self._swap(row, vm, twin)
                    return int(twin)
        return stop

    def _twins(self, simulator: VmSimulator, row: int, vm: int) -> Iterable[int]:
        """The VM, then those that stand on the same NUMA node and are like it."""
        yield vm
        yield from simulator.twins(row, vm)

    def _swap(self, row: int, vm: int, twin: int) -> None:
        """The twin went in the VM's place, so each does from now on what was planned for the other."""
        if vm != twin:
            other = {vm: twin, twin: vm}
            self._left[row] = [(other.get(one, one), pm, node) for one, pm, node in self._left[row]]


def follow(solver: Any, time_limit: float) -> FollowPlan:
    """A policy that plays out a solver's plans."""
    return FollowPlan(solver, time_limit)
