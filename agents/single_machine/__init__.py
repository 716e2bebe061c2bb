"""The agents of the single machine, by name."""

from __future__ import annotations

from collections.abc import Callable

from ...envs.core.errors import InputError
from ...envs.single_machine.config import SingleMachineConfig
from ..core import Agent, AgentOptions, AgentSpec
from ..random_policy import RandomPolicy
from .cp_sat import CpSat
from .decomposition import Decomposition
from .rules import RULES, Rollout, Rule, RulePolicy
from .sequences import SEQUENCE_HEURISTICS, SequenceFunction, SequenceHeuristic

Build = Callable[[SingleMachineConfig, AgentOptions], Agent]
WEIGHTED_HEURISTICS = ("wmdd-swap",)


def _follow(rule: Rule) -> Build:
    return lambda config, options: RulePolicy(rule)


def _unit_weights(name: str, config: SingleMachineConfig) -> None:
    if config.objective != "total-tardiness":
        raise InputError(f"{name} is for unit weights (total-tardiness); with weights use wmdd, wmdd-swap or cp-sat")


def _sequence(name: str, build: SequenceFunction) -> Build:
    def make(config: SingleMachineConfig, options: AgentOptions) -> Agent:
        if name not in WEIGHTED_HEURISTICS:
            _unit_weights(name, config)
        elif config.objective == "total-tardiness":
            return SequenceHeuristic(lambda instance: build(instance.with_unit_weights()))
        return SequenceHeuristic(build)

    return make


def _exact(config: SingleMachineConfig, options: AgentOptions) -> Agent:
    _unit_weights("exact", config)
    return Decomposition()


AGENTS: dict[str, AgentSpec[SingleMachineConfig]] = {
    spec.name: spec
    for spec in (
        *(AgentSpec(rule.name, "rule", rule.summary, _follow(rule)) for rule in RULES.values()),
        *(
            AgentSpec(name, "search" if "swap" in name else "rule", summary, _sequence(name, build))
            for name, (summary, build) in SEQUENCE_HEURISTICS.items()
        ),
        AgentSpec(
            "mdd-rollout",
            "search",
            "The job after which (weighted) MDD would do best (Bertsekas, Tsitsiklis & Wu 1997).",
            lambda config, options: Rollout(penalised=False),
        ),
        AgentSpec(
            "rollout",
            "search",
            "The same, trying MDD with penalties for long jobs too: the trained agent's features without its network.",
            lambda config, options: Rollout(penalised=True),
        ),
        AgentSpec("random", "rule", "Uniformly random legal job.", lambda config, options: RandomPolicy()),
        AgentSpec(
            "exact", "exact", "Decomposition with memory (Lawler 1977; Szwarc et al. 2001): proves optima.", _exact
        ),
        AgentSpec(
            "cp-sat",
            "exact",
            "CP-SAT of OR-Tools within the time limit, also for weights; proves bounds.",
            lambda config, options: CpSat(config.objective, options.threads),
        ),
    )
}

__all__ = ["AGENTS", "RULES", "CpSat", "Decomposition", "Rollout", "Rule", "RulePolicy", "SequenceHeuristic"]
