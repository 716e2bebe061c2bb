"""A job-shop schedule as plain values, see :mod:`..core.view`."""

from __future__ import annotations

from ..core.view import Bar, GanttView, Line, due_text
from .instance import JobShopInstance
from .render import bars_of, span_of
from .solution import JobShopSolution

WORK, LATE = range(2)


def view_gantt(instance: JobShopInstance, solution: JobShopSolution) -> GanttView:
    """Machines as rows, jobs as groups; of the last operation of a job, how late it is.

    Args:
        instance: The shop.
        solution: Start times; operations without one are left out.
    """
    span, bars = span_of(instance, solution), []
    for bar in bars_of(instance, solution):
        text, style = f"operation {bar.operation}", WORK
        if bar.last and instance.due is not None:
            due = int(instance.due[bar.job])
            text, style = f"{text}, {due_text(due, bar.end)}", LATE if bar.end > due else WORK
        bars.append(Bar(bar.machine, bar.start, bar.end, bar.job, style, text))
    return GanttView.of(
        rows=machine_names(instance.num_machines),
        groups=job_names(instance.num_jobs),
        styles=("work", "late"),
        bars=bars,
        lines=[Line(span, f"makespan {span}")],
        end=span,
    )


def machine_names(count: int) -> list[str]:
    """Rows of a shop."""
    return [f"machine {number}" for number in range(count)]


def job_names(count: int) -> list[str]:
    """Groups of a shop."""
    return [f"job {number}" for number in range(count)]
