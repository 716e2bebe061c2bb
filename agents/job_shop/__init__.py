"""The agents of the job shop, by name."""

from __future__ import annotations

from collections.abc import Callable

from ...envs.job_shop.config import JobShopConfig
from ..core import Agent, AgentOptions, AgentSpec
from ..job_shop_improvement.annealing import Annealing
from ..job_shop_improvement.job_shop import OnJobShop
from ..job_shop_improvement.tabu import TabuSearch
from ..random_policy import RandomPolicy
from .cp_sat import CpSat, best_rule_schedule
from .rules import RULES, Rule, RulePolicy


def _follow(rule: Rule) -> Callable[[JobShopConfig, AgentOptions], Agent]:
    return lambda config, options: RulePolicy(rule)


AGENTS: dict[str, AgentSpec[JobShopConfig]] = {
    spec.name: spec
    for spec in (
        *(AgentSpec(rule.name, "rule", rule.summary, _follow(rule)) for rule in RULES.values()),
        AgentSpec("random", "rule", "Uniformly random legal job.", lambda config, options: RandomPolicy()),
        AgentSpec(
            "tabu",
            "search",
            "Tabu search with elite schedules from FDD/MWKR, until the time is over; makespan only.",
            lambda config, options: OnJobShop(TabuSearch(), config),
        ),
        AgentSpec(
            "annealing",
            "search",
            "Simulated annealing from FDD/MWKR, cooled over the time that there is; makespan only.",
            lambda config, options: OnJobShop(Annealing(), config),
        ),
        AgentSpec(
            "cp-sat",
            "exact",
            "CP-SAT of OR-Tools within the time limit, started from the best rule; proves bounds.",
            lambda config, options: CpSat(config, options.threads),
        ),
    )
}

__all__ = ["AGENTS", "RULES", "CpSat", "Rule", "RulePolicy", "best_rule_schedule"]
