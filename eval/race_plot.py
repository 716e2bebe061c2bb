"""The picture of a race: quality against seconds, a line per agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..envs.core.figures import distinct_colours
from .plots import LEGEND_SIZE, MARKERS, figure_with_legend, name_picture
from .race_results import RaceRow, Yardstick, instance_values, rows_by_agent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_TIMES = 500  # at which a line may step; more cannot be told apart on the axis
SHORTEST = 1e-4  # seconds: the left end of the axis, at the least


@dataclass(frozen=True)
class Line:
    """An agent's means over all instances.

    Attributes:
        seconds: From when on every instance has a solution, increasing, ``[T]``; empty where that never happens.
        means: Gaps in % or objectives, ``[T]``.
        solved: Instances that have a solution at the end.
    """

    seconds: NDArray[np.float64]
    means: NDArray[np.float64]
    solved: int


def race_lines(
    rows: Sequence[RaceRow],
    agents: Sequence[str],
    instances: Sequence[str],
    measured_by: Yardstick,
    times: Sequence[float],
    time_limit: float,
) -> dict[str, Line]:
    """The line of each agent, as far as its mean is one over all instances.

    Args:
        rows: The rows.
        agents: Whose lines.
        instances: Over which means go.
        measured_by: What is drawn.
        times: Seconds at which every line has a point.
        time_limit: Of the race.
    """
    lines, runs = {}, rows_by_agent(rows)
    for agent in agents:
        own = np.array([seconds for row in runs.get(agent, ()) for seconds, _ in row.points])
        # what is done in overtime counts at the limit
        grid = np.unique([*np.clip(own, SHORTEST, time_limit), *times, time_limit])
        if len(grid) > MAX_TIMES:
            steps = np.geomspace(grid[0], time_limit, MAX_TIMES)
            # rounded up: no improvement is drawn before it came
            grid = np.unique([*grid[np.searchsorted(grid, steps[:-1])], *times, time_limit])
        values = instance_values(runs.get(agent, ()), instances, measured_by, grid, time_limit)
        solved = (~np.isnan(values)).sum(axis=0)
        complete = solved == len(instances)
        means = values[:, complete].mean(axis=0) * (100 if measured_by.gaps else 1)
        lines[agent] = Line(grid[complete], means, int(solved[-1]))
    return lines


def draw_race(
    lines: Mapping[str, Line], title: str, measured_by: Yardstick, times: Sequence[float], instances: int, what: str
) -> Figure:
    """Steps of the mean gap (or objective) over seconds, both axes logarithmic where that is possible.

    A line begins when every instance has a solution and has markers there and at the asked times. An agent that never
    gets so far has no line; the legend says so.

    Args:
        lines: By agent, in the order of the legend.
        title: Of the race.
        measured_by: What is drawn.
        times: Where markers are, in seconds.
        instances: How many there are.
        what: What gaps refer to, in words.
    """
    labels = {
        agent: agent if len(line.seconds) else f"{agent}: no line, {line.solved} of {instances} solved"
        for agent, line in lines.items()
    }
    figure = figure_with_legend(6.5, 5, list(labels.values()) or [""])
    axes = figure.add_subplot()
    for (agent, line), colour, marker in zip(lines.items(), distinct_colours(len(lines)), cycle(MARKERS), strict=False):
        marked = [index for index, time in enumerate(line.seconds) if index == 0 or time in times]
        axes.plot(
            line.seconds, line.means, drawstyle="steps-post", color=colour, linewidth=1.4,
            marker=marker, markersize=5, markevery=marked, label=labels[agent],
        )  # fmt: skip
    axes.set_xscale("log")
    drawn = np.concatenate([[], *(line.means for line in lines.values())])
    if len(drawn) and drawn.min() > 0:
        axes.set_yscale("log")
    _plain_numbers(axes, drawn)
    axes.set_xlabel("seconds")
    axes.set_ylabel("mean gap in %" if measured_by.gaps else "mean objective")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=LEGEND_SIZE, frameon=False)
    name_picture(axes, title, what)
    return figure


def _plain_numbers(axes: Axes, drawn: NDArray[np.float64]) -> None:
    """Write 0.1 rather than a power of ten, and some numbers between powers where few would be seen."""
    from matplotlib.ticker import LogLocator

    axes.xaxis.set_major_formatter(lambda number, _: f"{number:g}")
    axes.yaxis.set_major_formatter(lambda number, _: f"{number:,.12g}")
    spread = drawn.max() / drawn.min() if axes.get_yscale() == "log" else np.inf
    if spread < 1000:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if spread > 10 else (1, 1.5, 2, 3, 5, 7)))
    axes.tick_params(axis="y", which="minor", left=False, labelleft=False)
