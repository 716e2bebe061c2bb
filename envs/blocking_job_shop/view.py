"""A blocking schedule as plain values, see :mod:`..core.view`."""

from __future__ import annotations

from ..core.view import Bar, GanttView, Line
from ..job_shop.solution import JobShopSolution
from ..job_shop.view import job_names, machine_names
from .instance import BlockingInstance
from .render import bars_of, down_times

WORK, BLOCKED, DOWN = range(3)


def view_gantt(instance: BlockingInstance, solution: JobShopSolution) -> GanttView:
    """Machines as rows, jobs as groups; for how long jobs hold machines on which they only wait, and failures.

    Args:
        instance: The shop.
        solution: Start times; operations without one are left out.
    """
    operations, span = bars_of(instance, solution)
    bars = [Bar(machine, begin, end, style=DOWN) for machine, begin, end in down_times(instance, span)]
    for bar in operations:
        text = f"operation {bar.operation}"
        bars.append(Bar(bar.machine, bar.start, bar.end, bar.job, WORK, text))
        if bar.leave > bar.end:
            bars.append(Bar(bar.machine, bar.end, bar.leave, bar.job, BLOCKED, f"{text}, waits for the next machine"))
    return GanttView.of(
        rows=machine_names(instance.shop.num_machines),
        groups=job_names(instance.shop.num_jobs),
        styles=("work", "blocked", "down"),
        bars=bars,
        lines=[Line(span, f"makespan {span}")],
        end=span,
    )
