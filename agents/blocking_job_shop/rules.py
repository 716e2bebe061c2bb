"""Dispatching rules for the blocking job shop, compiled, so that search can play them out.

A rule ranks the jobs that can be started: the smallest priority goes first, ties to the lowest number. Plain rules
never wait while any job can be started; jobs that block their machine and jobs outside are alike to them.
*Blocked first* prefers jobs inside, which then free a machine, to those outside. *Gated* rules let a job in only while
few are inside; *patient* ones start only what will probably find its next machine free; both wait if nothing else can
be started, as long as waiting is legal.

Notation: t now, p the duration of the job's next operation, R its remaining work including p, n its remaining
operations, r its release, W its total work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.blocking_job_shop import state as s
from ...envs.blocking_job_shop.features import BEHIND_WORK, CLEAR, MACHINE_COLUMNS, describe_machines, repair_left
from ...envs.blocking_job_shop.instance import BlockingInstance
from ...envs.blocking_job_shop.simulate import BlockingSimulator
from ...envs.core.simulator import Simulator
from ...envs.job_shop.solution import JobShopSolution
from ..core import Policy
from ..random_policy import RandomPolicy, random_legal_actions

# in the order of the formulas in _priority
_FORMULAS = {
    "spt": "Shortest processing time p (Smith 1956)",
    "lpt": "Longest processing time p (Graham 1969)",
    "mwkr": "Most work remaining R (Conway, Maxwell & Miller 1967)",
    "lwkr": "Least work remaining R (Conway, Maxwell & Miller 1967)",
    "mor": "Most operations remaining n (Conway, Maxwell & Miller 1967)",
    "lor": "Least operations remaining n (Conway, Maxwell & Miller 1967)",
    "fifo": "First in, first out: who could go on first (Conway, Maxwell & Miller 1967)",
    "fdd-mwkr": "Flow due date (r + W - R + p) per work remaining (Sels, Gheysen & Vanhoucke 2012)",
    "spt-twkr": "Processing time per work remaining, p / R (Sels, Gheysen & Vanhoucke 2012)",
    "free-next": "Jobs whose machine after this one is free and up, of them most work remaining (ours)",
    "least-blocking": "Least time to block the machine after p, by what can be known; then most work remaining (ours)",
    "unblock": "Most work of a job that waits for the machine that is left, or behind such a job, or else R (ours)",
    "pressure": "Most R plus the longest work that waits behind; jobs inside get half the bound left on top (ours)",
}
FORMULAS = tuple(_FORMULAS)


@dataclass(frozen=True)
class Rule:
    """A named rule.

    Attributes:
        name: Lower case with dashes.
        summary: What comes first, with the source, and what it does about waiting.
        formula: Number of its priority.
        inside_first: Whether jobs inside go before those outside.
        gate: Jobs enter only while fewer than this share of the machines is held; 1 for no gate.
        patient: Whether to start only what will probably find its next machine free.
    """

    name: str
    summary: str
    formula: int
    inside_first: bool = False
    gate: float = 1.0
    patient: bool = False


def _rules() -> dict[str, Rule]:
    rules = [Rule(name, f"{text}; never waits.", k) for k, (name, text) in enumerate(_FORMULAS.items())]
    for name in ("fifo", "mwkr", "lwkr", "spt"):
        text = f"Jobs inside first, of them {name} (ours); never waits."
        rules.append(Rule(f"blocked-first-{name}", text, FORMULAS.index(name), inside_first=True))
    for label, share in (("third", 1 / 3), ("half", 1 / 2), ("most", 2 / 3)):
        text = f"Jobs inside first, then mwkr; lets jobs in only while under {share:.0%} of machines are held (ours)."
        rules.append(Rule(f"wip-{label}", text, FORMULAS.index("mwkr"), inside_first=True, gate=share))
    for name in ("unblock", "pressure"):
        text = f"{name}, but lets jobs in only while less than two thirds of the machines are held (ours)."
        rules.append(Rule(f"wip-most-{name}", text, FORMULAS.index(name), gate=2 / 3))
    for name in ("mwkr", "pressure"):
        text = f"{name}, but starts only what will probably find its next machine free, or waits (ours)."
        rules.append(Rule(f"patient-{name}", text, FORMULAS.index(name), patient=True))
    return {rule.name: rule for rule in rules}


RULES: dict[str, Rule] = _rules()


@njit(cache=True, nogil=True, error_model="numpy")
def _priority(formula: int, b: int, j: int, world: Any, state: Any, around: Any) -> float:
    job, fixed = state.job[b, j], world.job[b, j]
    duration = float(world.duration[b, fixed[s.FIRST] + job[s.STARTED]])
    work, count = float(job[s.LEFT]), float(fixed[s.LENGTH] - job[s.STARTED])
    if formula == 0:
        return duration
    if formula == 1:
        return -duration
    if formula == 2:
        return -work
    if formula == 3:
        return work
    if formula == 4:
        return -count
    if formula == 5:
        return count
    if formula == 6:
        return float(job[s.SINCE])
    if formula == 7:
        return (fixed[s.RELEASE] + fixed[s.WORK] - work + duration) / max(work, 1.0)
    if formula == 8:
        return duration / max(work, 1.0)
    # the work of a job that has least is still a share of one unit
    little = work / (1.0 + state.row[b, s.BOUND])
    if formula == 9:
        return -little - (1.0 if _wait_after(b, j, world, state, around) <= 0.0 else 0.0)
    if formula == 10:
        return max(_wait_after(b, j, world, state, around) - duration, 0.0) - little
    inside = job[s.ON] != s.NOWHERE
    behind = around[job[s.ON], BEHIND_WORK] if inside else 0.0
    if formula == 11:
        return -max(behind, work)
    return -work - behind - (0.5 * (state.row[b, s.BOUND] - state.row[b, s.NOW]) if inside else 0.0)


@njit(cache=True, nogil=True)
def _wait_after(b: int, j: int, world: Any, state: Any, around: Any) -> float:
    """From now, when the machine after the next one may be free: 0 where it is, or where the job then leaves."""
    job, fixed = state.job[b, j], world.job[b, j]
    if job[s.STARTED] + 1 == fixed[s.LENGTH]:
        return 0.0
    m = world.machine[b, fixed[s.FIRST] + job[s.STARTED] + 1]
    held = around[m, CLEAR] if state.machine[b, m, s.HOLDER] not in (s.NOBODY, j) else 0.0
    blocked = state.machine[b, m, s.HOLDER] not in (s.NOBODY, j) and held == 0.0
    return max(held, repair_left(b, m, world, state), 1.0 if blocked else 0.0)


@njit(cache=True, nogil=True)
def best_start(
    formula: int, inside_first: bool, gate: float, patient: bool, b: int, world: Any, state: Any, around: Any
) -> int:
    """The action that a rule takes in row ``b``; ``around`` is scratch."""
    machines, wait = world.row[b, s.NUM_MACHINES], state.legal.shape[1] - 1
    if formula >= 9 or patient:
        describe_machines(b, world, state, around)
    held = 0
    for m in range(machines):
        held += state.machine[b, m, s.HOLDER] != s.NOBODY
    choice, least = -1, np.inf
    for strict in (True, False):
        for j in range(world.row[b, s.NUM_JOBS]):
            if not state.legal[b, j]:
                continue
            outside = state.job[b, j, s.ON] == s.NOWHERE
            if strict and outside and held >= gate * machines and gate < 1.0:
                continue
            if strict and patient:
                duration = world.duration[b, world.job[b, j, s.FIRST] + state.job[b, j, s.STARTED]]
                if _wait_after(b, j, world, state, around) > duration:
                    continue
            priority = _priority(formula, b, j, world, state, around) + (1e15 if inside_first and outside else 0.0)
            if priority < least:
                choice, least = j, priority
        if choice != -1 or state.legal[b, wait]:
            break
    return choice if choice != -1 else wait


@njit(cache=True, nogil=True)
def _choose(
    formula: int, inside_first: bool, gate: float, patient: bool, world: Any, state: Any, around: Any, choice: Any
) -> None:
    for b in range(len(choice)):
        choice[b] = best_start(formula, inside_first, gate, patient, b, world, state, around)


class RulePolicy(Policy[BlockingInstance, JobShopSolution]):
    """Follows a rule.

    Args:
        rule: The rule.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def act(self, simulator: Simulator[BlockingInstance, JobShopSolution]) -> NDArray[np.int64]:
        """The rule's choice in every row."""
        assert isinstance(simulator, BlockingSimulator)
        rule, choice = self.rule, np.zeros(simulator.batch_size, np.int64)
        around = np.zeros((simulator.sizes[1], MACHINE_COLUMNS))
        _choose(
            rule.formula, rule.inside_first, rule.gate, rule.patient, simulator.world, simulator.state, around, choice
        )
        return choice


class RandomStarts(RandomPolicy):
    """Uniformly random among the jobs that can be started; waits only where there is none."""

    def act(self, simulator: Simulator[Any, Any]) -> NDArray[np.int64]:
        """A start per row."""
        mask = simulator.action_mask.copy()
        mask[:, -1] &= mask.sum(axis=1) == 1
        return random_legal_actions(mask, self._rng)
