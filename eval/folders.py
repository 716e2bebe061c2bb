"""The folder that a run writes its results to: begun anew or continued, and kept whole whatever happens to the run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from ..envs.core.errors import InputError
from ..envs.core.files import remove_leftovers
from .distributions import DISTRIBUTIONS_FILE, Quantiles, quantiles_from_json, read_distributions
from .journal import FORMAT, HEADER_KEY, JOURNAL_FILE, Journal
from .json_files import Fields, read_json
from .measuring import one_line
from .race_results import PROGRESS_FILE, RACE_FILE, RaceRow, race_row_from_json, read_race
from .results import RESULTS_FILE, SUMMARY_FILE, Row, RowKey, read_results, row_from_json
from .views import VIEWS_FILE, entry_text, read_views, view_entry


class Keyed(Protocol):
    """A row of a benchmark or a race."""

    @property
    def problem(self) -> str:
        """Name of the problem."""

    @property
    def error(self) -> str:
        """Why it does not count."""

    @property
    def key(self) -> RowKey:
        """Instance, agent, seed."""


RowT = TypeVar("RowT", bound=Keyed)


@dataclass(frozen=True)
class Contents(Generic[RowT]):
    """What kind of results a folder holds.

    Attributes:
        journal: Name of the journal.
        main: The file that holds the rows.
        files: What is removed where a run begins anew.
        settings: What a run that is continued must have in common with the one before.
        read: Reads the description of the earlier run, ``None`` where it is missing, and its rows.
        row_from_json: Reads a row of the journal.
    """

    journal: str
    main: str
    files: tuple[str, ...]
    settings: tuple[str, ...]
    read: Callable[[Path], tuple[Any, list[RowT]]]
    row_from_json: Callable[[Any, str], RowT]


def _read_benchmark(folder: Path) -> tuple[Any, list[Row]]:
    path = folder / SUMMARY_FILE
    return read_json(path, "a summary of schedlab") if path.exists() else None, read_results(folder)


AGENT_SETTINGS = ("workers", "temperature", "quantile", "device")  # the same agents are faster with more threads
LATER_SETTINGS = frozenset((*AGENT_SETTINGS, "batch"))  # folders of earlier versions do not say all of these

BENCHMARK: Contents[Row] = Contents(
    JOURNAL_FILE,
    RESULTS_FILE,
    (RESULTS_FILE, "results.csv", SUMMARY_FILE, DISTRIBUTIONS_FILE, VIEWS_FILE),
    # two of a sweep; what samples draw depends on the batch
    ("config", "time_limit", "preset", "option", *AGENT_SETTINGS, "batch"),
    _read_benchmark,
    row_from_json,
)
RACE: Contents[RaceRow] = Contents(
    f"race-{JOURNAL_FILE}",
    RACE_FILE,
    (RACE_FILE, PROGRESS_FILE),
    ("config", "time_limit", *AGENT_SETTINGS),
    read_race,
    race_row_from_json,
)


class ResultsFolder(Generic[RowT]):
    """A folder that is open for one run; no other run can open it meanwhile.

    Results are added to a journal as soon as they are there, and from time to time the files are written from all of
    them. A disk that fails is told of once; the run goes on, and writing is tried again.

    Args:
        path: Of the folder; made where it is missing.
        contents: :data:`BENCHMARK`, which is a sweep's too, or :data:`RACE`.
        problem: Name of the problem.
        about: Of the run, see :func:`~schedlab.eval.benchmark.about_this_run`.
        resume: Whether to go on with what the folder holds; else it is forgotten.

    Attributes:
        rows: Those of the earlier run that is continued.
        quantiles: How costs spread over jobs, by the keys of its rows.
        views: Entries of its views file as JSON text, by the keys of its rows.
        failed: Why the files or the journal could not be written the last time; empty where they could.

    Raises:
        InputError: The folder cannot be written, holds something else, or was run with other settings.
    """

    def __init__(
        self, path: Path, contents: Contents[RowT], problem: str, about: Mapping[str, Any], resume: bool
    ) -> None:
        self.path = path
        self.rows: list[RowT] = []
        self.quantiles: dict[RowKey, Quantiles] = {}
        self.views: dict[RowKey, str] = {}
        self.failed = ""
        self._contents = contents
        settings = {key: about[key] for key in contents.settings if key in about}
        self._header = {HEADER_KEY: FORMAT, "problem": problem, "settings": settings}
        _make_folder(path)
        there = (path / contents.journal).exists()
        self._journal = Journal(path / contents.journal)
        try:
            if resume:
                self._resume(problem, settings)
            else:
                self._begin()
        except BaseException:
            try:
                if not there:
                    self._journal.remove()  # a run that is refused leaves nothing behind
            finally:
                self._journal.close()
            raise

    def _begin(self) -> None:
        try:
            # first these: who is killed between has the journal of the earlier run still, which can be continued
            for name in self._contents.files:
                (self.path / name).unlink(missing_ok=True)
            self._journal.begin(self._header)
            remove_leftovers(self.path)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror}); use another --out") from None

    def _resume(self, problem: str, settings: Mapping[str, Any]) -> None:
        befores = []
        if (self.path / self._contents.main).exists():
            before, self.rows = self._contents.read(self.path)
            befores.append(before)
            self._read_beside()
        content = self._journal.read()
        if content.header is not None:
            befores.append(self._header_settings(content.header, problem))
        known = [before for before in befores if before is not None]
        if not known and (self.rows or content.records):
            raise InputError(f"{self.path}: does not say how it was run ({SUMMARY_FILE} is missing); use another --out")
        for before in known:
            _refuse_other_settings(self.path, before, settings, self._contents.settings)
        self._take(content.records)
        for row in self.rows:
            if row.problem != problem:
                raise InputError(f"{self.path}: holds results of {row.problem}, not of {problem}; use another --out")
        lost = content.damaged + content.torn
        if lost:
            lines = "1 line is" if lost == 1 else f"{lost} lines are"
            note(f"{self._journal.path}: {lines} torn and left out; what was there is measured again")
        try:
            if content.header is not None or content.records:
                self._journal.go_on(content, self._header)
            else:
                self._journal.begin(self._header)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror}); use another --out") from None

    def _read_beside(self) -> None:
        if DISTRIBUTIONS_FILE in self._contents.files:
            self.quantiles = read_distributions(self.path)
            self.views = {view.key: entry_text(view) for view in read_views(self.path)}

    def _header_settings(self, header: Mapping[str, Any], problem: str) -> Any:
        path = self._journal.path
        if header.get(HEADER_KEY) != FORMAT or not isinstance(header.get("settings"), dict):
            raise InputError(f"{path}: not a journal that this version of schedlab can continue; use another --out")
        if header.get("problem") != problem:
            raise InputError(f"{path}: is of {header.get('problem')!r}, not of {problem}; use another --out")
        return header["settings"]

    def _take(self, records: Sequence[Any]) -> None:
        """Add what the journal holds to what the files do."""
        rows = {row.key: row for row in self.rows}
        for number, record in enumerate(records, 1):
            where = f"record {number}"
            try:
                own = Fields(record, where)
                row = self._contents.row_from_json(own.value("row"), where)
                quantiles, view = own.value("quantiles", None), own.value("view", None)
                own.end()
                if quantiles is not None:
                    self.quantiles[row.key] = quantiles_from_json(quantiles, where)
                if view is not None:
                    self.views[row.key] = entry_text(view_entry(view, where))
            except ValueError as error:
                raise InputError(f"{self._journal.path}: not a journal of schedlab ({error})") from None
            # after a loss of power, a journal may hold what was tried again since
            if row.key not in rows or not row.error:
                rows[row.key] = row
        self.rows = list(rows.values())

    def keep(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Add records to the journal; a disk that fails is told of, once."""
        try:
            self._journal.append(records)
        except OSError as error:
            self._tell(self._journal.path, error)

    def save(self, write: Callable[[Path], None]) -> None:
        """Write the files, after which the journal is not needed; a disk that fails is told of, once.

        Args:
            write: Writes them into the folder that it is given.
        """
        try:
            write(self.path)
            self._journal.clear(self._header)
        except OSError as error:
            self._tell(self.path, error)
        else:
            self.failed = ""

    def finish(self) -> None:
        """Delete the journal, if everything is in the files; else it is kept, and a line tells what to do."""
        if self.failed:
            note(f"{self._journal.path}: is kept, as the files may lack what it holds; run again with --resume")
        else:
            self._journal.remove()

    def _tell(self, path: Path, error: OSError) -> None:
        text = f"{error.filename or path}: cannot be written ({error.strerror})"
        if not self.failed:
            note(f"{text}; results so far stay in memory, and writing is tried again")
        self.failed = text

    def __enter__(self) -> ResultsFolder[RowT]:
        """The folder."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let other runs have it."""
        self._journal.close()


def note(text: str) -> None:
    """A line about a run that goes on."""
    print(f"schedlab: {text}", file=sys.stderr, flush=True)


def _make_folder(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file; --out names a folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: the folder cannot be made ({error.strerror}); use another --out") from None


def _refuse_other_settings(folder: Path, before: Any, settings: Mapping[str, Any], keys: Sequence[str]) -> None:
    if not isinstance(before, dict):
        raise InputError(f"{folder / SUMMARY_FILE}: must hold an object; use another --out")
    for key in keys:
        if key in LATER_SETTINGS and (key not in before or key not in settings):
            continue
        was, now = before.get(key), settings.get(key)
        if was != now:
            # the default of --workers differs between machines, and with --ray
            same = f"say --{key} {_brief(was)} or " if key in LATER_SETTINGS else ""
            raise InputError(f"{folder}: was run with {key} {_brief(was)}, not {_brief(now)}; {same}use another --out")


def _brief(value: Any) -> str:
    """A setting in a message; the earlier one may be anything, as it comes from a file."""
    return one_line(str(value), 200)
