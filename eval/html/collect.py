"""From results folders to the sections of a report: everything is read here, and nothing that was read is trusted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ...envs import PROBLEMS
from ...envs.core.errors import InputError
from ...envs.core.problem import load_problem
from ..comparison import HINDSIGHT
from ..distributions import Quantiles, read_distributions
from ..folders import BENCHMARK, RACE
from ..journal import parse_journal
from ..race_results import FOUND_HERE, RACE_FILE, RaceRow, Yardstick, objectives_by_instance, read_race
from ..results import RESULTS_FILE, SUMMARY_FILE, Row, RowKey, measure_names, read_results
from ..views import KeptView, read_views
from .about import About, about_from, read_about
from .text import number

MAX_DEPTH = 4  # of folders below one that is named
MAX_SECTIONS = 200
MAX_ROWS = 200_000
MAX_AGENTS = 200  # of a section; a table of more is nothing to read
MAX_MEASURES = 100
MAX_VALUES = 200  # of the option that a sweep varies
MAX_CELLS = 10_000  # of a sweep's tables, one for each agent, value and measure: intervals take milliseconds each
MAX_RACE_INSTANCES = 5000  # each has a value at hundreds of times
MAX_HEADER = 2**20  # bytes of a journal that are looked at
LARGEST = 1e100  # of numbers: sums and squares of larger ones may be no numbers

Kind = Literal["benchmark", "sweep", "race"]


@dataclass(frozen=True)
class RaceRuns:
    """What only a race has.

    Attributes:
        rows: The runs with every improvement.
        measured_by: What objectives are compared with.
        time_limit: In seconds.
    """

    rows: tuple[RaceRow, ...]
    measured_by: Yardstick
    time_limit: float


@dataclass(frozen=True)
class Section:
    """What one results folder holds, read and checked; names are as in the files.

    Attributes:
        kind: Of measuring.
        folder: Where it was.
        problem: Name of the problem; it may be one that is not installed here.
        minimise: Whether smaller objectives are better.
        rows: The results; of a race those at the end, with the time of the last improvement as their seconds.
        about: Where the numbers come from.
        distributions: Quantiles of job costs by the rows' keys, where they were kept.
        views: Schedules that were kept.
        race: The improvements of a race.
        unfinished: Whether a journal holds rows that the files do not.
    """

    kind: Kind
    folder: Path
    problem: str
    minimise: bool
    rows: tuple[Row, ...]
    about: About = field(default_factory=About)
    distributions: Mapping[RowKey, Quantiles] = field(default_factory=dict)
    views: tuple[KeptView, ...] = ()
    race: RaceRuns | None = None
    unfinished: bool = False

    @property
    def agents(self) -> list[str]:
        """In the order of the rows."""
        return list(dict.fromkeys(row.agent for row in self.rows))

    @property
    def instances(self) -> list[str]:
        """In the order of the rows."""
        return list(dict.fromkeys(row.instance for row in self.rows))


def collect(folders: Sequence[Path]) -> list[Section]:
    """The sections of a report, by problem and folder.

    Args:
        folders: Results folders, or folders of them.

    Raises:
        InputError: One has no results, or files that are not ours.
    """
    found = {folder: results_folders(folder) for folder in folders}
    if empty := [str(folder) for folder, own in found.items() if not own]:
        raise InputError(
            f"{', '.join(empty)}: no {RESULTS_FILE} or {RACE_FILE} there or in a folder below; name what --out named"
        )
    paths = list(dict.fromkeys(path for own in found.values() for path in own))
    if len(paths) > MAX_SECTIONS:
        raise InputError(f"{len(paths)} results folders, more than {MAX_SECTIONS} for one page; name fewer")
    sections = [section for path in paths for section in read_sections(path)]
    order = list(dict.fromkeys([*PROBLEMS, *(section.problem for section in sections)]))
    return sorted(sections, key=lambda section: order.index(section.problem))


def results_folders(folder: Path) -> list[Path]:
    """The folder itself if it holds results, else those below it that do; links to folders are not followed."""
    if not folder.is_dir():
        return []
    found = []
    for place, below, files in os.walk(folder):
        if RESULTS_FILE in files or RACE_FILE in files:
            found.append(Path(place))
            below.clear()
        elif len(Path(place).relative_to(folder).parts) >= MAX_DEPTH:
            below.clear()
        below.sort()
    return found


def read_sections(folder: Path) -> list[Section]:
    """A benchmark or sweep, a race, or both, as the files of the folder say.

    Raises:
        InputError: A file is not one of ours.
    """
    sections = []
    if (folder / RESULTS_FILE).exists():
        rows = read_results(folder)
        about = read_about(folder / SUMMARY_FILE)
        problem = _one_problem(folder / RESULTS_FILE, rows)
        if about.option:
            _refuse_large_sweep(folder / RESULTS_FILE, rows, about.option)
        sections.append(
            Section(
                kind="sweep" if about.option else "benchmark",
                folder=folder,
                problem=problem,
                minimise=_minimise(problem, True),
                rows=tuple(rows),
                about=about,
                distributions=read_distributions(folder),
                views=tuple(read_views(folder)),
                unfinished=_unfinished(folder / BENCHMARK.journal),
            )
        )
    if (folder / RACE_FILE).exists():
        sections.append(_read_race_section(folder))
    return sections


def _unfinished(journal: Path) -> bool:
    """Whether a journal holds more than its header, which says nothing of what was measured."""
    if not journal.is_file():
        return False
    try:
        with journal.open("rb") as file:
            start = file.read(MAX_HEADER)
    except OSError as error:
        raise InputError(f"{journal}: cannot be read ({error.strerror})") from None
    content = parse_journal(start)
    return bool(content.records) or content.damaged > 0 or content.torn


def sweep_values(rows: Sequence[Row], option: str) -> dict[str, list[Row]]:
    """Text of a value -> the rows at it, of the option that a sweep varied, in the order of the rows."""
    found: dict[str, list[Row]] = {}
    start = f"{option}="
    for row in rows:
        if row.instance.startswith(start):
            found.setdefault(row.instance.removeprefix(start).rpartition("/")[0], []).append(row)
    return found


def _refuse_large_sweep(path: Path, rows: Sequence[Row], option: str) -> None:
    values, agents = len(sweep_values(rows, option)), len({row.agent for row in rows})
    cells = values * agents * (1 + len(measure_names(rows)))
    for found, most, what in ((values, MAX_VALUES, "values"), (cells, MAX_CELLS, "cells of values, agents, measures")):
        if found > most:
            raise InputError(f"{path}: {found} {what}, more than the {most} that a page can show")


def _one_problem(path: Path, rows: Sequence[Row] | Sequence[RaceRow]) -> str:
    """The problem of all rows, if they are as many and as alike as a section can show."""
    if not rows:
        raise InputError(f"{path}: no rows yet; run its command again with --resume")
    measures = {name for row in rows for name in getattr(row, "measures", ())}
    for found, most, what in (
        (len(rows), MAX_ROWS, "rows"),
        (len({row.agent for row in rows}), MAX_AGENTS, "agents"),
        (len(measures), MAX_MEASURES, "measures"),
    ):
        if found > most:
            raise InputError(f"{path}: {found} {what}, more than the {most} that a page can show")
    if any(row.agent == HINDSIGHT for row in rows):
        raise InputError(f"{path}: an agent is called {HINDSIGHT!r}, which the page adds to the rules; rename it")
    if any(abs(number) > LARGEST for row in rows for number in _numbers_of(row)):
        raise InputError(f"{path}: a number beyond {LARGEST:g}; no run of schedlab measures that")
    problems = sorted({row.problem for row in rows})
    if len(problems) > 1:
        raise InputError(f"{path}: rows of several problems ({', '.join(problems[:3])}); use a folder for each")
    return problems[0]


def _numbers_of(row: Row | RaceRow) -> Iterator[float]:
    yield row.seconds
    yield row.objective or 0.0
    if isinstance(row, RaceRow):
        yield from (value for point in row.points for value in point)
    else:
        yield from (row.bound or 0.0, row.gap or 0.0, *row.measures.values())


def _minimise(problem: str, otherwise: bool) -> bool:
    return load_problem(problem).minimise if problem in PROBLEMS else otherwise


def _read_race_section(folder: Path) -> Section:
    path = folder / RACE_FILE
    data, runs = read_race(folder)
    about = about_from(data)
    problem = _one_problem(path, runs)
    instances = len({run.instance for run in runs})
    if instances > MAX_RACE_INSTANCES:
        raise InputError(f"{path}: {instances} instances, more than the {MAX_RACE_INSTANCES} that a race's page shows")
    measured_by = _read_yardstick(path, data.get("measured_by"), runs, _minimise(problem, True))
    if about.time_limit is None or about.time_limit <= 0:
        raise InputError(f"{path}: no time_limit; run its command again with --resume")
    race = RaceRuns(tuple(runs), measured_by, about.time_limit)
    rows = tuple(_last_of(run, measured_by) for run in runs)
    unfinished = _unfinished(folder / RACE.journal)
    return Section("race", folder, problem, measured_by.minimise, rows, about, race=race, unfinished=unfinished)


def _read_yardstick(path: Path, data: object, runs: Sequence[RaceRow], minimise: bool) -> Yardstick:
    """The references that the race wrote down; what it lacks is the best found in its runs."""
    data = data if isinstance(data, Mapping) else {}
    known, kinds = data.get("references"), data.get("kinds")
    known, kinds = (item if isinstance(item, Mapping) else {} for item in (known, kinds))
    references, texts, objectives = {}, {}, objectives_by_instance(runs)
    for instance in dict.fromkeys(run.instance for run in runs):
        own = objectives.get(instance)
        value = number(known.get(instance))
        if value is not None and (value == 0 or 1 / LARGEST <= abs(value) <= LARGEST):
            kind = kinds.get(instance)
            references[instance], texts[instance] = value, kind if isinstance(kind, str) else "best-known"
        elif own:
            references[instance], texts[instance] = min(own) if minimise else max(own), FOUND_HERE
    gaps = bool(references) and min(references.values()) > 0
    return Yardstick(references, texts, gaps, minimise)


def _last_of(run: RaceRow, measured_by: Yardstick) -> Row:
    """The end of a run as a row of a benchmark."""
    reference = measured_by.references.get(run.instance)
    gap = None
    if measured_by.gaps and run.objective is not None and reference is not None:
        gap = measured_by.measure(run.instance, run.objective)
    return Row(
        problem=run.problem,
        instance=run.instance,
        agent=run.agent,
        objective=run.objective,
        bound=reference,
        bound_kind=measured_by.kinds.get(run.instance, "none"),
        gap=gap,
        seconds=run.points[-1][0] if run.points else run.seconds,
        samples=1,
        seed=run.seed,
        feasible=not run.error and run.objective is not None,
        error=run.error,
    )
