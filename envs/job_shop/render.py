"""Gantt charts of job-shop schedules, as a figure and as text."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..core.figures import QUALITATIVE_COLOURS, distinct_colours, new_figure
from .instance import JobShopInstance
from .solution import JobShopSolution

if TYPE_CHECKING:
    from matplotlib.figure import Figure

JOB_LETTERS = string.digits + string.ascii_letters
LETTER_WIDTH = 0.075  # inches of one character at LABEL_SIZE
LABEL_SIZE = 7


class Bar(NamedTuple):
    """A scheduled operation: its job, its place in the routing, whether it is the last one, its machine and times."""

    job: int
    operation: int
    last: bool
    machine: int
    start: int
    end: int


def draw_gantt(instance: JobShopInstance, solution: JobShopSolution, title: str = "") -> Figure:
    """Machines as rows, time to the right, a colour per job; late jobs are outlined where they end.

    Bars that are wide enough carry their job's number. Operations without a start time are left out, so a schedule may
    be drawn while it is being built.

    Raises:
        InputError: matplotlib is not installed.
    """
    machines = instance.num_machines
    span = span_of(instance, solution)
    width = float(np.clip(6 + instance.num_operations / 60, 9, 24))
    figure = new_figure(width, 1.3 + float(np.clip(0.34 * machines, 1.2, 9)))

    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    axes = figure.add_subplot()
    colours = distinct_colours(instance.num_jobs)
    bars, fills, borders = [], [], []
    room = (width - 1.5) / max(span, 1)  # inches per unit of time
    for j, _, last, machine, start, end in bars_of(instance, solution):
        duration = end - start
        bars.append(Rectangle((start, machine - 0.4), duration, 0.8))
        fills.append(colours[j])
        late = instance.due is not None and last and end > instance.due[j]
        borders.append("red" if late else "white" if duration * room > 0.05 else colours[j])
        label = str(j)
        if duration * room > LETTER_WIDTH * (len(label) + 0.6):
            dark = 0.3 * colours[j][0] + 0.59 * colours[j][1] + 0.11 * colours[j][2] < 0.55
            ink = "white" if dark else "black"
            axes.text(start + duration / 2, machine, label, size=LABEL_SIZE, color=ink, ha="center", va="center")
    # late bars last, so that their outlines lie above their neighbours
    order = sorted(range(len(bars)), key=lambda index: borders[index] == "red")
    axes.add_collection(
        PatchCollection(
            [bars[i] for i in order],
            facecolors=[fills[i] for i in order],
            edgecolors=[borders[i] for i in order],
            linewidths=[1.6 if borders[i] == "red" else 0.8 for i in order],
        )
    )
    axes.set_xlim(0, max(span, 1))
    axes.set_ylim(machines - 0.4, -0.6)
    axes.set_yticks(range(machines), [f"M{m}" for m in range(machines)])
    axes.set_xlabel("time")
    axes.axvline(span, color="black", linewidth=0.8, linestyle=":")
    scheduled = int((solution.start >= 0).sum())
    part = "" if scheduled == instance.num_operations else f", {scheduled} of {instance.num_operations} operations"
    late_note = "; red outline: ends after its due date" if "red" in borders else ""
    axes.set_title((title or f"{instance.name}: makespan {span}{part}") + late_note, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    job_key(figure, axes, colours)
    return figure


def bars_of(instance: JobShopInstance, solution: JobShopSolution) -> list[Bar]:
    """The operations that have a start, job by job."""
    bars, starts = [], iter(solution.start.tolist())
    for j, routing in enumerate(instance.jobs()):
        for k, (machine, duration) in enumerate(routing):
            start = next(starts)
            if start >= 0:
                bars.append(Bar(j, k, k == len(routing) - 1, machine, start, start + duration))
    return bars


def span_of(instance: JobShopInstance, solution: JobShopSolution) -> int:
    """When the last operation that has a start ends; 0 where none has."""
    placed = solution.start >= 0
    return int((solution.start + instance.duration)[placed].max(initial=0))


def job_key(figure: Figure, axes: object, colours: list[tuple[float, float, float]]) -> None:
    """A legend for few jobs, a colour bar for many."""
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.patches import Patch

    assert isinstance(axes, Axes)
    if len(colours) <= QUALITATIVE_COLOURS:
        handles = [Patch(color=colour, label=f"job {j}") for j, colour in enumerate(colours)]
        figure.legend(
            handles=handles, loc="outside lower center", ncols=min(len(colours), 10), fontsize=7, frameon=False
        )
        return
    scale = ScalarMappable(Normalize(-0.5, len(colours) - 0.5), ListedColormap(colours))
    figure.colorbar(scale, ax=axes, label="job", pad=0.01)


def draw_gantt_text(instance: JobShopInstance, solution: JobShopSolution, width: int = 100) -> str:
    """Machines as lines of characters, each the job that runs at that moment (0-9, a-z, A-Z, then ``*``).

    Args:
        instance: The shop.
        solution: Start times; may be partial.
        width: Characters per line.
    """
    span = span_of(instance, solution)
    name_width = len(str(instance.num_machines - 1)) + 1
    columns = max(width - name_width - 2, 10)
    lines = [[" "] * columns for _ in range(instance.num_machines)]
    for j, _, _, machine, start, end in bars_of(instance, solution):
        if end == start:
            continue
        first = start * columns // max(span, 1)
        last = max(-(-end * columns // max(span, 1)), first + 1)
        letter = JOB_LETTERS[j] if j < len(JOB_LETTERS) else "*"
        for column in range(first, min(last, columns)):
            # a bar narrower than a character must not hide the one before it
            if lines[machine][column] == " " or column > first:
                lines[machine][column] = letter
    rows = [f"M{machine:<{name_width - 1}} |" + "".join(line) for machine, line in enumerate(lines)]
    ends = f"{' ' * name_width} 0{str(span).rjust(columns)}"
    scheduled = int((solution.start >= 0).sum())
    head = f"{instance.name}: makespan {span}, {scheduled} of {instance.num_operations} operations scheduled"
    return "\n".join([head, *rows, ends])
