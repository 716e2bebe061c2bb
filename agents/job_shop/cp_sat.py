"""The exact solver next door: CP-SAT of Google OR-Tools."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def schedule_objective(instance: JobShopInstance, start: NDArray[np.int64], objective: str) -> float:
    """What a feasible schedule costs, from its start times, int64 ``[N]``."""
    last = instance.first_operation[1:] - 1
    completion = start[last] + instance.duration[last]
    if objective == "makespan":
        return float(completion.max())
    if objective == "total-flow-time":
        return float((completion - instance.release).sum())
    assert instance.due is not None  # a configuration with this objective gives every instance due dates
    late = np.maximum(completion - instance.due, 0)
    return float((instance.weight * late).sum() if objective == "total-weighted-tardiness" else late.sum())


class Incumbent:
    """The best schedule so far, and when each better one came.

    Args:
        instance: The shop.
        objective: One of :data:`~schedlab.envs.job_shop.OBJECTIVES`.
        began: When the search did, by ``time.perf_counter``.
    """

    def __init__(self, instance: JobShopInstance, objective: str, began: float) -> None:
        self._instance, self._objective, self._began = instance, objective, began
        self.solution: JobShopSolution | None = None
        self.progress: list[tuple[float, float]] = []

    def offer(self, solution: JobShopSolution) -> None:
        """Keep a feasible schedule if it is better than those before."""
        # from its start times: the model's own number is only bounded by the schedule while it is not yet optimal
        cost = schedule_objective(self._instance, solution.start, self._objective)
        if not self.progress or cost < self.progress[-1][1]:
            self.solution = solution
            self.progress.append((time.perf_counter() - self._began, cost))


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
        incumbent = Incumbent(instance, self.config.objective, began)
        _, hint, hint_objective = best_rule_schedule(instance, self.config)
        incumbent.offer(hint)
        model, starts = self._model(instance, hint)
        solver = self._cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(time_limit - (time.perf_counter() - began), 0.01)
        solver.parameters.num_workers = self.workers
        solver.parameters.random_seed = seed
        status = solver.solve(model, self._listener(starts, incumbent))
        if status == self._cp_model.MODEL_INVALID:
            raise RuntimeError(f"CP-SAT refused the model of {instance.name}: {model.validate()}")
        bound = max(math.ceil(solver.best_objective_bound - 1e-6), 0)
        proved = bound == hint_objective
        if status in (self._cp_model.OPTIMAL, self._cp_model.FEASIBLE):
            incumbent.offer(_schedule(solver, starts))
            proved = status == self._cp_model.OPTIMAL
        assert incumbent.solution is not None  # the hint at least
        return SolverResult(incumbent.solution, float(bound), proved, progress=tuple(incumbent.progress))

    def _listener(self, starts: list[Any], incumbent: Incumbent) -> Any:
        """What CP-SAT calls with each schedule that it finds."""

        class Listener(self._cp_model.CpSolverSolutionCallback):  # type: ignore[name-defined]
            def on_solution_callback(self) -> None:
                incumbent.offer(_schedule(self, starts))

        return Listener()

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


def _schedule(values: Any, starts: list[Any]) -> JobShopSolution:
    """The schedule that a solver, or its callback, holds at the moment."""
    return JobShopSolution(np.array([values.value(start) for start in starts], np.int64))
