"""Gantt charts of blocking schedules, as a figure and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..core.figures import distinct_colours, new_figure
from ..job_shop.render import JOB_LETTERS, LABEL_SIZE, LETTER_WIDTH, job_key
from ..job_shop.solution import JobShopSolution
from .check import completions, failures_of
from .instance import BlockingInstance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLOCKED, DOWN = "-", "#"


class Bar(NamedTuple):
    """One operation: its job and place there, its machine, when it starts, is complete, and when the job leaves."""

    job: int
    operation: int
    machine: int
    start: int
    end: int
    leave: int


def bars_of(instance: BlockingInstance, solution: JobShopSolution) -> tuple[list[Bar], int]:
    """The operations that have a start, and the moment at which the last of them is complete.

    Jobs that have not left their machine yet hold it until that moment.
    """
    ends, starts = completions(instance, solution), iter(solution.start.tolist())
    span = max(max(job) for job in ends)
    bars = []
    for j, routing in enumerate(instance.shop.jobs()):
        own = [next(starts) for _ in routing]
        for k, (machine, _) in enumerate(routing):
            if own[k] >= 0:
                following = ends[j][k] if k + 1 == len(own) else own[k + 1]
                bars.append(
                    Bar(j, k, machine, own[k], ends[j][k], following if following >= 0 else max(span, ends[j][k]))
                )
    return bars, max(span, 0)


def down_times(instance: BlockingInstance, until: int) -> list[tuple[int, int, int]]:
    """(machine, begin, end) of every failure that begins before a moment, cut there."""
    found = []
    for m, failures in enumerate(failures_of(instance)):
        failures.until(until)
        pairs = zip(failures.begin, failures.end, strict=True)
        found += [(m, begin, min(end, until)) for begin, end in pairs if begin < until]
    return found


def draw_gantt(instance: BlockingInstance, solution: JobShopSolution, title: str = "") -> Figure:
    """Machines as rows, time to the right, a colour per job; blocked machines are hatched, failures shaded grey.

    Bars that are wide enough carry their job's number. Operations without a start time are left out.

    Raises:
        InputError: matplotlib is not installed.
    """
    shop = instance.shop
    bars, span = bars_of(instance, solution)
    width = float(np.clip(6 + shop.num_operations / 60, 9, 24))
    figure = new_figure(width, 1.5 + float(np.clip(0.34 * shop.num_machines, 1.2, 9)))
    axes = figure.add_subplot()
    colours = distinct_colours(shop.num_jobs)
    room = (width - 1.5) / max(span, 1)  # inches per unit of time
    for machine, begin, end in down_times(instance, span):
        axes.barh(machine, end - begin, left=begin, height=0.98, color="0.85", edgecolor="none", zorder=1)
    for bar in bars:
        colour = colours[bar.job]
        length = bar.end - bar.start
        edge = "white" if length * room > 0.05 else colour
        axes.barh(bar.machine, length, left=bar.start, height=0.74, color=colour, edgecolor=edge, zorder=2)
        if bar.leave > bar.end:
            axes.barh(
                bar.machine, bar.leave - bar.end, left=bar.end, height=0.74, color="white", edgecolor=colour,
                hatch="/////", linewidth=0, zorder=2,
            )  # fmt: skip
        label = str(bar.job)
        if length * room > LETTER_WIDTH * (len(label) + 0.6):
            dark = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] < 0.55
            ink = "white" if dark else "black"
            middle = bar.start + length / 2
            axes.text(middle, bar.machine, label, size=LABEL_SIZE, color=ink, ha="center", va="center", zorder=3)
    for machine, begin, end in down_times(instance, span):  # a line above the bars that a failure interrupts
        axes.hlines(machine + 0.43, begin, end, color="black", linewidth=2, zorder=4)
    axes.set_xlim(0, max(span, 1))
    axes.set_ylim(shop.num_machines - 0.4, -0.6)
    axes.set_yticks(range(shop.num_machines), [f"M{m}" for m in range(shop.num_machines)])
    axes.set_xlabel("time (hatched: blocked" + ("; grey: machine down)" if instance.uncertain else ")"))
    axes.axvline(span, color="black", linewidth=0.8, linestyle=":")
    axes.set_title(title or _head(instance, solution, span), fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    job_key(figure, axes, colours)
    return figure


def _head(instance: BlockingInstance, solution: JobShopSolution, span: int) -> str:
    placed, total = int((solution.start >= 0).sum()), instance.shop.num_operations
    part = "" if placed == total else f", {placed} of {total} operations"
    return f"{instance.name}: makespan {span}{part}"


def draw_gantt_text(instance: BlockingInstance, solution: JobShopSolution, width: int = 100) -> str:
    """Machines as lines of characters, each the job in process at that moment (0-9, a-z, A-Z, then ``*``).

    A ``-`` is a machine that is held by a job that cannot go on, a ``#`` one that is down and free.

    Args:
        instance: The shop.
        solution: Start times; may be partial.
        width: Characters per line.
    """
    shop = instance.shop
    bars, span = bars_of(instance, solution)
    name_width = len(str(shop.num_machines - 1)) + 1
    columns = max(width - name_width - 2, 10)
    lines = [[" "] * columns for _ in range(shop.num_machines)]

    def fill(machine: int, begin: int, end: int, letter: str) -> None:
        if end > begin:
            first = begin * columns // max(span, 1)
            last = max(-(-end * columns // max(span, 1)), first + 1)
            lines[machine][first:last] = [letter] * (min(last, columns) - first)

    for machine, begin, end in down_times(instance, span):
        fill(machine, begin, end, DOWN)
    for bar in bars:
        fill(bar.machine, bar.end, bar.leave, BLOCKED)
    for bar in bars:
        fill(bar.machine, bar.start, bar.end, JOB_LETTERS[bar.job] if bar.job < len(JOB_LETTERS) else "*")
    rows = [f"M{machine:<{name_width - 1}} |" + "".join(line) for machine, line in enumerate(lines)]
    ends = f"{' ' * name_width} 0{str(span).rjust(columns)}"
    note = f"{BLOCKED} blocked" + (f", {DOWN} down" if instance.uncertain else "")
    return "\n".join([f"{_head(instance, solution, span)} ({note})", *rows, ends])
