"""Dispatching rules for the job shop, one vectorised priority function each.

Every function maps a simulator to priorities ``[B, J]``, smallest first, for the next operation of each job.
Notation: t the earliest start of that operation (with the non-delay builder, where all candidates start at once, the
current time), p its duration, R the job's remaining work including p, r its release, d its due date, d_o the
operation's due date.

Ties go to the job with the lowest index. Operation due dates follow total work content (TWK): the job's allowance d - r
is spread over its operations in proportion to their durations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.core.errors import InputError
from ...envs.core.simulator import Simulator
from ...envs.job_shop.instance import JobShopInstance
from ...envs.job_shop.simulate import JobShopSimulator
from ...envs.job_shop.solution import JobShopSolution
from ...envs.job_shop_improvement.start import flow_due_date_per_work
from ..core import Policy

Priority = NDArray[Any]
PriorityFunction = Callable[[JobShopSimulator], Priority]

LAST = np.iinfo(np.int64).max

# Vepsalainen & Morton 1987: expected waiting time of an operation is WAITING times its duration
WAITING = 2.0
ATC_LOOK_AHEAD = 3.0
COVERT_LOOK_AHEAD = 2.0


@dataclass(frozen=True)
class Rule:
    """A named rule.

    Attributes:
        name: Lower case with dashes.
        summary: What comes first, with the source.
        priority: Its function.
        needs_due_dates: Whether instances must have due dates.
    """

    name: str
    summary: str
    priority: PriorityFunction
    needs_due_dates: bool


RULES: dict[str, Rule] = {}


def _rule(name: str, *, due: bool = False) -> Callable[[PriorityFunction], PriorityFunction]:
    def register(function: PriorityFunction) -> PriorityFunction:
        summary = (function.__doc__ or "").strip().splitlines()[0]
        RULES[name] = Rule(name, summary, function, due)
        return function

    return register


def _remaining(s: JobShopSimulator) -> NDArray[np.int64]:
    """R, at least one unit of time: zero durations must not divide by zero."""
    return np.maximum(s.remaining_work, 1)


def _duration(s: JobShopSimulator) -> NDArray[np.float64]:
    """p, kept above zero, so that an operation without duration comes first where p divides."""
    return np.maximum(s.candidate_duration, 1e-6)


def _slack(s: JobShopSimulator) -> NDArray[np.int64]:
    """Slack, d - t - R."""
    return s.due - s.earliest_start - s.remaining_work


def _operation_due(s: JobShopSimulator) -> NDArray[np.float64]:
    """d_o = r + (d - r) (work of the job up to and including the operation) / (work of the job)."""
    done = s.job_work - s.remaining_work + s.candidate_duration
    return s.release + (s.due - s.release) * done / np.maximum(s.job_work, 1)


@_rule("spt")
def spt(s: JobShopSimulator) -> Priority:
    """Shortest processing time (Smith 1956)."""
    return s.candidate_duration


@_rule("lpt")
def lpt(s: JobShopSimulator) -> Priority:
    """Longest processing time (Graham 1969)."""
    return -s.candidate_duration


@_rule("fifo")
def fifo(s: JobShopSimulator) -> Priority:
    """First in, first out: earliest arrival at the machine (Conway, Maxwell & Miller 1967)."""
    return s.job_ready


@_rule("lifo")
def lifo(s: JobShopSimulator) -> Priority:
    """Last in, first out: latest arrival at the machine (Conway, Maxwell & Miller 1967)."""
    return -s.job_ready


@_rule("mwkr")
def mwkr(s: JobShopSimulator) -> Priority:
    """Most work remaining (Conway, Maxwell & Miller 1967)."""
    return -s.remaining_work


@_rule("lwkr")
def lwkr(s: JobShopSimulator) -> Priority:
    """Least work remaining (Conway, Maxwell & Miller 1967)."""
    return s.remaining_work


@_rule("mor")
def mor(s: JobShopSimulator) -> Priority:
    """Most operations remaining (Conway, Maxwell & Miller 1967)."""
    return -s.remaining_operations


@_rule("lor")
def lor(s: JobShopSimulator) -> Priority:
    """Least operations remaining (Conway, Maxwell & Miller 1967)."""
    return s.remaining_operations


@_rule("fdd-mwkr")
def fdd_mwkr(s: JobShopSimulator) -> Priority:
    """Flow due date, r plus work up to the operation's end, per work remaining (Sels, Gheysen & Vanhoucke 2012)."""
    return flow_due_date_per_work(s)


@_rule("spt-twk")
def spt_twk(s: JobShopSimulator) -> Priority:
    """Processing time per total work of the job (Sels, Gheysen & Vanhoucke 2012)."""
    return s.candidate_duration / np.maximum(s.job_work, 1)


@_rule("spt-twkr")
def spt_twkr(s: JobShopSimulator) -> Priority:
    """Processing time per total work remaining, p / R (Sels, Gheysen & Vanhoucke 2012)."""
    return s.candidate_duration / _remaining(s)


@_rule("edd", due=True)
def edd(s: JobShopSimulator) -> Priority:
    """Earliest due date (Jackson 1955)."""
    return s.due


@_rule("mdd", due=True)
def mdd(s: JobShopSimulator) -> Priority:
    """Modified due date of the job, max(d, t + R) (Baker & Bertrand 1982)."""
    return np.maximum(s.due, s.earliest_start + s.remaining_work)


@_rule("odd", due=True)
def odd(s: JobShopSimulator) -> Priority:
    """Operation due date d_o (Kanet & Hayya 1982)."""
    return _operation_due(s)


@_rule("mod", due=True)
def mod(s: JobShopSimulator) -> Priority:
    """Modified operation due date, max(d_o, t + p) (Baker & Kanet 1983)."""
    return np.maximum(_operation_due(s), s.earliest_start + s.candidate_duration)


@_rule("slack", due=True)
def slack(s: JobShopSimulator) -> Priority:
    """Minimum slack d - t - R (Gere 1966)."""
    return _slack(s)


@_rule("s-opn", due=True)
def slack_per_operation(s: JobShopSimulator) -> Priority:
    """Slack per remaining operation; negative slack times their number (Conway 1965)."""
    operations = np.maximum(s.remaining_operations, 1)
    left = _slack(s)
    return np.where(left >= 0, left / operations, left * operations)


@_rule("cr", due=True)
def critical_ratio(s: JobShopSimulator) -> Priority:
    """Critical ratio (d - t) / R (Berry & Rao 1975)."""
    return (s.due - s.earliest_start) / _remaining(s)


@_rule("cr-spt", due=True)
def critical_ratio_spt(s: JobShopSimulator) -> Priority:
    """CR+SPT: p max(1, (d - t) / R) (Anderson & Nyirenda 1990)."""
    return s.candidate_duration * np.maximum(1.0, (s.due - s.earliest_start) / _remaining(s))


@_rule("s-rpt-spt", due=True)
def slack_ratio_spt(s: JobShopSimulator) -> Priority:
    """S/RPT+SPT: p max(1, slack / R) (Anderson & Nyirenda 1990)."""
    return s.candidate_duration * np.maximum(1.0, _slack(s) / _remaining(s))


@_rule("atc", due=True)
def apparent_tardiness_cost(s: JobShopSimulator) -> Priority:
    """ATC: (w/p) exp(-(d - t - p - expected rest)+ / (3 mean p)), largest first (Vepsalainen & Morton 1987).

    The expected rest of the job is its later work, each operation waiting twice its duration; the mean runs over the
    jobs whose next operation needs the same machine. Taken in logarithms, so that far due dates do not all become
    zero.
    """
    later = s.remaining_work - s.candidate_duration
    allowance = s.due - s.earliest_start - s.candidate_duration - (1 + WAITING) * later
    mean = np.maximum(_queue_mean(s), 1e-6)
    weight = np.maximum(s.weight, 1e-9)
    return -(np.log(weight / _duration(s)) - np.maximum(allowance, 0) / (ATC_LOOK_AHEAD * mean))


def _queue_mean(s: JobShopSimulator) -> NDArray[np.float64]:
    """Mean duration of the next operations that need each candidate's machine, ``[B, J]``."""
    batch, machines = s.machine_ready.shape
    cell = np.arange(batch)[:, None] * machines + s.candidate_machine
    waiting = (s.remaining_operations > 0).astype(np.float64).ravel()
    count = np.bincount(cell.ravel(), weights=waiting, minlength=batch * machines)
    work = np.bincount(cell.ravel(), weights=waiting * s.candidate_duration.ravel(), minlength=batch * machines)
    mean: NDArray[np.float64] = (work / np.maximum(count, 1))[cell]
    return mean


@_rule("covert", due=True)
def cost_over_time(s: JobShopSimulator) -> Priority:
    """COVERT: (w/p) (1 - slack+ / (2 W))+, W = 2 R the expected wait, largest first (Carroll 1965)."""
    wait = WAITING * _remaining(s)
    share = np.maximum(0.0, 1.0 - np.maximum(_slack(s), 0) / (COVERT_LOOK_AHEAD * wait))
    return -(s.weight / _duration(s)) * share


class RulePolicy(Policy[JobShopInstance, JobShopSolution]):
    """Follows a rule; ties go to the lowest job index.

    Args:
        rule: The rule.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def check_instances(self, instances: Sequence[JobShopInstance]) -> None:
        """Refuse instances without due dates if the rule needs them."""
        for instance in instances:
            if self.rule.needs_due_dates and instance.due is None:
                raise InputError(
                    f"rule {self.rule.name} needs due dates and {instance.name} has none: "
                    "add a 'due' line to the file or set the due date factor, e.g. 1.3"
                )

    def act(self, simulator: Simulator[JobShopInstance, JobShopSolution]) -> NDArray[np.int64]:
        """The legal job of smallest priority."""
        assert isinstance(simulator, JobShopSimulator)
        priority = self.rule.priority(simulator)
        worst = LAST if priority.dtype == np.int64 else np.inf
        choice: NDArray[np.int64] = np.where(simulator.action_mask, priority, worst).argmin(axis=1)
        return choice
