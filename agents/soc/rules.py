"""Run-time list schedulers: at every decision one ready task goes to one PE, or everything waits.

A rule says which of the ready tasks is next and where it goes; the finish time of a task on a PE is estimated as
max(now, its data there, the PE idle) plus its expected execution time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.soc import state as s
from ...envs.soc.config import SocConfig
from ...envs.soc.instance import SocInstance
from ...envs.soc.look_ahead import late_binding
from ...envs.soc.simulate import SocSimulator
from ...envs.soc.solution import SocSolution
from ..core import Policy

MET, STF, EFT, ETF, HEFT_RT, RANK_RT, LATE_OLDEST, LATE_SRPT = range(8)

READY_LIMIT = 128
"""Ready tasks that rules look at."""


@dataclass(frozen=True)
class Rule:
    """A run-time scheduler.

    Attributes:
        name: On the command line.
        code: Of the compiled loop.
        summary: One line for ``schedlab list``, with its source.
    """

    name: str
    code: int
    summary: str


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("met", MET, "Minimum execution time: first ready task, on its fastest PE; ties by earliest idle PE."),
        Rule("stf", STF, "Shortest task first, on the first of its fastest PEs, as DS3 has it."),
        Rule("eft", EFT, "Earliest finish time: first ready task, on the PE that finishes it first."),
        Rule("etf", ETF, "Earliest task first: the pair of ready task and PE that finishes first (Hwang et al. 1989)."),
        Rule(
            "heft-rt", HEFT_RT, "Longest mean time first, blind to transfers and successors: the literature's HEFT_RT."
        ),
        Rule("rank-rt", RANK_RT, "Largest upward rank of the whole graph first, on the PE that finishes it first."),
        Rule(
            "late-oldest", LATE_OLDEST, "Late binding: oldest job first, only to a PE that is idle when data is there."
        ),
        Rule("late-srpt", LATE_SRPT, "Late binding: smallest upward rank first, likewise."),
    )
}


class RulePolicy(Policy[SocInstance, SocSolution]):
    """Follows a rule.

    Args:
        rule: The rule.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._rank: NDArray[np.float64] = np.zeros((0, 0))
        self._mean: NDArray[np.float64] = np.zeros((0, 0))

    def configuration(self, config: SocConfig) -> SocConfig:
        """Rules say both which task and which PE, of all there are."""
        return replace(config, action="pair", offer="every", defer=True, ready_limit=READY_LIMIT, look_ahead=False)

    def begin(self, simulator: Any, seed: int) -> None:
        """Note the ranks of all task graphs."""
        nodes = simulator.world.node.shape[1]
        self._rank, self._mean = (np.zeros((simulator.batch_size, nodes)) for _ in range(2))
        for row, system in enumerate(simulator.systems):
            if system is not None:
                self._rank[row, : system.num_nodes] = system.rank
                self._mean[row, : system.num_nodes] = system.mean_time

    def act(self, simulator: Any) -> NDArray[np.int64]:
        """The rule's choice in every row."""
        assert isinstance(simulator, SocSimulator)
        action = np.zeros(simulator.batch_size, np.int64)
        choose_rows(self.rule.code, simulator.rules, simulator.world, simulator.state, self._rank, self._mean, action)
        return action


@njit(cache=True, nogil=True)
def choose_rows(rule, rules, world, state, rank, mean, action):
    """Write the rule's action of every row that is not done; pairs count PE by PE."""
    pes = world.execution.shape[2]
    last = state.flag.shape[1] - 1 - s.LEGAL
    available = np.empty(pes, np.int64)
    for b in range(len(action)):
        if state.flag[b, s.DONE]:
            continue
        for pe in range(pes):
            available[pe] = state.pe[b, pe, s.AVAILABLE]
        if rule < LATE_OLDEST:
            place, pe = _choose_early(b, rule, available, rules, world, state, rank, mean)
        else:
            place, pe = late_binding(b, rules.ready_limit, rule == LATE_OLDEST, rank[b], available, world, state)
            if place < 0:
                # some PE is busy, or the first task would have fitted: waiting is legal
                action[b] = last
                continue
        action[b] = place * pes + pe


@njit(cache=True, nogil=True)
def _choose_early(b, rule, available, rules, world, state, rank, mean):
    """The next ready task by the rule's priority, and its PE."""
    best_place, best_pe, first, second = -1, -1, np.inf, np.inf
    for place in range(min(state.row[b, s.READY], rules.ready_limit)):
        task = state.ready[b, place]
        node = state.task[b, task, s.NODE]
        pe, finish = _choose_pe(b, rule, place, available, world, state)
        key, tie = float(place), 0.0
        if rule == STF:
            key, tie = float(world.execution[b, node, pe]), float(place)
        elif rule == ETF:
            key, tie = finish, float(place)
        elif rule == HEFT_RT:
            key, tie = -mean[b, node], float(place)
        elif rule == RANK_RT:
            key, tie = -rank[b, node], float(place)
        if key < first or (key == first and tie < second):
            best_place, best_pe, first, second = place, pe, key, tie
    return best_place, best_pe


@njit(cache=True, nogil=True)
def _choose_pe(b, rule, place, available, world, state):
    """Where a rule would put a ready task: PE and estimated finish."""
    best, first, second, finish_there = -1, np.inf, np.inf, np.inf
    node = state.task[b, state.ready[b, place], s.NODE]
    for pe in range(state.row[b, s.NUM_PES]):
        time = world.execution[b, node, pe]
        if time < 0:
            continue
        data = state.data[b, place, pe]
        finish = float(max(available[pe], data) + time)
        key, tie = finish, float(pe)
        if rule == MET:
            key, tie = float(time), float(available[pe])
        elif rule == STF:
            key = float(time)
        elif rule == HEFT_RT:
            key = float(available[pe] + time)
        if key < first or (key == first and tie < second):
            best, first, second, finish_there = pe, key, tie, finish
    return best, finish_there
