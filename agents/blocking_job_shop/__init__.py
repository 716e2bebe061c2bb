"""The agents of the blocking job shop, by name."""

from __future__ import annotations

from collections.abc import Callable

from ...envs.blocking_job_shop.config import BlockingConfig
from ..core import Agent, AgentOptions, AgentSpec
from ..random_policy import RandomPolicy
from .cp_sat import CpSat, best_rule_schedule
from .rollout import Rollout
from .rules import RULES, RandomStarts, Rule, RulePolicy

ROLLOUT_RULES = tuple(RULES[name] for name in ("mwkr", "pressure", "wip-most-pressure"))


def _follow(rule: Rule) -> Callable[[BlockingConfig, AgentOptions], Agent]:
    return lambda config, options: RulePolicy(rule)


AGENTS: dict[str, AgentSpec[BlockingConfig]] = {
    spec.name: spec
    for spec in (
        *(AgentSpec(rule.name, "rule", rule.summary, _follow(rule)) for rule in RULES.values()),
        AgentSpec("random", "rule", "Uniformly random legal action.", lambda config, options: RandomPolicy()),
        AgentSpec(
            "random-starts",
            "rule",
            "Uniformly random job that can be started; waits only where there is none.",
            lambda config, options: RandomStarts(),
        ),
        AgentSpec(
            "rollout",
            "search",
            "Plays every choice out by a few rules, in four futures of its own where machines fail.",
            lambda config, options: Rollout(ROLLOUT_RULES),
        ),
        AgentSpec(
            "cp-sat",
            "exact",
            "CP-SAT of OR-Tools within the time limit, without failures and with swap; proves bounds.",
            lambda config, options: CpSat(config, options.threads),
        ),
    )
}

__all__ = ["AGENTS", "RULES", "CpSat", "RandomStarts", "Rollout", "Rule", "RulePolicy", "best_rule_schedule"]
