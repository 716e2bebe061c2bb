"""The exact solver next door: CP-SAT of Google OR-Tools."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from ...envs.core.errors import InputError
from ...envs.job_shop.config import JobShopConfig
from ...envs.job_shop.instance import JobShopInstance
from ...envs.job_shop.problem import PROBLEM
from ...envs.job_shop.solution import JobShopSolution
from ..core import Solver, SolverResult, run_policy
from .rules import RULES, RulePolicy


def best_rule_schedule(instance: JobShopInstance, config: JobShopConfig) -> tuple[str, JobShopSolution, float]:
    """The best schedule of all dispatching rules that apply: its rule, itself, its objective."""
    rules = [rule for rule in RULES.values() if instance.due is not None or not rule.needs_due_dates]
    simulator = PROBLEM.simulator_for([instance], config)
    found = []
    for rule in rules:
        run_policy(RulePolicy(rule), simulator, [instance])
        found.append((float(simulator.objective()[0]), rule.name, simulator.solution(0)))
    objective, name, solution = min(found, key=lambda item: item[0])
    return name, solution, objective


class CpSat(Solver[JobShopInstance, JobShopSolution]):
    """Interval variables, one no-overlap per machine, started from the best dispatching rule's schedule.

    The bound it reports is proved. If the time runs out before it finds a schedule of its own, the rule's is returned.

    Args:
        config: Objective; the schedule builder does not restrict the solver.
        workers: Threads.

    Raises:
        InputError: OR-Tools is not installed.
    """

    stochastic = True

    def __init__(self, config: JobShopConfig, workers: int) -> None:
        try:
            from ortools.sat.python import cp_model
        except ImportError as error:
            raise InputError("cp-sat needs OR-Tools: pip install 'schedlab[solvers]'") from error
        self._cp_model = cp_model
        self.config = config
        self.workers = workers

    def solve(self, instance: JobShopInstance, *, time_limit: float, seed: int) -> SolverResult[JobShopSolution]:
        """The best schedule within ``time_limit`` seconds of wall time, the hint's rules included."""
        began = time.perf_counter()
        _, hint, hint_objective = best_rule_schedule(instance, self.config)
        model, starts = self._model(instance, hint)
        solver = self._cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(time_limit - (time.perf_counter() - began), 0.01)
        solver.parameters.num_workers = self.workers
        solver.parameters.random_seed = seed
        status = solver.solve(model)
        if status == self._cp_model.MODEL_INVALID:
            raise RuntimeError(f"CP-SAT refused the model of {instance.name}: {model.validate()}")
        bound = max(math.ceil(solver.best_objective_bound - 1e-6), 0)
        if status not in (self._cp_model.OPTIMAL, self._cp_model.FEASIBLE):
            return SolverResult(hint, bound=float(bound), proved=bound == hint_objective)
        solution = JobShopSolution(np.array([solver.value(start) for start in starts], np.int64))
        return SolverResult(solution, bound=float(bound), proved=status == self._cp_model.OPTIMAL)

    def _model(self, instance: JobShopInstance, hint: JobShopSolution) -> tuple[Any, list[Any]]:
        model = self._cp_model.CpModel()
        makespan_only = self.config.objective == "makespan"
        # For the makespan the hint's length bounds every time; the sums may want a longer schedule.
        ends = hint.start + instance.duration
        horizon = int(ends.max()) if makespan_only else int(instance.release.max() + instance.duration.sum())
        starts: list[Any] = []
        on_machine: list[list[Any]] = [[] for _ in range(instance.num_machines)]
        completions = []
        operation = 0
        for j, routing in enumerate(instance.jobs()):
            earliest, latest = int(instance.release[j]), horizon - int(instance.job_work[j])
            end: Any = earliest
            for machine, duration in routing:
                start = model.new_int_var(earliest, latest, f"s{operation}")
                model.add(start >= end)
                on_machine[machine].append(model.new_fixed_size_interval_var(start, duration, f"i{operation}"))
                model.add_hint(start, int(hint.start[operation]))
                starts.append(start)
                earliest, latest, end = earliest + duration, latest + duration, start + duration
                operation += 1
            completions.append(end)
        for intervals in on_machine:
            model.add_no_overlap(intervals)
        model.minimize(self._objective(model, instance, completions, horizon))
        return model, starts

    def _objective(self, model: Any, instance: JobShopInstance, completions: list[Any], horizon: int) -> Any:
        if self.config.objective == "makespan":
            makespan = model.new_int_var(0, horizon, "makespan")
            for completion in completions:
                model.add(makespan >= completion)
            return makespan
        if self.config.objective == "total-flow-time":
            return sum(completions) - int(instance.release.sum())
        assert instance.due is not None  # a configuration with this objective gives every instance due dates
        total: Any = 0
        for j, completion in enumerate(completions):
            due = int(instance.due[j])
            late = model.new_int_var(0, max(horizon - due, 0), f"late{j}")
            model.add(late >= completion - due)
            weight = int(instance.weight[j]) if self.config.objective == "total-weighted-tardiness" else 1
            total += weight * late
        return total
