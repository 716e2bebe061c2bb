"""Pictures of single-machine sequences: a bar per job in its order, against its due date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.figures import new_figure
from .instance import SingleMachineInstance
from .solution import SingleMachineSolution

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IN_TIME, LATE = "#4c78a8", "#e45756"
NAMED_JOBS = 60  # more bars than this carry no names


def completions(instance: SingleMachineInstance, solution: SingleMachineSolution) -> NDArray[np.int64]:
    """When each job of the sequence ends, in its order, int64 ``[K]``."""
    return np.cumsum(instance.processing[solution.sequence])


def _title(instance: SingleMachineInstance, solution: SingleMachineSolution) -> str:
    late = np.maximum(completions(instance, solution) - instance.due[solution.sequence], 0)
    count = len(solution.sequence)
    part = "" if count == instance.num_jobs else f", {count} of {instance.num_jobs} jobs"
    weighted = int((late * instance.weight[solution.sequence]).sum())
    heavier = "" if np.all(instance.weight == 1) else f", weighted {weighted}"
    return f"{instance.name}: total tardiness {int(late.sum())}{heavier}, {int((late > 0).sum())} late{part}"


def draw_sequence(instance: SingleMachineInstance, solution: SingleMachineSolution, title: str = "") -> Figure:
    """Time to the right, a line per job in the order in which they run; tardiness is the red line behind a bar.

    Raises:
        InputError: matplotlib is not installed.
    """
    jobs, ends = solution.sequence, completions(instance, solution)
    lines = max(len(jobs), 1)
    figure = new_figure(10, float(np.clip(1.2 + 0.17 * lines, 2.5, 14)))
    axes = figure.add_subplot()
    due, times = instance.due[jobs], instance.processing[jobs]
    late = ends > due
    place = np.arange(len(jobs))
    axes.barh(place, times, left=ends - times, height=0.8, color=np.where(late, LATE, IN_TIME))
    axes.hlines(place[late], np.maximum(due[late], 0), ends[late], color=LATE, linewidth=1)
    axes.plot(np.maximum(due, 0), place, linestyle="", marker="|", color="black", markersize=min(400 / lines, 8))
    axes.set_ylim(lines - 0.4, -0.6)
    axes.set_xlim(0, max(int(instance.processing.sum()), 1))
    if 0 < len(jobs) <= NAMED_JOBS:
        axes.set_yticks(place, [str(job) for job in jobs], fontsize=7)
    axes.set_xlabel("time")
    axes.set_ylabel("jobs in their order" if len(jobs) <= NAMED_JOBS else "place in the order")
    axes.set_title(f"{title or _title(instance, solution)}\nbar: the job runs (red: ends late); stroke: due date; "
                   "red line: tardiness", fontsize=9)  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_sequence_text(instance: SingleMachineInstance, solution: SingleMachineSolution, width: int = 100) -> str:
    """The machine as one line of characters: ``=`` in time, ``#`` late, ``|`` where a job begins.

    Args:
        instance: The jobs.
        solution: Their order; may be partial.
        width: Characters per line.
    """
    jobs, ends = solution.sequence, completions(instance, solution)
    columns, total = max(width - 2, 10), max(int(instance.processing.sum()), 1)
    line = [" "] * columns
    for job, end in zip(jobs.tolist(), ends.tolist(), strict=True):
        first = (end - int(instance.processing[job])) * columns // total
        last = max(-(-end * columns // total), first + 1)
        for column in range(first, min(last, columns)):
            line[column] = "#" if end > instance.due[job] else "="
        line[min(first, columns - 1)] = "|"
    order = " ".join(map(str, jobs.tolist()))
    shown = order if len(order) <= width else order[: max(width - 4, 0)] + " ..."
    return "\n".join([_title(instance, solution), " " + "".join(line), f" 0{str(total).rjust(columns - 1)}", shown])
