"""``schedlab budgets FOLDER ...``: the best agent of each kind at 1 ms, 10 ms, ... from what has been measured."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from ..agents import make_agent
from ..envs.core.errors import InputError
from ..envs.core.figures import check_matplotlib, check_picture_path, save_figure
from ..envs.core.files import write_atomically
from ..envs.core.problem import Problem, load_problem
from .budget_plot import draw_budgets
from .budgets import (
    BUDGETS,
    HINDSIGHT,
    IN_HINDSIGHT,
    KINDS,
    OBJECTIVE,
    Cell,
    Measured,
    Trial,
    Trials,
    best_of_each_kind,
    count_decisions,
    final_means,
    means_of_all,
    measure,
)
from .instance_sets import expand_instances, parse_seeds
from .json_files import read_json
from .pages import fill_page, markdown_table
from .race_results import FOUND_HERE, RACE_FILE, read_race
from .report import console, print_table
from .results import RESULTS_FILE, SUMMARY_FILE, read_results
from .tables import percent


def add_budget_options(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.add_argument(
        "folders", nargs="+", metavar="FOLDER", help="the --out of a race or a benchmark; several of one problem"
    )
    parser.add_argument(
        "--at",
        default=",".join(f"{b:g}" for b in BUDGETS),
        metavar="LIST",
        help="budgets in seconds (default: %(default)s)",
    )
    parser.add_argument(
        "--decisions-of",
        metavar="RULE",
        help="make budgets per decision: seconds of a run are divided by how often this rule has a choice on the "
        "instance; needs --instances",
    )
    parser.add_argument("--instances", metavar="LIST", help="as they were measured, to count decisions")
    parser.add_argument("--seeds", default="0", help="the same (default: 0)")
    parser.add_argument(
        "--hindsight", default="", metavar="LIST", help="agents that know what nobody can know; shown, but never best"
    )
    parser.add_argument(
        "--choose-on",
        action="append",
        metavar="FOLDER",
        help="choose the agent of a kind by its mean in this folder, which holds other instances; may be given again. "
        "Kinds with an agent that is not there are chosen in hindsight",
    )
    parser.add_argument("--title", default="", help="of the picture (default: the problem's name)")
    parser.add_argument("--out", metavar="FILE", help="write the numbers as JSON")
    parser.add_argument("--plot", metavar="FILE", help="draw them, as .png, .svg or .pdf; needs matplotlib")
    parser.add_argument("--page", metavar="FILE", help="write the table into the part PROBLEM of this Markdown page")
    parser.add_argument("--part", metavar="NAME", help="another part, between <!-- NAME --> and <!-- /NAME -->")
    parser.epilog = "example: schedlab budgets results/race results/rules --out budgets.json --plot budgets.png"
    parser.description = (
        "What the best rule, search, exact solver and learned agent reach within a budget, each among those that have "
        "a solution of every instance in time."
    )
    parser.set_defaults(run=run_budgets)


def run_budgets(arguments: argparse.Namespace) -> int:
    """``schedlab budgets FOLDER ...``."""
    if arguments.plot:
        check_picture_path(Path(arguments.plot))
        check_matplotlib()
    budgets = _budgets(arguments.at)
    trials, abouts = read_trials([Path(folder) for folder in arguments.folders])
    trials = _completed(trials, abouts[0], arguments)
    measured = measure(trials, budgets)
    elsewhere = _elsewhere(arguments.choose_on, trials, measured) if arguments.choose_on else {}
    cells = best_of_each_kind(trials, measured, elsewhere)
    per = "decision" if trials.decisions else "instance"
    print_table(console(), budget_table(cells, measured, trials.problem, per))
    if arguments.out:
        numbers = _numbers(trials, measured, cells, abouts, per, elsewhere)
        write_atomically(Path(arguments.out), json.dumps(numbers, indent=1) + "\n")
    title = arguments.title or trials.problem.name
    if arguments.plot:
        save_figure(draw_budgets(cells, measured, title, per), Path(arguments.plot))
    if arguments.page:
        headings, rows = _cells(cells, measured, trials.problem, per, marks=("**{}**", "{} ="))
        text = f"{markdown_table(headings, rows)}\n{_caption(measured, trials)}\n"
        fill_page(Path(arguments.page), arguments.part or trials.problem.name, text)
    return 0


def _budgets(text: str) -> tuple[float, ...]:
    try:
        budgets = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--at {text!r} not understood; write seconds such as 0.001,0.1,10") from None
    if not all(0 < budget < float("inf") for budget in budgets) or sorted(set(budgets)) != list(budgets):
        raise InputError(f"--at {text!r}: seconds must be positive and increase")
    return budgets


def read_trials(folders: Sequence[Path]) -> tuple[Trials, list[Mapping[str, Any]]]:
    """The runs of several races and benchmarks of one problem, and what the folders say about theirs.

    An agent that ran twice on an instance, with another time limit, say, is told apart by the folder's name, as
    ``"cp-sat (ten-seconds)"``.

    Raises:
        InputError: A folder holds no results, or those of another problem or configuration.
    """
    trials: list[Trial] = []
    bounds: dict[str, tuple[float, str]] = {}
    abouts: list[Mapping[str, Any]] = []
    names = set()
    for folder in folders:
        try:
            problem, about, own, known = _read_folder(folder)
        except InputError:
            raise
        # files of other origin may lack what ours have
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder}: not the results of a race or a benchmark ({error!r})") from None
        names.add(problem)
        abouts.append(about)
        if len(names) > 1 or about.get("config") != abouts[0].get("config"):
            raise InputError(f"{folder}: is of another problem or configuration than {folders[0]}")
        taken = {(trial.agent, trial.instance, trial.seed) for trial in trials}
        twice = {trial.agent for trial in own if (trial.agent, trial.instance, trial.seed) in taken}
        label = folder.resolve().name
        for trial in own:
            name = f"{trial.agent} ({label})" if trial.agent in twice else trial.agent
            trials.append(Trial(name, trial.instance, trial.seed, trial.points))
        # what is published comes before what this run proved
        for instance, bound in known.items():
            if instance not in bounds or bounds[instance][1] == "proved":
                bounds[instance] = bound
    return Trials(load_problem(names.pop()), trials, bounds, {}), abouts


def _read_folder(folder: Path) -> tuple[str, Mapping[str, Any], list[Trial], dict[str, tuple[float, str]]]:
    """Problem, description, runs and bounds of a folder."""
    bounds: dict[str, tuple[float, str]] = {}
    if (folder / RACE_FILE).exists():
        about, raced = read_race(folder)
        problems = [row.problem for row in raced]
        trials = [Trial(row.agent, row.instance, row.seed, row.points) for row in raced]
        measured_by = about["measured_by"]
        for instance, value in measured_by["references"].items():
            if (kind := measured_by["kinds"][instance]) != FOUND_HERE:
                bounds[instance] = float(value), str(kind)
    elif (folder / RESULTS_FILE).exists():
        rows = read_results(folder)
        about = read_json(folder / SUMMARY_FILE, "a summary of schedlab")
        problems = [row.problem for row in rows]
        for row in rows:
            if row.bound is not None:
                bounds[row.instance] = row.bound, row.bound_kind
        trials = [
            Trial(row.agent, row.instance, row.seed, () if row.objective is None else ((row.seconds, row.objective),))
            for row in rows
        ]
    else:
        raise InputError(f"{folder}: holds neither a race nor a benchmark ({RACE_FILE} or {RESULTS_FILE})")
    if not problems:
        raise InputError(f"{folder}: holds no rows")
    return problems[0], about, trials, bounds


def _completed(trials: Trials, about: Mapping[str, Any], arguments: argparse.Namespace) -> Trials:
    """With the decisions of every instance, if they are asked for, and the agents that know too much."""
    hindsight = frozenset(name.strip() for name in arguments.hindsight.split(",") if name.strip())
    if unknown := sorted(hindsight - set(trials.agents)):
        raise InputError(f"--hindsight names {unknown[0]!r}, which did not run")
    decisions: dict[str, int] = {}
    if arguments.decisions_of:
        if not arguments.instances:
            raise InputError("--decisions-of needs --instances (and --seeds), as they were measured")
        problem, given = trials.problem, dict(about.get("config") or {})
        config = problem.configure(given)
        rule = make_agent(arguments.decisions_of, problem, config)
        entries = expand_instances(arguments.instances, parse_seeds(arguments.seeds), problem, config, given)
        decisions = {entry.name: count_decisions(rule, problem, config, entry.instance) for entry in entries}
        if missing := [name for name in trials.instances if not decisions.get(name)]:
            raise InputError(f"--instances: {missing[0]} was measured and is not among them, or has no decision")
    return Trials(trials.problem, trials.trials, trials.bounds, decisions, hindsight)


def _elsewhere(folders: Sequence[str], trials: Trials, measured: Measured) -> dict[str, float]:
    """Means by which agents are chosen."""
    others, _ = read_trials([Path(folder) for folder in folders])
    if others.problem.name != trials.problem.name:
        raise InputError(f"--choose-on {folders[0]}: is of {others.problem.name}, not of {trials.problem.name}")
    if both := sorted(set(others.instances) & set(trials.instances)):
        raise InputError(f"--choose-on {folders[0]}: holds {both[0]} too, which is reported; measure other instances")
    return final_means(others, measured.what)


def budget_table(cells: Sequence[Cell], measured: Measured, problem: Problem[Any, Any, Any], per: str) -> Table:
    """The best agent of each kind, a line per budget; ``*`` marks the best, ``=`` what cannot be told from it."""
    headings, rows = _cells(cells, measured, problem, per, marks=("{} *", "{} ="))
    what = measured.what + (f" to {measured.reference}" if measured.reference else "")
    table = Table(
        *headings, title=f"{problem.name}: {what}, {len(measured.instances)} instances", title_justify="left",
        caption="* best mean, = not told from it (paired 95 % interval holds 0); (h) chosen in hindsight",
        caption_justify="left",
    )  # fmt: skip
    for row in rows:
        table.add_row(*row)
    return table


def _cells(
    cells: Sequence[Cell], measured: Measured, problem: Problem[Any, Any, Any], per: str, marks: tuple[str, str]
) -> tuple[list[str], list[list[str]]]:
    kinds = [kind for kind in (*KINDS, HINDSIGHT) if any(cell.kind == kind for cell in cells)]
    known = {(cell.budget, cell.kind): cell for cell in cells}

    def show(value: float) -> str:
        return f"{value:,.{problem.decimals}f}" if measured.what == OBJECTIVE else percent(value)

    rows = []
    for budget in measured.budgets:
        row = [f"{1000 * budget:g} ms" if budget < 1 else f"{budget:g} s"]
        for kind in kinds:
            cell = known.get((budget, kind))
            row.append("-" if cell is None else _cell_text(cell, show, marks))
        rows.append(row)
    return [f"per {per}", *kinds], rows


def _cell_text(cell: Cell, show: Any, marks: tuple[str, str]) -> str:
    text = show(cell.mean)
    if cell.interval is not None:
        text += f" ({show(cell.interval[0])} .. {show(cell.interval[1])})".replace(" % ..", " ..").replace(" %)", ")")
    text = f"{cell.agent}{' (h)' if cell.choice == IN_HINDSIGHT and cell.kind != HINDSIGHT else ''} {text}"
    return marks[0].format(text) if cell.best else marks[1].format(text) if cell.level else text


def _caption(measured: Measured, trials: Trials) -> str:
    what = measured.what + (f" to {measured.reference}" if measured.reference else "")
    better = "less" if measured.lower_is_better else "more"
    text = f"{what[0].upper()}{what[1:]}, {better} is better; {len(measured.instances)} instances, 95 % intervals."
    if trials.decisions:
        counts = sorted(trials.decisions.values())
        text += f" Decisions of an instance: {counts[0]:,} to {counts[-1]:,}."
    return text


def _numbers(
    trials: Trials,
    measured: Measured,
    cells: Sequence[Cell],
    abouts: Sequence[Mapping[str, Any]],
    per: str,
    elsewhere: Mapping[str, float],
) -> dict[str, Any]:
    return {
        "problem": trials.problem.name,
        "per": per,
        "measure": measured.what,
        "reference": measured.reference,
        "lower_is_better": measured.lower_is_better,
        "instances": list(measured.instances),
        "decisions": dict(trials.decisions),
        "budgets": list(measured.budgets),
        "chosen_on": {agent: round(value, 6) for agent, value in elsewhere.items()},
        "cells": [asdict(cell) for cell in cells],
        "agents": means_of_all(trials, measured),
        "runs": [{key: about.get(key) for key in ("command", "machine", "versions", "finished")} for about in abouts],
    }
