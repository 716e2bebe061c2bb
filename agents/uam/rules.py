"""Rules that look at one flight, or two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.core.simulator import Simulator
from ...envs.uam import state as s
from ...envs.uam.instance import UamInstance
from ...envs.uam.simulate import UamSimulator
from ...envs.uam.solution import UamSolution
from ..core import Policy
from ..random_policy import random_legal_actions

GREEDY_TRIP, GREEDY_HOUR, LOOK_AHEAD = range(3)


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        name: On the command line.
        code: Of the compiled loop.
        summary: One line for ``schedlab list``.
    """

    name: str
    code: int
    summary: str


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("greedy-trip", GREEDY_TRIP, "The flight that earns most; waits where none earns anything."),
        Rule("greedy-hour", GREEDY_HOUR, "The flight that earns most per hour until the aircraft is free again."),
        Rule(
            "look-ahead",
            LOOK_AHEAD,
            "The two flights in a row that earn most per hour, a second in a later hour by forecast.",
        ),
    )
}


class RulePolicy(Policy[UamInstance, UamSolution]):
    """Follows a rule; of equal choices it takes waiting, then the first."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def act(self, simulator: Simulator[UamInstance, UamSolution]) -> NDArray[np.int64]:
        """The rule's choice in every row."""
        assert isinstance(simulator, UamSimulator)
        choice = np.zeros(simulator.batch_size, np.int64)
        choose(self.rule.code, simulator.world, simulator.state, simulator.numbers, choice)
        return choice


class RandomWithoutWaiting(Policy[UamInstance, UamSolution]):
    """A uniformly random legal flight; waits only where none is legal."""

    stochastic = True

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def begin(self, simulator: Simulator[UamInstance, UamSolution], seed: int) -> None:
        """Start the stream of random numbers."""
        self._rng = np.random.default_rng(seed)

    def act(self, simulator: Simulator[UamInstance, UamSolution]) -> NDArray[np.int64]:
        """A flight per row."""
        assert isinstance(simulator, UamSimulator)
        mask, rows = simulator.action_mask.copy(), np.arange(simulator.batch_size)
        mask[rows, simulator.where] &= mask.sum(axis=1) == 1
        return random_legal_actions(mask, self._rng)


@njit(cache=True, nogil=True)
def choose(code: int, world: Any, state: Any, numbers: Any, choice: NDArray[np.int64]) -> None:
    """Write a rule's action for every row, int64 ``[B]``.

    Args:
        code: The rule.
        world: Of the simulator.
        state: Of the simulator.
        numbers: Of the simulator.
        choice: Where to.
    """
    for b in range(len(choice)):
        choice[b] = choose_in_row(code, b, world, state, numbers)


@njit(cache=True)
def choose_in_row(code: int, b: int, world: Any, state: Any, numbers: Any) -> int:
    """A rule's action in one row; see :func:`choose`."""
    size, now = world.row[b], state.row[b, s.NOW]
    i = state.plane[b, state.row[b, s.PLANE], s.WHERE]
    h = min(now // size[s.PERIOD], state.remaining.shape[1] - 1)
    best, worth = i, 0.0 if state.legal[b, i] else -np.inf
    for j in range(size[s.NUM_PORTS]):
        if j == i or not state.legal[b, j]:
            continue
        load = min(size[s.SEATS], state.remaining[b, h, i, j])
        value = load * world.margin[b, h, i, j] - world.cost[b, i, j]
        if code == GREEDY_HOUR:
            value /= numbers.hours[b, i, j]
        elif code == LOOK_AHEAD:
            value = _second(b, j, value, numbers.hours[b, i, j], world, state, numbers)
        if value > worth:
            best, worth = j, value
    return best


@njit(cache=True)
def _second(b: int, j: int, profit: float, hours: float, world: Any, state: Any, numbers: Any) -> float:
    """Profit per hour of a flight to a vertiport and the best one from there.

    By the passengers who are there now where it begins in this period, by forecast later. A flight that ends after
    the day has no second.
    """
    size, now = world.row[b], state.row[b, s.NOW]
    then = now + 3600.0 * hours
    if then >= size[s.DAY]:
        return profit / hours
    h, later = now // size[s.PERIOD], int(then) // size[s.PERIOD]
    if later > h:
        return (profit + numbers.best[b, later, j, 1]) / (hours + numbers.best[b, later, j, 2])
    best = profit / (hours + size[s.WAIT] / 3600.0)
    for k in range(size[s.NUM_PORTS]):
        if numbers.possible[b, j, k]:
            load = min(size[s.SEATS], state.remaining[b, h, j, k])
            earns = load * world.margin[b, h, j, k] - world.cost[b, j, k]
            best = max(best, (profit + earns) / (hours + numbers.hours[b, j, k]))
    return best
