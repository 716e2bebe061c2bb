"""The agents of VM rescheduling, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...envs.core.problem import load_problem
from ...envs.vm.config import VmConfig
from ...envs.vm.instance import VmInstance
from ...envs.vm.solution import VmSolution
from ..core import Agent, AgentOptions, AgentSpec, Policy, play
from ..random_policy import RandomPolicy
from .cp_sat import CpSat
from .follow import follow
from .local_search import LocalSearch
from .mcts import Mcts
from .mip import Mip, Start
from .patterns import Patterns
from .pop import Pop
from .rules import RULES, Rule, RulePolicy, compile_rules, plan_of
from .vbpp import VectorBinPacking


def _follow(rule: Rule) -> Callable[[VmConfig, AgentOptions], Agent]:
    def build(config: VmConfig, options: AgentOptions) -> Agent:
        compile_rules()
        return RulePolicy(rule)

    return build


def _ha_pair(instance: VmInstance, seed: int) -> VmSolution:
    return plan_of(RULES["ha-pair"], instance)


def _shipped_plan(config: VmConfig, options: AgentOptions) -> Start:
    """Plans of the trained agent that ships, with its most likely picks."""
    from ..registry import shipped_policy

    problem = load_problem("vm")
    agent = shipped_policy("vm", problem.agent_for(config), options)
    assert isinstance(agent, Policy)
    plain = replace(config, instance=None)

    def plan(instance: VmInstance, seed: int) -> VmSolution:
        found = play(agent, problem, [instance], plain, seed).solution(0)
        assert isinstance(found, VmSolution)
        return found

    return plan


def _vmr2l(config: VmConfig, options: AgentOptions) -> Agent:
    from ..registry import shipped_policy

    return shipped_policy("vm", "vmr2l", options)


AGENTS: dict[str, AgentSpec[VmConfig]] = {
    spec.name: spec
    for spec in (
        *(AgentSpec(rule.name, "rule", rule.summary, _follow(rule)) for rule in RULES.values()),
        AgentSpec("random", "rule", "Uniformly random legal action.", lambda config, options: RandomPolicy()),
        AgentSpec(
            "vbpp",
            "search",
            "Takes the worst-placed VMs off and packs them anew (alpha vector bin packing).",
            lambda config, options: VectorBinPacking(),
        ),
        AgentSpec(
            "local-search",
            "search",
            "Moves, swaps and chains of moves on the plan as a whole, within the time limit.",
            lambda config, options: LocalSearch(),
        ),
        AgentSpec("mcts", "search", "Tree search over moves, within the time limit.", lambda config, options: Mcts()),
        AgentSpec(
            "pop",
            "exact",
            "The integer model of 16 parts of the cluster, one by one, within the time limit; no bound.",
            lambda config, options: Pop(),
        ),
        AgentSpec(
            "patterns",
            "exact",
            "Column generation over what PMs can hold, then the integer model: proves most clusters in a few seconds.",
            lambda config, options: Patterns(_ha_pair),
        ),
        AgentSpec(
            "mip",
            "exact",
            "Counts of interchangeable VMs as an integer model (HiGHS), within the time limit; proves bounds.",
            lambda config, options: Mip("all", _ha_pair),
        ),
        AgentSpec(
            "mip-fragmented",
            "exact",
            "The same of fragmented PMs and a few others: fewer columns, no bound.",
            lambda config, options: Mip("fragmented", _ha_pair),
        ),
        AgentSpec(
            "cp-sat",
            "exact",
            "The same model for CP-SAT of OR-Tools, from ha-pair's plan; proves bounds.",
            lambda config, options: CpSat(options.threads, "all", _ha_pair),
        ),
        AgentSpec(
            "cp-sat-ppo",
            "exact",
            "The same from the plan of the trained agent that ships.",
            lambda config, options: CpSat(options.threads, "all", _shipped_plan(config, options)),
        ),
        AgentSpec(
            "vmr2l",
            "learned",
            "A trained network in the manner of VMR2L: attention in PM-VM trees, encoded at every step.",
            _vmr2l,
        ),
    )
}

__all__ = [
    "AGENTS",
    "RULES",
    "CpSat",
    "LocalSearch",
    "Mcts",
    "Mip",
    "Patterns",
    "Pop",
    "Rule",
    "RulePolicy",
    "VectorBinPacking",
    "follow",
]
