"""Gantt charts of what ran on a chip, as a figure and as text."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.figures import QUALITATIVE_COLOURS, distinct_colours, new_figure
from .instance import SocInstance
from .solution import NEVER_RAN, SocSolution

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

JOB_LETTERS = string.digits + string.ascii_letters
MOST_TASKS, MOST_TASKS_PER_PE = 400, 60  # that are drawn
MOST_TRANSFERS = 400
ARRIVALS = -0.85  # their row
FONT_SIZES = (7.0, 6.0, 5.0)
LETTER_WIDTH, LINE_HEIGHT = 0.56 / 72, 1.2 / 72  # inches of a character of size 1

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class _View:
    """The part of a run that is drawn: its beginning.

    Attributes:
        jobs: Jobs from the first one to the last one of which something is drawn.
        tasks: Tasks that started before the picture ends, int64 ``[S]``.
        end: When each of them ended, or would at the highest frequencies, int64 ``[S]``.
        running: Those that had not ended, bool ``[S]``.
        until: Where the picture ends.
        over: Where the run ends, as far as it went.
    """

    jobs: int
    tasks: NDArray[np.int64]
    end: NDArray[np.int64]
    running: NDArray[np.bool_]
    until: int
    over: int


def draw_schedule(instance: SocInstance, solution: SocSolution, title: str = "") -> Figure:
    """PEs as rows, kind by kind, time to the right, a colour per job, arrivals as triangles above.

    Bars that are wide enough carry the name of their task; those of unfinished tasks are hatched. Thin lines lead from
    the end of a task to the start of its consumers on other PEs, unless they would hide everything. Of long runs
    only the beginning is shown.

    Raises:
        InputError: matplotlib is not installed.
    """
    view, platform = _view(instance, solution), instance.platform
    width = float(np.clip(8 + len(view.tasks) / 40, 11, 24))
    height = float(np.clip(0.42 * (platform.num_pes + 1), 2, 10))
    figure = new_figure(width, 1.2 + height)
    axes = figure.add_subplot()
    # a little more, so that what happens at the very end is seen
    axes.set_xlim(0, view.until * 1.005)
    axes.set_ylim(platform.num_pes - 0.5, -1.1)
    colours = distinct_colours(min(view.jobs, QUALITATIVE_COLOURS))
    colours = [colours[j % QUALITATIVE_COLOURS] for j in range(view.jobs)]
    _shade_kinds(axes, instance)
    # a name fits by the inches that a microsecond and a row have
    _draw_bars(axes, instance, solution, view, colours, (width - 0.9) / view.until, height / (platform.num_pes + 1))
    transfers = _transfers(instance, solution, view)
    if len(transfers) <= MOST_TRANSFERS:
        _draw_transfers(axes, solution, transfers)
    _draw_arrivals(axes, solution, view, colours)
    axes.set_yticks([ARRIVALS, *range(platform.num_pes)], ["arrivals", *platform.pe_names], fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("time (µs)")
    axes.set_title("; ".join([title or _summary(instance, solution), *_notes(view, transfers)]), fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    _job_key(figure, instance, view, colours)
    return figure


def draw_schedule_text(instance: SocInstance, solution: SocSolution, width: int = 100) -> str:
    """PEs as lines of characters, each the job whose task runs at that moment (0-9, a-z, A-Z).

    Args:
        instance: The run.
        solution: What ran; may be partial.
        width: Characters per line.
    """
    view, names = _view(instance, solution), instance.platform.pe_names
    name_width = max(map(len, names))
    columns = max(width - name_width - 2, 10)
    job = job_of(instance)
    lines = [[" "] * columns for _ in names]
    for task, stop in zip(view.tasks.tolist(), view.end.tolist(), strict=True):
        start, line = int(solution.start[task]), lines[int(solution.pe[task])]
        if stop == start:
            continue
        first = start * columns // view.until
        last = min(max(-(-stop * columns // view.until), first + 1), columns)
        for column in range(first, last):
            # a bar narrower than a character must not hide the one before it
            if line[column] == " " or column > first:
                line[column] = JOB_LETTERS[job[task] % len(JOB_LETTERS)]
    rows = [f"{name:<{name_width}} |{''.join(line)}" for name, line in zip(names, lines, strict=True)]
    ends = f"{' ' * name_width} 0{f'{view.until} µs'.rjust(columns)}"
    return "\n".join(["; ".join([_summary(instance, solution), *_notes(view, [])]), *rows, ends])


def job_of(instance: SocInstance) -> NDArray[np.int64]:
    """The job of each task, int64 ``[T]``."""
    return np.repeat(np.arange(instance.num_jobs), np.diff(instance.first_task))


def task_name(instance: SocInstance, task: int, job: int) -> str:
    """How its application calls a task."""
    application = instance.applications[int(instance.job_application[job])]
    return application.tasks[task - int(instance.first_task[job])]


def latencies(instance: SocInstance, solution: SocSolution) -> NDArray[np.int64]:
    """From the arrival of each job to the end of its last task, int64 ``[J]``; ``NEVER_RAN`` if it is not finished."""
    first = instance.first_task[:-1]
    finished = np.minimum.reduceat(solution.end, first) != NEVER_RAN
    return np.where(finished, np.maximum.reduceat(solution.end, first) - solution.arrival, NEVER_RAN)


class Ran(NamedTuple):
    """What ran.

    Attributes:
        tasks: Tasks that started, by their starts, int64 ``[S]``.
        end: When each of them ended, or would at the highest frequencies, not after the run, int64 ``[S]``.
        running: Those that had not ended, bool ``[S]``.
        over: Where the run ends, as far as it went.
    """

    tasks: NDArray[np.int64]
    end: NDArray[np.int64]
    running: NDArray[np.bool_]
    over: int

    @classmethod
    def of(cls, instance: SocInstance, solution: SocSolution) -> Ran:
        """Read a solution, which may be partial."""
        started = np.flatnonzero(solution.start >= 0)
        tasks = started[np.argsort(solution.start[started], kind="stable")]
        running = solution.end[tasks] == NEVER_RAN
        end = solution.end[tasks]
        end[running] = solution.start[tasks[running]] + _expected(instance, solution, tasks[running])
        if instance.length:
            end = np.minimum(end, instance.length)
        return cls(tasks, end, running, max(int(end.max(initial=0)), int(solution.arrival.max(initial=0)), 1))


def _view(instance: SocInstance, solution: SocSolution) -> _View:
    tasks, end, running, over = Ran.of(instance, solution)
    until = over
    most = min(MOST_TASKS, MOST_TASKS_PER_PE * instance.platform.num_pes)
    if len(tasks) > most:
        until = max(int(solution.start[tasks[most]]), 1)
    shown = solution.start[tasks] <= until
    jobs = np.flatnonzero((solution.arrival != NEVER_RAN) & (solution.arrival <= until))
    return _View(int(jobs.max(initial=0)) + 1, tasks[shown], end[shown], running[shown], until, over)


def _expected(instance: SocInstance, solution: SocSolution, tasks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Time of each task where it runs, at the highest frequencies."""
    job, kind = job_of(instance), instance.platform.kind_of
    times = []
    for task in tasks.tolist():
        j = int(job[task])
        task_type = instance.applications[int(instance.job_application[j])].types[task - int(instance.first_task[j])]
        times.append(instance.platform.kinds[int(kind[solution.pe[task]])].execution.get(task_type, 0))
    return np.array(times, np.int64)


def _summary(instance: SocInstance, solution: SocSolution) -> str:
    latency = latencies(instance, solution)
    ended = latency != NEVER_RAN
    arrived = int((solution.arrival != NEVER_RAN).sum())
    text = f"{instance.name}: {int(ended.sum())} of {arrived} jobs finished"
    if ended.any():
        text += f", mean latency {latency[ended].mean():.1f} µs"
    return text


def _notes(view: _View, transfers: list[tuple[int, int]]) -> list[str]:
    notes = []
    if view.until < view.over:
        notes.append(f"the first {view.until} of {view.over} µs")
    if len(transfers) > MOST_TRANSFERS:
        notes.append(f"{len(transfers)} transfers not shown")
    if view.running.any():
        notes.append("hatched: not finished")
    return notes


def _shade_kinds(axes: Axes, instance: SocInstance) -> None:
    top = -0.5
    for number, kind in enumerate(instance.platform.kinds):
        if number % 2 == 0:
            axes.axhspan(top, top + kind.count, color="#f3f3f3", zorder=0, linewidth=0)
        top += kind.count


def _draw_bars(
    axes: Axes,
    instance: SocInstance,
    solution: SocSolution,
    view: _View,
    colours: list[Colour],
    inches_across: float,
    inches_down: float,
) -> None:
    from matplotlib.patches import Rectangle

    job = job_of(instance)
    for task, stop, running in zip(view.tasks.tolist(), view.end.tolist(), view.running.tolist(), strict=True):
        start, pe, colour = int(solution.start[task]), int(solution.pe[task]), colours[job[task]]
        if stop == start and not running:
            axes.plot([start, start], [pe - 0.4, pe + 0.4], color=colour, linewidth=1.2, zorder=3)
            continue
        fill = tuple(0.4 * part + 0.6 for part in colour) if running else colour
        room = (min(stop, view.until) - start) * inches_across
        axes.add_patch(
            Rectangle(
                (start, pe - 0.4),
                stop - start,
                0.8,
                facecolor=fill,
                # borders would cover bars that are hardly wider
                edgecolor="white" if room > 0.05 else colour,
                linewidth=0.6,
                hatch="////" if running else None,
                zorder=2,
            )
        )
        label = _fitting(task_name(instance, task, int(job[task])), room, 0.8 * inches_down)
        if label:
            dark = 0.3 * fill[0] + 0.59 * fill[1] + 0.11 * fill[2] < 0.55
            axes.text(
                (start + min(stop, view.until)) / 2, pe, label[0], size=label[1], color="white" if dark else "black",
                ha="center", va="center", zorder=4, linespacing=1.0,
            )  # fmt: skip


def _fitting(name: str, across: float, down: float) -> tuple[str, float] | None:
    """A name on as few lines as fit, as large as fits, with its size; lines break after hyphens."""
    parts = name.replace("_", "-").split("-")
    for size in FONT_SIZES:
        letters, most_lines = int(across / (LETTER_WIDTH * size) - 0.8), int(down / (LINE_HEIGHT * size))
        lines = [parts[0]]
        for part in parts[1:]:
            if len(lines[-1]) + len(part) + 1 <= letters:
                lines[-1] += f"-{part}"
            else:
                lines.append(part)
        if len(lines) <= most_lines and max(map(len, lines)) <= letters:
            return "\n".join(lines), size
    return None


def _transfers(instance: SocInstance, solution: SocSolution, view: _View) -> list[tuple[int, int]]:
    """Producer and consumer of each edge between two PEs of which both are drawn."""
    drawn, first_task = set(view.tasks.tolist()), instance.first_task
    pairs = []
    for j in range(view.jobs):
        first = int(first_task[j])
        for source, target in (instance.applications[int(instance.job_application[j])].edges + first).tolist():
            if source in drawn and target in drawn and solution.pe[source] != solution.pe[target]:
                pairs.append((source, target))
    return pairs


def _draw_transfers(axes: Axes, solution: SocSolution, transfers: list[tuple[int, int]]) -> None:
    from matplotlib.collections import LineCollection

    lines = []
    for source, target in transfers:
        one, two = int(solution.pe[source]), int(solution.pe[target])
        edge = 0.4 if one < two else -0.4
        lines.append([(solution.end[source], one + edge), (solution.start[target], two - edge)])
    axes.add_collection(LineCollection(lines, colors="#333333", linewidths=0.5, alpha=0.6, zorder=1))


def _draw_arrivals(axes: Axes, solution: SocSolution, view: _View, colours: list[Colour]) -> None:
    arrival = solution.arrival[: view.jobs]
    there = np.flatnonzero(arrival != NEVER_RAN)
    height, shades = np.full(len(there), ARRIVALS), [colours[j] for j in there]
    axes.scatter(arrival[there], height, marker="v", s=36, color=shades, linewidths=0, clip_on=False, zorder=5)


def _job_key(figure: Figure, instance: SocInstance, view: _View, colours: list[Colour]) -> None:
    """A legend for few jobs; the colours of many are used again."""
    from matplotlib.patches import Patch

    if view.jobs > QUALITATIVE_COLOURS:
        return
    names = [instance.applications[int(number)].name for number in instance.job_application[: view.jobs]]
    handles = [Patch(color=colours[j], label=f"{j} {name}") for j, name in enumerate(names)]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(view.jobs, 10), fontsize=7, frameon=False)
