"""Rules that move one VM after another: filter and score, as data centres do it.

``ha`` is the heuristic that VMR2L is compared with, rebuilt from its description: take the VM whose leaving lowers the
fragments most, then the place where it adds least, and stop when both together gain nothing. It looks at small VMs
only, and at no other VM when the first one gains nothing; the released code may also "move" a VM to its own PM, which
is not repeated here. ``ha-pair`` looks at every VM with every place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.core.simulator import Simulator
from ...envs.vm import kernels as k
from ...envs.vm import state as s
from ...envs.vm.instance import VmInstance
from ...envs.vm.simulate import VmSimulator, sizes_of
from ...envs.vm.solution import VmSolution
from ..core import Policy

SMALL = 16  # cores; the largest VM that ``ha`` moves
TINY = 1e-9  # cores: sums of weighted slots are a little off where weights are fractions


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        name: On the command line.
        summary: One line.
        choose: Writes the action of every row that is not done: ``choose(world, state, choice)``.
    """

    name: str
    summary: str
    choose: Callable[[s.World, s.State, NDArray[np.int64]], None]


class RulePolicy(Policy[VmInstance, VmSolution]):
    """Follows a rule."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def act(self, simulator: Simulator[VmInstance, VmSolution]) -> NDArray[np.int64]:
        """The rule's choice in every row."""
        assert isinstance(simulator, VmSimulator)
        choice = np.full(simulator.batch_size, simulator.action_mask.shape[1] - 1)
        self.rule.choose(simulator.world, simulator.state, choice)
        return choice


@njit(cache=True)
def _gain_of_leaving(b: int, v: int, world: Any, state: Any) -> float:
    pm = state.pm[b, state.vm[b, v, s.HOST]]
    fragment, weight = world.fragment[b], world.weight[b]
    kind, node = world.kind[b, world.vm[b, v, s.KIND]], state.vm[b, v, s.NODE]
    return k.usable_with(pm, kind, node, 1, fragment, weight) - k.usable(pm[0], pm[1], fragment, weight)


@njit(cache=True)
def _gain_of_move(b: int, v: int, p: int, node: int, world: Any, state: Any) -> float:
    """Usable cores that a move gains in all."""
    pm, vm = state.pm[b, p], state.vm[b, v]
    fragment, weight = world.fragment[b], world.weight[b]
    kind = world.kind[b, world.vm[b, v, s.KIND]]
    now = k.usable(pm[0], pm[1], fragment, weight)
    if vm[s.HOST] == p:
        change = kind[s.CPU] if vm[s.NODE] == 0 else -kind[s.CPU]
        return k.usable(pm[0] + change, pm[1] - change, fragment, weight) - now
    arriving = k.usable_with(pm, kind, node, -1, fragment, weight) - now
    return _gain_of_leaving(b, v, world, state) + arriving


@njit(cache=True)
def _best_place(b: int, v: int, by_fit: bool, world: Any, state: Any) -> tuple[float, int]:
    """What the best place gains in usable cores, and which it is; the first of the best, or the tightest of them."""
    kind = world.kind[b, world.vm[b, v, s.KIND]]
    double, unit = kind[s.NODES_USED] == 2, world.row[b, s.UNIT]
    best, tightest, chosen = -1e300, 0, -1
    for p in range(world.row[b, s.NUM_PMS]):
        for n in range(1 if double else 2):
            if not k.is_place(v, p, n, state.vm[b], world.vm[b], state.pm[b], state.lists[b], world.kind[b]):
                continue
            gain = _gain_of_move(b, v, p, n, world, state)
            left = (state.pm[b, p, n] - kind[s.CPU]) % unit if by_fit else 0
            if gain > best + TINY or (gain > best - TINY and left < tightest):
                best, tightest, chosen = gain, left, 2 * p + n
    return best, chosen


@njit(cache=True, nogil=True)
def _filter_and_score(world: Any, state: Any, choice: Any) -> None:
    vms, stop = state.vm.shape[1], state.legal.shape[1] - 1
    for b in range(len(state.done)):
        if state.done[b]:
            continue
        if state.row[b, s.PHASE] == s.PICK_PLACE:
            choice[b] = vms + _best_place(b, state.row[b, s.CHOSEN], False, world, state)[1]
            continue
        best, chosen, weights = -1e300, -1, world.real[b, s.WEIGHTS]
        for v in range(world.row[b, s.NUM_VMS]):
            kind = world.kind[b, world.vm[b, v, s.KIND]]
            cores = kind[s.CPU] * kind[s.NODES_USED]
            if state.legal[b, v] and cores <= SMALL:
                # fragments before minus after: its own cores become free as well
                lowered = _gain_of_leaving(b, v, world, state) - weights * cores
                if lowered > best + TINY:
                    best, chosen = lowered, v
        gains = chosen >= 0 and _best_place(b, chosen, False, world, state)[0] > TINY
        choice[b] = chosen if gains else stop


@njit(cache=True)
def _cheapest(b: int, kind: Any, world: Any, state: Any, found: Any) -> None:
    """Of a kind of VM, what the two best PMs to come to lose in usable cores, and which they are."""
    fragment, weight, double = world.fragment[b], world.weight[b], kind[s.NODES_USED] == 2
    found[0], found[1], found[2] = 1e300, 1e300, -1
    for p in range(world.row[b, s.NUM_PMS]):
        pm, least = state.pm[b, p], 1e300
        now = k.usable(pm[0], pm[1], fragment, weight)
        for n in range(1 if double else 2):
            if k.fits(pm, kind, n):
                least = min(least, now - k.usable_with(pm, kind, n, -1, fragment, weight))
        if least < found[0]:
            found[1] = found[0]
            found[0], found[2] = least, p
        elif least < found[1]:
            found[1] = least


@njit(cache=True)
def _gain_with_best_place(b: int, v: int, cheapest: Any, world: Any, state: Any) -> float:
    """What the best move of a VM gains in usable cores, if no other VM of its group is in the way."""
    host, kind = state.vm[b, v, s.HOST], world.kind[b, world.vm[b, v, s.KIND]]
    # on its own PM only the other NUMA node is a place
    loss = cheapest[1] if cheapest[2] == host else cheapest[0]
    gain = _gain_of_leaving(b, v, world, state) - loss
    if kind[s.NODES_USED] == 1 and k.fits(state.pm[b, host], kind, 1 - state.vm[b, v, s.NODE]):
        gain = max(gain, _gain_of_move(b, v, host, 1 - state.vm[b, v, s.NODE], world, state))
    return gain


@njit(cache=True, inline="always")
def _is_better(gain: float, cores: int, best: float, smallest: int, chosen: int) -> bool:
    return gain > best + TINY or (chosen >= 0 and gain > best - TINY and cores < smallest)


@njit(cache=True, nogil=True)
def _best_pair(world: Any, state: Any, choice: Any) -> None:
    vms, stop = state.vm.shape[1], state.legal.shape[1] - 1
    cheapest = np.zeros((world.kind.shape[1], 3))
    for b in range(len(state.done)):
        if state.done[b]:
            continue
        if state.row[b, s.PHASE] == s.PICK_PLACE:
            choice[b] = vms + _best_place(b, state.row[b, s.CHOSEN], True, world, state)[1]
            continue
        for index in range(world.row[b, s.NUM_KINDS]):
            _cheapest(b, world.kind[b, index], world, state, cheapest[index])
        best, smallest, chosen = 0.0, 0, -1
        for v in range(world.row[b, s.NUM_VMS]):
            if not state.legal[b, v]:
                continue
            kind = world.kind[b, world.vm[b, v, s.KIND]]
            gain = _gain_with_best_place(b, v, cheapest[world.vm[b, v, s.KIND]], world, state)
            cores = kind[s.CPU] * kind[s.NODES_USED]
            # of moves that gain as much the one of the smallest VM, which uses up least
            if not _is_better(gain, cores, best, smallest, chosen):
                continue
            if world.vm[b, v, s.GROUP] >= 0:
                gain = _best_place(b, v, True, world, state)[0]
            if _is_better(gain, cores, best, smallest, chosen):
                best, smallest, chosen = gain, cores, v
        choice[b] = chosen if chosen >= 0 else stop


@njit(cache=True, nogil=True)
def _stop(world: Any, state: Any, choice: Any) -> None:
    choice[:] = state.legal.shape[1] - 1


RULES = {
    rule.name: rule
    for rule in (
        Rule("no-op", "Moves nothing.", _stop),
        Rule(
            "ha",
            "Filter and score (VMR2L's HA): the small VM that frees most, to where it costs least.",
            _filter_and_score,
        ),
        Rule("ha-pair", "The VM and place that gain most together, of all.", _best_pair),
    )
}


@cache
def compile_rules() -> None:
    """Have every rule compiled, so that no measured time pays for it."""
    from .targets import sample_cluster

    for rule in RULES.values():
        plan_of(rule, sample_cluster())


def plan_of(rule: Rule, instance: VmInstance) -> VmSolution:
    """The plan that a rule makes: a quick start for solvers."""
    simulator = VmSimulator(sizes_of([instance]), 1)
    policy = RulePolicy(rule)
    simulator.reset([instance])
    while not simulator.done[0]:
        simulator.step(policy.act(simulator))
        if simulator.illegal_count:  # or it would go on for ever
            raise RuntimeError(f"{rule.name} chose an illegal action")
    return simulator.solution(0)
