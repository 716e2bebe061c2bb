"""``schedlab train PROBLEM``."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from ..envs import PROBLEMS
from ..envs.core.errors import InputError
from ..envs.core.files import is_leftover
from ..envs.core.problem import load_problem
from ..models.checkpoint import first_line
from ..version import __version__
from .distributed import LostError, World, join_world
from .faults import TrainingStoppedError, warn
from .following import FollowingRun, fingerprint
from .graph_ppo import GraphPPO
from .memory import keep_freed_memory
from .models import make_model
from .runs import TrainingRun, start_from, train
from .settings import TrainSettings, committed_names, committed_settings, named_settings, settings_from
from .state import record_of, restore

LOG_SECONDS = 30.0
INTERRUPTED = 130  # what shells make of Ctrl-C


def run(arguments: argparse.Namespace, given: dict[str, Any]) -> int:
    """Train, showing progress; writes a checkpoint folder. Several processes that torchrun started train together.

    Args:
        arguments: Of the command line.
        given: What the user set of the environment.

    Returns:
        The exit status. Of several processes that fail, the first one to do so tells why.
    """
    world = join_world()
    folder: list[Path] = []
    try:
        model, watch, report = _prepare(arguments, given, world)
        folder.append(watch.folder)
        status = _train(model, watch, report, world)
    except InputError:
        if world.speaks_first():
            raise
        return 2
    except (Exception, LostError) as error:
        if not world.lost(error):
            raise
        world.ending()
        _tell_loss(world, folder)
        return 1
    del model, watch  # they hold on to the connections
    world.leave(status)
    return status


def _tell_loss(world: World, folder: list[Path]) -> None:
    """Another process has ended, or this one was told to by torchrun, which does so when one has."""
    if not world.speaks_first():
        return
    kept = f"; what was saved is kept, go on with --resume {folder[0]}" if folder else " before training began"
    warn(f"process {world.rank} of {world.size} was told to end, or lost another one{kept}")


def _prepare(
    arguments: argparse.Namespace, given: dict[str, Any], world: World
) -> tuple[OnPolicyAlgorithm, TrainingRun, _Report]:
    """Everything that can be refused; where one process refuses its input, all do."""
    problem = load_problem(arguments.problem)
    folder, settings = world.from_first(lambda: _folder_and_settings(arguments, given))
    keep_freed_memory()
    world.check_devices(settings.device)
    model = world.together(lambda: make_model(problem, settings, folder, world))
    before: tuple[float, list[dict[str, float]]] = (0.0, [])
    about: dict[str, Any] = {
        "command": " ".join(arguments.command_line),
        "seed": settings.seed,
        "commit": _commit(),
        "version": __version__,
        **({"processes": world.size} if world.size > 1 else {}),
    }
    if arguments.start:
        about["start"] = world.together(lambda: start_from(model, problem, Path(arguments.start)))
    if arguments.resume:
        before = world.together(lambda: restore(model, folder))
        first = world.together(lambda: record_of(folder))["about"]
        about = {**about, "command": first.get("command"), "resumed": [*first.get("resumed", []), about["command"]]}
    if world.size > 1:
        world.check_alike(fingerprint(model))
    report = _Report(quiet=arguments.quiet or not world.leads)
    kind = TrainingRun if world.leads else FollowingRun

    def watch() -> TrainingRun:
        try:
            return kind(problem, settings, folder, about, before, report=report.update)
        except ValueError as error:
            raise InputError(first_line(error)) from error

    return model, world.together(watch), report


def _train(model: OnPolicyAlgorithm, watch: TrainingRun, report: _Report, world: World) -> int:
    """Train to the end, and say how it went."""
    folder = watch.folder
    with report.progress:
        try:
            train(model, watch)
        except KeyboardInterrupt:
            if world.leads and not watch.finished:
                warn(f"interrupted before the end was validated; --resume {folder} goes on from what is saved")
                return INTERRUPTED
            if world.leads:
                warn("interrupted; the run so far is kept")
        except TrainingStoppedError as error:
            if world.speaks_first():
                warn(str(error))
            return 1
        except (Exception, LostError) as error:
            if world.lost(error):
                world.ending()
                watch.save_last()  # once more: the signal may have come while this was done
            raise
    if not world.leads:
        return 0
    steps, seconds = model.num_timesteps, watch.seconds
    rate = f"{steps:,} steps in {seconds:.0f} s ({steps / seconds:,.0f} per second)"
    print(f"trained {rate}{watch.best_text}")
    if isinstance(model, GraphPPO):
        print("time: " + ", ".join(f"{name} {share:.0%}" for name, share in model.phases.shares().items()))
    print(f"checkpoint: {folder}; use it as ppo:{folder}, curves: tensorboard --logdir {folder / 'tensorboard'}")
    return 0


class _Report:
    """A progress bar on a terminal; elsewhere, in a log, a line now and then."""

    def __init__(self, quiet: bool) -> None:
        terminal = sys.stderr.isatty()
        columns = (
            TextColumn("training"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
            TextColumn("{task.description}"),
        )  # fmt: skip
        self.progress = Progress(*columns, console=Console(stderr=True), disable=quiet or not terminal)
        self._task = self.progress.add_task("", total=1.0)
        self._lines = not quiet and not terminal
        self._printed = time.monotonic()

    def update(self, share: float, text: str) -> None:
        """Show how far the run is."""
        self.progress.update(self._task, completed=share, description=text)
        if self._lines and time.monotonic() - self._printed >= LOG_SECONDS:
            print(f"{share:.0%}: {text}", file=sys.stderr, flush=True)
            self._printed = time.monotonic()


def _folder_and_settings(arguments: argparse.Namespace, given: dict[str, Any]) -> tuple[Path, TrainSettings]:
    names = ("minutes", "steps", "seed", "threads", "algorithm", "device")
    overrides = {name: getattr(arguments, name) for name in names}
    if arguments.resume:
        others = (arguments.out, arguments.config, given, arguments.algorithm, arguments.start)
        if any(others) or arguments.seed is not None:
            raise InputError(
                "--resume keeps its own folder and settings; only --minutes, --steps, --threads and --device may change"
            )
        folder = Path(arguments.resume)
        record = record_of(folder)
        if record["problem"] != arguments.problem:
            raise InputError(f"{folder}: is a run of {record['problem']}, not of {arguments.problem}")
        if overrides["minutes"] is not None and overrides["steps"] is None:
            overrides["steps"] = 0  # a budget of time takes the place of one of steps
        return folder, settings_from(record["settings"], str(folder)).changed(**overrides)
    settings = _settings(arguments, given)
    settings = settings.changed(**overrides).in_environment(**given)
    folder = Path(arguments.out or f"runs/{arguments.problem}-{time.strftime('%Y%m%d-%H%M%S')}")
    if folder.exists() and not (folder.is_dir() and all(map(is_leftover, folder.iterdir()))):
        raise InputError(f"{folder}: exists already; use --resume {folder} to continue it, or another --out")
    return folder, settings


def _settings(arguments: argparse.Namespace, given: dict[str, Any]) -> TrainSettings:
    """The settings asked for; by default the problem's, for the objective if there are any."""
    if arguments.config:
        return named_settings(arguments.config)
    package = PROBLEMS[arguments.problem].package
    if not package:  # a problem from outside brings no settings of its own
        return TrainSettings()
    name = package
    if arguments.algorithm == "maskable-ppo":
        name = f"{package}_maskable"
    elif f"{package}_{given.get('objective', '').replace('-', '_')}" in committed_names():
        name = f"{package}_{given['objective'].replace('-', '_')}"
    return committed_settings(name)


def _commit() -> str:
    """The commit of the checkout that this runs from, if it is one."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return answer.stdout.strip() or "unknown"
