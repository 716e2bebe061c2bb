"""A day of a fleet, as a figure, as frames of a video and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.figures import figure_to_array, new_figure
from .activity import KINDS, Activity
from .instance import Real, UamInstance
from .maps import (
    COLOURS,
    INK,
    NODE_RADII,
    Sheet,
    draw_aircraft,
    draw_ports,
    draw_routes,
    name_ports,
    ring_radii,
    short,
    traffic_radii,
)
from .solution import UamSolution

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DAY_SIZE, MAP_SIZE = (15.0, 8.4), (9.0, 9.4)  # inches
DAY_MAP, MAP_MAP = (0.25, 0.75, 7.9, 7.1), (0.25, 0.7, 8.5, 8.2)  # left, lower edge, width, height
PANELS = (8.95, 5.75)  # left edge, width
STEPS = 240  # of the stacked areas
MOST_LINES = 40  # vertiports told
LONGEST_TITLE = 60  # characters of a day's name
SIGNS = dict(zip(KINDS, "#=-+!.", strict=True))
SERVED, LEFT = "#0072b2", "#e3b8a0"


def draw_day(instance: UamInstance, solution: UamSolution, title: str = "") -> Figure:
    """The map with what was flown; what the fleet did, passengers, and profit over the day.

    Vertiports are as large as their traffic, vertistops square; lines as wide as the passengers either way. As long as
    the day is not over aircraft are shown where they are when the last decision is taken: around the vertiport where
    they stand, take off or land, or on their way.

    Args:
        instance: The day.
        solution: The decisions; may be of a part of the day, or wrong. What cannot be drawn is left out and counted.
        title: In place of a summary.

    Raises:
        InputError: matplotlib is not installed.
    """
    activity = Activity.of(instance, solution)
    figure = _figure(*DAY_SIZE)
    axes = _axes(figure, *DAY_MAP)
    sheet = Sheet.of(instance, *DAY_MAP[2:])
    sheet.frame(axes)
    draw_routes(axes, activity, activity.until)
    nodes = traffic_radii(activity)
    around = nodes
    if not activity.over:
        nodes = np.minimum(nodes, np.mean(NODE_RADII))
        around = ring_radii(activity, nodes, samples=2)
        draw_aircraft(axes, sheet, activity.moment(activity.until), nodes)
    draw_ports(axes, instance, nodes)
    name_ports(axes, sheet, around)
    _draw_fleet(_panel(figure, activity, 5.8, 1.95, "aircraft"), activity)
    _draw_passengers(_panel(figure, activity, 3.3, 1.85, "passengers of the period"), activity)
    profit = _panel(figure, activity, 0.75, 1.9, "profit so far, dollars")
    _draw_profit(profit, activity)
    profit.set_xlabel("time of day", fontsize=9)
    _key(figure, DAY_MAP[0] + DAY_MAP[2] / 2, 0.55)
    notes = [title or _summary(activity, activity.until), *_notes(activity)]
    figure.suptitle("; ".join(notes), fontsize=11, y=1 - 0.22 / DAY_SIZE[1], parse_math=False)
    return figure


def draw_map(instance: UamInstance, solution: UamSolution, time: int) -> Figure:
    """The map at one time: aircraft where they are, coloured by what they do; clock and profit above.

    Args:
        instance: The day.
        solution: The decisions. Of later ones only the busiest route matters: its line gets the widest.
        time: Seconds since the day began.

    Raises:
        InputError: matplotlib is not installed.
    """
    activity = Activity.of(instance, solution)
    return _frame(activity, time, ring_radii(activity, _frame_nodes(instance)))


def frames(instance: UamInstance, solution: UamSolution, count: int) -> list[NDArray[np.uint8]]:
    """Pictures for a video, from the beginning to the last landing, uint8 ``[height, width, 3]``, of one size.

    Args:
        instance: The day.
        solution: The decisions.
        count: How many, at equal intervals.

    Raises:
        InputError: matplotlib is not installed.
    """
    activity = Activity.of(instance, solution)
    around = ring_radii(activity, _frame_nodes(instance))
    times = np.linspace(0, end_of(activity), count).round().astype(np.int64)
    return [figure_to_array(_frame(activity, time, around)) for time in times.tolist()]


def end_of(activity: Activity) -> int:
    """When the last aircraft lands, or the day ends if that is later; of a part of a day, the last decision."""
    return max(int(activity.flights[:, 5].max(initial=0)), activity.until) if activity.over else activity.until


def _frame_nodes(instance: UamInstance) -> Real:
    return np.full(instance.num_vertiports, NODE_RADII[0] + 1)


def _frame(activity: Activity, time: int, around: Real) -> Figure:
    """The map at a time, room for names being left around vertiports."""
    instance = activity.instance
    figure = _figure(*MAP_SIZE)
    axes = _axes(figure, *MAP_MAP)
    sheet = Sheet.of(instance, *MAP_MAP[2:])
    sheet.frame(axes)
    draw_routes(axes, activity, time)
    nodes = _frame_nodes(instance)
    draw_aircraft(axes, sheet, activity.moment(time), nodes)
    draw_ports(axes, instance, nodes)
    name_ports(axes, sheet, around)
    _key(figure, MAP_MAP[0] + MAP_MAP[2] / 2, 0.5)
    figure.suptitle(
        f"{clock(instance, time)}   {_summary(activity, time)}", fontsize=11, y=1 - 0.2 / MAP_SIZE[1], parse_math=False
    )
    return figure


# --- text


def draw_day_text(instance: UamInstance, solution: UamSolution, width: int = 100) -> str:
    """A table of vertiports, and for each hour a bar of characters of what the fleet did.

    Args:
        instance: The day.
        solution: The decisions; may be of a part of the day, or wrong.
        width: Characters of a bar's line.
    """
    activity = Activity.of(instance, solution)
    lines = ["; ".join([_summary(activity, activity.until), *_notes(activity)]), *_port_lines(activity)]
    lines.append("  ".join(f"{sign} {name}" for name, sign in SIGNS.items()))
    hours = max(-(-activity.until // 3600), 1)
    edges = np.minimum(3600.0 * np.arange(hours + 1), max(activity.until, 1))
    shares = activity.fleet(edges) / instance.num_aircraft
    ends = []
    for hour in range(hours):
        mine = (activity.flights[:, 3] // 3600) == hour
        ends.append(f" {int(activity.flights[mine, 7].sum())} passengers, {_dollars(activity.profits[mine].sum())}")
    columns = max(width - 8 - max(map(len, ends)), 10)
    for hour, end in enumerate(ends):
        # rounding the sums, not the parts, leaves every bar of one length
        stops = np.rint(columns * np.cumsum(shares[:, hour]) / shares[:, hour].sum()).astype(int)
        bar = "".join(sign * part for sign, part in zip(SIGNS.values(), np.diff(stops, prepend=0), strict=True))
        lines.append(f"{clock(instance, 3600 * hour)} |{bar}|{end}")
    return "\n".join(lines)


def _port_lines(activity: Activity) -> list[str]:
    """Traffic of the busiest vertiports, in the order of the instance."""
    instance, flights = activity.instance, activity.flights
    ports = instance.num_vertiports
    columns = [
        np.bincount(flights[:, end], weights=weights, minlength=ports).astype(int)
        for weights in (None, flights[:, 7])
        for end in (1, 2)
    ]
    shown = np.sort(np.argsort(-(columns[0] + columns[1]), kind="stable")[:MOST_LINES])
    names = [short(instance.vertiports[port]) for port in shown]
    space = max(9, *map(len, names))
    lines = [f"{'vertiport':<{space}} parking chargers  departures arrivals  passengers: from   to"]
    for port, name in zip(shown.tolist(), names, strict=True):
        out, come, boarded, left = (int(column[port]) for column in columns)
        stands = f"{instance.parking[port]:>7} {instance.chargers[port]:>8}"
        lines.append(f"{name:<{space}} {stands}  {out:>10} {come:>8}  {boarded:>16} {left:>4}")
    if ports > len(shown):
        lines.append(f"... and {ports - len(shown)} more")
    return lines


def _summary(activity: Activity, time: int) -> str:
    instance = activity.instance
    flights = activity.flights[activity.flights[:, 3] <= time]
    came = int(instance.demand[: min(time, instance.terms.day - 1) // instance.period + 1].sum())
    carried, count = int(flights[:, 7].sum()), len(flights)
    share = f" ({100 * carried / came:.0f} %)" if came else ""
    text = f"{count} flight{'' if count == 1 else 's'}, {carried} of {came} passengers{share}"
    return f"{instance.name[:LONGEST_TITLE]}: {text}, {_dollars(activity.profit_at(time))}"


def _notes(activity: Activity) -> list[str]:
    notes = [] if activity.over else [f"until {clock(activity.instance, activity.until)}"]
    if activity.left_out:
        notes.append(f"{activity.left_out} decisions cannot be drawn")
    return notes


def _dollars(amount: float) -> str:
    return f"{'-' if amount <= -0.5 else ''}${abs(amount):,.0f}"


def clock(instance: UamInstance, time: float) -> str:
    """The time of day, ``"06:15"``."""
    minutes = int(60 * instance.terms.opens + time / 60 + 1e-6)
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


# --- panels


def _figure(width: float, height: float) -> Figure:
    figure = new_figure(width, height)
    # places are fixed: the map's scale must be known, and the frames of a video must not move
    figure.set_layout_engine("none")
    return figure


def _axes(figure: Figure, left: float, low: float, width: float, height: float) -> Axes:
    """Axes at a place in inches."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, low / up, width / across, height / up))


def _panel(figure: Figure, activity: Activity, low: float, height: float, title: str) -> Axes:
    """Axes whose x is the time of day."""
    axes = _axes(figure, PANELS[0], low, PANELS[1], height)
    instance = activity.instance
    day, opens = instance.terms.day, instance.terms.opens
    step = next((step for step in (1 / 60, 1 / 12, 0.25, 0.5, 1, 2, 3) if day / 3600 / step <= 9), 4)
    hours = step * np.arange(np.ceil(opens / step - 1e-9), np.floor((opens + day / 3600) / step + 1e-9) + 1)
    ticks = 3600 * (hours - opens)
    axes.set_xticks(ticks, [clock(instance, tick) for tick in ticks], fontsize=8)
    axes.set_xlim(0, day)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_title(title, fontsize=9, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    if not activity.over:
        axes.axvline(activity.until, color=INK, linewidth=0.8, linestyle=":")
    return axes


def _draw_fleet(axes: Axes, activity: Activity) -> None:
    count = activity.instance.num_aircraft
    if activity.until > 0:
        edges = np.linspace(0, activity.until, STEPS + 1)
        counts = activity.fleet(edges)
        top = np.zeros(STEPS)
        for kind, number in zip(KINDS, counts, strict=True):
            axes.stairs(top + number, edges, baseline=top, fill=True, color=COLOURS[kind], linewidth=0)
            top = top + number
    axes.set_ylim(0, count)
    axes.locator_params(axis="y", integer=True)


def _draw_passengers(axes: Axes, activity: Activity) -> None:
    """Passengers of each period who have flown, and on top of them those who have not (yet)."""
    times, flown, total = _queues(activity)
    if len(times) > 1:
        total = np.maximum(total, flown)
        axes.fill_between(times, flown, step="post", linewidth=0, color=SERVED, label="flown")
        axes.fill_between(times, flown, total, step="post", linewidth=0, color=LEFT, label="still there, then lost")
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=2, fontsize=8, frameon=False, borderaxespad=0.2
        )
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="y", integer=True)


def _queues(activity: Activity) -> tuple[Real, Real, Real]:
    """Times, and from each of them on how many of the period's passengers have flown, and how many there are."""
    instance, flights = activity.instance, activity.flights
    times: list[float] = []
    flown: list[float] = []
    total: list[float] = []
    order = np.argsort(flights[:, 3], kind="stable")
    decided, boarded = flights[order, 3], flights[order, 7]
    for period in range(-(-activity.until // instance.period)):
        first = period * instance.period
        low, high = np.searchsorted(decided, [first, first + instance.period])
        times += [first, *decided[low:high].tolist()]
        flown += [0, *np.cumsum(boarded[low:high]).tolist()]
        total += [int(instance.demand[period].sum())] * (high - low + 1)
    if times:
        # the last step needs an end
        times, flown, total = [*times, activity.until], [*flown, flown[-1]], [*total, total[-1]]
    return np.array(times), np.array(flown), np.array(total)


def _draw_profit(axes: Axes, activity: Activity) -> None:
    order = np.argsort(activity.flights[:, 3], kind="stable")
    profit = np.cumsum(activity.profits[order])
    last = float(profit[-1]) if len(profit) else 0.0
    times = [0, *activity.flights[order, 3].tolist(), activity.until]
    axes.step(times, [0, *profit.tolist(), last], where="post", color=SERVED, linewidth=1.5)
    axes.axhline(0, color=INK, linewidth=0.6)
    axes.plot([activity.until], [last], "o", color=SERVED, markersize=4, clip_on=False)
    side, aside = ("right", -6) if activity.until > 0.2 * activity.instance.terms.day else ("left", 6)
    axes.annotate(
        _dollars(last), (activity.until, last), (aside, 4), "data", "offset points", ha=side, va="bottom", fontsize=9
    )
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.margins(y=0.15)


def _key(figure: Figure, middle: float, low: float) -> None:
    """What the colours mean, in a row that is centred at a place in inches."""
    from matplotlib.patches import Patch

    across, up = figure.get_size_inches()
    figure.legend(
        handles=[Patch(color=colour, label=kind) for kind, colour in COLOURS.items()],
        loc="center", bbox_to_anchor=(middle / across, (low - 0.15) / up), ncols=len(KINDS), fontsize=9, frameon=False,
    )  # fmt: skip
