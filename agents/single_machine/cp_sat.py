"""CP-SAT of Google OR-Tools for the single machine, with and without weights."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.core.errors import InputError, unknown_name
from ...envs.single_machine.config import OBJECTIVES
from ...envs.single_machine.instance import SingleMachineInstance
from ...envs.single_machine.solution import SingleMachineSolution
from ..core import Solver, SolverResult
from .sequences import swap_descent_until, total_weighted_tardiness, wmdd_sequence

Array = NDArray[np.int64]

HINT_SHARE = 0.3  # of the time limit, at most, for the descent by swaps


def agreeable(instance: SingleMachineInstance) -> NDArray[np.bool_]:
    """Whether job i is no longer, due no later and no less important than job j, ties by index, bool ``[J, J]``.

    Some optimal sequence runs i before j for all such pairs at once: swapping two that run the other way round costs
    nothing and leaves fewer of them (Emmons 1969; Rinnooy Kan, Lageweg & Lenstra 1975).
    """
    processing, weight = instance.processing, instance.weight
    # No job is done before its processing time: a due date before that only adds a constant.
    due = np.maximum(instance.due, processing)
    before = (processing[:, None] <= processing) & (due[:, None] <= due) & (weight[:, None] >= weight)
    return before & ~(before.T & np.tri(len(due), dtype=np.bool_))


def in_agreement(sequence: Array, before: NDArray[np.bool_]) -> Array:
    """The sequence with agreeable pairs swapped until none runs the wrong way round; never a worse one."""
    sequence = sequence.copy()
    for place in range(len(sequence)):
        while (wrong := np.flatnonzero(before[sequence[place + 1 :], sequence[place]])).size:
            other = place + 1 + wrong[0]
            sequence[[place, other]] = sequence[[other, place]]
    return sequence


class CpSat(Solver[SingleMachineInstance, SingleMachineSolution]):
    """Interval variables that do not overlap, started from weighted MDD and pairwise swaps.

    The bound it reports is proved. If it finds nothing better in time, the heuristic's sequence is returned.

    Args:
        objective: ``"total-tardiness"``, which ignores the weights, or ``"total-weighted-tardiness"``.
        workers: Threads.

    Raises:
        InputError: OR-Tools is not installed, or the objective is unknown.
    """

    stochastic = True

    def __init__(self, objective: str, workers: int) -> None:
        try:
            from ortools.sat.python import cp_model
        except ImportError as error:
            raise InputError("cp-sat needs OR-Tools: pip install 'schedlab[solvers]'") from error
        if objective not in OBJECTIVES:
            raise unknown_name("objective", objective, OBJECTIVES)
        self._cp_model = cp_model
        self.objective = objective
        self.workers = workers

    def solve(
        self, instance: SingleMachineInstance, *, time_limit: float, seed: int
    ) -> SolverResult[SingleMachineSolution]:
        """The best sequence within ``time_limit`` seconds of wall time."""
        began = time.perf_counter()
        if self.objective == "total-tardiness":
            instance = instance.with_unit_weights()
        before = agreeable(instance)
        jobs = instance.processing, instance.due, instance.weight
        hint = swap_descent_until(*jobs, wmdd_sequence(*jobs), began + HINT_SHARE * time_limit)
        hint = in_agreement(hint, before)
        hint_objective = self._value(instance, hint)
        model, starts = self._model(instance, hint, before)
        solver = self._cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(time_limit - (time.perf_counter() - began), 0.01)
        solver.parameters.num_workers = self.workers
        solver.parameters.random_seed = seed
        # Full linear relaxations prove far better bounds here; the first line is for one thread, the second for more,
        # where the threads that CP-SAT would choose do without.
        solver.parameters.linearization_level = 2
        solver.parameters.extra_subsolvers.append("max_lp")
        status = solver.solve(model)
        if status == self._cp_model.MODEL_INVALID:
            raise RuntimeError(f"CP-SAT refused the model of {instance.name}: {model.validate()}")
        bound = max(math.ceil(solver.best_objective_bound - 1e-6), 0)
        sequence, objective = hint, hint_objective
        if status in (self._cp_model.OPTIMAL, self._cp_model.FEASIBLE):
            found = np.argsort([solver.value(start) for start in starts], kind="stable")
            sequence, objective = min((hint, hint_objective), (found, self._value(instance, found)), key=lambda s: s[1])
        return SolverResult(SingleMachineSolution(sequence), bound=float(bound), proved=objective == bound)

    @staticmethod
    def _value(instance: SingleMachineInstance, sequence: Array) -> int:
        return int(total_weighted_tardiness(instance.processing, instance.due, instance.weight, sequence))

    def _model(self, instance: SingleMachineInstance, hint: Array, before: NDArray[np.bool_]) -> tuple[Any, list[Any]]:
        model = self._cp_model.CpModel()
        horizon = int(instance.processing.sum())
        completion = np.empty_like(hint)
        completion[hint] = np.cumsum(instance.processing[hint])
        starts, intervals = [], []
        total: Any = 0
        for j in range(instance.num_jobs):
            processing, due, weight = int(instance.processing[j]), int(instance.due[j]), int(instance.weight[j])
            start = model.new_int_var(0, horizon - processing, f"s{j}")
            model.add_hint(start, int(completion[j]) - processing)
            intervals.append(model.new_fixed_size_interval_var(start, processing, f"i{j}"))
            starts.append(start)
            if weight > 0 and due < horizon:
                late = model.new_int_var(max(processing - due, 0), horizon - due, f"late{j}")
                model.add(late >= start + processing - due)
                model.add_hint(late, max(int(completion[j]) - due, 0))
                total += weight * late
        model.add_no_overlap(intervals)
        for first, second in _without_implied(before):
            model.add(starts[first] + int(instance.processing[first]) <= starts[second])
        model.minimize(total)
        return model, starts


def _without_implied(before: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The pairs of a transitive relation that do not follow from two others."""
    steps = before.astype(np.float32)  # numpy multiplies integers slowly
    first, second = np.nonzero(before & (steps @ steps == 0))
    return list(zip(first.tolist(), second.tolist(), strict=True))
