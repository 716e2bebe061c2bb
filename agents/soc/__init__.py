"""The agents of the SoC problem, by name."""

from __future__ import annotations

from collections.abc import Callable

from ...envs.soc.config import SocConfig
from ..core import Agent, AgentOptions, AgentSpec
from ..random_policy import RandomPolicy
from .cp_sat import CpSat, RollingCpSat
from .rollout import Rollout
from .rules import RULES, Rule, RulePolicy
from .static import STATIC_SCHEDULERS, StaticScheduler


def _follow(rule: Rule) -> Callable[[SocConfig, AgentOptions], Agent]:
    return lambda config, options: RulePolicy(rule)


def _static(name: str) -> Callable[[SocConfig, AgentOptions], Agent]:
    return lambda config, options: StaticScheduler(name, config)


def _deepsocs(config: SocConfig, options: AgentOptions) -> Agent:
    from ..registry import shipped_policy

    return shipped_policy("soc", "deepsocs", options)


AGENTS: dict[str, AgentSpec[SocConfig]] = {
    spec.name: spec
    for spec in (
        *(AgentSpec(rule.name, "rule", rule.summary, _follow(rule)) for rule in RULES.values()),
        *(AgentSpec(name, "rule", summary, _static(name)) for name, (summary, _) in STATIC_SCHEDULERS.items()),
        AgentSpec("random", "rule", "Uniformly random legal action.", lambda config, options: RandomPolicy()),
        AgentSpec(
            "rollout",
            "search",
            "Looks ahead with three rules from every choice: the trained agent's features without its network.",
            lambda config, options: Rollout(),
        ),
        AgentSpec(
            "cp-sat",
            "exact",
            "CP-SAT of OR-Tools for jobs that are all there at time 0, within the time limit; proves bounds.",
            lambda config, options: CpSat(config, options.threads),
        ),
        AgentSpec(
            "rolling-cp-sat",
            "exact",
            "CP-SAT anew whenever a job arrives, for streams; up to a tenth of the time limit for each.",
            lambda config, options: RollingCpSat(config, options.threads, seconds=options.time_limit / 10),
        ),
        AgentSpec(
            "deepsocs",
            "learned",
            "DeepSoCS-style: a trained network orders the ready tasks, each goes where it would be finished first.",
            _deepsocs,
        ),
    )
}

__all__ = ["AGENTS", "RULES", "CpSat", "RollingCpSat", "Rollout", "Rule", "RulePolicy", "StaticScheduler"]
