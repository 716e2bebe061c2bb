"""What the charts of a section show, as plain numbers for the page's script: agents by their place in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..comparison import performance_profiles
from ..distributions import mean_shares_above
from ..intervals import mean_interval
from ..race_plot import race_lines
from ..race_results import RaceRow
from ..results import Row, instance_means, measure_names
from ..tables import is_share, measure_title
from .collect import RaceRuns, Section, sweep_values
from .text import rounded, shown

MAX_POINTS = 300  # of a line or a strip; more cannot be told apart
MAX_STEPS = 60  # of a line of one instance of a race
MAX_RACED = 80  # instances of a race with lines of their own
WIDE_SPREAD = 20  # largest over smallest value from which an axis is logarithmic
WIDEST_FACTOR = 2.0  # of a profile; further right agents differ in what nobody would use
SHORTEST = 1e-6  # seconds

Value = Callable[[Row], float | None]
Chart = dict[str, Any]
"""``title``, ``note`` and ``choices``; each choice has a ``name``, a ``kind`` (``"xy"`` or ``"strip"``), axes ``x`` and
for ``"xy"`` also ``y``, and ``series``, one per agent."""


def section_charts(section: Section, agents: Sequence[str]) -> list[Chart]:
    """The charts of a section; those that would show nothing are left out.

    Args:
        section: Its rows.
        agents: In the order of the table, by which the page colours them.
    """
    if section.race is not None:
        return [race_chart(section, section.race, agents)]
    found = [sweep_chart(section, agents)] if section.kind == "sweep" else []
    found += [seconds_chart(section, agents), spread_chart(section, agents), profile_chart(section, agents)]
    return [chart for chart in [*found, costs_chart(section, agents)] if chart is not None]


def _axis(label: str, unit: str = "", log: bool = False) -> dict[str, Any]:
    return {"label": label, "unit": unit, "log": log}


def _numbers(values: Any) -> list[float | int | None]:
    return [rounded(float(value)) for value in values]


def _measures(rows: Sequence[Row]) -> list[tuple[str, str, Value]]:
    """The checker's further numbers: name, unit, and where to find them; shares as percentages."""
    found: list[tuple[str, str, Value]] = []
    for name in measure_names(rows):
        factor, unit = (100.0, "%") if is_share(name) else (1.0, "")
        found.append((shown(measure_title(name)), unit, partial(_measure, name, factor)))
    return found


def _measure(name: str, factor: float, row: Row) -> float | None:
    return None if name not in row.measures else row.measures[name] * factor


def _seconds(row: Row) -> float:
    return max(row.seconds, SHORTEST)


def _gap(row: Row) -> float | None:
    return None if row.gap is None else 100 * row.gap


def _objective(row: Row) -> float | None:
    return row.objective


def _has_gaps(rows: Sequence[Row]) -> bool:
    """Whether gaps tell of every solution."""
    solved = [row for row in rows if row.objective is not None]
    return bool(solved) and all(row.gap is not None for row in solved)


def _quality(section: Section) -> tuple[str, str, Value]:
    """What an axis of quality shows: gaps where every solution has one."""
    return ("gap", "%", _gap) if _has_gaps(section.rows) else ("objective", "", _objective)


def seconds_chart(section: Section, agents: Sequence[str]) -> Chart | None:
    """Quality against seconds, with the line of agents that none is both faster and better than."""
    name, unit, value = _quality(section)
    means = {agent: [*own.values()] for agent, own in instance_means(section.rows, value).items() if own}
    series = []
    for place, agent in enumerate(agents):
        if agent not in means:
            continue
        mean, interval = float(np.mean(means[agent])), mean_interval(means[agent])
        seconds = float(np.mean([row.seconds for row in section.rows if row.agent == agent]))
        low, high = interval or (mean, mean)
        numbers = {"x": max(seconds, SHORTEST), "y": mean, "low": low, "high": high}
        series.append({"agent": place, "draw": "points", **{key: _numbers([own]) for key, own in numbers.items()}})
    if len(series) < 2:
        return None
    smaller = section.minimise or name == "gap"
    return {
        "title": "Quality against time",
        "note": f"Mean {name} and its 95 % interval; {'lower' if smaller else 'higher'} and further left is better. "
        "The line joins the agents that nobody beats in both.",
        "choices": [
            {
                "name": name,
                "kind": "xy",
                "x": _axis("seconds per run", "s", log=True),
                "y": _axis(f"mean {name}", unit),
                "series": series,
                "front": _front(series, smaller),
            }
        ],
    }


def _front(series: Sequence[Mapping[str, Any]], smaller: bool) -> dict[str, list[float]]:
    """The points that none is both faster and better than, fastest first."""
    points = sorted((item["x"][0], item["y"][0] if smaller else -item["y"][0]) for item in series)
    front: list[tuple[float, float]] = []
    for seconds, value in points:
        if not front or value < front[-1][1]:
            front.append((seconds, value))
    return {"x": [seconds for seconds, _ in front], "y": [value if smaller else -value for _, value in front]}


def spread_chart(section: Section, agents: Sequence[str]) -> Chart | None:
    """A box and a point per instance for every agent: of gaps, objectives, seconds and measures."""
    rows = section.rows
    asked: list[tuple[str, str, Value]] = []
    if any(row.gap is not None for row in rows):
        asked.append(("gap", "%", _gap))
    asked += [("objective", "", _objective), ("seconds", "s", _seconds), *_measures(rows)]
    choices = [_strips(section, agents, *item) for item in asked]
    kept = [choice for choice in choices if choice["series"]]
    if not kept:
        return None
    return {
        "title": "Spread over instances",
        "note": "A point per instance, the mean over its seeds. Boxes hold the middle half, lines in them are medians, "
        "diamonds means; whiskers reach to the last point within 1.5 times the box. Below five points there is none.",
        "choices": kept,
    }


def _strips(section: Section, agents: Sequence[str], name: str, unit: str, value: Value) -> dict[str, Any]:
    means, place_of = instance_means(section.rows, value), {name: i for i, name in enumerate(section.instances)}
    series, everything = [], []
    for place, agent in enumerate(agents):
        own = means.get(agent, {})
        if not own:
            continue
        values = np.array([*own.values()])
        everything.append(values)
        kept = np.unique(np.linspace(0, len(values) - 1, MAX_POINTS).astype(int)) if len(values) > MAX_POINTS else None
        names = [place_of[instance] for instance in own]
        shown_values = values if kept is None else values[kept]
        series.append(
            {
                "agent": place,
                "values": _numbers(shown_values),
                "instances": names if kept is None else [names[index] for index in kept],
                "box": _numbers(_box(values)),
                "mean": rounded(float(values.mean())),
                "count": len(values),
            }
        )
    flat = np.concatenate(everything) if everything else np.zeros(1)
    log = bool(flat.min() > 0 and (unit == "s" or flat.max() > WIDE_SPREAD * flat.min()))
    return {"name": name, "kind": "strip", "x": _axis(name, unit, log), "series": series}


def _box(values: NDArray[np.float64]) -> list[float]:
    """Lower whisker, quartile, median, quartile, upper whisker."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    reach = 1.5 * (high - low)
    inside = values[(values >= low - reach) & (values <= high + reach)]
    return [float(number) for number in (inside.min(), low, middle, high, inside.max())]


def profile_chart(section: Section, agents: Sequence[str]) -> Chart | None:
    """Performance profiles: on which share of the instances an agent is within a factor of the best."""
    profiles = performance_profiles(section.rows, section.minimise, MAX_POINTS)
    if profiles is None or profiles.factors[-1] == 1:
        return None
    end = min(float(profiles.factors[-1]) * 1.02, WIDEST_FACTOR)
    inside = profiles.factors <= end
    series = []
    for place, agent in enumerate(agents):
        if agent in profiles.shares:
            shares = 100 * profiles.shares[agent][inside]
            x, y = [*profiles.factors[inside], end], [*shares, shares[-1]]
            series.append({"agent": place, "draw": "steps", "x": _numbers(x), "y": _numbers(y)})
    return {
        "title": "Performance profiles",
        "note": f"On which share of {profiles.count} instances an agent comes within a factor of the best found by "
        "any of these agents. Further up is better.",
        "choices": [
            {
                "name": "profiles",
                "kind": "xy",
                "x": _axis("factor of the best", "x"),
                "y": _axis("share of instances", "%"),
                "series": series,
            }
        ],
    }


def costs_chart(section: Section, agents: Sequence[str]) -> Chart | None:
    """Share of jobs whose cost exceeds a value, where the run kept how costs spread over jobs."""
    if not any(row.key in section.distributions for row in section.rows):
        return None
    costs, shares = mean_shares_above(section.rows, section.distributions)
    if len(costs) > MAX_POINTS:
        places = np.unique(np.linspace(0, len(costs) - 1, MAX_POINTS).astype(int))
        costs, shares = costs[places], {agent: own[places] for agent, own in shares.items()}
    positive = costs > 0
    series = []
    for place, agent in enumerate(agents):
        if agent in shares and positive.any():
            share = 100 * shares[agent]
            kept = positive & (share > 0)
            if kept.any():
                item = {"x": _numbers(costs[kept]), "y": _numbers(share[kept])}
                series.append({"agent": place, "draw": "steps", **item})
    if not series:
        return None
    return {
        "title": "Costs over jobs",
        "note": "Share of the jobs that cost more than a value (for example are later), mean over instances. Means "
        "hide the few jobs that are very late; the right end shows them. Lower is better.",
        "choices": [
            {
                "name": "costs",
                "kind": "xy",
                "x": _axis("cost of a job", "", log=True),
                "y": _axis("share of jobs above it", "%", log=True),
                "series": series,
            }
        ],
    }


def sweep_chart(section: Section, agents: Sequence[str]) -> Chart | None:
    """The objective and every measure against the option that was varied, with intervals."""
    by_value = sweep_values(section.rows, section.about.option)
    if len(by_value) < 2:
        return None
    places = _places(list(by_value))
    asked: list[tuple[str, str, Value]] = [("objective", "", _objective), *_measures(section.rows)]
    option, choices = shown(section.about.option.replace("-", " ")), []
    for label, unit, value in asked:
        series, found = [], [instance_means(rows, value) for rows in by_value.values()]
        for place, agent in enumerate(agents):
            columns: dict[str, list[Any]] = {"x": [], "y": [], "low": [], "high": []}
            for at, means in zip(places, found, strict=True):
                if own := [*means.get(agent, {}).values()]:
                    mean, interval = float(np.mean(own)), mean_interval(own)
                    low, high = interval or (mean, mean)
                    for key, number in {"x": at, "y": mean, "low": low, "high": high}.items():
                        columns[key].append(rounded(number))
            if columns["x"]:
                series.append({"agent": place, "draw": "line", **columns})
        x = {
            **_axis(option),
            "ticks": [[rounded(at), shown(text, 20)] for at, text in zip(places, by_value, strict=True)],
        }
        choices.append({"name": label, "kind": "xy", "x": x, "y": _axis(f"mean {label}", unit), "series": series})
    return {"title": f"Against the {option}", "note": "Means over instances with 95 % intervals.", "choices": choices}


def _places(texts: Sequence[str]) -> list[float]:
    """Where values stand on the axis: numbers at their value, others side by side."""
    try:
        places = [float(text) for text in texts]
    except ValueError:
        return [float(index) for index in range(len(texts))]
    return places if np.isfinite(places).all() else [float(index) for index in range(len(texts))]


def race_chart(section: Section, race: RaceRuns, agents: Sequence[str]) -> Chart:
    """Best so far against time: the mean over all instances, and each instance."""
    asked: list[tuple[str, list[str], Sequence[RaceRow]]] = [("mean of all instances", section.instances, race.rows)]
    by_instance: dict[str, list[RaceRow]] = {instance: [] for instance in section.instances}
    for row in race.rows:
        by_instance[row.instance].append(row)
    for instance in section.instances[:MAX_RACED] if len(section.instances) > 1 else []:
        asked.append((shown(instance), [instance], by_instance[instance]))
    gaps = race.measured_by.gaps
    label, choices = "gap" if gaps else "objective", []
    for name, instances, rows in asked:
        limit = MAX_POINTS if rows is race.rows else MAX_STEPS
        series = _race_series(rows, instances, race, agents, limit)
        y = _axis(f"mean {label}" if rows is race.rows else label, "%" if gaps else "")
        choices.append({"name": name, "kind": "xy", "x": _axis("seconds", "s", log=True), "y": y, "series": series})
    return {
        "title": "Best so far against time",
        "note": "A mean begins when every instance has a solution. Solutions given shortly after the time limit "
        "count at it.",
        "choices": choices,
    }


def _race_series(
    rows: Sequence[RaceRow], instances: Sequence[str], race: RaceRuns, agents: Sequence[str], limit: int
) -> list[dict[str, Any]]:
    times = [race.time_limit]
    lines = race_lines(rows, agents, instances, race.measured_by, times, race.time_limit)
    series = []
    for place, agent in enumerate(agents):
        line = lines[agent]
        # only where it steps, and its end
        steps = np.flatnonzero(np.append(True, np.diff(line.means) != 0)) if len(line.means) else np.zeros(0, int)
        if len(steps) > limit:
            steps = steps[np.unique(np.linspace(0, len(steps) - 1, limit).astype(int))]
        places = np.unique([*steps, len(line.means) - 1]) if len(steps) else steps
        if len(places):
            item = {"x": _numbers(line.seconds[places]), "y": _numbers(line.means[places])}
            series.append({"agent": place, "draw": "steps", **item})
    return series
