"""The best rule in hindsight: what an agent that selects among rules could at most know beforehand."""

from __future__ import annotations

from ...envs.dynamic_job_shop.config import DynamicJobShopConfig
from ...envs.dynamic_job_shop.instance import DynamicJobShopInstance
from ...envs.dynamic_job_shop.problem import PROBLEM
from ...envs.dynamic_job_shop.solution import DynamicJobShopSolution
from ..core import Solver, SolverResult, run_policy
from .rules import RULES, RulePolicy


class BestRule(Solver[DynamicJobShopInstance, DynamicJobShopSolution]):
    """Plays a run with every rule and keeps the best: of each run another one may be.

    Args:
        config: The objective.
    """

    def __init__(self, config: DynamicJobShopConfig) -> None:
        self.config = config

    def solve(
        self, instance: DynamicJobShopInstance, *, time_limit: float, seed: int
    ) -> SolverResult[DynamicJobShopSolution]:
        """The best of all rules; the time limit is not looked at."""
        simulator = PROBLEM.simulator_for([instance], self.config)
        found = []
        for rule in RULES.values():
            run_policy(RulePolicy(rule), simulator, [instance])
            found.append((float(simulator.objective()[0]), simulator.solution(0)))
        return SolverResult(min(found, key=lambda item: item[0])[1], samples=len(RULES))
