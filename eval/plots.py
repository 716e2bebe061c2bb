"""Pictures of a benchmark (objectives per agent, agent against agent, costs over jobs) and of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..envs.core.figures import distinct_colours, new_figure, save_figure
from .distributions import LEVELS, Quantiles, mean_shares_above
from .results import Row, RowKey, instance_means
from .tables import is_share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .sweep import Curves

WIDE_SPREAD = 20  # largest over smallest value from which an axis is logarithmic
LEGEND_SIZE = 8  # points
WIDE_RANGE = 4  # the same of the values of an option, if that spaces them more evenly
TICK_LETTER_SHARE = 0.016  # width of a letter below an axis, as a share of that axis
MARKERS = "os^DvP*X<>"  # so that lines can also be told apart without colours
LETTER_WIDTH, LINE_HEIGHT = 0.066, 0.18  # of that size, in inches
Means = dict[str, dict[str, float]]
Colours = dict[str, tuple[float, float, float]]


@dataclass(frozen=True)
class Pictured:
    """What the pictures of a benchmark show.

    Attributes:
        rows: The results.
        title: Above each picture.
        minimise: Whether smaller objectives are better.
        compared: What :func:`~schedlab.eval.results.compare` found, if agents are drawn against one of them.
        distributions: Quantiles of job costs by the rows' keys; may be empty.
        job_costs_label: What these costs are.
    """

    rows: Sequence[Row]
    title: str
    minimise: bool = True
    compared: Sequence[Mapping[str, Any]] = ()
    distributions: Mapping[RowKey, Quantiles] = field(default_factory=dict)
    job_costs_label: str = ""


def save_pictures(folder: Path, pictured: Pictured) -> list[str]:
    """Write ``objectives.png``, ``seconds.png``, ``against.png``, ``distribution.png``, if there is something to show.

    Returns:
        Names of the files written.

    Raises:
        InputError: matplotlib is not installed.
    """
    means = instance_means(pictured.rows, lambda row: row.objective)
    sign = 1 if pictured.minimise else -1
    agents = sorted(
        (agent for agent, own in means.items() if own),
        key=lambda agent: sign * float(np.mean([*means[agent].values()])),
    )
    if not agents:
        return []
    # one order and one colour per agent in all pictures, so that they can be read side by side
    colours = dict(zip(agents, distinct_colours(len(agents)), strict=True))
    means = {agent: means[agent] for agent in agents}
    figures = {
        "objectives.png": draw_objectives(pictured, means, colours),
        "seconds.png": draw_seconds(pictured, means, colours),
        "against.png": draw_against(pictured, means, colours),
        "distribution.png": draw_distribution(pictured, colours),
    }
    written = [name for name, figure in figures.items() if figure is not None]
    for name in written:
        if (figure := figures[name]) is not None:
            save_figure(figure, folder / name)
    return written


def draw_objectives(pictured: Pictured, means: Means, colours: Colours) -> Figure:
    """One box per agent over the instances, in the order of ``means``, with the instances as points.

    Boxes hold the middle half, whiskers reach to the last point within 1.5 times the box, diamonds are means. The axis
    of objectives is logarithmic if they spread by more than a factor of 20.

    Args:
        pictured: The title.
        means: Agent -> instance -> objective; no agent without instances.
        colours: Of the agents.
    """
    values = {agent: np.array([*own.values()]) for agent, own in means.items()}
    figure = new_figure(float(np.clip(2 + 0.6 * len(values), 6, 24)), 5)
    axes = figure.add_subplot()
    axes.boxplot(
        list(values.values()),
        tick_labels=list(values),
        showfliers=False,  # the points are drawn anyway
        showmeans=True,
        widths=0.6,
        medianprops={"color": "black"},
        meanprops={"marker": "D", "markerfacecolor": "white", "markeredgecolor": "black", "zorder": 4},
    )
    rng = np.random.default_rng(0)
    for place, (agent, points) in enumerate(values.items(), start=1):
        aside = rng.uniform(-0.22, 0.22, len(points))  # or equal objectives would hide one another
        axes.scatter(place + aside, points, s=9, color=[colours[agent]], alpha=0.6, linewidths=0, zorder=3)
    _scale(axes, "y", np.concatenate([*values.values()]))
    axes.tick_params(axis="x", rotation=0 if len(values) <= 6 and max(map(len, values)) <= 10 else 60)
    axes.set_ylabel("objective")
    name_picture(axes, pictured.title, "objectives by instance, best mean first")
    return figure


def draw_seconds(pictured: Pictured, means: Means, colours: Colours) -> Figure | None:
    """Mean objective of every agent against the mean seconds that it took, on a logarithmic axis.

    A line marks the agents that none is both faster and better than. Nothing is drawn of a single agent.

    Args:
        pictured: Rows and title.
        means: Agent -> instance -> objective, best mean first; no agent without instances.
        colours: Of the agents.
    """
    if len(means) < 2:
        return None
    figure = figure_with_legend(6.5, 5, list(means))
    axes = figure.add_subplot()
    seconds = {
        agent: max(float(np.mean([row.seconds for row in pictured.rows if row.agent == agent])), 1e-6)
        for agent in means
    }
    objective = {agent: float(np.mean([*own.values()])) for agent, own in means.items()}
    front: list[str] = []  # the means come best first, so each next one has to be faster
    for agent in means:
        if not front or seconds[agent] < seconds[front[-1]]:
            front.append(agent)
    axes.plot([seconds[a] for a in front], [objective[a] for a in front], color="0.7", zorder=1, linewidth=1)
    for agent, marker in zip(means, cycle(MARKERS), strict=False):
        axes.scatter(seconds[agent], objective[agent], color=[colours[agent]], marker=marker, s=45, label=agent)
    axes.set_xscale("log")
    axes.set_xlabel("seconds per instance")
    axes.set_ylabel("mean objective")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=LEGEND_SIZE)
    name_picture(axes, pictured.title, "quality against time; the line joins those that nobody beats in both")
    return figure


def draw_against(pictured: Pictured, means: Means, colours: Colours) -> Figure | None:
    """Instance by instance, the reference's objective to the right and each agent's upwards, equal on the diagonal.

    The legend counts the instances below, on and above the diagonal.

    Args:
        pictured: Title and comparison.
        means: Agent -> instance -> objective.
        colours: Of the agents.

    Returns:
        The figure, or ``None`` where nothing is compared.
    """
    compared = {item["agent"]: item for item in pictured.compared}
    shown = [agent for agent in means if agent in compared]
    if not shown:
        return None
    reference = compared[shown[0]]["against"]
    base = means[reference]
    labels = {agent: f"{agent}: {_below_equal_above(compared[agent])}" for agent in shown}
    figure = figure_with_legend(6.5, 6.5, list(labels.values()))
    axes = figure.add_subplot()
    everything = []
    for agent, label in labels.items():
        pairs = np.array([(base[instance], value) for instance, value in means[agent].items() if instance in base])
        axes.scatter(pairs[:, 0], pairs[:, 1], s=14, color=[colours[agent]], alpha=0.7, linewidths=0, label=label)
        everything.append(pairs.ravel())
    numbers = np.concatenate(everything)
    for which in ("x", "y"):
        _scale(axes, which, numbers)
    ends = (min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1]))
    axes.plot(ends, ends, color="black", linewidth=0.8, zorder=1)
    axes.set(xlim=ends, ylim=ends, aspect="equal", ylabel="objective of the agent")
    axes.set_xlabel(f"objective of {reference}")
    figure.legend(loc="outside right upper", fontsize=LEGEND_SIZE, frameon=False)
    name_picture(
        axes,
        pictured.title,
        f"instance by instance; {'below' if pictured.minimise else 'above'} the diagonal is better",
    )
    return figure


def _below_equal_above(item: Mapping[str, Any]) -> str:
    higher = item["count"] - item["lower"] - item["equal"]
    return f"{item['lower']} below, {item['equal']} equal, {higher} above"


def draw_distribution(pictured: Pictured, colours: Colours) -> Figure | None:
    """Share of jobs whose cost exceeds x, one line per agent, averaged over instances; shares are logarithmic.

    Args:
        pictured: Rows, title, distributions and what the costs are.
        colours: Of the agents.

    Returns:
        The figure, or ``None`` without distributions or where no job of any agent costs anything.
    """
    costs, shares = mean_shares_above(pictured.rows, pictured.distributions)
    if costs[-1] == 0:
        return None
    found = [pictured.distributions[row.key] for row in pictured.rows if row.key in pictured.distributions]
    positive = np.concatenate([quantiles[quantiles > 0] for quantiles in found])
    figure = figure_with_legend(6.5, 5, list(shares))
    axes = figure.add_subplot()
    for agent in colours:
        if agent in shares:
            axes.step(costs, shares[agent], where="post", color=colours[agent], linewidth=1.4, label=agent)
    middle = float(np.median(positive))
    if costs[-1] > WIDE_SPREAD * middle:
        # half of the costs above 0 lie on the linear part, the tail on the logarithmic one
        axes.set_xscale("symlog", linthresh=middle)
    axes.set_yscale("log")
    # a share of 0 has no place on the axis: it begins below the smallest other one, but not far below a thousandth,
    # the finest that quantiles tell of one instance
    least = min(float(share[share > 0].min(initial=1)) for share in shares.values())
    axes.set(xlim=(0, None), ylim=(max(least, 0.1 / len(LEVELS)) / 1.5, 1.2))
    axes.set_xlabel(f"x: {pictured.job_costs_label} of a job")
    axes.set_ylabel(f"share of jobs with {pictured.job_costs_label} above x")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=LEGEND_SIZE, frameon=False)
    name_picture(axes, pictured.title, f"{pictured.job_costs_label} over jobs, mean of the instances")
    return figure


def draw_sweep(panels: Sequence[Curves], title: str) -> Figure:
    """Means against the values of an option, one line per agent in a band of 95 % intervals; a panel for each number.

    Values that are numbers stand at their places, on a logarithmic axis if that spaces them more evenly; others side by
    side. The legend has the agents in the order of their last points in the upper panel.

    Args:
        panels: What to draw, from above; all of the same option, values and agents.
        title: What is swept.
    """
    places, scale = value_places(panels[0].values)
    agents = list(panels[0].estimates)
    looks = dict(zip(agents, zip(distinct_colours(len(agents)), cycle(MARKERS), strict=False), strict=True))
    figure = figure_with_legend(6.5, 0.9 + 3.4 * len(panels), agents)
    rows = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axes, curves in zip(rows, panels, strict=True):
        _draw_curves(axes, curves, places, looks)
    if scale == "log":
        rows[-1].set_xscale("log")
    ticks = _ticks(places, scale)
    rows[-1].set_xticks([places[text] for text in ticks], labels=ticks)
    for axes in rows:
        axes.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    rows[-1].set_xlabel(panels[0].option)
    figure.align_ylabels()
    lines = sorted(rows[0].lines, key=lambda line: -float(line.get_ydata()[-1]))
    figure.legend(handles=lines, loc="outside right upper", fontsize=LEGEND_SIZE, frameon=False)
    seeds = panels[0].seeds
    name_picture(rows[0], title, f"means over {seeds} seeds, 95 % intervals by bootstrap" if seeds > 1 else "one seed")
    return figure


def _draw_curves(axes: Axes, curves: Curves, places: Mapping[str, float], looks: Mapping[str, tuple[Any, str]]) -> None:
    """Lines and bands of one panel, and its upright axis."""
    points = {
        agent: np.array(
            sorted((places[text], found.mean, *(found.interval or (found.mean,) * 2)) for text, found in own.items())
        ).T
        for agent, own in curves.estimates.items()
        if own
    }
    if is_share(curves.number):
        axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    elif points:
        _scale_of_means(axes, *(np.concatenate([found[row] for found in points.values()]) for row in (1, 2, 3)))
    # a band that went down to 0 would have no lower edge on a logarithmic axis
    floor = axes.get_ylim()[0] if axes.get_yscale() == "log" else -np.inf
    for agent, (x, mean, low, high) in points.items():
        colour, marker = looks[agent]
        axes.plot(x, mean, color=colour, marker=marker, markersize=4, linewidth=1.4, label=agent)
        axes.fill_between(x, np.maximum(low, floor), high, color=colour, alpha=0.13, linewidth=0)
    axes.set_ylabel(curves.label)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _scale_of_means(
    axes: Axes, means: NDArray[np.float64], lows: NDArray[np.float64], highs: NDArray[np.float64]
) -> None:
    """Scale an axis by means; on a logarithmic one bands may end far below the least of them, out of sight."""
    from matplotlib.ticker import LogLocator

    _scale(axes, "y", means)
    # afterwards, because another scale brings another formatter
    axes.yaxis.set_major_formatter(lambda number, _: f"{number:,.12g}")
    if axes.get_yscale() == "linear":
        return
    least, top = float(means[means > 0].min()), 1.3 * float(highs.max())
    if axes.get_yscale() == "symlog":
        axes.set_ylim(-0.3 * least, top)
    else:
        axes.set_ylim(max(float(lows.min()) / 1.3, least / 3), top)
        if top < 1000 * least:
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.tick_params(axis="y", which="minor", left=False, labelleft=False)


def value_places(values: Mapping[str, Any]) -> tuple[dict[str, float], str]:
    """Where the values of an option stand on an axis, by their texts, and whether it is ``"linear"`` or ``"log"``."""
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values.values()):
        return {text: float(place) for place, text in enumerate(values)}, "linear"
    places = {text: float(value) for text, value in values.items()}
    numbers = np.sort([*places.values()])
    if len(numbers) < 3 or numbers[0] <= 0 or numbers[-1] < WIDE_RANGE * numbers[0]:
        return places, "linear"
    steps, ratios = np.diff(numbers), np.diff(np.log(numbers))
    return places, "log" if ratios.std() / ratios.mean() < steps.std() / steps.mean() else "linear"


def _ticks(places: Mapping[str, float], scale: str) -> list[str]:
    """The values that get a tick: from the left, each whose label does not run into the one before."""
    numbers = {text: float(np.log(place)) if scale == "log" else place for text, place in places.items()}
    extent = max(numbers.values()) - min(numbers.values()) or 1.0
    shown: list[str] = []
    end = -np.inf
    for text in sorted(numbers, key=numbers.__getitem__):
        middle, half = (numbers[text] - min(numbers.values())) / extent, TICK_LETTER_SHARE * len(text) / 2
        if middle - half >= end:
            shown.append(text)
            end = middle + half + TICK_LETTER_SHARE
    return shown


def figure_with_legend(width: float, height: float, labels: Sequence[str]) -> Figure:
    """A figure with room for a legend to the right of a picture of that size in inches, however many agents it has."""
    beside = 0.5 + LETTER_WIDTH * max(map(len, labels))
    return new_figure(width + beside, max(height, 0.5 + LINE_HEIGHT * len(labels)))


def _scale(axes: Axes, which: Literal["x", "y"], values: ArrayLike) -> None:
    """Make an axis logarithmic if the values spread widely; with zeros among them, linear up to the smallest other."""
    numbers: NDArray[np.float64] = np.asarray(values, np.float64)
    positive = numbers[numbers > 0]
    if numbers.min() < 0 or not len(positive) or positive.max() <= WIDE_SPREAD * positive.min():
        return
    change = axes.set_xscale if which == "x" else axes.set_yscale
    if len(positive) == len(numbers):
        change("log")
        return
    least = float(positive.min())
    change("symlog", linthresh=least)
    limit = axes.set_xlim if which == "x" else axes.set_ylim
    limit(-0.3 * least, float(positive.max()) * 1.3)


def name_picture(axes: Axes, title: str, what: str) -> None:
    """Write the title and, below it, what is shown; take away the lines above and to the right."""
    # a list of many files must not push the picture aside
    title = title if len(title) <= 60 else f"{title[:57]}..."
    axes.set_title(f"{title}\n{what}", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
