"""What happened in a run, machine by machine, as plain values, see :mod:`..core.view`."""

from __future__ import annotations

from ..core.view import Bar, GanttView, Line, due_text
from ..job_shop.view import job_names, machine_names
from .check import completions
from .instance import DynamicJobShopInstance
from .solution import DynamicJobShopSolution

WORK, LATE, DOWN = range(3)


def view_run(instance: DynamicJobShopInstance, solution: DynamicJobShopSolution) -> GanttView:
    """Machines as rows, jobs as groups, breakdowns; of the last operation of a job, how late it is.

    Work that a breakdown interrupts is one bar. Lines tell when the first job that counts arrives, and the last one.

    Args:
        instance: The run's jobs and breakdowns.
        solution: Start times; operations without one are left out.
    """
    shop, ends = instance.shop, completions(instance, solution.start)
    starts, over = iter(zip(solution.start.tolist(), ends.tolist(), strict=True)), int(ends.max(initial=0))
    bars = [
        Bar(machine, begin, min(end, over), style=DOWN)
        for machine, intervals in enumerate(instance.down)
        for begin, end in intervals[intervals[:, 0] < over].tolist()
    ]
    for j, routing in enumerate(shop.jobs()):
        for k, (machine, _) in enumerate(routing):
            start, end = next(starts)
            if start < 0:
                continue
            text, style = f"operation {k}", WORK
            if k == len(routing) - 1:
                due = int(instance.due[j])
                text, style = f"{text}, {due_text(due, end)}", LATE if end > due else WORK
            bars.append(Bar(machine, start, end, j, style, text))
    return GanttView.of(
        rows=machine_names(shop.num_machines),
        groups=job_names(shop.num_jobs),
        styles=("work", "late", "down"),
        bars=bars,
        lines=_recorded(instance, over),
        end=over,
    )


def _recorded(instance: DynamicJobShopInstance, over: int) -> list[Line]:
    """When jobs begin to count, and cease to; nothing where all do."""
    release, lines = instance.shop.release, []
    for job, other, word in ((instance.first_recorded, 0, "first"), (instance.last_recorded, len(release) - 1, "last")):
        arrival = int(release[job])
        if job != other and arrival <= over:
            lines.append(Line(arrival, f"job {job}, the {word} that counts, arrives"))
    return lines
