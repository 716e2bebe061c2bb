"""``schedlab compare FOLDER ...``: the agents of benchmarks that have run, compared in the ways that papers ask for."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from ..envs import PROBLEMS
from ..envs.core.errors import InputError, unknown_name
from ..envs.core.fields import shown
from ..envs.core.figures import check_matplotlib, check_picture_path, save_figure
from ..envs.core.files import write_atomically
from ..envs.core.problem import load_problem
from .comparison import (
    HINDSIGHT,
    GapClosed,
    agent_kind,
    best_in_hindsight,
    best_rule,
    compare,
    gap_closed,
    objective_means,
    performance_profiles,
)
from .json_files import read_json
from .profile_plot import draw_profiles
from .report import console, print_table
from .results import SUMMARY_FILE, Row, read_results
from .tables import decimals_of, percent, win_rate_text


@dataclass(frozen=True)
class Comparison:
    """What ``schedlab compare`` found out.

    Attributes:
        problem: Name of the problem.
        reference: The agent that all others are compared with.
        rows: Of all folders, the best rule in hindsight included.
        items: Of :func:`~schedlab.eval.comparison.compare`.
        closed: Agent -> share of the gap between the reference and the bounds.
        minimise: Whether smaller objectives are better.
    """

    problem: str
    reference: str
    rows: Sequence[Row]
    items: Sequence[dict[str, Any]]
    closed: dict[str, GapClosed | None]
    minimise: bool


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="a benchmark's --out; several of one problem")
    parser.add_argument(
        "--against", metavar="AGENT", help="what all others are compared with (default: the rule with the best mean)"
    )
    parser.add_argument("--out", metavar="FILE", help="write the numbers as JSON")
    parser.add_argument(
        "--plot", metavar="FILE", help="draw performance profiles, as .png, .svg or .pdf; needs matplotlib"
    )
    parser.epilog = "example: schedlab compare results/ta results/ta-ten-seconds --against cp-sat --plot profiles.png"
    parser.set_defaults(run=run_compare)


def run_compare(arguments: argparse.Namespace) -> int:
    """``schedlab compare FOLDER ...``."""
    if arguments.plot:
        check_picture_path(Path(arguments.plot))
        check_matplotlib()
    rows = merged_rows([Path(folder) for folder in arguments.folders])
    found = compare_rows(rows, arguments.against)
    print_table(console(), compare_table(found))
    profiles = performance_profiles(rows, found.minimise)
    if arguments.plot:
        if profiles is None:
            raise InputError("--plot: profiles need two agents and an instance with a positive objective")
        save_figure(draw_profiles(profiles, found.problem), Path(arguments.plot))
    if arguments.out:
        numbers = {
            "problem": found.problem,
            "reference": found.reference,
            "agents": list(found.items),
            "gap_closed": {name: asdict(closed) for name, closed in found.closed.items() if closed is not None},
        }
        write_atomically(Path(arguments.out), json.dumps(numbers, indent=1) + "\n")
    return 0


def merged_rows(folders: Sequence[Path]) -> list[Row]:
    """The rows of several benchmarks of one problem.

    An agent that two folders have with the same objectives counts once. With different ones (another time limit, say)
    it is told apart by the folder's name: ``"cp-sat (ten-seconds)"``.

    Raises:
        InputError: A folder holds no results, none at all, or those of another problem or configuration.
    """
    merged: list[Row] = []
    for folder in folders:
        rows = read_results(folder)
        if not rows:
            raise InputError(f"{folder}: holds no rows")
        if len({row.problem for row in [*merged[:1], *rows]}) > 1:
            raise InputError(
                f"{folder}: is of {rows[0].problem}, not of {(merged or rows[-1:])[0].problem} as the others"
            )
        if any(row.agent == HINDSIGHT for row in rows):
            raise InputError(f"{folder}: an agent is called {HINDSIGHT!r}, as the best of all rules is here; rename it")
        known = {row.key: row for row in merged}
        for agent in dict.fromkeys(row.agent for row in rows):
            own = [row for row in rows if row.agent == agent]
            both = [(row, known[row.key]) for row in own if row.key in known]
            if any(row.objective != other.objective for row, other in both):
                merged += [replace(row, agent=f"{agent} ({folder.resolve().name})") for row in own]
            else:
                merged += [row for row in own if row.key not in known]
    _refuse_other_configs(folders, merged[0].problem)
    doubled = len(merged) - len({row.key for row in merged})
    if doubled:
        raise InputError(f"{doubled} runs are in two folders of the same name with different results; rename one")
    return merged


def _config_of(folder: Path, problem: str) -> dict[str, Any] | None:
    """The configuration of a run with the defaults of what was not given; ``None`` where the folder does not say."""
    path = folder / SUMMARY_FILE
    if not path.exists():
        return None
    about = read_json(path, "a summary of schedlab")
    if not isinstance(about, dict):
        raise InputError(f"{path}: not a summary of schedlab (no object)")
    given = about.get("config")
    if not isinstance(given, dict):
        return None
    options = fields(load_problem(problem).config_type) if problem in PROBLEMS else ()
    defaults = {item.name: item.default for item in options if item.default is not MISSING}
    return {**json.loads(json.dumps(defaults, default=str)), **given}


def _refuse_other_configs(folders: Sequence[Path], problem: str) -> None:
    """Objectives of two configurations, makespan and tardiness for example, are not to be subtracted."""
    said = [(folder, config) for folder in folders if (config := _config_of(folder, problem)) is not None]
    for folder, config in said[1:]:
        first, known = said[0]
        for name in {**known, **config}:
            own, other = config.get(name), known.get(name)
            if own != other:
                raise InputError(
                    f"{folder}: was run with {name} {shown(own)}, but {first} with {shown(other)}; "
                    "compare runs of one configuration"
                )


def compare_rows(rows: Sequence[Row], against: str | None = None) -> Comparison:
    """Compare all agents with one, and with the bounds.

    Args:
        rows: Of one problem.
        against: An agent; by default the best rule.

    Raises:
        InputError: There is no such agent, or no rule.
    """
    minimise = load_problem(rows[0].problem).minimise
    agents = list(dict.fromkeys(row.agent for row in rows))
    if against is not None and against not in agents:
        raise unknown_name("agent", against, agents)
    reference = against or best_rule(rows, minimise)
    if reference is None:
        raise InputError(f"no rule solved every instance; name one of {', '.join(agents)} with --against")
    everything = [*rows, *best_in_hindsight(rows, minimise)]
    items = compare(everything, reference, minimise)
    closed = {item["agent"]: gap_closed(everything, item["agent"], reference, minimise) for item in items}
    return Comparison(rows[0].problem, reference, everything, items, closed, minimise)


def compare_table(found: Comparison) -> Table:
    """The comparison as a table, best agent first."""
    decimals, means = decimals_of(found.rows), objective_means(found.rows)
    closed = any(share is not None for share in found.closed.values())
    table = Table(
        title=f"{found.problem}: against {found.reference}, instance by instance",
        title_justify="left",
        caption=_caption(found),
        caption_justify="left",
    )
    headings = ["agent", "kind", "instances", "mean\nobjective", "difference\n(95 % interval)", "relative"]
    headings += [
        "wins / ties\n/ losses",
        "win rate\n(95 % interval)",
        *(["gap closed\n(95 % interval)"] if closed else []),
    ]
    for number, heading in enumerate([*headings, "seconds\neach"]):
        table.add_column(heading, justify="left" if number < 2 else "right")
    sign = 1 if found.minimise else -1
    rows = [_cells(found, item, means, decimals, closed) for item in found.items]
    rows.append((0.0, _reference_cells(found, means[found.reference], decimals, closed)))
    for _, cells in sorted(rows, key=lambda pair: sign * pair[0]):
        table.add_row(*cells)
    return table


def _reference_cells(found: Comparison, own: dict[str, float], decimals: int, closed: bool) -> list[str]:
    mean = f"{np.mean([*own.values()]):.{decimals}f}" if own else "-"
    cells = [found.reference, agent_kind(found.problem, found.reference), str(len(own)), mean, "reference"]
    return [*cells, *[""] * (4 if closed else 3), _seconds(found.rows, found.reference)]


def _cells(
    found: Comparison, item: dict[str, Any], means: dict[str, dict[str, float]], decimals: int, closed: bool
) -> tuple[float, list[str]]:
    agent, relative = item["agent"], item["relative_difference"]
    difference = f"{item['mean_difference']:+.{decimals}f}"
    if (interval := item["interval_95"]) is not None:
        difference += f" ({interval[0]:+.{decimals}f} .. {interval[1]:+.{decimals}f})"
    cells = [agent, agent_kind(found.problem, agent), str(item["count"])]
    cells += [f"{np.mean([*means[agent].values()]):.{decimals}f}", difference]
    cells += ["-" if relative is None else percent(relative, "+")]
    cells += [f"{item['wins']} / {item['ties']} / {item['losses']}", win_rate_text(item)]
    cells += [_closed(found.closed[agent])] if closed else []
    return item["mean_difference"], [*cells, _seconds(found.rows, agent)]


def _closed(share: GapClosed | None) -> str:
    if share is None:
        return "-"
    text = f"{100 * share.share:.0f} %"
    return (
        text if share.interval is None else f"{text} ({100 * share.interval[0]:.0f} .. {100 * share.interval[1]:.0f})"
    )


def _seconds(rows: Sequence[Row], agent: str) -> str:
    return f"{np.mean([row.seconds for row in rows if row.agent == agent]):.4f}"


def _caption(found: Comparison) -> str:
    parts = ["intervals: bootstrap over instances; of win rates, which leave out ties, Wilson's"]
    if any(share is not None for share in found.closed.values()):
        parts.append(f"gap closed: 0 % is {found.reference}, 100 % the bounds")
    if any(item["agent"] == HINDSIGHT for item in found.items):
        parts.append(
            f"{HINDSIGHT}: all rules tried, the best kept, seconds of all; to be had where all chance is known before"
        )
    return "; ".join(parts)
