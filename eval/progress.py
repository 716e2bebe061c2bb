"""The bar of a measurement that runs, and the saving of what it has so far."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .benchmark import Job

SAVE_EVERY = 5.0  # seconds, at least, between rewriting the files of a benchmark that runs
SAVING_SHARE = 0.05  # of the time, at most


class Measuring(Protocol):
    """A benchmark, a sweep or a race: jobs that are done one by one, giving rows with an agent and an instance."""

    def jobs(self) -> list[Job]:
        """What is still to be measured, in order."""

    def run(self) -> Iterator[Sequence[Any]]:
        """Do the jobs one by one, yielding the new rows of each."""


def run_with_progress(measuring: Measuring, what: str, save: Callable[[], None] | None) -> None:
    """Do all jobs with a progress bar, where there is a terminal.

    Args:
        measuring: What to run.
        what: Its name, for the bar.
        save: Writes what is measured so far; called now and then, and at the end or where it is cut short.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    total = sum(len(job.entries) for job in measuring.jobs())
    saved, saving = time.monotonic(), 0.0
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=total)
        try:
            for rows in measuring.run():
                progress.update(task, advance=len(rows), description=f"{rows[-1].agent} on {rows[-1].instance}")
                # rewritten now and then, so that a run that is cut short keeps what it measured
                if save is not None and time.monotonic() - saved > max(SAVE_EVERY, saving / SAVING_SHARE):
                    began = time.monotonic()
                    save()
                    saved = time.monotonic()
                    saving = saved - began
        finally:
            if save is not None:
                save()
