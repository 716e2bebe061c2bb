"""Local search over whole plans: simulated annealing from the plan of ``ha-pair``, put in order where it is better."""

from __future__ import annotations

import time
from functools import cache

import numpy as np

from ...envs.vm.instance import VmInstance
from ...envs.vm.simulate import VmSimulator, sizes_of
from ...envs.vm.solution import VmSolution
from ..core import Solver, SolverResult
from .anneal import CAP, LENGTH, NOW, PRICE, SLOT, Record, anneal
from .arrange import gain_to_goal, usable_cores
from .rules import RULES, RulePolicy
from .targets import Targets, fragments_of, least_cores, sample_cluster, start_at

HOT, COLD = 0.12, 0.05
"""Temperatures at first and at last, in slots of the first fragment size; from random clusters (seeds from 1000)."""

CHUNK = 10_000
"""Steps between two looks at the clock, some milliseconds."""

STEPS = 150
"""Steps of a whole anneal for each VM and move: of the time for several of them, each but the first starts anew."""

LOOK = 0.02
"""Share of the budget after which is decided how many anneals it is for."""

FIRST_PRICE = 0.7
"""Of a move too many, in slots."""

START_SHARE = 0.25
"""Of the time limit that the rule for the start may take."""


def start_plan(instance: VmInstance, until: float) -> VmSolution:
    """The plan of ``ha-pair``, or as much of it as is made until a time (``time.perf_counter``).

    Raises:
        RuntimeError: The compiled rule does not fit the simulator.
    """
    simulator, policy = VmSimulator(sizes_of([instance]), 1), RulePolicy(RULES["ha-pair"])
    simulator.reset([instance])
    while not simulator.done[0] and time.perf_counter() < until:
        simulator.step(policy.act(simulator))
        if simulator.illegal_count:
            raise RuntimeError("ha-pair chose an illegal action: delete the cached files (make clean)")
    return simulator.solution(0)


class LocalSearch(Solver[VmInstance, VmSolution]):
    """Simulated annealing over where every VM is in the end.

    A change moves up to three VMs: to a node with room, home, or into one another's places. As many VMs as there are
    moves may be away from where they started; each one more costs a price that rises while there are too many. Where a
    state would be the best plan, its moves are put into an order in which each is legal; what cannot be made is left
    out. With a goal, every plan that reaches it lowers the number of moves by one.

    Results depend on the speed of the machine unless ``steps`` is given. Compiling, once per machine, is not in the
    time limit.

    Args:
        steps: Changes to look at instead of a time limit.

    Raises:
        ValueError: The number of steps is negative.
    """

    stochastic = True

    def __init__(self, steps: int | None = None) -> None:
        if steps is not None and steps < 0:
            raise ValueError(f"steps must be a number from 0, got {steps!r}")
        self.steps = steps
        _compile()

    def solve(self, instance: VmInstance, *, time_limit: float, seed: int) -> SolverResult[VmSolution]:
        """The best plan found; never worse than that of ``ha-pair`` if there is the time to make it."""
        began = time.perf_counter()
        plan = start_plan(instance, began + START_SHARE * time_limit if self.steps is None else float("inf"))
        if not instance.movable.any():
            return SolverResult(plan)
        state = start_at(instance, plan)
        record = _record(instance, plan, state, seed)
        full = STEPS * instance.num_vms * instance.terms.mnl
        chunk, done, anneals, this = min(CHUNK, max(full // 20, 1)), 0, 1, 0
        while record.whole[CAP] > 0:
            if self.steps is None:
                share = (time.perf_counter() - began) / time_limit
            else:
                share = done / self.steps if self.steps else 1.0
            if share >= 1:
                break
            if this == 0 and share > LOOK:
                # as many whole anneals as there will be steps for at this pace
                anneals = max(round(done / share / full), 1)
            if int(share * anneals) > this:
                this = int(share * anneals)
                state = start_at(instance, VmSolution.of([]))
                record.real[[NOW, PRICE]] = 0.0, FIRST_PRICE * record.real[SLOT]
            temperature = record.real[SLOT] * HOT * (COLD / HOT) ** (share * anneals - this)
            steps = chunk if self.steps is None else min(chunk, self.steps - done)
            anneal(steps, temperature, state, record)
            done += steps
        return SolverResult(VmSolution.of(record.best[: record.whole[LENGTH]].tolist()), samples=max(done, 1))


def _record(instance: VmInstance, plan: VmSolution, state: Targets, seed: int) -> Record:
    """What is known at the start."""
    first, mnl = instance.terms.fragments[0], instance.terms.mnl
    slot = first.size * first.weight
    gained, needed = float(state.value.sum()) - usable_cores(instance), gain_to_goal(instance)
    cap = mnl if gained < needed else len(plan) - 1
    best = np.zeros((mnl, 3), np.int64)
    best[: len(plan)] = np.stack([plan.vm, plan.pm, plan.node], axis=1)
    fragment, weight = fragments_of(instance)
    return Record(
        start=np.concatenate([instance.free(), instance.free_memory()], axis=1),
        now=np.stack([instance.host, instance.node], axis=1),
        fragment=fragment,
        weight=weight,
        real=np.array([gained, gained, needed, FIRST_PRICE * slot, slot]),
        whole=np.array([cap, len(plan), least_cores(instance)]),
        # any 64 bits will do, but not 0
        rng=np.random.SeedSequence(seed).generate_state(1, np.uint64) | np.uint64(1),
        moves=np.zeros((mnl, 3), np.int64),
        best=best,
    )


@cache
def _compile() -> None:
    """Have every kernel compiled, so that no time limit pays for it."""
    instance = sample_cluster()
    plan = start_plan(instance, float("inf"))
    state = start_at(instance, plan)
    anneal(1000, 1.0, state, _record(instance, plan, state, 0))
