"""Dispatching rules for the single machine, one vectorised priority function each.

Every function maps a simulator to priorities ``[B, J]``, smallest first. Notation: t the time, p a job's processing
time, d its due date, w its weight, U the jobs that are left. Ties go to the earlier due date, then the shorter job,
then the lower index. Definitions and sources are those of the survey in the docstrings; MDDC is that of Cetinkaya et
al. 2025 (arXiv 2510.24013), whose printed tables use it as it stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.core.simulator import Simulator
from ...envs.single_machine.instance import SingleMachineInstance
from ...envs.single_machine.simulate import SingleMachineSimulator
from ...envs.single_machine.solution import SingleMachineSolution
from ..core import Policy

Priority = NDArray[Any]
PriorityFunction = Callable[[SingleMachineSimulator], Priority]

LOOK_AHEAD = 2.0  # of ATC and COVERT, in mean processing times (Vepsalainen & Morton 1987, single machine)


@dataclass(frozen=True)
class Rule:
    """A named rule.

    Attributes:
        name: Lower case with dashes.
        summary: What comes first, with the source.
        priority: Its function.
    """

    name: str
    summary: str
    priority: PriorityFunction


RULES: dict[str, Rule] = {}


def _rule(name: str) -> Callable[[PriorityFunction], PriorityFunction]:
    def register(function: PriorityFunction) -> PriorityFunction:
        RULES[name] = Rule(name, (function.__doc__ or "").strip().splitlines()[0], function)
        return function

    return register


def _now(s: SingleMachineSimulator) -> NDArray[np.int64]:
    """t, ``[B, 1]``."""
    return s.time[:, None]


def _weight(s: SingleMachineSimulator) -> NDArray[np.float64]:
    """Weights w if the objective is weighted, else 1; kept above zero where it divides."""
    if s.objective_name == "total-weighted-tardiness":
        return np.maximum(s.weight, 1e-9)
    return np.ones(s.weight.shape)


def _per_time(s: SingleMachineSimulator) -> NDArray[np.float64]:
    """Weight per time, w / p; rows of smaller instances are filled with zeros."""
    return _weight(s) / np.maximum(s.processing, 1)


def _mean_left(s: SingleMachineSimulator, waiting: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean processing time of U, ``[B, 1]``."""
    mean: NDArray[np.float64] = (s.processing * waiting).sum(axis=1) / np.maximum(waiting.sum(axis=1), 1)
    return np.maximum(mean, 1e-9)[:, None]


@_rule("spt")
def spt(s: SingleMachineSimulator) -> Priority:
    """Shortest processing time (Smith 1956)."""
    return s.processing


@_rule("wspt")
def wspt(s: SingleMachineSimulator) -> Priority:
    """Largest weight per processing time (Smith 1956)."""
    return -_per_time(s)


@_rule("edd")
def edd(s: SingleMachineSimulator) -> Priority:
    """Earliest due date (Jackson 1955)."""
    return s.due


@_rule("mst")
def mst(s: SingleMachineSimulator) -> Priority:
    """Minimum slack d - t - p."""
    return s.due - s.processing - _now(s)


@_rule("mdd")
def mdd(s: SingleMachineSimulator) -> Priority:
    """Modified due date max(d, t + p) (Baker & Bertrand 1982)."""
    return np.maximum(s.due, _now(s) + s.processing)


@_rule("wmdd")
def wmdd(s: SingleMachineSimulator) -> Priority:
    """Weighted modified due date, max(p, d - t) / w (Kanet & Li 2004)."""
    return np.maximum(s.processing, s.due - _now(s)) / _weight(s)


@_rule("mddc")
def mddc(s: SingleMachineSimulator) -> Priority:
    """MDDC: m (1 + theta) + sigma with m = max(d, t + 1.1 p) (Cetinkaya et al. 2025).

    rho = p / (t + max p), theta = rho^2 / (1 + rho^2), sigma = p / (t + mean p), over the jobs that are left.
    """
    waiting, now = s.waiting, _now(s)
    longest = np.maximum((s.processing * waiting).max(axis=1), 1)[:, None]
    square = (s.processing / (now + longest)) ** 2
    modified = np.maximum(1.1 * s.processing + now, s.due)
    return modified * (1 + square / (1 + square)) + s.processing / (now + _mean_left(s, waiting))


@_rule("atc")
def apparent_tardiness_cost(s: SingleMachineSimulator) -> Priority:
    """ATC: (w/p) exp(-(d - t - p)+ / (2 mean p)), largest first (Vepsalainen & Morton 1987).

    Taken in logarithms, so that far due dates do not all become zero.
    """
    slack = np.maximum(s.due - s.processing - _now(s), 0)
    return slack / (LOOK_AHEAD * _mean_left(s, s.waiting)) - np.log(_per_time(s))


@_rule("covert")
def cost_over_time(s: SingleMachineSimulator) -> Priority:
    """COVERT: (w/p) (1 - (d - t - p)+ / (2 mean p))+, largest first (Carroll 1965)."""
    slack = np.maximum(s.due - s.processing - _now(s), 0)
    return -_per_time(s) * np.maximum(0.0, 1.0 - slack / (LOOK_AHEAD * _mean_left(s, s.waiting)))


@_rule("panneerselvam")
def panneerselvam(s: SingleMachineSimulator) -> Priority:
    """Largest (work left - d) / p (Panneerselvam 2006)."""
    left = (s.processing * s.waiting).sum(axis=1)[:, None]
    return -(left - s.due) / np.maximum(s.processing, 1)


class RulePolicy(Policy[SingleMachineInstance, SingleMachineSolution]):
    """Follows a rule.

    Args:
        rule: The rule.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def act(self, simulator: Simulator[SingleMachineInstance, SingleMachineSolution]) -> NDArray[np.int64]:
        """The legal job of smallest priority, ties by due date, then processing time."""
        assert isinstance(simulator, SingleMachineSimulator)
        legal = simulator.action_mask
        priority = np.where(legal, self.rule.priority(simulator), np.inf)
        tied = legal & (priority <= priority.min(axis=1, keepdims=True))
        choice: NDArray[np.int64] = np.where(tied, simulator.due_place, legal.shape[1] + 1).argmin(axis=1)
        return choice


class Rollout(Policy[SingleMachineInstance, SingleMachineSolution]):
    """Runs the job after which the (weighted) modified-due-date rule would do best.

    A roll-out algorithm (Bertsekas, Tsitsiklis & Wu 1997), also called pilot method: the rule is tried out after every
    legal choice. Without the jobs that others dominate, so that few have to be tried.

    Args:
        penalised: Try out also the rules max(d, t + p) + c p with c = 1, 2, 4, which put long jobs last, and judge a
            choice by the best of them: what the features of a looking-ahead agent show, taken at their word.
    """

    def __init__(self, penalised: bool) -> None:
        self.penalised = penalised

    def configuration(self, config: Any) -> Any:
        """Choose among undominated jobs."""
        return replace(config, dominance=True)

    def act(self, simulator: Simulator[SingleMachineInstance, SingleMachineSolution]) -> NDArray[np.int64]:
        """The legal job with the least estimate, ties by due date."""
        assert isinstance(simulator, SingleMachineSimulator)
        return simulator.best_estimates(self.penalised)
