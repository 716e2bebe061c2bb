"""The ``schedlab`` command: the same verbs for every problem."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ..envs import PROBLEMS
from ..envs.core.errors import InputError, one_line
from ..envs.core.memory import is_out_of_memory
from ..envs.core.plugins import import_plugin, load_plugins
from ..envs.core.problem import load_problem
from . import commands
from .budget_command import add_budget_options
from .compare_command import add_compare_options
from .config_options import add_config_options
from .html.command import add_report_options
from .ray_jobs import add_ray_options
from .views import add_views_option

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

AGENT_HELP = (
    "a name from 'schedlab list', NAME@K for the best of K samples of an agent that draws at random, "
    "ppo for the trained agent that ships, ppo:FOLDER for any checkpoint"
)


EXAMPLES = {
    "train": "--minutes 10 --out runs/mine",
    "solve": "--instance ta01 --agent cp-sat --time-limit 5 --out ta01.json --plot ta01.png",
    "check": "--instance ta01 --solution ta01.json",
    "benchmark": "--instances ta01-ta10 --agents spt,fdd-mwkr,random@64,cp-sat --time-limit 2 --out results/ta",
    "sweep": "--preset random-10x10 --objective total-tardiness --option due-date-factor --values 1.1,1.3,1.5,1.7 "
    "--agents edd,mod,cr-spt,ppo --seeds 0-9 --batch 10 --measure tardy_share --out results/due-dates",
    "race": "--instances ta01-ta10 --agents fdd-mwkr,ppo,ppo@64,cp-sat --time-limit 30 --at 1,3,10,30 --workers 1 "
    "--out results/race --plots",
    "speed": "--against all",
}


class OneLineParser(argparse.ArgumentParser):
    """Argparse that reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and leave with the status of bad input."""
        self.exit(BAD_INPUT, f"schedlab: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0 done, 2 bad input, 1 anything else."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        _load_plugins(argv)
        parser = build_parser(argv)
        arguments = parser.parse_args(argv)
    except InputError as error:
        print(f"schedlab: {one_line(error)}", file=sys.stderr)
        return BAD_INPUT
    except SystemExit as leaving:
        return int(leaving.code or 0) if not isinstance(leaving.code, str) else FAILED
    arguments.command_line = ["schedlab", *argv]
    try:
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except InputError as error:
        print(f"schedlab: {one_line(error)}", file=sys.stderr)
        return BAD_INPUT
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        why = (str(error).splitlines() or [""])[0][:200]
        print(f"schedlab: out of memory; use smaller instances, or fewer at a time ({why})", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("schedlab: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of our output has left (schedlab list | head); pointing stdout nowhere silences the exit flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        print(f"schedlab: {one_line(error.filename or 'system')}: {error.strerror or one_line(error)}", file=sys.stderr)
        return FAILED


def _load_plugins(argv: Sequence[str]) -> None:
    """Import the plugins of installed packages and those that ``--plugin`` names, before the verbs are listed."""
    early = OneLineParser(add_help=False, allow_abbrev=False)
    early.add_argument("--plugin", action="append", default=[])
    load_plugins()
    for module in early.parse_known_args(argv)[0].plugin:
        import_plugin(module)


def build_parser(argv: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser; options are added for the problems that ``argv`` mentions, so that others need not be imported."""
    parser = OneLineParser(
        prog="schedlab",
        description="Scheduling environments and agents, measured against rules, search and exact solvers.",
        epilog="schedlab VERB PROBLEM --help explains the options of a verb for a problem.",
    )
    from ..version import __version__

    parser.add_argument("--version", action="version", version=f"schedlab {__version__}")
    parser.add_argument(
        "--plugin",
        action="append",
        metavar="MODULE",
        help="import this module first, which registers problems or agents; installed plugins need no option",
    )
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", parser_class=OneLineParser)

    listing = verbs.add_parser("list", help="problems, presets and agents", description="What there is.")
    listing.add_argument("problem", nargs="?", choices=list(PROBLEMS), metavar="PROBLEM", help="details of one problem")
    listing.set_defaults(run=commands.run_list)

    comparing = verbs.add_parser(
        "compare", help="compare the agents of benchmarks that have run", description="Compare agents, pair by pair."
    )
    add_compare_options(comparing)
    reporting = verbs.add_parser(
        "report", help="one HTML page of results that have been measured", description="Results as one HTML page."
    )
    add_report_options(reporting)

    budgets = verbs.add_parser("budgets", help="the best agent of each kind within budgets of seconds")
    add_budget_options(budgets)

    for name, help_text, add, run in (
        ("train", "train an agent", _train_options, commands.run_train),
        ("solve", "solve one instance and keep the solution", _solve_options, commands.run_solve),
        ("check", "verify a solution independently", _check_options, commands.run_check),
        ("benchmark", "measure agents on a set of instances", _benchmark_options, commands.run_benchmark),
        ("sweep", "measure agents at several values of an option", _sweep_options, commands.run_sweep),
        ("race", "measure how good agents are after some seconds", _race_options, commands.run_race),
        ("speed", "environment steps per second", _speed_options, commands.run_speed),
    ):
        verb = verbs.add_parser(name, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}.")
        problems = verb.add_subparsers(dest="problem", required=True, metavar="PROBLEM", parser_class=OneLineParser)
        for entry in PROBLEMS.values():
            problem = problems.add_parser(
                entry.name,
                help=entry.env_id,
                description=verb.description,
            )
            problem.set_defaults(run=run)
            if entry.name in argv:
                chosen = load_problem(entry.name)
                problem.epilog = f"example: schedlab {name} {entry.name} {example(chosen, name)}"
                add(problem, chosen)
    return parser


def example(problem: Any, verb: str) -> str:
    """The arguments that ``--help`` shows: the problem's own, or those of the job shop."""
    if verb == "race" and verb not in problem.examples and "benchmark" in problem.examples:
        # what can be benchmarked can be raced
        words = problem.examples["benchmark"].split()
        chosen = (f"{word} {words[words.index(word) + 1]}" for word in ("--instances", "--agents"))
        return f"{' '.join(chosen)} --time-limit 10 --at 1,3,10 --workers 1 --out results/race --plots"
    text: str = problem.examples.get(verb, EXAMPLES[verb])
    return text


def _seed(text: str) -> int:
    seed = int(text)
    if not 0 <= seed < 2**31:
        raise argparse.ArgumentTypeError(f"{text} does not lie in 0..2**31-1")
    return seed


def _common(parser: argparse.ArgumentParser, problem: Any) -> None:
    parser.add_argument("--seed", type=_seed, default=0, help="of everything random (default: 0)")
    _agent_options(parser)
    add_config_options(parser, problem)


def _agent_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--time-limit", type=float, default=10.0, metavar="S", help="seconds of a solver (default: 10)")
    parser.add_argument("--workers", type=int, default=0, help="threads of exact solvers (default: 0, all cores)")
    parser.add_argument(
        "--temperature",
        type=float,
        default=0.5,
        metavar="T",
        help="of sampled learned agents: 1 samples as trained, less stays closer to the best guess (default: 0.5)",
    )
    parser.add_argument(
        "--quantile",
        type=float,
        default=0.0,
        metavar="Q",
        help="of sampled learned agents: choices less likely than this quantile of a state's are not drawn (default 0)",
    )
    parser.add_argument(
        "--device", default="cpu", help="where learned agents compute: cpu, cuda, or auto (default: cpu)"
    )


def _solve_options(parser: argparse.ArgumentParser, problem: Any) -> None:
    parser.add_argument("--instance", required=True, metavar="NAME|FILE", help="built-in name or file")
    parser.add_argument("--agent", required=True, help=AGENT_HELP)
    parser.add_argument("--samples", type=int, metavar="K", help="the same as --agent NAME@K")
    parser.add_argument("--out", metavar="FILE", help="write the solution as JSON")
    parser.add_argument("--plot", metavar="FILE", help="draw it, as .png, .svg or .pdf")
    parser.add_argument("--text", action="store_true", help="draw it in the terminal")
    _common(parser, problem)


def _check_options(parser: argparse.ArgumentParser, problem: Any) -> None:
    parser.add_argument("--instance", required=True, metavar="NAME|FILE", help="built-in name or file")
    parser.add_argument("--solution", required=True, metavar="FILE", help="JSON written by 'schedlab solve --out'")
    parser.add_argument("--plot", metavar="FILE", help="draw it, as .png, .svg or .pdf")
    add_config_options(parser, problem)


def _instances_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--instances",
        required=True,
        metavar="LIST",
        help="comma-separated names (ta01), ranges (ta01-ta80), files with one or more instances, folders of "
        "them, or presets from 'schedlab list'; a preset gives one random instance per seed",
    )


def _benchmark_options(parser: argparse.ArgumentParser, problem: Any) -> None:
    _instances_option(parser)
    _run_options(parser, seeds="0")
    _batch_option(parser)
    parser.add_argument("--out", metavar="FOLDER", help="write results.json, results.csv and summary.json there")
    parser.add_argument(
        "--against", metavar="AGENT", help="also compare every agent with this one, instance by instance"
    )
    parser.add_argument("--details", action="store_true", help="also print a table of every instance")
    add_views_option(parser)
    add_ray_options(parser)
    parser.add_argument(
        "--plots",
        action="store_true",
        help="draw into --out: objectives.png (a box per agent), seconds.png (quality against time), against.png (with "
        "--against: a point per instance) "
        "and, where jobs have due dates, distribution.png (share of jobs above each tardiness); needs matplotlib",
    )
    _common(parser, problem)


def _run_options(parser: argparse.ArgumentParser, seeds: str) -> None:
    parser.add_argument("--agents", required=True, metavar="LIST", help=f"comma-separated; each is {AGENT_HELP}")
    parser.add_argument("--seeds", default=seeds, help=f"numbers and ranges such as 0-19 (default: {seeds})")
    parser.add_argument(
        "--resume", action="store_true", help="keep the rows already in --out, measure the rest and errors again"
    )


def _batch_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--batch",
        type=int,
        default=1,
        metavar="B",
        help="episodes of a policy side by side; those of an agent that draws at random only if they have the same "
        "seed (default: 1)",
    )


def _sweep_options(parser: argparse.ArgumentParser, problem: Any) -> None:
    parser.add_argument("--preset", required=True, help=f"random instances: {', '.join(problem.presets())}")
    parser.add_argument("--option", required=True, metavar="NAME", help="what varies, one of the options below")
    parser.add_argument(
        "--values",
        required=True,
        metavar="LIST",
        help="comma-separated values of that option; each is measured on random instances of the same seeds",
    )
    _run_options(parser, seeds="0-4")
    _batch_option(parser)
    add_ray_options(parser)
    parser.add_argument(
        "--out",
        required=True,
        metavar="FOLDER",
        help="write results.json, results.csv, summary.json and sweep.png (a line per agent; needs matplotlib) there",
    )
    parser.add_argument(
        "--measure", metavar="NAME", help="also show this number of the checker, such as tardy_share, below"
    )
    _agent_options(parser)
    add_config_options(parser, problem, random_instances=True, instead_of="the preset's")
    parser.set_defaults(plots=True, against=None)


def _race_options(parser: argparse.ArgumentParser, problem: Any) -> None:
    _instances_option(parser)
    _run_options(parser, seeds="0")
    parser.add_argument(
        "--at",
        metavar="LIST",
        help="comma-separated seconds at which agents are compared, none beyond --time-limit; one run answers for all, "
        "and --resume for others (default: 1, 3, 10, 30, ... and the time limit)",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="write race.json, race.md (the table) and progress.csv (a line for each improvement) there",
    )
    parser.add_argument(
        "--plots", action="store_true", help="draw race.png (quality against seconds) into --out; needs matplotlib"
    )
    _agent_options(parser)
    add_config_options(parser, problem)
    parser.set_defaults(batch=1, against=None)
    parser.description = (
        "Measure how good agents are after some seconds. Every agent runs alone, once per instance and seed, and each "
        "improvement is noted with its time; so one run tells what it had after 1, 3 and 10 seconds. Gaps are to the "
        "bounds that are known, else to the best found here. A rule has one solution, at its end; a '-' says that "
        "there was none yet, and (70/80) that only so many instances had one. There is no --ray: agents side by side "
        "would disturb one another's clocks."
    )


def _speed_options(parser: argparse.ArgumentParser, problem: Any) -> None:
    parser.add_argument(
        "--instance", default=None, metavar="NAME", help="instance to play (default: the problem's usual one)"
    )
    parser.add_argument("--batch", type=int, default=256, help="rows of the vector environment (default: 256)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each measurement (default: 3)")
    parser.add_argument(
        "--repeats", type=int, default=3, help="measurements of each, in turn; medians count (default: 3)"
    )
    parser.add_argument(
        "--training",
        metavar="FILE|NAME",
        help="measure training instead, GraphPPO beside MaskablePPO, with these settings (a name is of train/configs)",
    )
    parser.add_argument("--against", metavar="PEERS", help="comma-separated peers, or 'all'; see 'make peers'")
    parser.add_argument(
        "--peers-folder", default=".peers", help="where their virtual environments are (default: .peers)"
    )
    parser.add_argument("--out", metavar="FILE", help="write the measurements as JSON")


def _train_options(parser: argparse.ArgumentParser, problem: Any) -> None:
    parser.add_argument(
        "--minutes", type=float, default=None, metavar="M", help="time budget (default: from the configuration)"
    )
    parser.add_argument(
        "--steps", type=int, default=None, help="budget in environment steps, repeatable on a machine of the same kind"
    )
    parser.add_argument(
        "--config",
        metavar="FILE|NAME",
        help="training settings: a TOML file, or the name of one in train/configs (default: the problem's own)",
    )
    parser.add_argument(
        "--algorithm",
        choices=("graph-ppo", "maskable-ppo"),
        default=None,
        help="graph-ppo (default) collects whole episodes from the batched simulator; maskable-ppo is sb3-contrib's",
    )
    parser.add_argument("--device", default=None, help="auto (a GPU when there is one), cpu or cuda")
    parser.description = (
        "Train an agent. Several processes train one together, each with its share of an update's instances and, with "
        "--device cuda, a GPU of its own: torchrun --nproc-per-node 2 -m schedlab train ..."
    )
    parser.add_argument("--out", metavar="FOLDER", help="checkpoint folder (default: runs/PROBLEM-TIME)")
    parser.add_argument("--resume", metavar="FOLDER", help="continue the run in FOLDER")
    parser.add_argument(
        "--start", metavar="FOLDER", help="begin with the weights of a checkpoint, for example to go on elsewhere"
    )
    parser.add_argument("--seed", type=int, default=None, help="of networks, instances and actions")
    parser.add_argument("--threads", type=int, default=None, help="torch threads (default: from the configuration)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_config_options(parser, problem, random_instances=True, instance=True, instead_of="the training configuration's")


if __name__ == "__main__":
    raise SystemExit(main())
