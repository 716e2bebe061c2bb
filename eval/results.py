"""Rows, summaries, files and tables of a benchmark."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from ..envs.core.errors import InputError
from ..envs.core.files import write_atomically

BOOTSTRAP_RESAMPLES = 10_000


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

    @property
    def key(self) -> tuple[str, str, int]:
        """What is unique in a benchmark: instance, agent, seed."""
        return self.instance, self.agent, self.seed


def gap_to(objective: float | None, bound: float | None, minimise: bool = True) -> float | None:
    """Relative distance from a bound, positive when worse; ``None`` where it means nothing."""
    if objective is None or bound is None:
        return None
    if bound <= 0:
        return 0.0 if objective == bound else None
    return (objective / bound - 1) if minimise else (1 - objective / bound)


def mean_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float] | None:
    """Bootstrap 95 % interval of a mean (percentiles of 10,000 resamples, fixed seed); ``None`` below two values."""
    if len(values) < 2:
        return None
    sample = np.asarray(values)
    rng = np.random.default_rng(seed)
    # in pieces, so that thousands of rows do not need a matrix of gigabytes
    means = [
        sample[rng.integers(len(sample), size=(min(500, BOOTSTRAP_RESAMPLES - begin), len(sample)))].mean(axis=1)
        for begin in range(0, BOOTSTRAP_RESAMPLES, 500)
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)


def summarise(rows: Sequence[Row], intervals: bool = True) -> list[dict[str, Any]]:
    """Per agent: count, mean objective, mean gap with its 95 % interval, mean seconds, all feasible."""
    summary = []
    for agent in dict.fromkeys(row.agent for row in rows):
        own = [row for row in rows if row.agent == agent]
        objectives = [row.objective for row in own if row.objective is not None]
        gaps = [row.gap for row in own if row.gap is not None]
        kinds = sorted({row.bound_kind for row in own if row.gap is not None})
        summary.append(
            {
                "agent": agent,
                "count": len(own),
                "mean_objective": float(np.mean(objectives)) if objectives else None,
                "mean_gap": float(np.mean(gaps)) if gaps else None,
                "gap_count": len(gaps),
                "gap_interval_95": mean_interval(gaps) if intervals else None,
                "bound_kinds": kinds,
                "mean_seconds": float(np.mean([row.seconds for row in own])),
                "all_feasible": all(row.feasible for row in own),
            }
        )
    return summary


def compare(rows: Sequence[Row], reference: str) -> list[dict[str, Any]]:
    """Per agent: the mean difference from a reference agent, instance by instance, with its 95 % interval.

    Several seeds of one instance count as their mean. Instances that one of the two did not solve are left out.

    Args:
        rows: The rows.
        reference: An agent among them.
    """
    means: dict[str, dict[str, float]] = {}
    for agent in dict.fromkeys(row.agent for row in rows):
        values: dict[str, list[float]] = {}
        for row in rows:
            if row.agent == agent and row.objective is not None:
                values.setdefault(row.instance, []).append(row.objective)
        means[agent] = {instance: float(np.mean(found)) for instance, found in values.items()}
    compared = []
    for agent, own in means.items():
        shared = [instance for instance in own if instance in means[reference]]
        if agent == reference or not shared:
            continue
        differences = [own[instance] - means[reference][instance] for instance in shared]
        base = float(np.mean([means[reference][instance] for instance in shared]))
        compared.append(
            {
                "agent": agent,
                "against": reference,
                "count": len(shared),
                "mean_difference": float(np.mean(differences)),
                "interval_95": mean_interval(differences),
                "relative_difference": float(np.mean(differences)) / base if base else None,
                "lower": sum(difference < 0 for difference in differences),
                "equal": sum(difference == 0 for difference in differences),
            }
        )
    return compared


def summarise_by_class(rows: Sequence[Row], classes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Per agent and class: count, mean objective, mean gap, mean seconds.

    Args:
        rows: The rows.
        classes: The class of each instance, by the instance's name.
    """
    found = []
    for kind in dict.fromkeys(classes.values()):
        own = [row for row in rows if classes.get(row.instance) == kind]
        for item in summarise(own, intervals=False):
            kept = {
                key: item[key] for key in ("agent", "count", "mean_objective", "mean_gap", "gap_count", "mean_seconds")
            }
            found.append({"class": kind, **kept})
    return found


def class_table(by_class: Sequence[dict[str, Any]]) -> Table:
    """:func:`summarise_by_class` as a table: mean gaps where every instance has one, else mean objectives."""
    gaps = all(item["gap_count"] == item["count"] for item in by_class)
    kinds = list(dict.fromkeys(item["class"] for item in by_class))
    table = Table("agent", title=f"mean {'gap' if gaps else 'objective'} by class", title_justify="left")
    for kind in kinds:
        table.add_column(kind, justify="right")
    for agent in dict.fromkeys(item["agent"] for item in by_class):
        own = {
            item["class"]: item["mean_gap" if gaps else "mean_objective"] for item in by_class if item["agent"] == agent
        }
        cells = (own.get(kind) for kind in kinds)
        table.add_row(agent, *("-" if v is None else f"{v:.1%}" if gaps else f"{v:.1f}" for v in cells))
    return table


def comparison_table(compared: Sequence[dict[str, Any]]) -> Table:
    """:func:`compare` as a table."""
    table = Table(title=f"objective minus that of {compared[0]['against']}, pair by pair", title_justify="left")
    for heading in ("agent", "instances", "mean difference", "95 % interval", "relative", "lower / equal / higher"):
        table.add_column(heading, justify="left" if heading == "agent" else "right")
    for item in compared:
        interval, share = item["interval_95"], item["relative_difference"]
        higher = item["count"] - item["lower"] - item["equal"]
        table.add_row(
            item["agent"],
            str(item["count"]),
            f"{item['mean_difference']:+.1f}",
            "-" if interval is None else f"{interval[0]:+.1f} .. {interval[1]:+.1f}",
            "-" if share is None else f"{share:+.1%}",
            f"{item['lower']} / {item['equal']} / {higher}",
        )
    return table


def write_results(folder: Path, rows: Sequence[Row], about: dict[str, Any]) -> None:
    """Write ``results.json``, ``results.csv`` and ``summary.json`` (with ``about``: command, machine, versions)."""
    write_atomically(folder / "results.json", json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_atomically(folder / "results.csv", buffer.getvalue())
    write_atomically(folder / "summary.json", json.dumps({"agents": summarise(rows), **about}, indent=1) + "\n")


def read_results(folder: Path) -> list[Row]:
    """The rows of a results folder.

    Raises:
        InputError: ``results.json`` is missing or not one of ours.
    """
    path = folder / "results.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, list):
            raise TypeError("must hold a list of rows")
        return [Row(**item) for item in data]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (json.JSONDecodeError, TypeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a results file of schedlab ({error})") from None


def summary_table(rows: Sequence[Row], title: str, minimise: bool = True) -> Table:
    """The summary as a table, best agent first; "to the best" compares mean objectives within the table."""
    table = Table(title=title, title_justify="left")
    headings = (
        "agent",
        "instances",
        "mean objective",
        "to the best",
        "mean gap",
        "95 % interval",
        "seconds each",
        "feasible",
    )
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "agent" else "right")
    summary = summarise(rows)
    sign = 1 if minimise else -1
    summary.sort(
        key=lambda item: (
            item["mean_gap"] is None,
            item["mean_gap"] or 0,
            math.inf if item["mean_objective"] is None else sign * item["mean_objective"],
        )
    )
    means = [item["mean_objective"] for item in summary if item["mean_objective"] is not None]
    best = min(means, default=None) if minimise else max(means, default=None)
    for item in summary:
        gaps = "-" if item["mean_gap"] is None else f"{item['mean_gap']:.1%}"
        if item["gap_count"] not in (0, item["count"]):
            gaps += f" (of {item['gap_count']})"
        interval = item["gap_interval_95"]
        table.add_row(
            item["agent"],
            str(item["count"]),
            "-" if item["mean_objective"] is None else f"{item['mean_objective']:.1f}",
            _ratio(item["mean_objective"], best),
            gaps,
            "-" if interval is None else f"{interval[0]:.1%} .. {interval[1]:.1%}",
            f"{item['mean_seconds']:.4f}",
            "yes" if item["all_feasible"] else "NO",
        )
    kinds = sorted({row.bound_kind for row in rows if row.gap is not None})
    no_gap = "no gap: no positive bound is known; an exact agent in --agents may prove one"
    table.caption = "gap to " + " and ".join(_KIND_TEXT.get(kind, kind) for kind in kinds) if kinds else no_gap
    table.caption_justify = "left"
    return table


def _ratio(value: float | None, best: float | None) -> str:
    if value is None or best is None:
        return "-"
    return "best" if value == best else f"{value / best - 1:+.1%}" if best else "-"


_KIND_TEXT = {
    "best-known": "the best known value (published)",
    "proved": "the bound that a solver of this run proved",
}
