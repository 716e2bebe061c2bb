"""POP: a cluster cut into parts, each solved on its own with its share of the moves (Narayanan et al., SOSP 2021)."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from ...envs.vm.instance import Terms, VmInstance, Whole
from ...envs.vm.solution import VmSolution
from ..core import Solver, SolverResult
from .mip import Mip
from .order import Move, replay

LEAST_PMS = 8  # of a part
FIRST_ROUND = 0.7  # of the time; the rest is for moves that are handed on


@dataclass
class _Part:
    """PMs that are solved on their own.

    Attributes:
        pms: Which, int64 ``[Q]``.
        budget: Moves that it may make.
        moves: Its plan, by the cluster's numbers.
        sated: Whether it has no use for more.
    """

    pms: Whole
    budget: int
    moves: list[Move]
    sated: bool = False


class Pop(Solver[VmInstance, VmSolution]):
    """Solves parts of the cluster exactly, one after the other.

    Every part gets some PMs with many wasted cores and some with few, and moves in proportion to the wasted cores.
    Moves that a part has no use for are handed to those that used up theirs, which are then solved anew.

    The published curve of POP is flat up to 15 moves and drops at 16, 32 and 48: there the parts are 16 runs of
    consecutive PMs with ``MNL // 16`` moves each. ``fair=False`` does that.

    Args:
        parts: How many; in a small cluster as many as have 8 PMs each.
        fair: Whether parts are alike and no move is lost to rounding.

    Raises:
        ValueError: ``parts`` is less than 1.
    """

    def __init__(self, parts: int = 16, fair: bool = True) -> None:
        if parts < 1:
            raise ValueError(f"parts must be at least 1, got {parts}")
        self.parts, self.fair, self.stochastic = parts, fair, fair
        self._mip = Mip()

    def solve(self, instance: VmInstance, *, time_limit: float, seed: int) -> SolverResult[VmSolution]:
        """The plans of all parts, one after the other; with a goal, up to the move that reaches it."""
        deadline = time.perf_counter() + time_limit
        wasted = wasted_cores(instance)
        parts = self._divide(instance, wasted, seed)
        first = time_limit * (FIRST_ROUND if self.fair else 1.0)
        self._solve_each(instance, [part for part in parts if part.budget > 0], deadline - time_limit + first)
        while self.fair and time.perf_counter() < deadline and (hungry := hand_on(parts, wasted)):
            self._solve_each(instance, hungry, deadline)
        # parts have no PM in common, so what one does is in nobody's way
        plan = VmSolution.of([move for part in parts for move in part.moves])
        return SolverResult(replay(instance, plan).solution)

    def _divide(self, instance: VmInstance, wasted: Whole, seed: int) -> list[_Part]:
        pms, mnl = instance.num_pms, instance.terms.mnl
        count = max(1, min(self.parts, pms // LEAST_PMS))
        if not self.fair:
            return [_Part(chunk, mnl // count, []) for chunk in np.array_split(np.arange(pms), count)]
        order = np.random.default_rng(seed).permutation(pms)
        order = order[np.argsort(-wasted[order], kind="stable")]
        chunks = [np.sort(order[index::count]) for index in range(count)]
        return [_Part(c, b, []) for c, b in zip(chunks, shares(mnl, [wasted[c].sum() for c in chunks]), strict=True)]

    def _solve_each(self, instance: VmInstance, parts: list[_Part], deadline: float) -> None:
        for index, part in enumerate(parts):
            seconds = (deadline - time.perf_counter()) / (len(parts) - index)
            if seconds <= 0:
                return
            inner, vms = excerpt(instance, part.pms, part.budget)
            result = self._mip.solve(inner, time_limit=seconds, seed=0)
            solution = result.solution
            if self.fair and result.proved and len(solution):
                left = (deadline - time.perf_counter()) / (len(parts) - index)
                solution = thrifty(inner, solution, left)
            part.sated = len(solution) < part.budget
            part.moves = [(int(vms[vm]), int(part.pms[pm]), node) for vm, pm, node in solution.moves()]


def thrifty(instance: VmInstance, solution: VmSolution, seconds: float) -> VmSolution:
    """A plan with the fragment rate of another, and as few moves as are found in some time."""
    goal = replay(instance, solution).rate
    solver = Mip(start=lambda instance, seed: solution)
    wanted = instance.with_terms(replace(instance.terms, goal=goal))
    return solver.solve(wanted, time_limit=max(seconds, 0.01), seed=0).solution


def wasted_cores(instance: VmInstance) -> Whole:
    """Free cores of each PM that are of no use, summed over the fragment sizes, int64 ``[P]``."""
    free = instance.free()
    wasted = np.zeros(instance.num_pms, np.int64)
    for item in instance.terms.fragments:
        wasted += free.sum(axis=1) - item.size * item.slots(free)
    return wasted


def shares(total: int, weights: list[int]) -> list[int]:
    """Whole numbers with a given sum, in proportion to weights, by largest remainder; evenly where all are 0."""
    weight = np.array(weights, np.float64) if sum(weights) else np.ones(len(weights))
    exact = total * weight / weight.sum()
    share = np.floor(exact).astype(np.int64)
    share[np.argsort(share - exact, kind="stable")[: total - int(share.sum())]] += 1
    return [int(item) for item in share]


def hand_on(parts: list[_Part], wasted: Whole) -> list[_Part]:
    """Give moves that were not used to parts that used all of theirs; those parts, which can now do more."""
    spare = sum(part.budget - len(part.moves) for part in parts)
    hungry = [part for part in parts if not part.sated and wasted[part.pms].sum() > 0]
    for part in parts:
        part.budget = len(part.moves)
    if not hungry:
        return []
    for part, extra in zip(hungry, shares(spare, [int(wasted[part.pms].sum()) for part in hungry]), strict=True):
        part.budget += extra
    return [part for part in hungry if part.budget > len(part.moves)]


def excerpt(instance: VmInstance, pms: Whole, mnl: int) -> tuple[VmInstance, Whole]:
    """Some PMs with their VMs as a cluster of its own, without a goal, and its VMs' numbers in the whole, ``[V']``."""
    number = np.full(instance.num_pms, -1, np.int64)
    number[pms] = np.arange(len(pms))
    vms = np.flatnonzero(number[instance.host] >= 0)
    terms = Terms(mnl, instance.terms.fragments)
    per_vm = {name: getattr(instance, name)[vms] for name in ("cpu", "memory", "nodes", "node", "movable", "group")}
    inner = VmInstance(
        name=instance.name,
        pm_names=tuple(instance.pm_names[pm] for pm in pms.tolist()),
        capacity=instance.capacity[pms],
        memory_capacity=instance.memory_capacity[pms],
        vm_names=tuple(instance.vm_names[vm] for vm in vms.tolist()),
        flavour=tuple(instance.flavour[vm] for vm in vms.tolist()),
        host=number[instance.host[vms]],
        rack=instance.rack[pms],
        terms=terms,
        **per_vm,
    )
    return inner, vms
