"""Rows, summaries and files of a benchmark."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from ..envs.core.errors import InputError
from ..envs.core.files import write_atomically
from .intervals import mean_interval
from .json_files import Fields, read_json

RESULTS_FILE, SUMMARY_FILE = "results.json", "summary.json"

SAME = 1e-9  # relative difference below which two objectives are one

CLASS_KEYS = (
    "agent",
    "count",
    "mean_objective",
    "bound_count",
    "aggregate_gap",
    "mean_gap",
    "gap_count",
    "mean_seconds",
)

RowKey = tuple[str, str, int]
"""Instance, agent, seed."""


@dataclass(frozen=True)
class Row:
    """One agent's result on one instance.

    Attributes:
        problem: Name of the problem.
        instance: Name of the instance.
        agent: As written on the command line.
        objective: Recomputed by the checker; ``None`` where the solution is infeasible.
        bound: What the gap refers to, or ``None``.
        bound_kind: ``"best-known"`` (published), ``"proved"`` (by a solver of the same run) or ``"none"``.
        gap: ``objective / bound - 1``, a fraction; ``None`` without a positive bound.
        seconds: Wall time of the decision making.
        samples: Solutions built to find this one.
        seed: Of the agent, and of the instance where a preset made it.
        feasible: The checker's verdict.
        measures: Further numbers that the checker recomputed, by name; empty where it gives none.
        error: Why there is no objective, in one line; empty where there is one.
    """

    problem: str
    instance: str
    agent: str
    objective: float | None
    bound: float | None
    bound_kind: str
    gap: float | None
    seconds: float
    samples: int
    seed: int
    feasible: bool
    measures: dict[str, float] = field(default_factory=dict)
    error: str = ""

    @property
    def key(self) -> RowKey:
        """What is unique in a benchmark: instance, agent, seed."""
        return self.instance, self.agent, self.seed


FLOOR = "random"
"""The agent that marks 0 in scores."""


def same_objective(one: float, other: float) -> bool:
    """Whether two objectives are one up to the rounding of fractions."""
    return abs(one - other) <= SAME * max(abs(one), abs(other), 1)


def gap_to(objective: float | None, bound: float | None, minimise: bool = True) -> float | None:
    """Relative distance from a bound, positive when worse; ``None`` where it means nothing."""
    if objective is None or bound is None:
        return None
    if bound <= 0:
        return 0.0 if objective == bound else None
    return (objective / bound - 1) if minimise else (1 - objective / bound)


def aggregate_gap(objectives: Sequence[float], bounds: Sequence[float], minimise: bool = True) -> float | None:
    """Relative distance of a sum of objectives from the sum of their bounds; ``None`` where the bounds sum to 0.

    A mean of ratios leaves out bounds of 0 and lets bounds near 0 decide; sums do neither.
    """
    total = sum(bounds)
    return gap_to(sum(objectives), total, minimise) if total > 0 else None


def measure_names(rows: Sequence[Row]) -> list[str]:
    """The measures that any row has, in the order in which they first appear."""
    return list(dict.fromkeys(name for row in rows for name in row.measures))


def summarise(rows: Sequence[Row], intervals: bool = True, minimise: bool = True) -> list[dict[str, Any]]:
    """Per agent: means, and how far from the bounds.

    Args:
        rows: The rows.
        intervals: Whether to bootstrap the mean gap's 95 % interval.
        minimise: Whether smaller objectives are better.

    Returns:
        One item per agent: ``count`` of rows; ``mean_objective``; ``aggregate_gap`` over the ``bound_count`` rows with
        a bound and an objective; ``mean_gap`` and ``gap_interval_95`` over instances, several seeds of one as their
        mean, and ``median_gap`` over the ``gap_count`` rows with a gap; ``at_bound``, the share of the rows with a
        bound whose objective equals it (infeasible rows do not);
        ``bound_kinds``; ``mean_seconds``; ``all_feasible``; ``measures``, the mean of each over the rows that have it;
        ``worst_5``, the percentile of objectives that all but the worst 5 % of the rows reach; ``score``, see
        :func:`score`.
    """
    summary = []
    floor = [row for row in rows if row.agent == FLOOR]
    for agent in dict.fromkeys(row.agent for row in rows):
        own = [row for row in rows if row.agent == agent]
        objectives = [row.objective for row in own if row.objective is not None]
        bounded = [row for row in own if row.bound is not None]
        pairs = [(row.objective, row.bound) for row in bounded if row.objective is not None and row.bound is not None]
        gaps = [row.gap for row in own if row.gap is not None]
        # several seeds of an instance are no further instances
        by_instance = [*instance_means(own, lambda row: row.gap)[agent].values()]
        at_bound = sum(same_objective(objective, bound) for objective, bound in pairs)
        summary.append(
            {
                "agent": agent,
                "count": len(own),
                "mean_objective": float(np.mean(objectives)) if objectives else None,
                "bound_count": len(pairs),
                "aggregate_gap": aggregate_gap([value for value, _ in pairs], [bound for _, bound in pairs], minimise),
                "mean_gap": float(np.mean(by_instance)) if gaps else None,
                "gap_count": len(gaps),
                "gap_interval_95": mean_interval(by_instance) if intervals else None,
                "median_gap": float(np.median(gaps)) if gaps else None,
                "at_bound": at_bound / len(bounded) if bounded else None,
                "bound_kinds": sorted({row.bound_kind for row in bounded}),
                "mean_seconds": float(np.mean([row.seconds for row in own])),
                "all_feasible": all(row.feasible for row in own),
                "measures": {
                    name: float(np.mean([row.measures[name] for row in own if name in row.measures]))
                    for name in measure_names(own)
                },
                "worst_5": float(np.percentile(objectives, 95 if minimise else 5)) if objectives else None,
                "score": score(own, floor),
            }
        )
    return summary


def score(rows: Sequence[Row], floor: Sequence[Row]) -> float | None:
    """How far an agent comes from random play to the bounds: 0 is random's mean objective, 1 that of the bounds.

    Args:
        rows: Of the agent.
        floor: Of the agent ``random``, on the same instances.

    Returns:
        ``None`` where an objective or a bound is missing, instances differ, or bounds are what random play reaches.
    """
    objectives, lows, bounds = (
        [row.objective for row in rows], [row.objective for row in floor], [row.bound for row in rows]
    )  # fmt: skip
    if not objectives or None in objectives or None in lows or None in bounds:
        return None
    if {row.instance for row in rows} != {row.instance for row in floor}:
        return None
    mean, low, bound = (float(np.mean(np.array(values, float))) for values in (objectives, lows, bounds))
    return None if bound == low else (mean - low) / (bound - low)


def instance_means(rows: Sequence[Row], value: Callable[[Row], float | None]) -> dict[str, dict[str, float]]:
    """Agent -> instance -> mean of a value over the seeds that have it.

    Args:
        rows: The rows.
        value: What to average of a row; ``None`` leaves the row out.
    """
    found: dict[str, dict[str, list[float]]] = {row.agent: {} for row in rows}
    for row in rows:
        if (number := value(row)) is not None:
            found[row.agent].setdefault(row.instance, []).append(number)
    return {
        agent: {instance: sum(numbers) / len(numbers) for instance, numbers in own.items()}
        for agent, own in found.items()
    }


def summarise_by_class(rows: Sequence[Row], classes: Mapping[str, str], minimise: bool = True) -> list[dict[str, Any]]:
    """Per agent and class: counts, mean objective, aggregate and mean gap, mean seconds; see :func:`summarise`.

    Args:
        rows: The rows.
        classes: The class of each instance, by the instance's name.
        minimise: Whether smaller objectives are better.
    """
    found = []
    for kind in dict.fromkeys(classes.values()):
        own = [row for row in rows if classes.get(row.instance) == kind]
        for item in summarise(own, intervals=False, minimise=minimise):
            found.append({"class": kind, **{key: item[key] for key in CLASS_KEYS}})
    return found


def write_results(folder: Path, rows: Sequence[Row], about: dict[str, Any], minimise: bool = True) -> None:
    """Write ``results.json``, ``results.csv`` and ``summary.json``.

    The CSV file has a column ``measure_NAME`` for each measure of any row, and a column ``error`` if any row has one.

    Args:
        folder: Where; it exists.
        rows: The rows.
        about: What the summary also holds: command, machine, versions, ...
        minimise: Whether smaller objectives are better.

    Raises:
        OSError: The disk is full, ...; each file is the old or the new one.
    """
    write_atomically(folder / RESULTS_FILE, json.dumps([row_to_json(row) for row in rows], indent=1) + "\n")
    left_out = {"measures"} if any(row.error for row in rows) else {"measures", "error"}
    plain = [item.name for item in fields(Row) if item.name not in left_out]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [*plain, *map(_column, measure_names(rows))], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        measures = {_column(name): value for name, value in row.measures.items()}
        writer.writerow({**{name: getattr(row, name) for name in plain}, **measures})
    write_atomically(folder / "results.csv", buffer.getvalue())
    summary = summarise(rows, minimise=minimise)
    write_atomically(folder / SUMMARY_FILE, json.dumps({"agents": summary, **about}, indent=1) + "\n")


def _column(measure: str) -> str:
    return f"measure_{measure}"


def row_to_json(row: Row) -> dict[str, Any]:
    """A row as JSON values; ``error`` only where there is one."""
    values = asdict(row)
    if not row.error:
        del values["error"]
    return values


def row_from_json(data: Any, where: str) -> Row:
    """The inverse of :func:`row_to_json`; rows from before there were measures and errors are taken, too.

    Args:
        data: The JSON value.
        where: It stands, for the message: ``"row 3"``.

    Raises:
        ValueError: A field is missing, unknown or of the wrong type, in one line.
    """
    own = Fields(data, where)
    row = Row(
        problem=own.text("problem"),
        instance=own.text("instance"),
        agent=own.text("agent"),
        objective=own.number_or_none("objective"),
        bound=own.number_or_none("bound"),
        bound_kind=own.text("bound_kind"),
        gap=own.number_or_none("gap"),
        seconds=own.number("seconds", least=0),
        samples=own.integer("samples"),
        seed=own.integer("seed"),
        feasible=own.flag("feasible"),
        measures=own.numbers_by_name("measures", {}),
        error=own.text("error", ""),
    )
    own.end()
    if row.feasible != (row.objective is not None):
        raise ValueError(f"{where}: feasible must be true where there is an objective, and false where there is none")
    return row


def read_results(folder: Path) -> list[Row]:
    """The rows of a results folder.

    Raises:
        InputError: ``results.json`` is missing or not one of ours.
    """
    path = folder / RESULTS_FILE
    data = read_json(path, "a results file of schedlab")
    try:
        if not isinstance(data, list):
            raise ValueError("must hold a list of rows")
        rows = [row_from_json(item, f"row {number}") for number, item in enumerate(data, 1)]
        unique_keys(row.key for row in rows)
    except ValueError as error:
        raise InputError(f"{path}: not a results file of schedlab ({error})") from None
    return rows


def unique_keys(keys: Iterable[RowKey]) -> None:
    """Refuse two rows for one thing, of which one would count twice or vanish.

    Raises:
        ValueError: There are two, in one line.
    """
    seen: dict[RowKey, int] = {}
    for number, key in enumerate(keys, 1):
        if key in seen:
            raise ValueError(f"row {number} has the instance, agent and seed of row {seen[key]}")
        seen[key] = number
