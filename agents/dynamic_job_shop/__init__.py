"""The agents of the dynamic job shop, by name."""

from __future__ import annotations

from collections.abc import Callable

from ...envs.dynamic_job_shop.config import DynamicJobShopConfig
from ..core import Agent, AgentOptions, AgentSpec
from ..random_policy import RandomPolicy
from .hindsight import BestRule
from .rules import RULES, Rule, RulePolicy


def _follow(rule: Rule) -> Callable[[DynamicJobShopConfig, AgentOptions], Agent]:
    return lambda config, options: RulePolicy(rule)


AGENTS: dict[str, AgentSpec[DynamicJobShopConfig]] = {
    spec.name: spec
    for spec in (
        *(AgentSpec(rule.name, "rule", rule.summary, _follow(rule)) for rule in RULES.values()),
        AgentSpec("random", "rule", "Uniformly random job of the queue.", lambda config, options: RandomPolicy()),
        AgentSpec(
            "best-rule",
            "search",
            "The best of all these rules in hindsight, run by run.",
            lambda config, options: BestRule(config),
        ),
    )
}

__all__ = ["AGENTS", "RULES", "BestRule", "Rule", "RulePolicy"]
