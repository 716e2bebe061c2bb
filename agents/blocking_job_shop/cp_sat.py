"""CP-SAT of Google OR-Tools on the undisturbed blocking job shop with swap."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...envs.blocking_job_shop.check import check_schedule
from ...envs.blocking_job_shop.config import BlockingConfig
from ...envs.blocking_job_shop.instance import BlockingInstance
from ...envs.blocking_job_shop.problem import PROBLEM
from ...envs.core.errors import InputError
from ...envs.job_shop.solution import JobShopSolution
from ..core import Solver, SolverResult, run_policy
from .rules import RULES, RulePolicy


def best_rule_schedule(instance: BlockingInstance, config: BlockingConfig) -> tuple[str, JobShopSolution, float]:
    """The best schedule of all dispatching rules: its rule, itself, its makespan."""
    simulator = PROBLEM.simulator_for([instance], config)
    found = []
    for rule in RULES.values():
        run_policy(RulePolicy(rule), simulator, [instance])
        found.append((float(simulator.objective()[0]), rule.name, simulator.solution(0)))
    objective, name, solution = min(found, key=lambda item: item[0])
    return name, solution, objective


class CpSat(Solver[BlockingInstance, JobShopSolution]):
    """One interval per operation that ends when the job's next one starts, one no-overlap per machine.

    Half-open intervals let machines change hands at one moment, in a circle, too: this is the shop with swap, exactly
    where every operation takes time. One that takes none could pass a machine that is held; a schedule that needs this
    is not returned, and only the bound counts. The search starts from the best rule's schedule, which is returned if
    nothing better is found.

    Args:
        config: The configuration.
        workers: Threads.

    Raises:
        InputError: OR-Tools is not installed.
    """

    stochastic = True

    def __init__(self, config: BlockingConfig, workers: int) -> None:
        try:
            from ortools.sat.python import cp_model
        except ImportError as error:
            raise InputError("cp-sat needs OR-Tools: pip install 'schedlab[solvers]'") from error
        self._cp_model = cp_model
        self.config = config
        self.workers = workers

    def check_instances(self, instances: Sequence[BlockingInstance]) -> None:
        """Refuse shops whose machines fail, and those without swap."""
        for instance in instances:
            if instance.uncertain:
                raise InputError(
                    f"cp-sat plans ahead, and machines of {instance.name} fail at random: "
                    "set breakdown_probability to 0"
                )
            if not instance.terms.swap:
                raise InputError(f"cp-sat only knows blocking job shops with swap, which {instance.name} is not")

    def solve(self, instance: BlockingInstance, *, time_limit: float, seed: int) -> SolverResult[JobShopSolution]:
        """The best schedule within ``time_limit`` seconds of wall time, the rules' included."""
        began = time.perf_counter()
        self.check_instances([instance])
        _, hint, hint_makespan = best_rule_schedule(instance, self.config)
        model, starts = self._model(instance, hint, int(hint_makespan))
        solver = self._cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(time_limit - (time.perf_counter() - began), 0.01)
        solver.parameters.num_workers = self.workers
        solver.parameters.random_seed = seed
        status = solver.solve(model)
        if status == self._cp_model.MODEL_INVALID:
            raise RuntimeError(f"CP-SAT refused the model of {instance.name}: {model.validate()}")
        bound = max(math.ceil(solver.best_objective_bound - 1e-6), 0)
        if status not in (self._cp_model.OPTIMAL, self._cp_model.FEASIBLE):
            return SolverResult(hint, bound=float(bound), proved=bound == hint_makespan)
        solution = JobShopSolution(np.array([solver.value(start) for start in starts], np.int64))
        if not check_schedule(instance, solution).feasible:
            return SolverResult(hint, bound=float(bound), proved=bound == hint_makespan)
        return SolverResult(solution, bound=float(bound), proved=status == self._cp_model.OPTIMAL)

    def _model(self, instance: BlockingInstance, hint: JobShopSolution, horizon: int) -> tuple[Any, list[Any]]:
        model, shop = self._cp_model.CpModel(), instance.shop
        starts: list[Any] = []
        on_machine: list[list[Any]] = [[] for _ in range(shop.num_machines)]
        makespan = model.new_int_var(0, horizon, "makespan")
        for j, routing in enumerate(shop.jobs()):
            earliest, latest = int(shop.release[j]), horizon - int(shop.job_work[j])
            first = len(starts)
            for _, duration in routing:
                start = model.new_int_var(earliest, latest, f"s{len(starts)}")
                model.add_hint(start, int(hint.start[len(starts)]))
                starts.append(start)
                earliest, latest = earliest + duration, latest + duration
            for k, (machine, duration) in enumerate(routing):
                start = starts[first + k]
                leave = starts[first + k + 1] if k + 1 < len(routing) else start + duration
                size = model.new_int_var(duration, horizon, f"h{first + k}") if k + 1 < len(routing) else duration
                on_machine[machine].append(model.new_interval_var(start, size, leave, f"i{first + k}"))
            model.add(makespan >= starts[-1] + routing[-1][1])
        for intervals in on_machine:
            model.add_no_overlap(intervals)
        model.minimize(makespan)
        return model, starts
