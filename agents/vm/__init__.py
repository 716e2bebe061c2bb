"""The agents of VM rescheduling, by name."""

from __future__ import annotations

from collections.abc import Callable

from ...envs.vm.config import VmConfig
from ...envs.vm.instance import VmInstance
from ...envs.vm.solution import VmSolution
from ..core import Agent, AgentOptions, AgentSpec
from ..random_policy import RandomPolicy
from .follow import follow
from .mip import Mip
from .rules import RULES, Rule, RulePolicy, plan_of


def _follow(rule: Rule) -> Callable[[VmConfig, AgentOptions], Agent]:
    return lambda config, options: RulePolicy(rule)


def _ha_pair(instance: VmInstance, seed: int) -> VmSolution:
    return plan_of(RULES["ha-pair"], instance)


AGENTS: dict[str, AgentSpec[VmConfig]] = {
    spec.name: spec
    for spec in (
        *(AgentSpec(rule.name, "rule", rule.summary, _follow(rule)) for rule in RULES.values()),
        AgentSpec("random", "rule", "Uniformly random legal action.", lambda config, options: RandomPolicy()),
        AgentSpec(
            "mip",
            "exact",
            "Counts of interchangeable VMs as an integer model (HiGHS), within the time limit; proves bounds.",
            lambda config, options: Mip("all", _ha_pair),
        ),
        AgentSpec(
            "mip-fragmented",
            "exact",
            "The same of fragmented PMs only: fewer columns, no bound.",
            lambda config, options: Mip("fragmented", _ha_pair),
        ),
    )
}

__all__ = ["AGENTS", "RULES", "Rule", "RulePolicy", "follow"]
