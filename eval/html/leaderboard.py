"""The tables at the top of a section: agents down, best first, with intervals and a comparison with one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...envs import PROBLEMS
from ...envs.core.problem import load_problem
from ..comparison import HINDSIGHT, GapClosed, agent_kind, best_in_hindsight, best_rule, compare, gap_closed
from ..intervals import Interval, mean_interval
from ..race_report import what_is_shown
from ..race_results import Standing, standings
from ..results import Row, measure_names, summarise
from ..tables import BOUND_TEXT, is_rate, is_share, measure_title, percent
from .collect import RaceRuns, Section, sweep_values
from .text import shown

NOTHING = "-"  # in a cell without a number


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: What it says.
        value: What the column sorts by, ``None`` for last.
        low: Of an interval, written below; empty without.
    """

    text: str
    value: float | None = None
    low: str = ""


@dataclass(frozen=True)
class Line:
    """A row of the table.

    Attributes:
        agent: Its name, as in the results.
        kind: ``"rule"``, ``"search"``, ``"exact"``, ``"learned"`` or ``"unknown"``.
        cells: Beside name and kind.
        role: ``"reference"``, ``"hindsight"`` or nothing.
    """

    agent: str
    kind: str
    cells: Sequence[Cell]
    role: str = ""


@dataclass(frozen=True)
class Board:
    """A table and what a reader of it must know.

    Attributes:
        headings: Of the cells, each with an explanation.
        lines: Best agent first.
        notes: Sentences.
        reference: The agent that others are compared with, or ``None``.
    """

    headings: Sequence[tuple[str, str]]
    lines: Sequence[Line]
    notes: Sequence[str] = ()
    reference: str | None = None

    @property
    def agents(self) -> list[str]:
        """Those of the results, best first."""
        return [line.agent for line in self.lines if line.role != "hindsight"]


@dataclass(frozen=True)
class _Numbers:
    """What all columns are made of."""

    rows: Sequence[Row]
    minimise: bool
    decimals: int
    reference: str | None
    measures: Sequence[str]
    bounded: bool
    compared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    closed: Mapping[str, GapClosed | None] = field(default_factory=dict)


def decimals_of(problem: str) -> int:
    """Digits behind the point of mean objectives."""
    return load_problem(problem).decimals if problem in PROBLEMS else 1


def leaderboard(section: Section, against: str | None = None) -> Board:
    """The table of a benchmark or a sweep.

    Args:
        section: Not of a race.
        against: The reference, where the section has that agent; by default the best rule.
    """
    minimise, own = section.minimise, list(section.rows)
    reference = against if against in section.agents else best_rule(own, minimise)
    rows = [*own, *best_in_hindsight(own, minimise)]
    compared = {item["agent"]: item for item in compare(rows, reference, minimise)} if reference else {}
    numbers = _Numbers(
        rows=rows,
        minimise=minimise,
        decimals=decimals_of(section.problem),
        reference=reference,
        measures=measure_names(rows),
        bounded=any(row.gap is not None for row in rows),
        compared=compared,
        closed={agent: gap_closed(rows, agent, reference, minimise) for agent in compared} if reference else {},
    )
    lines = []
    for item in _best_first(summarise(rows, minimise=minimise), minimise):
        agent = item["agent"]
        role = "hindsight" if agent == HINDSIGHT else "reference" if agent == reference else ""
        lines.append(Line(agent, agent_kind(section.problem, agent), _cells(item, numbers), role))
    return Board(_headings(numbers), lines, _notes(section, numbers), reference)


def _best_first(summary: Sequence[dict[str, Any]], minimise: bool) -> list[dict[str, Any]]:
    """By mean gap where every run has one, else by mean objective; agents without a solution last."""
    complete = all(item["gap_count"] == item["count"] for item in summary)

    def place(item: dict[str, Any]) -> tuple[bool, float]:
        value = item["mean_gap"] if complete else item["mean_objective"]
        return value is None, (value or 0.0) * (1 if complete or minimise else -1)

    return sorted(summary, key=place)


def _headings(numbers: _Numbers) -> list[tuple[str, str]]:
    better = "smaller" if numbers.minimise else "larger"
    found = [("runs", "instances and seeds"), ("mean objective", f"over all runs; {better} is better")]
    if numbers.bounded:
        found.append(("mean gap", "distance from the bound; below it the 95 % interval"))
    if numbers.reference:
        found += [
            (f"difference from {shown(numbers.reference, 40)}", "instance by instance; below it the 95 % interval"),
            ("win rate", "instances on which it is better, ties left out; below it wins / ties / losses"),
        ]
        if any(share is not None for share in numbers.closed.values()):
            found.append(("gap closed", "0 % is the reference, 100 % the bounds; below it the 95 % interval"))
    found.append(("seconds each", "mean wall time of deciding, per run"))
    found.append(("feasible", "runs whose solution the checker accepts"))
    return [*found, *((shown(measure_title(name)), "mean, from the checker") for name in numbers.measures)]


def _cells(item: Mapping[str, Any], numbers: _Numbers) -> list[Cell]:
    agent, mean = item["agent"], item["mean_objective"]
    cells = [Cell(str(item["count"]), item["count"]), _number(mean, numbers.decimals)]
    if numbers.bounded:
        # a mean over the few rows with a gap must not pass for one over all
        part = "" if item["gap_count"] in (0, item["count"]) else f"of {item['gap_count']} runs"
        cells.append(_percent(item["mean_gap"], item["gap_interval_95"], part=part))
    if numbers.reference:
        cells += _compared_cells(agent, numbers)
    feasible = sum(row.feasible for row in numbers.rows if row.agent == agent)
    cells.append(Cell(seconds_text(item["mean_seconds"]), item["mean_seconds"]))
    cells.append(Cell("all" if feasible == item["count"] else f"{feasible} of {item['count']}", feasible))
    return [*cells, *(measure_cell(name, item["measures"].get(name)) for name in numbers.measures)]


def _compared_cells(agent: str, numbers: _Numbers) -> list[Cell]:
    """Difference, win rate and gap closed against the reference."""
    item, shares = numbers.compared.get(agent), any(share is not None for share in numbers.closed.values())
    if item is None:
        own = Cell("reference", 0.0) if agent == numbers.reference else Cell(NOTHING)
        return [own, *[Cell(NOTHING)] * (2 if shares else 1)]
    difference, interval = item["mean_difference"], item["interval_95"]
    text = f"{difference:+,.{numbers.decimals}f}"
    low = "" if interval is None else _span(interval, f"+,.{numbers.decimals}f")
    if (relative := item["relative_difference"]) is not None:
        text += f" ({percent(relative, '+')})"
    rate = item["win_rate"]
    wins = f"{item['wins']} / {item['ties']} / {item['losses']}"
    cells = [Cell(text, difference, low), Cell(NOTHING if rate is None else f"{100 * rate:.0f} %", rate, wins)]
    if shares:
        share = numbers.closed.get(agent)
        low = "" if share is None or share.interval is None else _span([100 * end for end in share.interval], ".0f")
        cells.append(Cell(NOTHING) if share is None else Cell(f"{100 * share.share:.0f} %", share.share, low))
    return cells


def _span(interval: Sequence[float], form: str) -> str:
    low, high = interval
    return f"{low:{form}} … {high:{form}}"


def _number(value: float | None, decimals: int) -> Cell:
    return Cell(NOTHING) if value is None else Cell(f"{value:,.{decimals}f}", value)


def _percent(value: float | None, interval: Interval | None, part: str = "") -> Cell:
    if value is None:
        return Cell(NOTHING)
    ends = "" if interval is None else " … ".join(percent(end).removesuffix(" %") for end in interval)
    return Cell(percent(value), value, " ".join(filter(None, (ends, part))))


def measure_cell(name: str, value: float | None) -> Cell:
    """A number of the checker: a share as a percentage, a rate with its digits."""
    if value is None:
        return Cell(NOTHING)
    return Cell(f"{100 * value:.1f} %" if is_share(name) else f"{value:,.{4 if is_rate(name) else 1}f}", value)


def seconds_text(seconds: float) -> str:
    """``"0.41 ms"``, ``"3.2 s"``: three digits and a unit that fits."""
    scale, unit = (1e6, "µs") if seconds < 1e-3 else (1e3, "ms") if seconds < 1 else (1.0, "s")
    value = seconds * scale
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"


def _notes(section: Section, numbers: _Numbers) -> list[str]:
    rows = section.rows
    kinds = sorted({row.bound_kind for row in rows if row.bound is not None})
    texts = [BOUND_TEXT.get(kind, shown(kind)) for kind in kinds]
    notes = [f"Gap to {' and '.join(texts)}." if texts else "No gap: no bound is known for these instances."]
    if missing := sum(row.bound is None for row in rows) if kinds else 0:
        notes.append(f"{missing} of {len(rows)} runs have no bound.")
    infeasible = sum(not row.feasible for row in rows)
    notes.append(f"{infeasible} of {len(rows)} runs have no feasible solution." if infeasible else CHECKED)
    if any(row.agent == HINDSIGHT for row in numbers.rows):
        notes.append("Best rule in hindsight: every rule tried on each instance and the best kept; seconds of all.")
    return notes


CHECKED = "Every solution was checked: feasible, and its objective recomputed."


def sweep_board(section: Section, agents: Sequence[str]) -> Board | None:
    """Mean objectives of a sweep, values across.

    Args:
        section: Of a sweep.
        agents: In their order.

    Returns:
        ``None`` where no row belongs to a value.
    """
    by_value, decimals = sweep_values(section.rows, section.about.option), decimals_of(section.problem)
    objectives: dict[tuple[str, str], list[float]] = {}
    for text, rows in by_value.items():
        for row in rows:
            if row.objective is not None:
                objectives.setdefault((text, row.agent), []).append(row.objective)
    lines = []
    for agent in agents:
        cells = []
        for text in by_value:
            own = objectives.get((text, agent), [])
            interval = mean_interval(own)
            cell = _number(float(np.mean(own)) if own else None, decimals)
            cells.append(Cell(cell.text, cell.value, "" if interval is None else _span(interval, f",.{decimals}f")))
        lines.append(Line(agent, agent_kind(section.problem, agent), cells))
    option = section.about.option.replace("-", " ")
    headings = [(shown(f"{option} {text}"), "mean objective; below it the 95 % interval") for text in by_value]
    return Board(headings, lines) if by_value else None


def race_board(section: Section, race: RaceRuns) -> Board:
    """The table of a race: what agents had after some seconds."""
    times = sorted({*(at for at in section.about.times if 0 < at <= race.time_limit), race.time_limit})
    found = standings(race.rows, section.instances, race.measured_by, times, race.time_limit)
    runs, failed = Counter(row.agent for row in race.rows), Counter(row.agent for row in race.rows if row.error)
    headings = [("runs", "instances and seeds")]
    headings += [(f"after {time:g} s", "mean over the instances that have a solution by then") for time in times]
    headings += [("errors", "runs that do not count")] if failed else []
    lines = []
    for agent, own in found.items():
        cells = [Cell(str(runs[agent]), runs[agent]), *(_standing(item, section, race) for item in own)]
        cells += [Cell(str(failed[agent]), failed[agent])] if failed else []
        lines.append(Line(agent, agent_kind(section.problem, agent), cells))
    text = shown(what_is_shown(race.measured_by))
    last = (
        f"{sum(failed.values())} runs in error." if failed else "The last solution of every run was checked: feasible."
    )
    return Board(headings, lines, [f"{text[:1].upper()}{text[1:]}.", last])


def _standing(item: Standing, section: Section, race: RaceRuns) -> Cell:
    if item.mean is None:
        return Cell(NOTHING)
    text = percent(item.mean) if race.measured_by.gaps else f"{item.mean:,.{decimals_of(section.problem)}f}"
    # means over fewer instances sort last: they are not to be compared with those over all
    return Cell(
        text, item.mean if item.complete else None, "" if item.complete else f"{item.count} of {item.of} solved"
    )
