"""CP-SAT of Google OR-Tools on the aggregated model, from a plan to begin with."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from ...envs.core.errors import InputError
from ...envs.vm.solution import VmSolution
from .aggregate import Aggregate
from .mip import AggregateSolver, Answer, Start


def import_cp_model() -> Any:
    """The module ``cp_model`` of OR-Tools.

    Raises:
        InputError: OR-Tools is not installed.
    """
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise InputError("cp-sat needs OR-Tools: pip install 'schedlab[solvers]'") from error
    return cp_model


class CpSat(AggregateSolver):
    """CP-SAT.

    Args:
        workers: Threads.
        restrict: See :class:`~.mip.AggregateSolver`.
        start: A plan whose outcome is given as a hint.

    Raises:
        InputError: OR-Tools is not installed.
    """

    stochastic = True

    def __init__(self, workers: int = 1, restrict: str = "all", start: Start | None = None) -> None:
        super().__init__(restrict, start)
        self._cp_model = import_cp_model()
        self.workers = workers

    def optimise(self, model: Aggregate, seconds: float, seed: int, hint: VmSolution) -> Answer:
        """Minimise the cost of a model."""
        began = time.perf_counter()
        program, variables = self._program(model, hint)
        solver = self._cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(seconds - (time.perf_counter() - began), 0.01)
        solver.parameters.num_workers = self.workers
        solver.parameters.random_seed = seed
        status = solver.solve(program)
        if status == self._cp_model.MODEL_INVALID:
            raise RuntimeError(f"CP-SAT refused the model: {program.validate()}")
        if status == self._cp_model.INFEASIBLE:
            return Answer(infeasible=True)
        # before it has searched at all it states a bound of 0, which would be no bound on minus the value
        searched = status != self._cp_model.UNKNOWN or solver.best_objective_bound < 0
        bound = math.ceil(solver.best_objective_bound - 1e-6) if searched or model.goal is not None else -math.inf
        if status == self._cp_model.UNKNOWN:
            return Answer(bound=bound)
        return Answer(np.array(solver.values(variables), np.int64), bound)

    def _program(self, model: Aggregate, hint: VmSolution) -> tuple[Any, Any]:
        cp_model = self._cp_model
        program = cp_model.CpModel()
        variables = [program.new_int_var(0, most, "") for most in model.upper.tolist()]
        row, column, value = model.rows.entries()
        order = np.argsort(row, kind="stable")
        column, value = column[order], value[order].tolist()
        begin = np.searchsorted(row[order], np.arange(model.rows.count + 1)).tolist()
        terms = [variables[index] for index in column.tolist()]
        lower, upper = (np.concatenate(side).tolist() for side in (model.rows.lower, model.rows.upper))
        for index, (first, last) in enumerate(zip(begin[:-1], begin[1:], strict=True)):
            low = cp_model.INT_MIN if lower[index] == -math.inf else int(lower[index])
            high = cp_model.INT_MAX if upper[index] == math.inf else int(upper[index])
            total = cp_model.LinearExpr.weighted_sum(terms[first:last], value[first:last])
            program.add_linear_constraint(total, low, high)
        program.minimize(cp_model.LinearExpr.weighted_sum(variables, model.cost.tolist()))
        start = model.hint(hint)
        if start is not None:
            for variable, level in zip(variables, start.tolist(), strict=True):
                program.add_hint(variable, level)
        return program, variables
