"""The agents of air taxis, by name."""

from __future__ import annotations

from collections.abc import Callable

from ...envs.uam.config import UamConfig
from ..core import Agent, AgentOptions, AgentSpec
from ..random_policy import RandomPolicy
from .genetic import Genetic
from .lp_dual import LpDual, LpDualKnown
from .rolling_mip import RollingMip
from .rollout import Rollout
from .rules import RULES, RandomWithoutWaiting, Rule, RulePolicy


def _follow(rule: Rule) -> Callable[[UamConfig, AgentOptions], Agent]:
    return lambda config, options: RulePolicy(rule)


def _shipped(name: str) -> Callable[[UamConfig, AgentOptions], Agent]:
    def build(config: UamConfig, options: AgentOptions) -> Agent:
        from ..registry import shipped_policy

        return shipped_policy("uam", name, options)

    return build


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
        AgentSpec(
            "lp-dual",
            "search",
            "Profit plus what an aircraft is worth where it comes, by dual prices of the day's flow as forecast.",
            lambda config, options: LpDual(),
        ),
        AgentSpec(
            "lp-dual-known",
            "exact",
            "The same in hindsight, knowing the day's demand; proves a bound on the profit.",
            lambda config, options: LpDualKnown(config),
        ),
        AgentSpec(
            "rolling-mip",
            "search",
            "An integer flow of one to two hours, solved anew every five minutes, within the time limit for a day.",
            lambda config, options: RollingMip(options.time_limit),
        ),
        AgentSpec(
            "plain",
            "learned",
            "A trained policy without look-ahead among its features: faster, and almost as good.",
            _shipped("plain"),
        ),
        AgentSpec(
            "captain",
            "learned",
            "A trained network in the manner of CapTAIN: capsule convolutions, a transformer, attention.",
            _shipped("captain"),
        ),
    )
}

__all__ = [
    "AGENTS",
    "RULES",
    "Genetic",
    "LpDual",
    "LpDualKnown",
    "RollingMip",
    "RandomWithoutWaiting",
    "Rollout",
    "Rule",
    "RulePolicy",
]
