"""What a race prints, writes and draws when it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from ..envs.core.figures import save_figure
from ..envs.core.files import write_atomically
from .race import Race
from .race_plot import draw_race, race_lines
from .race_results import (
    FOUND_HERE,
    PROGRESS_FILE,
    RACE_FILE,
    RaceRow,
    Standing,
    Yardstick,
    overtime,
    standings,
    write_race,
    yardstick,
)
from .report import console, print_table
from .tables import BOUND_TEXT, percent

TABLE_FILE, PICTURE_FILE = "race.md", "race.png"
SHOWN_ERRORS = 10


@dataclass(frozen=True)
class RaceTable:
    """A table, to be printed or written as Markdown.

    Attributes:
        title: What was raced.
        headings: Of the columns; the first is to the left, numbers are to the right.
        rows: Cells.
        notes: What a reader of the numbers must know.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]

    def to_rich(self) -> Table:
        """For a terminal."""
        table = Table(title=self.title, title_justify="left", caption="; ".join(self.notes), caption_justify="left")
        for number, heading in enumerate(self.headings):
            table.add_column(heading, justify="right" if number else "left")
        for cells in self.rows:
            table.add_row(*cells)
        return table

    def to_markdown(self, command: str) -> str:
        """For a file, with the command that made it."""
        lines = [
            list(self.headings),
            ["---", *["---:"] * (len(self.headings) - 1)],
            *([cell.replace("|", "\\|") for cell in cells] for cells in self.rows),
        ]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        notes = "\n".join(f"- {note}" for note in self.notes)
        return f"# {self.title}\n\n```\n{command}\n```\n\n{table}\n\n{notes}\n"


def race_table(race: Race, times: Sequence[float], title: str) -> RaceTable:
    """Agents down, times across: the mean gap to the bounds, or to the best found here.

    Args:
        race: After its ``run``.
        times: In seconds, increasing.
        title: What was raced.
    """
    rows, measured_by = race.shown_rows(), _yardstick(race)
    found = standings(rows, _names(race), measured_by, times, race.options.time_limit)
    runs, failed = Counter(row.agent for row in rows), Counter(row.agent for row in rows if row.error)
    headings = ["agent", "runs", *(f"{time:g} s" for time in times), *(["errors"] if failed else [])]
    lines = []
    for agent, own in found.items():
        cells = [agent, str(runs[agent]), *(_cell(standing, measured_by, race.problem.decimals) for standing in own)]
        lines.append([*cells, *([f"{failed[agent]} ERROR" if failed[agent] else "-"] if failed else [])])
    return RaceTable(title, headings, lines, _notes(race, rows, measured_by, found))


def _yardstick(race: Race) -> Yardstick:
    return yardstick(race.problem, race.config, race.entries, race.shown_rows())


def _names(race: Race) -> list[str]:
    return [entry.name for entry in race.entries]


def _cell(standing: Standing, measured_by: Yardstick, decimals: int) -> str:
    """``"9.80 %"``, or ``"9.80 % (70/80)"`` where not every instance has a solution yet."""
    if standing.mean is None:
        return "-"
    mean = percent(standing.mean) if measured_by.gaps else f"{standing.mean:.{decimals}f}"
    return mean if standing.complete else f"{mean} ({standing.count}/{standing.of})"


def _notes(
    race: Race, rows: Sequence[RaceRow], measured_by: Yardstick, found: Mapping[str, Sequence[Standing]]
) -> list[str]:
    notes = [what_is_shown(measured_by)]
    if any(standing.mean is not None and not standing.complete for own in found.values() for standing in own):
        notes.append("(k/n): only k of n instances had a solution by then; not to be compared with means over all")
    limit, allowed = race.options.time_limit, overtime(race.options.time_limit)
    late = [row.points[-1][0] - limit for row in rows if row.points and row.points[-1][0] > limit]
    if counted := [seconds for seconds in late if seconds <= allowed]:
        notes.append(
            f"{len(counted)} of {len(rows)} runs gave their last solution up to {max(counted):.2f} s after the time "
            f"limit of {limit:g} s; it counts at the limit"
        )
    if beyond := len(late) - len(counted):
        notes.append(f"{beyond} of {len(rows)} runs gave it more than {allowed:g} s after; it does not count")
    errors = sum(bool(row.error) for row in rows)
    notes.append(
        f"{errors} of {len(rows)} runs in ERROR"
        if errors
        else "the last solution of every run checked: feasible; earlier ones are as the agents tell them"
    )
    return notes


def what_is_shown(measured_by: Yardstick) -> str:
    """``"mean gap to the best known value (published)"``."""
    kinds = Counter(measured_by.kinds.values())
    if not kinds:
        return "no solution counts"
    if not measured_by.gaps:
        return "mean objective: a reference is not above 0, where gaps mean nothing"
    texts = {kind: "the best found here" if kind == FOUND_HERE else BOUND_TEXT.get(kind, kind) for kind in kinds}
    if len(kinds) == 1:
        return f"mean gap to {texts[next(iter(kinds))]}"
    return "mean gap to " + " and ".join(f"{texts[kind]} on {number} instances" for kind, number in kinds.items())


def save_race(race: Race, times: Sequence[float], about: Mapping[str, Any], folder: Path) -> None:
    """Write ``race.json`` and ``progress.csv`` of what has run so far."""
    rows = race.shown_rows()
    found = standings(rows, _names(race), _yardstick(race), times, race.options.time_limit)
    summary = {agent: [asdict(standing) for standing in own] for agent, own in found.items()}
    measured_by = asdict(_yardstick(race))
    write_race(folder, race.rows(), {**about, "at": list(times), "measured_by": measured_by, "standings": summary})


def report_race(
    race: Race, times: Sequence[float], title: str, about: Mapping[str, Any], folder: Path | None, plots: bool
) -> None:
    """Print the table of a race that has run and what went wrong, and write its files and its picture.

    Args:
        race: After its ``run``.
        times: In seconds, increasing.
        title: What was raced.
        about: What ``race.json`` says about the run; references and standings are added.
        folder: Where to write; nowhere by default.
        plots: Whether to draw, too.
    """
    table, screen = race_table(race, times, title), console()
    print_table(screen, table.to_rich())
    failed = [row for row in race.shown_rows() if row.error]
    for row in failed[:SHOWN_ERRORS]:
        print(f"ERROR: {row.agent} on {row.instance}, seed {row.seed}: {row.error}")
    if len(failed) > SHOWN_ERRORS:
        print(f"ERROR: {len(failed) - SHOWN_ERRORS} more; see {'race.json' if folder else 'them with --out'}")
    if folder is None:
        return
    save_race(race, times, about, folder)
    write_atomically(folder / TABLE_FILE, table.to_markdown(about["command"]))
    written = [str(folder / RACE_FILE), PROGRESS_FILE, TABLE_FILE]
    if plots:
        _draw(race, times, table, folder / PICTURE_FILE)
        written.append(PICTURE_FILE)
    print(f"written: {', '.join(written)}")


def _draw(race: Race, times: Sequence[float], table: RaceTable, path: Path) -> None:
    """The picture, its legend in the order of the table."""
    agents, names, measured_by = [cells[0] for cells in table.rows], _names(race), _yardstick(race)
    lines = race_lines(race.shown_rows(), agents, names, measured_by, times, race.options.time_limit)
    save_figure(draw_race(lines, table.title, measured_by, times, len(names), table.notes[0]), path)
