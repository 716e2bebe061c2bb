"""What a benchmark or a sweep prints, writes and draws when it is done."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from ..envs.core.figures import save_figure
from .benchmark import Benchmark
from .comparison import compare
from .distributions import write_distributions
from .plots import Pictured, draw_sweep, save_pictures
from .results import summarise_by_class, write_results
from .sweep import Sweep, measure_curves, objective_curves, summarise_sweep
from .tables import class_table, comparison_table, details_table, summary_table, sweep_table
from .views import VIEWS_FILE

PIPE_WIDTH = 130  # columns of a table that does not go to a terminal, unless it needs more
MAX_PIPE_WIDTH = 1000


def console() -> Console:
    """Where tables go; what stands in square brackets in a name is no markup."""
    wide = Console(markup=False)
    return wide if wide.is_terminal else Console(width=PIPE_WIDTH, markup=False)


def print_table(screen: Console, table: Table) -> None:
    """Print a table, in a file or pipe as wide as it needs to be: cells that are folded cannot be searched."""
    if not screen.is_terminal:
        options = screen.options.update(max_width=MAX_PIPE_WIDTH)
        screen.width = max(PIPE_WIDTH, Measurement.get(screen, options, table).maximum)
    screen.print(table)


def save_benchmark(benchmark: Benchmark | Sweep, about: dict[str, Any], folder: Path) -> None:
    """Write the files of a benchmark or a sweep, with what it has so far.

    Raises:
        OSError: The disk is full, ...
    """
    rows = benchmark.rows()
    write_results(folder, rows, about, benchmark.problem.minimise)
    if benchmark.distributions:
        write_distributions(folder, benchmark.distributions)
    if isinstance(benchmark, Benchmark):
        benchmark.views.write(folder, (row.key for row in rows))


def report_results(
    benchmark: Benchmark,
    title: str,
    about: dict[str, Any],
    *,
    against: str | None = None,
    details: bool = False,
    folder: Path | None = None,
) -> None:
    """Print the tables of a benchmark that has run, and write its files and, where it kept distributions, pictures.

    Args:
        benchmark: After its ``run``.
        title: Of the tables and pictures.
        about: What the summary file says about the run; classes and comparisons are added.
        against: Compare every agent with this one.
        details: Also print a table of every instance.
        folder: Where to write; nowhere by default.
    """
    problem, rows, screen = benchmark.problem, benchmark.rows(), console()
    if details:
        print_table(screen, details_table(rows))
    print_table(screen, summary_table(rows, title, problem.minimise))
    classes = {entry.name: problem.instance_class(entry.instance) for entry in benchmark.entries}
    if len(set(classes.values())) > 1:
        about["classes"] = summarise_by_class(rows, classes, problem.minimise)
        print_table(screen, class_table(about["classes"]))
    compared = compare(rows, against, problem.minimise) if against else []
    if compared:
        about["comparisons"] = compared
        print_table(screen, comparison_table(compared, problem.decimals))
    if folder is None:
        return
    write_results(folder, rows, about, problem.minimise)
    written = [str(folder / "results.json"), "results.csv", "summary.json"]
    written += [VIEWS_FILE] if len(benchmark.views) else []
    if benchmark.distributions is not None:
        written += _draw(benchmark, title, compared, folder)
    print(f"written: {', '.join(written)}")


def _draw(benchmark: Benchmark, title: str, compared: list[dict[str, Any]], folder: Path) -> list[str]:
    """Write the pictures and return their names."""
    if missing := len(benchmark.without_distribution()):
        rows = "row" if missing == 1 else "rows"
        print(
            f"schedlab: distribution.png leaves out {missing} resumed {rows}, measured without --plots",
            file=sys.stderr,
        )
    pictured = Pictured(
        rows=benchmark.rows(),
        title=title,
        minimise=benchmark.problem.minimise,
        compared=compared,
        distributions=benchmark.distributions or {},
        job_costs_label=benchmark.problem.job_costs_label,
    )
    return save_pictures(folder, pictured)


def report_sweep(sweep: Sweep, about: dict[str, Any], folder: Path, measure: str | None = None) -> None:
    """Print the table of a sweep that has run, and write its files and its picture.

    Args:
        sweep: After its ``run``.
        about: What the summary file says about the run; a summary by value is added.
        folder: Where to write.
        measure: Also print and draw this one.
    """
    problem, rows, screen = sweep.problem, sweep.shown_rows(), console()
    title = f"{problem.name}: {sweep.option.preset}"
    panels = [objective_curves(sweep)]
    print_table(screen, sweep_table(panels[0], rows, title, problem.minimise))
    if measure is not None:
        panels.append(measure_curves(sweep, measure))
        print_table(screen, sweep_table(panels[1], rows, title))
    about["sweep"] = summarise_sweep(sweep)
    write_results(folder, sweep.rows(), about, problem.minimise)
    save_figure(draw_sweep(panels, title), folder / "sweep.png")
    print(f"written: {folder / 'results.json'}, results.csv, summary.json, sweep.png")
