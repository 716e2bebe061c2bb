"""The searches as solvers of the job shop itself, and the job shop's solver as one of improvement."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...envs.core.errors import InputError
from ...envs.job_shop.config import JobShopConfig
from ...envs.job_shop.instance import JobShopInstance
from ...envs.job_shop.solution import JobShopSolution
from ...envs.job_shop_improvement.instance import ImprovementInstance
from ...envs.job_shop_improvement.start import first_schedule
from ..core import Solver, SolverResult


class OnJobShop(Solver[JobShopInstance, JobShopSolution]):
    """Solves a job shop by improving the schedule of FDD/MWKR.

    Args:
        solver: What improves it.
        config: The job shop's; only the makespan is minimised.

    Raises:
        InputError: Another objective.
    """

    def __init__(self, solver: Solver[ImprovementInstance, JobShopSolution], config: JobShopConfig) -> None:
        if config.objective != "makespan":
            raise InputError(f"moves on the critical path shorten the makespan; they cannot lessen {config.objective}")
        self.solver, self.stochastic = solver, solver.stochastic

    def solve(self, instance: JobShopInstance, *, time_limit: float, seed: int) -> SolverResult[JobShopSolution]:
        """See the solver."""
        began = time.perf_counter()
        first = ImprovementInstance(instance, first_schedule(instance, "fdd-mwkr", np.random.default_rng(0)), 1)
        spent = time.perf_counter() - began
        result = self.solver.solve(first, time_limit=max(time_limit - spent, 0.001), seed=seed)
        return replace(result, progress=tuple((seconds + spent, length) for seconds, length in result.progress))


class OnImprovement(Solver[ImprovementInstance, JobShopSolution]):
    """Solves the job shop behind an improvement instance; its first schedule is not looked at.

    Args:
        solver: A solver of job shops.
    """

    def __init__(self, solver: Solver[JobShopInstance, JobShopSolution]) -> None:
        self.solver, self.stochastic = solver, solver.stochastic

    def check_instances(self, instances: Sequence[ImprovementInstance]) -> None:
        """See the solver."""
        self.solver.check_instances([instance.shop for instance in instances])

    def solve(self, instance: ImprovementInstance, *, time_limit: float, seed: int) -> SolverResult[JobShopSolution]:
        """See the solver."""
        return self.solver.solve(instance.shop, time_limit=time_limit, seed=seed)
