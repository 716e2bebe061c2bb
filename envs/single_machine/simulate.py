"""The single machine: a batch of sequences built one job at a time, without idle time.

A decision says which job runs next. The reward is minus the (weighted) tardiness of that job, so an episode's rewards
sum to minus the objective. With ``dominance`` only jobs may be chosen that no other one dominates by Emmons' first
theorem (see :mod:`.kernels`): a handful instead of all, and an optimal sequence is always among what remains.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.graph import GraphState
from ..core.simulator import Simulator
from . import kernels as k
from .config import OBJECTIVES
from .instance import SingleMachineInstance
from .observe import SingleMachineObserver
from .solution import SingleMachineSolution


class SingleMachineSimulator(Simulator[SingleMachineInstance, SingleMachineSolution]):
    """B machines side by side; action j runs job j next.

    The arrays below are public views: dispatching rules and search read them. J is the largest number of jobs; rows
    with smaller instances leave the rest unused.

    Attributes:
        processing, due, weight: Of each job, int64 ``[B, J]``.
        due_place: Place of each job by (due, processing), int64 ``[B, J]``: how rules break ties.
        waiting: Which jobs are left, bool ``[B, J]``.
        num_jobs: Jobs of each row's instance, ``[B]``.
        time: When the next job starts, ``[B]``.
        cost: (Weighted) tardiness of the jobs that ran, ``[B]``.
    """

    def __init__(
        self,
        max_jobs: int,
        batch_size: int,
        objective: str = "total-tardiness",
        dominance: bool = False,
        look_ahead: bool = False,
    ) -> None:
        self.arguments = (max_jobs, batch_size, objective, dominance, look_ahead)
        self.batch_size = batch_size
        self.objective_name = objective
        self.instances: list[SingleMachineInstance | None] = [None] * batch_size
        self.scale = np.ones(batch_size)
        self._jobs = np.zeros((batch_size, k.LINES, max_jobs), np.int64)
        self._row = np.zeros((batch_size, k.QUANTITIES), np.int64)
        self._flags = np.zeros((batch_size, k.LEGAL + max_jobs), np.bool_)
        self._reward = np.zeros(batch_size)
        self._row[:, k.OBJECTIVE], self._row[:, k.DOMINANCE] = OBJECTIVES.index(objective), dominance
        self.done, self.illegal, self.action_mask = (
            self._flags[:, k.DONE], self._flags[:, k.ILLEGAL], self._flags[:, k.LEGAL :]
        )  # fmt: skip
        self.processing, self.due, self.weight = (self._jobs[:, line] for line in (k.PROCESSING, k.DUE, k.WEIGHT))
        self.due_place = np.zeros((batch_size, max_jobs), np.int64)
        self.num_jobs, self.time, self.cost, self.steps = (
            self._row[:, quantity] for quantity in (k.NUM_JOBS, k.TIME, k.COST, k.SCHEDULED)
        )
        self.done[:] = True
        self.illegal_count, self.done_count = 0, batch_size
        self._observer = SingleMachineObserver(batch_size, max_jobs, look_ahead)
        self.spec = self._observer.spec
        self._all_rows = np.arange(batch_size)

    @property
    def waiting(self) -> NDArray[np.bool_]:
        """Which jobs are left, bool ``[B, J]``."""
        waiting = np.arange(self.processing.shape[1]) < self.num_jobs[:, None]
        for row, count in enumerate(self.steps):
            waiting[row, self._jobs[row, k.SEQUENCE, :count]] = False
        return waiting

    def _load(self, row: int, instance: SingleMachineInstance) -> None:
        jobs, limit = instance.num_jobs, self.processing.shape[1]
        if jobs > limit:
            raise ValueError(f"{instance.name} ({jobs} jobs) does not fit into an environment made for {limit} jobs")
        self.instances[row] = instance
        weighted = self.objective_name == "total-weighted-tardiness"
        if not weighted:
            instance = instance.with_unit_weights()  # what does not count should not show
        lines = self._jobs[row]
        lines[:] = 0
        lines[k.PROCESSING, :jobs], lines[k.DUE, :jobs] = instance.processing, instance.due
        lines[k.WEIGHT, :jobs] = instance.weight
        by_due = np.lexsort((instance.processing, instance.due))
        # the heavier of two equally long jobs comes first, as the dominance test needs it
        by_processing = np.lexsort((instance.due, -instance.weight, instance.processing))
        lines[k.ALL_BY_PROCESSING, :jobs] = by_processing
        for which, penalty in enumerate(k.PENALTIES):
            penalised = instance.due + penalty * instance.processing
            lines[k.ALL_BY_DUE + which, :jobs] = np.lexsort((instance.processing, instance.due, penalised))
        lines[k.ALL_BY_START, :jobs] = np.lexsort((instance.processing, instance.due - instance.processing))
        self.due_place[row] = jobs
        self.due_place[row, by_due] = np.arange(jobs)
        total = int(instance.processing.sum())
        self._row[row, k.NUM_JOBS], self._row[row, k.WORK] = jobs, total
        # a quarter of what all jobs would cost if each ended last: the size of a tight instance's optimum
        self.scale[row] = max(total * float(instance.weight.sum()) / 4, 1.0)
        self._observer.load(row, instance, by_processing, by_due)

    def _start(self, rows: NDArray[np.int64]) -> None:
        k.reset_rows(rows, self._jobs, self._row, self._flags, self._reward)

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Run job ``action[b]`` next in every row; see :class:`Simulator`."""
        if len(action) != self.batch_size:  # compiled code does not look
            raise ValueError(f"{len(action)} actions for {self.batch_size} rows")
        self.illegal_count, self.done_count = k.step_rows(action, self._jobs, self._row, self._flags, self._reward)
        return self._reward

    def play_forced(self) -> NDArray[np.float64]:
        """Play on in every row while only one job is legal; see :class:`Simulator`."""
        self.done_count = k.play_forced_rows(self._jobs, self._row, self._flags, self._reward)
        self.illegal_count = 0
        return self._reward

    def observe(self, out: GraphState | None = None, rows: NDArray[np.intp] | None = None) -> GraphState:
        """The observation; features are described in :mod:`.observe`."""
        state = self._observer.state if out is None else out
        chosen = self._all_rows if rows is None else rows
        k.observe_rows(chosen, self._jobs, self._row, self._flags, self._observer.reals, *state.dynamic_arrays)
        return state

    def best_estimates(self, penalised: bool) -> NDArray[np.int64]:
        """In every row the legal job after which the modified-due-date rule would do best, int64 ``[B]``.

        Args:
            penalised: Take the best of that rule and those that penalise long jobs.
        """
        choice = np.zeros(self.batch_size, np.int64)
        k.best_estimates(k.ESTIMATE if penalised else k.MDD_ESTIMATE, self._jobs, self._row, self._flags, choice)
        return choice

    def objective(self) -> NDArray[np.float64]:
        """The (weighted) tardiness of the jobs that ran, ``[B]``."""
        return self.cost.astype(np.float64)

    def solution(self, row: int) -> SingleMachineSolution:
        """The jobs of row ``row`` in the order in which they ran."""
        return SingleMachineSolution(self._jobs[row, k.SEQUENCE, : self.steps[row]].copy())

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """What changes during an episode."""
        return {"jobs": self._jobs, "row": self._row, "flags": self._flags, "reals": self._reward}
