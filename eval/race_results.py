"""Rows of a race, what they are measured by, their means at a time, and their files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..envs.core.errors import InputError
from ..envs.core.fields import shown
from ..envs.core.files import write_atomically
from ..envs.core.problem import Problem
from .instance_sets import Entry
from .json_files import Fields, is_number, read_json
from .results import RowKey, gap_to, unique_keys

RACE_FILE, PROGRESS_FILE = "race.json", "progress.csv"
FOUND_HERE = "found-here"
"""The kind of a reference that is only the best objective of the race itself."""

Points = tuple[tuple[float, float], ...]
"""(Seconds, objective) of every improvement, in order."""


@dataclass(frozen=True)
class RaceRow:
    """One agent's way through one instance.

    Attributes:
        problem: Name of the problem.
        instance: Name of the instance.
        agent: As written on the command line.
        seed: Of the agent, and of the instance where a preset made it.
        seconds: Wall time of the whole run.
        objective: Of the last solution, recomputed by the checker; ``None`` where the run does not count.
        points: Every improvement; the last one has the objective. Empty where the run does not count.
        error: Why it does not; empty where it does.
    """

    problem: str
    instance: str
    agent: str
    seed: int
    seconds: float
    objective: float | None
    points: Points
    error: str = ""

    @property
    def key(self) -> RowKey:
        """What is unique in a race: instance, agent, seed."""
        return self.instance, self.agent, self.seed


def overtime(time_limit: float) -> float:
    """Seconds after the time limit in which a last solution still counts at the limit, and only there.

    Solvers look at the clock now and then; one that gives its solution at 30.02 s has used its 30 s.
    """
    return max(0.05 * time_limit, 0.1)


def objectives_at(row: RaceRow, times: NDArray[np.float64], time_limit: float) -> NDArray[np.float64]:
    """The objective of a run's best solution at each time, float64 ``[T]``; NaN where there is none yet.

    Args:
        row: The run.
        times: In seconds, ``[T]``.
        time_limit: Of the race, see :func:`overtime`.
    """
    known = np.array(row.points, np.float64).reshape(-1, 2)
    until = np.where(times >= time_limit, time_limit + overtime(time_limit), times)
    place = np.searchsorted(known[:, 0], until, side="right") - 1
    # the row of NaN comes last, where the place -1 finds it
    return np.append(known[:, 1], np.nan)[place]


@dataclass(frozen=True)
class Yardstick:
    """What the objectives of a race are compared with.

    Attributes:
        references: Bound, or best objective of the race, by instance; an instance that nobody solved has none.
        kinds: Where each comes from: the kind of the bound, or :data:`FOUND_HERE`.
        gaps: Whether gaps to them mean something; with a reference of 0 or below, objectives are shown instead.
        minimise: Whether smaller objectives are better.
    """

    references: Mapping[str, float]
    kinds: Mapping[str, str]
    gaps: bool
    minimise: bool = True

    def measure(self, instance: str, objective: float) -> float:
        """The gap, a fraction that is positive where worse, or the objective itself."""
        if not self.gaps or np.isnan(objective):
            return objective
        gap = gap_to(objective, self.references[instance], self.minimise)
        assert gap is not None  # references are positive
        return gap

    def measure_all(self, instance: str, objectives: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same of many objectives of an instance, float64 ``[T]``; NaN stays NaN."""
        if not self.gaps:
            return objectives
        # an instance that nobody solved has no reference
        ratios = objectives / self.references.get(instance, np.nan)
        return ratios - 1 if self.minimise else 1 - ratios


def yardstick(
    problem: Problem[Any, Any, Any], config: Any, entries: Sequence[Entry], rows: Sequence[RaceRow]
) -> Yardstick:
    """The known bound of every instance, or else the best objective that any run has."""
    references, kinds, found = {}, {}, objectives_by_instance(rows)
    for entry in entries:
        own = found.get(entry.name)
        if (bound := problem.bound(entry.instance, config)) is not None:
            references[entry.name], kinds[entry.name] = float(bound.value), bound.kind
        elif own:
            references[entry.name], kinds[entry.name] = min(own) if problem.minimise else max(own), FOUND_HERE
    gaps = bool(references) and min(references.values()) > 0
    return Yardstick(references, kinds, gaps, problem.minimise)


def objectives_by_instance(rows: Sequence[RaceRow]) -> dict[str, list[float]]:
    """The objectives of the runs that have one, by instance."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row.objective is not None:
            found.setdefault(row.instance, []).append(row.objective)
    return found


def rows_by_agent(rows: Sequence[RaceRow]) -> dict[str, list[RaceRow]]:
    """The rows of each agent, in the order in which agents first appear."""
    found: dict[str, list[RaceRow]] = {}
    for row in rows:
        found.setdefault(row.agent, []).append(row)
    return found


@dataclass(frozen=True)
class Standing:
    """An agent at a time.

    Attributes:
        mean: Mean gap or objective over the instances that have a solution; ``None`` where none has.
        count: Of these instances.
        of: Of all instances.
    """

    mean: float | None
    count: int
    of: int

    @property
    def complete(self) -> bool:
        """Whether the mean is over all instances."""
        return self.count == self.of


def instance_values(
    rows: Sequence[RaceRow],
    instances: Sequence[str],
    measured_by: Yardstick,
    times: NDArray[np.float64],
    time_limit: float,
) -> NDArray[np.float64]:
    """Gap or objective of one agent on each instance at each time, the mean over its seeds, float64 ``[I, T]``.

    NaN where one of the seeds has no solution yet, or none that counts, or where the agent did not run.

    Args:
        rows: Those of the agent.
        instances: Of the answer.
        measured_by: What objectives are compared with.
        times: In seconds, ``[T]``.
        time_limit: Of the race.
    """
    by_instance: dict[str, list[RaceRow]] = {}
    for row in rows:
        by_instance.setdefault(row.instance, []).append(row)
    values = np.full((len(instances), len(times)), np.nan)
    for index, instance in enumerate(instances):
        if own := by_instance.get(instance):
            by_seed = [measured_by.measure_all(instance, objectives_at(row, times, time_limit)) for row in own]
            values[index] = np.mean(by_seed, axis=0)
    return values


def standings(
    rows: Sequence[RaceRow],
    instances: Sequence[str],
    measured_by: Yardstick,
    times: Sequence[float],
    time_limit: float,
) -> dict[str, list[Standing]]:
    """Per agent its standing at each time; who has solved most instances at the last time, and best, comes first."""
    found = {}
    for agent, runs in rows_by_agent(rows).items():
        values = instance_values(runs, instances, measured_by, np.array(times), time_limit)
        found[agent] = [
            Standing(float(own.mean()) if len(own := column[~np.isnan(column)]) else None, len(own), len(instances))
            for column in values.T
        ]
    sign = 1 if measured_by.gaps or measured_by.minimise else -1
    return dict(sorted(found.items(), key=lambda item: (-item[1][-1].count, sign * (item[1][-1].mean or 0.0))))


def write_race(folder: Path, rows: Sequence[RaceRow], about: Mapping[str, Any]) -> None:
    """Write ``race.json``, from which a race is continued, and ``progress.csv``, a line for every improvement.

    Args:
        folder: Where; it exists.
        rows: The rows.
        about: What ``race.json`` also holds: command, machine, versions, ...
    """
    write_atomically(
        folder / RACE_FILE, json.dumps({**about, "runs": [race_row_to_json(row) for row in rows]}, indent=1) + "\n"
    )
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["instance", "agent", "seed", "seconds", "objective"])
    for row in rows:
        writer.writerows([row.instance, row.agent, row.seed, seconds, objective] for seconds, objective in row.points)
    write_atomically(folder / PROGRESS_FILE, buffer.getvalue())


def read_race(folder: Path) -> tuple[dict[str, Any], list[RaceRow]]:
    """What ``race.json`` says about the run, and its rows.

    Raises:
        InputError: It is missing or not one of ours.
    """
    path = folder / RACE_FILE
    about = read_json(path, "a race file of schedlab")
    try:
        if not isinstance(about, dict):
            raise ValueError("must hold an object")
        runs = Fields(about, "it").items("runs")
        rows = [race_row_from_json(item, f"run {number}") for number, item in enumerate(runs, 1)]
        unique_keys(row.key for row in rows)
    except ValueError as error:
        raise InputError(f"{path}: not a race file of schedlab ({error})") from None
    return {name: value for name, value in about.items() if name != "runs"}, rows


def race_row_to_json(row: RaceRow) -> dict[str, Any]:
    """A row as JSON values."""
    return asdict(row)


def race_row_from_json(data: Any, where: str) -> RaceRow:
    """The inverse of :func:`race_row_to_json`, checked.

    Args:
        data: The JSON value.
        where: It stands, for the message: ``"run 3"``.

    Raises:
        ValueError: A field is missing, unknown or of the wrong type, in one line.
    """
    own = Fields(data, where)
    points = own.items("points")
    for point in points:
        if not isinstance(point, list) or len(point) != 2 or not all(map(is_number, point)):
            raise ValueError(f"{where}: a point must be two finite numbers, seconds and objective, got {shown(point)}")
    row = RaceRow(
        problem=own.text("problem"),
        instance=own.text("instance"),
        agent=own.text("agent"),
        seed=own.integer("seed"),
        seconds=own.number("seconds", least=0),
        objective=own.number_or_none("objective"),
        points=tuple((float(seconds), float(objective)) for seconds, objective in points),
        error=own.text("error", ""),
    )
    own.end()
    if (row.objective is None) != (not row.points):
        raise ValueError(f"{where}: points must be there where there is an objective, and only there")
    if any(later[0] < before[0] for before, later in zip(row.points, row.points[1:], strict=False)):
        raise ValueError(f"{where}: points must be in order of time")
    return row
