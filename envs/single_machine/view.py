"""A sequence as plain values, see :mod:`..core.view`."""

from __future__ import annotations

import numpy as np

from ..core.view import Bar, GanttView, due_text
from .instance import SingleMachineInstance
from .render import completions
from .solution import SingleMachineSolution

WORK, LATE = range(2)


def view_sequence(instance: SingleMachineInstance, solution: SingleMachineSolution) -> GanttView:
    """One row, a bar per job, with its due date, and its weight where weights differ.

    Args:
        instance: The jobs.
        solution: Their order; may be partial.
    """
    ends, weighted = completions(instance, solution), bool(np.any(instance.weight != instance.weight[0]))
    bars = []
    for job, end in zip(solution.sequence.tolist(), ends.tolist(), strict=True):
        due = int(instance.due[job])
        text = due_text(due, end) + (f", weight {instance.weight[job]}" if weighted else "")
        bars.append(Bar(0, end - int(instance.processing[job]), end, job, LATE if end > due else WORK, text))
    return GanttView.of(
        rows=["machine"],
        groups=[f"job {job}" for job in range(instance.num_jobs)],
        styles=("work", "late"),
        bars=bars,
        lines=[],
        end=int(ends[-1]) if len(ends) else 0,
    )
