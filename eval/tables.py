"""Tables of a benchmark, and how their numbers are written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from ..envs.core.problem import load_problem
from .results import Row, measure_names, summarise

if TYPE_CHECKING:
    from .sweep import Curves, Estimate

BOUND_TEXT = {
    "best-known": "the best known value (published)",
    "optimal": "the optimum (proved)",
    "critical-path": "the critical path, a lower bound",
    "proved": "the bound that a solver of this run proved",
}
GAP_HEADINGS = ("aggregate\ngap", "mean gap\n(95 % interval)", "median\ngap", "at the\nbound")


def percent(fraction: float, sign: str = "") -> str:
    """A gap: two decimals below 10 %, one from there on, as in ``0.47 %``; a ``sign`` of ``"+"`` shows it always."""
    # rounded first, or 9.996 % would become 10.00 %
    decimals = 2 if round(abs(fraction), 4) < 0.1 else 1
    return f"{100 * fraction:{sign}z.{decimals}f} %"


def exact_number(value: float) -> str:
    """An objective to a millionth; ``:g`` would round numbers of seven digits."""
    return f"{round(value, 6):.15g}"


def is_share(measure: str) -> bool:
    """Whether a measure is a fraction, by its name."""
    return measure.endswith("_share")


def is_rate(measure: str) -> bool:
    """Whether a measure is a small number whose digits behind the point count, by its name."""
    return "rate" in measure.split("_")


def decimals_of(rows: Sequence[Row]) -> int:
    """Digits behind the point of a mean objective of these rows."""
    return load_problem(rows[0].problem).decimals if rows else 1


def measure_title(measure: str) -> str:
    """``"max_tardiness"`` -> ``"max tardiness"``."""
    return measure.replace("_", " ")


def measures_text(measures: Mapping[str, float]) -> str:
    """``"tardy share 12.3 %, max tardiness 340"``."""
    return ", ".join(
        f"{measure_title(name)} {_measure_cell(name, value).removesuffix('.0')}" for name, value in measures.items()
    )


def summary_table(rows: Sequence[Row], title: str, minimise: bool = True) -> Table:
    """The summary as a table, best agent first; "to the best" compares mean objectives within the table.

    Columns of gaps are there where any row has a bound, a column "feasible" where a solution is not, and one column
    for each measure. Where objectives are profits, so are the fifth percentile and, with the agent ``random`` and
    bounds, how far agents come from random play to the bound.
    """
    bounded = any(row.bound is not None for row in rows)
    feasible, decimals = all(row.feasible for row in rows), decimals_of(rows)
    measures = measure_names(rows)
    table = Table(title=title, title_justify="left", caption=_caption(rows), caption_justify="left")
    summary = _best_first(summarise(rows, minimise=minimise), rows, minimise)
    scored = not minimise and any(item["score"] is not None for item in summary)
    headings = ["agent", "runs", "mean\nobjective", "to the\nbest"]
    headings += [] if minimise else ["5th per-\ncentile", *(["score"] if scored else ())]
    headings += [*(GAP_HEADINGS if bounded else ()), "seconds\neach", *([] if feasible else ["feasible"])]
    headings += [measure_title(name).replace(" ", "\n", 1) for name in measures]
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "agent" else "right")
    means = [item["mean_objective"] for item in summary if item["mean_objective"] is not None]
    best = min(means, default=None) if minimise else max(means, default=None)
    for item in summary:
        mean = item["mean_objective"]
        cells = [item["agent"], str(item["count"]), "-" if mean is None else f"{mean:.{decimals}f}", _ratio(mean, best)]
        if not minimise:
            cells.append("-" if mean is None else f"{item['worst_5']:.{decimals}f}")
            cells += ["-" if item["score"] is None else f"{item['score']:.3f}"] if scored else []
        cells += [*(_gap_cells(item) if bounded else ()), f"{item['mean_seconds']:.4f}"]
        cells += [] if feasible else ["yes" if item["all_feasible"] else "NO"]
        table.add_row(*cells, *(_measure_cell(name, item["measures"].get(name)) for name in measures))
    return table


def _best_first(summary: list[dict[str, Any]], rows: Sequence[Row], minimise: bool) -> list[dict[str, Any]]:
    """Ordered by the mean gap, or by the aggregate gap where bounds of 0 leave rows out of the mean."""
    gap = "aggregate_gap" if _zero_bounds(rows) else "mean_gap"

    def place(item: dict[str, Any]) -> tuple[bool, float, float]:
        mean = item["mean_objective"]
        return item[gap] is None, item[gap] or 0, math.inf if mean is None else mean if minimise else -mean

    return sorted(summary, key=place)


def _zero_bounds(rows: Sequence[Row]) -> int:
    return sum(row.bound is not None and row.bound <= 0 for row in rows)


def _gap_cells(item: Mapping[str, Any]) -> tuple[str, ...]:
    interval, share = item["gap_interval_95"], item["at_bound"]
    mean = _gap(item["mean_gap"])
    if interval is not None:
        low, high = (percent(end).removesuffix(" %") for end in interval)
        mean += f" ({low} .. {high})"
    if item["gap_count"] not in (0, item["count"]):
        # a mean over the few rows with a gap must not pass for one over all
        mean += f" of {item['gap_count']}"
    at_bound = "-" if share is None else f"{100 * share:.1f} %"
    return _gap(item["aggregate_gap"]), mean, _gap(item["median_gap"]), at_bound


def _gap(value: float | None) -> str:
    return "-" if value is None else percent(value)


def _ratio(value: float | None, best: float | None) -> str:
    if value is None or best is None:
        return "-"
    return "best" if value == best else percent(value / best - 1, "+") if best else "-"


def _measure_cell(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if is_share(name) else f"{value:.{4 if is_rate(name) else 1}f}"


def _caption(rows: Sequence[Row]) -> str:
    """What the gaps refer to, what their means leave out, and the checker's verdict."""
    kinds = sorted({row.bound_kind for row in rows if row.bound is not None})
    if kinds:
        parts = ["gap to " + " and ".join(BOUND_TEXT.get(kind, kind) for kind in kinds)]
    else:
        parts = ["no gap: no bound is known; an exact agent in --agents may prove one"]
    unbounded, zero = sum(row.bound is None for row in rows), _zero_bounds(rows)
    if kinds and unbounded:
        parts.append(f"{unbounded} of {len(rows)} runs have no bound")
    if zero:
        parts.append(f"bound 0 in {zero} of {len(rows)} runs: only the aggregate gap, a ratio of sums, counts them all")
    return "; ".join([*parts, _verdict(rows)])


def _verdict(rows: Sequence[Row]) -> str:
    infeasible = sum(not row.feasible for row in rows)
    return f"{infeasible} of {len(rows)} INFEASIBLE" if infeasible else "every solution checked: feasible"


def class_table(by_class: Sequence[dict[str, Any]]) -> Table:
    """:func:`~schedlab.eval.results.summarise_by_class` as a table.

    Mean gaps where every row has a bound, else mean objectives. A class with bounds of 0, where mean gaps are
    undefined, shows its aggregate gap, or its mean objective where all its bounds are 0.
    """
    kinds = list(dict.fromkeys(item["class"] for item in by_class))
    shown = {kind: _class_figure([item for item in by_class if item["class"] == kind]) for kind in kinds}
    if any(item["bound_count"] < item["count"] for item in by_class):
        shown = dict.fromkeys(kinds, "mean_objective")
    names = set(shown.values())
    common = names.pop() if len(names) == 1 else None
    title = f"{common.replace('_', ' ')} by class" if common else "gap by class"
    table = Table("agent", title=title, title_justify="left")
    for kind in kinds:
        table.add_column(kind if common else f"{kind}\n{shown[kind].replace('_', ' ')}", justify="right")
    for agent in dict.fromkeys(item["agent"] for item in by_class):
        own = {item["class"]: item for item in by_class if item["agent"] == agent}
        values = [(shown[kind], own.get(kind, {}).get(shown[kind])) for kind in kinds]
        table.add_row(agent, *("-" if v is None else percent(v) if "gap" in name else f"{v:.1f}" for name, v in values))
    return table


def _class_figure(items: Sequence[dict[str, Any]]) -> str:
    """Which number of the summary speaks for a class in which every row has a bound."""
    if all(item["gap_count"] == item["count"] for item in items):
        return "mean_gap"
    return "mean_objective" if any(item["aggregate_gap"] is None for item in items) else "aggregate_gap"


def comparison_table(compared: Sequence[dict[str, Any]], decimals: int = 1) -> Table:
    """:func:`~schedlab.eval.results.compare` as a table; shares are compared in percentage points.

    Args:
        compared: The comparison.
        decimals: Digits behind the point of differences of objectives.
    """
    measures = list(dict.fromkeys(name for item in compared for name in item["measures"]))
    table = Table(title=f"objective minus that of {compared[0]['against']}, pair by pair", title_justify="left")
    headings = ["agent", "instances", "mean\ndifference", "95 % interval", "relative", "lower / equal\n/ higher"]
    headings += ["win rate\n(95 % interval)"]
    headings += [measure_title(name) + ("\n(% points)" if is_share(name) else "") for name in measures]
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "agent" else "right")
    for item in compared:
        interval, share = item["interval_95"], item["relative_difference"]
        higher = item["count"] - item["lower"] - item["equal"]
        table.add_row(
            item["agent"],
            str(item["count"]),
            f"{item['mean_difference']:+.{decimals}f}",
            "-" if interval is None else " .. ".join(f"{end:+.{decimals}f}" for end in interval),
            "-" if share is None else percent(share, "+"),
            f"{item['lower']} / {item['equal']} / {higher}",
            win_rate_text(item),
            *(_measure_difference(name, item["measures"].get(name)) for name in measures),
        )
    return table


def win_rate_text(item: Mapping[str, Any]) -> str:
    """``"95 % (83 .. 99)"``: wins among the instances that are not ties, with Wilson's interval."""
    if item["win_rate"] is None:
        return "-"
    low, high = item["win_interval_95"]
    return f"{100 * item['win_rate']:.0f} % ({100 * low:.0f} .. {100 * high:.0f})"


def _measure_difference(name: str, compared: Mapping[str, Any] | None) -> str:
    """``"+3.1 (-2.0 .. +8.4)"``, in percentage points where the measure is a share."""
    if compared is None:
        return "-"
    scale, decimals = 100 if is_share(name) else 1, 4 if is_rate(name) else 1
    text = f"{scale * compared['mean_difference']:+z.{decimals}f}"
    if (interval := compared["interval_95"]) is None:
        return text
    return f"{text} ({scale * interval[0]:+z.{decimals}f} .. {scale * interval[1]:+z.{decimals}f})"


def details_table(rows: Sequence[Row]) -> Table:
    """Objective and gap of every agent on every instance, with the first seed."""
    agents = list(dict.fromkeys(row.agent for row in rows))
    table = Table("instance", "bound", *agents, title="objective (gap) per instance; first seed", title_justify="left")
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        first.setdefault((row.instance, row.agent), row)
    for instance in dict.fromkeys(row.instance for row in rows):
        bound = next((row.bound for row in rows if row.instance == instance), None)
        cells = []
        for agent in agents:
            found = first.get((instance, agent))
            value = "-" if found is None or found.objective is None else exact_number(found.objective)
            cells.append(value if found is None or found.gap is None else f"{value} ({percent(found.gap)})")
        table.add_row(instance, "-" if bound is None else exact_number(bound), *cells)
    return table


def sweep_table(curves: Curves, rows: Sequence[Row], title: str, minimise: bool | None = None) -> Table:
    """Agents down, values of the option across, each mean with the half-width of its 95 % interval.

    Args:
        curves: The means.
        rows: What they are means of.
        title: What is swept.
        minimise: Whether the smallest or the largest mean of each column is marked; ``None`` marks none.
    """
    parts, decimals = ["one seed"], decimals_of(rows)
    if curves.seeds > 1:
        parts = [f"means over {curves.seeds} seeds", "+- half of the 95 % interval, by bootstrap"]
    parts += [] if minimise is None else [f"* {'lowest' if minimise else 'highest'} of the column"]
    table = Table(
        title=f"{title}\n{curves.label} by {curves.option}",
        title_justify="left",
        caption="; ".join([*parts, _verdict(rows)]),
        caption_justify="left",
    )
    table.add_column("agent")
    best = {}
    for text in curves.values:
        table.add_column(text, justify="right")
        means = [own[text].mean for own in curves.estimates.values() if text in own]
        if means and minimise is not None:
            best[text] = min(means) if minimise else max(means)
    for agent, own in curves.estimates.items():
        cells = [_estimate_cell(curves.number, decimals, own.get(text), best.get(text)) for text in curves.values]
        table.add_row(agent, *cells)
    return table


def _estimate_cell(number: str, decimals: int, estimate: Estimate | None, best: float | None) -> str:
    """``"* 61.2 +- 8.4"``."""
    if estimate is None:
        return "-"
    half = estimate.half_width
    mean, width = (
        f"{value:.{decimals}f}" if number == "objective" and value is not None else _measure_cell(number, value)
        for value in (estimate.mean, half)
    )
    text = mean if half is None else f"{mean.removesuffix(' %')} +- {width}"
    return f"* {text}" if estimate.mean == best else text
