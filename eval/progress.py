"""The bar of a measurement that runs, and the keeping of what it has so far."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .folders import ResultsFolder
from .measuring import Job

SAVE_EVERY = 5.0  # seconds, at least, between rewriting the files of a benchmark that runs
SAVING_SHARE = 0.05  # of the time, at most
SHOWN_ERRORS = 10


class Measuring(Protocol):
    """A benchmark, a sweep or a race: jobs that are done one by one, giving rows with an agent and an instance."""

    def jobs(self) -> list[Job]:
        """What is still to be measured, in order."""

    def run(self) -> Iterator[Sequence[Any]]:
        """Do the jobs one by one, yielding the new rows of each."""

    def record(self, row: Any) -> dict[str, Any]:
        """All that is known of a new row, as JSON values for the journal."""


def run_with_progress(
    measuring: Measuring,
    what: str,
    folder: ResultsFolder[Any] | None = None,
    write: Callable[[Path], None] = lambda path: None,
) -> None:
    """Do all jobs with a progress bar, where there is a terminal; a row with an error is told of in a line.

    Args:
        measuring: What to run.
        what: Its name, for the bar.
        folder: What is measured is in its journal as soon as it is there; by default it is kept in memory only.
        write: Writes the files into that folder; called now and then, and at the end or where the run is cut short.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    total = sum(len(job.entries) for job in measuring.jobs())
    saved, saving, errors = time.monotonic(), 0.0, 0
    console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=total)
        try:
            for rows in measuring.run():
                if folder is not None:
                    folder.keep([measuring.record(row) for row in rows])
                progress.update(task, advance=len(rows), description=f"{rows[-1].agent} on {rows[-1].instance}")
                errors = _tell(console, rows, errors)
                # rewritten now and then, so that others can look at it and the journal stays short
                if folder is not None and time.monotonic() - saved > max(SAVE_EVERY, saving / SAVING_SHARE):
                    began = time.monotonic()
                    folder.save(write)
                    saved = time.monotonic()
                    saving = saved - began
        finally:
            if folder is not None:
                folder.save(write)


def _tell(console: Console, rows: Sequence[Any], told: int) -> int:
    """Print the first errors of a run, and return how many there were so far."""
    for row in rows:
        if row.error:
            told += 1
            if told <= SHOWN_ERRORS:
                console.print(f"schedlab: {row.agent} on {row.instance}, seed {row.seed}: {row.error}")
            elif told == SHOWN_ERRORS + 1:
                console.print("schedlab: further errors are only written to --out")
    return told
