"""Rules that look at one flight, or two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...envs.core.simulator import Simulator
from ...envs.uam.greedy import GREEDY_HOUR, GREEDY_TRIP, LOOK_AHEAD, choose
from ...envs.uam.instance import UamInstance
from ...envs.uam.simulate import UamSimulator
from ...envs.uam.solution import UamSolution
from ..core import Policy
from ..random_policy import RandomPolicy, random_legal_actions


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


class RandomWithoutWaiting(RandomPolicy):
    """A uniformly random legal flight; waits only where none is legal."""

    def act(self, simulator: Simulator[UamInstance, UamSolution]) -> NDArray[np.int64]:
        """A flight per row."""
        assert isinstance(simulator, UamSimulator)
        mask, rows = simulator.action_mask.copy(), np.arange(simulator.batch_size)
        mask[rows, simulator.where] &= mask.sum(axis=1) == 1
        return random_legal_actions(mask, self._rng)
