"""What ran on a chip, as plain values, see :mod:`..core.view`."""

from __future__ import annotations

import numpy as np

from ..core.view import Bar, GanttView, short_text
from .instance import SocInstance
from .render import Ran, job_of, latencies, task_name
from .solution import NEVER_RAN, SocSolution

WORK, UNFINISHED = range(2)


def view_run(instance: SocInstance, solution: SocSolution) -> GanttView:
    """PEs as rows, jobs as groups, a bar per task with its name; with the one that ends its job, the job's latency.

    Tasks that had not ended when the run did have a style of their own; they end where the run does, or when they would
    at the highest frequencies.

    Args:
        instance: The run.
        solution: What ran; may be partial.
    """
    ran, job, latency = Ran.of(instance, solution), job_of(instance), latencies(instance, solution)
    last, bars = latency + solution.arrival, []
    for task, end, running in zip(ran.tasks.tolist(), ran.end.tolist(), ran.running.tolist(), strict=True):
        j = int(job[task])
        text = task_name(instance, task, j)
        if latency[j] != NEVER_RAN and end == last[j]:
            text += f", latency of the job {latency[j]} µs"
        pe, start = int(solution.pe[task]), int(solution.start[task])
        bars.append(Bar(pe, start, end, j, UNFINISHED if running else WORK, short_text(text)))
    arrived = int(np.flatnonzero(solution.arrival != NEVER_RAN).max(initial=-1)) + 1
    names = [instance.applications[number].name for number in instance.job_application[:arrived].tolist()]
    return GanttView.of(
        rows=instance.platform.pe_names,
        groups=[f"job {j} {name}" for j, name in enumerate(names)],
        styles=("work", "unfinished"),
        bars=bars,
        lines=[],
        end=ran.over,
        time_unit="µs",
    )
