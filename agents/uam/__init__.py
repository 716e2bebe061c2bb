"""The agents of air taxis, by name."""

from __future__ import annotations

from collections.abc import Callable

from ...envs.uam.config import UamConfig
from ..core import Agent, AgentOptions, AgentSpec
from ..random_policy import RandomPolicy
from .genetic import Genetic
from .rollout import Rollout
from .rules import RULES, RandomWithoutWaiting, Rule, RulePolicy


def _follow(rule: Rule) -> Callable[[UamConfig, AgentOptions], Agent]:
    return lambda config, options: RulePolicy(rule)


AGENTS: dict[str, AgentSpec[UamConfig]] = {
    spec.name: spec
    for spec in (
        *(AgentSpec(rule.name, "rule", rule.summary, _follow(rule)) for rule in RULES.values()),
        AgentSpec("random", "rule", "Uniformly random legal action.", lambda config, options: RandomPolicy()),
        AgentSpec(
            "random-no-wait",
            "rule",
            "Uniformly random legal flight; waits where there is none.",
            lambda config, options: RandomWithoutWaiting(),
        ),
        AgentSpec(
            "rollout",
            "search",
            "Plays every choice out by greedy-hour for an hour, in four futures drawn from the forecast.",
            lambda config, options: Rollout(),
        ),
        AgentSpec(
            "ga",
            "search",
            "Genetic algorithm on blocks of 60 decisions, in hindsight, within the time limit.",
            lambda config, options: Genetic(),
        ),
    )
}

__all__ = ["AGENTS", "RULES", "Genetic", "RandomWithoutWaiting", "Rollout", "Rule", "RulePolicy"]
