"""Dispatching rules for the dynamic job shop, compiled: a run has tens of thousands of decisions.

Notation: t now, p the processing time of the job's operation here, R its remaining work including p, n its remaining
operations, r its arrival in the shop, d its due date, s = d - t - R its slack, d_o the due date of the operation (TWK:
the allowance d - r spread over the operations by their times), WINQ the work that waits for the machine of the
next operation, with what is in process there, NPT the next operation's processing time, w the weight. The smallest
priority goes first; ties go to the job that joined the queue first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.core.simulator import Simulator
from ...envs.dynamic_job_shop.features import ATC_LOOK_AHEAD, WAITING_PER_WORK
from ...envs.dynamic_job_shop.instance import DynamicJobShopInstance
from ...envs.dynamic_job_shop.kernels import (
    ARRIVED_AT,
    DUE_DATE,
    JOB_WEIGHT,
    NEXT_PROCESSING,
    NEXT_QUEUE_WORK,
    OPERATION_DUE,
    PROCESSING,
    QUEUE_COLUMNS,
    RELEASED,
    REMAINING_OPERATIONS,
    REMAINING_WORK,
    SLACK,
)
from ...envs.dynamic_job_shop.simulate import DynamicJobShopSimulator
from ...envs.dynamic_job_shop.solution import DynamicJobShopSolution
from ..core import Policy

COVERT_LOOK_AHEAD = 2.0


@dataclass(frozen=True)
class Rule:
    """A named rule.

    Attributes:
        name: Lower case with dashes.
        summary: What comes first, with the source.
        number: Of its formula in :func:`_priority`.
    """

    name: str
    summary: str
    number: int


# in the order of the formulas
_SUMMARIES = {
    "fifo": "First in, first out: earliest arrival at the machine (Conway, Maxwell & Miller 1967).",
    "spt": "Shortest processing time p (Smith 1956).",
    "lwkr": "Least work remaining R (Conway, Maxwell & Miller 1967).",
    "edd": "Earliest due date d (Jackson 1955).",
    "mdd": "Modified due date of the job, max(d, t + R) (Baker & Bertrand 1982): worse than EDD in loaded shops.",
    "odd": "Operation due date d_o (Kanet & Hayya 1982).",
    "mod": "Modified operation due date, max(d_o, t + p) (Baker & Kanet 1983).",
    "slack": "Minimum slack s (Gere 1966).",
    "s-opn": "Slack per remaining operation, s / n; negative slack times n (Conway 1965).",
    "s-rpt": "Slack per remaining work, s / R; the order of the critical ratio.",
    "cr": "Critical ratio (d - t) / R (Berry & Rao 1975).",
    "cr-spt": "CR+SPT: p max(1, (d - t) / R) (Anderson & Nyirenda 1990).",
    "s-rpt-spt": "S/RPT+SPT: p max(1, s / R) (Anderson & Nyirenda 1990).",
    "covert": "COVERT: (w/p) (1 - s+ / (2 W))+, W = 2 R the expected wait, largest first (Carroll 1965).",
    "atc": "ATC: (w/p) exp(-(d - t - p - 3 (R - p))+ / (3 mean p)), largest first (Vepsalainen & Morton 1987).",
    "winq": "Least work in the next queue, WINQ (Haupt 1989).",
    "pt-winq": "PT+WINQ: p + WINQ (Holthaus & Rajendran 1997).",
    "pt-winq-sl": "PT+WINQ+SL: p + WINQ + min(0, s) (Holthaus & Rajendran 1997).",
    "2pt-winq-npt": "2PT+WINQ+NPT: 2 p + WINQ + NPT (Holthaus & Rajendran 2000).",
    "pt-winq-at": "PT+WINQ+AT: p + WINQ + r (Rajendran & Holthaus 1999).",
    "at-rpt": "AT-RPT: r - R (Rajendran & Holthaus 1999).",
    "pt-winq-s": "PT+WINQ+S: p + WINQ + s (named so by Liu, Piplani & Toro 2023).",
    "2pt-lwkr-s": "2PT+LWKR+S: 2 p + R + s (named so by Liu, Piplani & Toro 2023).",
}
RULES: dict[str, Rule] = {
    name: Rule(name, summary, number) for number, (name, summary) in enumerate(_SUMMARIES.items())
}


@njit(cache=True, nogil=True, error_model="numpy")
def _priority(rule: int, line: NDArray[np.float64], mean: float) -> float:
    """Priority of a job by rule number; ``mean`` is the mean processing time of its queue."""
    p, work, left, slack = line[PROCESSING], line[REMAINING_WORK], line[REMAINING_OPERATIONS], line[SLACK]
    due, per_time, winq = line[DUE_DATE], line[JOB_WEIGHT] / p, line[NEXT_QUEUE_WORK]
    now = due - slack - work
    if rule == 0:
        return line[ARRIVED_AT]
    if rule == 1:
        return p
    if rule == 2:
        return work
    if rule == 3:
        return due
    if rule == 4:
        return max(due, now + work)
    if rule == 5:
        return line[OPERATION_DUE]
    if rule == 6:
        return max(line[OPERATION_DUE], now + p)
    if rule == 7:
        return slack
    if rule == 8:
        return slack / left if slack >= 0 else slack * left
    if rule == 9:
        return slack / work
    if rule == 10:
        return (due - now) / work
    if rule == 11:
        return p * max(1.0, (due - now) / work)
    if rule == 12:
        return p * max(1.0, slack / work)
    if rule == 13:
        return -per_time * max(0.0, 1.0 - max(slack, 0.0) / (COVERT_LOOK_AHEAD * WAITING_PER_WORK * work))
    if rule == 14:  # in logarithms, so that far due dates do not all become zero
        allowance = slack - WAITING_PER_WORK * (work - p)
        return max(allowance, 0.0) / (ATC_LOOK_AHEAD * mean) - math.log(max(per_time, 1e-12))
    if rule == 15:
        return winq
    if rule == 16:
        return p + winq
    if rule == 17:
        return p + winq + min(0.0, slack)
    if rule == 18:
        return 2 * p + winq + line[NEXT_PROCESSING]
    if rule == 19:
        return p + winq + line[RELEASED]
    if rule == 20:
        return line[RELEASED] - work
    if rule == 21:
        return p + winq + slack
    return 2 * p + work + slack


@njit(cache=True, nogil=True)
def _choose(rule: int, table: NDArray[np.float64], count: NDArray[np.int64], choice: NDArray[np.int64]) -> None:
    if table.shape[2] != QUEUE_COLUMNS:
        raise RuntimeError("compiled for other columns: delete the cached files (make clean)")
    for b in range(len(count)):
        choice[b], least, mean = 0, np.inf, 0.0
        for place in range(count[b]):
            mean += table[b, place, PROCESSING] / count[b]
        for place in range(count[b]):
            priority = _priority(rule, table[b, place], mean)
            if priority < least:
                choice[b], least = place, priority


class RulePolicy(Policy[DynamicJobShopInstance, DynamicJobShopSolution]):
    """Follows a rule; ties go to the job that joined the queue first.

    Args:
        rule: The rule.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._choice = np.zeros(0, np.int64)

    def act(self, simulator: Simulator[DynamicJobShopInstance, DynamicJobShopSolution]) -> NDArray[np.int64]:
        """The place of the job of smallest priority (a reused buffer)."""
        assert isinstance(simulator, DynamicJobShopSimulator)
        if len(self._choice) != simulator.batch_size:
            self._choice = np.zeros(simulator.batch_size, np.int64)
        table, count = simulator.queues()
        _choose(self.rule.number, table, count, self._choice)
        return self._choice
