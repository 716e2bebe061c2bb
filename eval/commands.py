"""What each verb of the command line does."""

from __future__ import annotations

import argparse
import json
import math
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from ..agents import SolverResult, agent_specs, make_agent, shipped_agents
from ..agents.core import AgentOptions
from ..envs import PROBLEMS
from ..envs.core.errors import InputError
from ..envs.core.figures import check_matplotlib, check_picture_path, save_figure
from ..envs.core.files import write_atomically
from ..envs.core.problem import CheckReport, Problem, load_problem
from .benchmark import Benchmark, about_this_run, check_agents, stamped
from .config_options import given_config_values
from .folders import BENCHMARK, RACE, Contents, ResultsFolder, RowT, note
from .instance_sets import expand_instances, parse_seeds
from .json_files import read_json
from .measuring import decide
from .progress import run_with_progress
from .race import Race, parse_times
from .race_report import report_race, save_race
from .ray_jobs import RayCluster
from .report import console, report_results, report_sweep, save_benchmark
from .results import gap_to
from .sweep import Sweep, check_measure, make_settings, swept_option
from .tables import exact_number, measures_text, percent
from .views import MAX_VIEWS_BYTES, VIEWS_FILE, Views, wanted_views


def run_list(arguments: argparse.Namespace) -> int:
    """``schedlab list [PROBLEM]``."""
    screen = console()
    names = [arguments.problem] if arguments.problem else list(PROBLEMS)
    for name in names:
        problem = load_problem(name)
        screen.print(Text.assemble((name, "bold"), f"  {problem.title}"))
        screen.print(f'  environment  gym.make("{PROBLEMS[name].env_id}")', highlight=False)
        screen.print(f"  instances    {_shortened(problem.instance_names()) or 'from files'}", highlight=False)
        screen.print(f"  presets      {', '.join(problem.presets())}  (with --seeds)", highlight=False)
        table = Table("agent", "kind", "what it does", box=None, padding=(0, 2))
        for spec in agent_specs(name).values():
            table.add_row(spec.name, spec.kind, spec.summary)
        if shipped := [trained for trained in shipped_agents(name) if trained not in agent_specs(name)]:
            table.add_row("ppo", "learned", f"Trained with GraphPPO; ships for {', '.join(shipped)}.")
        screen.print(table)
    return 0


def _shortened(names: list[str]) -> str:
    """``ta01, ta02, ..., ta80`` as ``ta01-ta80``."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.rstrip("0123456789"), []).append(name)
    return ", ".join(group[0] if len(group) == 1 else f"{group[0]}-{group[-1]}" for group in groups.values())


def _config(
    problem: Problem[Any, Any, Any], arguments: argparse.Namespace, stored: dict[str, Any] | None = None
) -> Any:
    return problem.configure({**(stored or {}), **given_config_values(arguments)})


def _options(arguments: argparse.Namespace) -> AgentOptions:
    try:
        return AgentOptions(
            time_limit=arguments.time_limit,
            workers=arguments.workers,
            temperature=arguments.temperature,
            quantile=arguments.quantile,
            device=arguments.device,
        )
    except ValueError as error:
        raise InputError(str(error)) from error


def _options_and_cluster(arguments: argparse.Namespace) -> tuple[AgentOptions, RayCluster | None]:
    """Options of agents, and who does the jobs: this process unless ``--ray`` says otherwise."""
    options = _options(arguments)
    if arguments.ray is None:
        if arguments.ray_workers is not None:
            raise InputError("--ray-workers needs --ray")
        return options, None
    # jobs run side by side, so each keeps to one core unless told otherwise
    options = replace(options, workers=options.workers or 1)
    return options, RayCluster(
        arguments.ray,
        workers=arguments.ray_workers,
        threads=options.threads,
        gpus=int(options.device.startswith("cuda")),
        plugins=arguments.plugin or (),
    )


def _output_file(text: str | None) -> Path | None:
    if text is None:
        return None
    path = Path(text)
    if not path.resolve().parent.is_dir():
        raise InputError(f"{path}: the folder {path.resolve().parent} does not exist; make it first")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    return path


def _picture_file(text: str | None) -> Path | None:
    if text is not None:
        check_picture_path(Path(text))
    return _output_file(text)


BOUND_NAMES = {"optimal": "optimum", "critical-path": "critical path"}


def run_solve(arguments: argparse.Namespace) -> int:
    """``schedlab solve PROBLEM --instance ... --agent ...``."""
    problem = load_problem(arguments.problem)
    config, options = _config(problem, arguments), _options(arguments)
    out, plot = _output_file(arguments.out), _picture_file(arguments.plot)
    instance = problem.load(arguments.instance, config)
    name = arguments.agent if arguments.samples is None else f"{arguments.agent}@{arguments.samples}"
    agent = make_agent(name, problem, config, options)
    (result,), seconds = decide(agent, problem, config, [instance], time_limit=options.time_limit, seed=arguments.seed)
    report = problem.check(instance, result.solution, config)
    if not report.feasible:
        raise RuntimeError(f"{name} gave an infeasible solution: {report.violations[0]}")
    if out:
        content = {
            "problem": problem.name,
            "instance": arguments.instance,
            "agent": name,
            "objective": report.objective,
            "bound": result.bound,
            "proved_optimal": result.proved,
            "seconds": seconds,
            "samples": result.samples,
            "seed": arguments.seed,
            "config": given_config_values(arguments),
            "solution": problem.solution_to_json(instance, result.solution),
        }
        write_atomically(out, json.dumps(content) + "\n")
    if plot:
        save_figure(problem.draw(instance, result.solution), plot)
    if arguments.text:
        print(problem.draw_text(instance, result.solution, max(console().width - 1, 40)))
    _print_result(problem, instance, config, name, report, result, seconds)
    return 0


def _print_result(
    problem: Problem[Any, Any, Any], instance: Any, config: Any, agent: str, report: CheckReport,
    result: SolverResult[Any], seconds: float,
) -> None:  # fmt: skip
    known = problem.bound(instance, config)
    parts = [f"{problem.instance_name(instance)}: {agent} {exact_number(report.objective)} in {seconds:.3f} s, checked"]
    if report.measures:
        parts.append(measures_text(report.measures))
    if result.proved:
        parts.append("proved optimal")
    elif result.bound is not None:
        parts.append(f"proved bound {exact_number(result.bound)}")
    if known is not None:
        gap = gap_to(report.objective, known.value, problem.minimise)
        side = "above" if problem.minimise else "below"
        distance = "" if gap is None else f"{percent(gap)} {side} the "
        parts.append(f"{distance}{BOUND_NAMES.get(known.kind, 'best known')} {exact_number(known.value)}")
    print("; ".join(parts))


def run_check(arguments: argparse.Namespace) -> int:
    """``schedlab check PROBLEM --instance ... --solution ...``."""
    problem = load_problem(arguments.problem)
    plot = _picture_file(arguments.plot)
    path = Path(arguments.solution)
    data = read_json(path, "a solution file")
    if not isinstance(data, dict) or "solution" not in data:
        raise InputError(f"{path}: not a solution file; it needs a \"solution\" as 'schedlab solve --out' writes it")
    stored = data.get("config", {})
    if not isinstance(stored, dict):
        raise InputError(f'{path}: "config" must be an object')
    config = _config(problem, arguments, stored)
    instance = problem.load(arguments.instance, config)
    try:
        solution = problem.solution_from_json(instance, data["solution"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    report = problem.check(instance, solution, config)
    claimed = data.get("objective")
    if plot and report.feasible:
        save_figure(problem.draw(instance, solution), plot)
    if not report.feasible:
        for violation in report.violations:
            print(violation)
        print(f"{path}: infeasible, {len(report.violations)} violations")
        return 1
    if claimed is not None and not _same(claimed, report.objective):
        print(f"{path}: feasible, but claims {claimed!r} and has {exact_number(report.objective)}")
        return 1
    measures = f"; {measures_text(report.measures)}" if report.measures else ""
    print(f"{path}: feasible, objective {exact_number(report.objective)}{measures}")
    return 0


def _same(claimed: Any, objective: float) -> bool:
    """Whether a file says of its solution what the checker says, up to the rounding of fractions."""
    number = isinstance(claimed, (int, float)) and not isinstance(claimed, bool)
    return number and math.isclose(claimed, objective, rel_tol=1e-9, abs_tol=1e-12)


def run_benchmark(arguments: argparse.Namespace) -> int:
    """``schedlab benchmark PROBLEM --instances ... --agents ...``."""
    problem = load_problem(arguments.problem)
    config, (options, cluster) = _config(problem, arguments), _options_and_cluster(arguments)
    _check_switches(arguments)
    given = given_config_values(arguments)
    entries = expand_instances(arguments.instances, parse_seeds(arguments.seeds), problem, config, given)
    agents = {name: make_agent(name, problem, config, options) for name in _agent_names(arguments)}
    check_agents(agents, entries, config)
    about = about_this_run(arguments.command_line, given, options, arguments.batch)
    with ExitStack() as stack:
        _enter(stack, cluster, about)
        folder = _folder(stack, arguments, BENCHMARK, problem, about)
        done = folder.rows if folder is not None else []
        distributions = folder.quantiles if folder is not None and arguments.plots else None
        views = None
        if folder is not None:
            views = Views(wanted_views(problem, entries, arguments.views), folder.views)
        benchmark = Benchmark(
            problem, config, entries, agents, options, arguments.batch, done, distributions, views, cluster
        )
        run_with_progress(benchmark, "benchmark", folder, lambda path: save_benchmark(benchmark, stamped(about), path))
        title = f"{problem.name}: {arguments.instances}"
        report_results(
            benchmark, title, stamped(about), against=arguments.against, details=arguments.details, folder=_path(folder)
        )
        _finish(folder)
    if views is not None and views.left_out:
        note(f"{VIEWS_FILE}: full at {MAX_VIEWS_BYTES >> 20} MiB; {views.left_out} further solutions are left out")
    return 0 if all(row.feasible for row in benchmark.rows()) else 1


def run_sweep(arguments: argparse.Namespace) -> int:
    """``schedlab sweep PROBLEM --preset ... --option ... --values ... --agents ... --out ...``."""
    problem, given = load_problem(arguments.problem), given_config_values(arguments)
    options, cluster = _options_and_cluster(arguments)
    _check_switches(arguments)
    option = swept_option(problem, arguments.preset, arguments.option, arguments.values)
    settings = make_settings(problem, option, _agent_names(arguments), parse_seeds(arguments.seeds), given, options)
    if arguments.measure is not None:
        check_measure(problem, settings[0], arguments.measure)
    about = {
        **about_this_run(arguments.command_line, given, options, arguments.batch),
        "preset": option.preset,
        "option": option.name,
        "values": list(option.values),
    }
    with ExitStack() as stack:
        _enter(stack, cluster, about)
        folder = stack.enter_context(
            ResultsFolder(Path(arguments.out), BENCHMARK, problem.name, about, arguments.resume)
        )
        sweep = Sweep(problem, option, settings, options, arguments.batch, folder.rows, cluster)
        run_with_progress(sweep, "sweep", folder, lambda path: save_benchmark(sweep, stamped(about), path))
        report_sweep(sweep, stamped(about), folder.path, arguments.measure)
        _finish(folder)
    return 0 if all(row.feasible for row in sweep.shown_rows()) else 1


def run_race(arguments: argparse.Namespace) -> int:
    """``schedlab race PROBLEM --instances ... --agents ... --time-limit ...``."""
    problem = load_problem(arguments.problem)
    config, options, given = _config(problem, arguments), _options(arguments), given_config_values(arguments)
    _check_switches(arguments)
    times = parse_times(arguments.at, options.time_limit)
    entries = expand_instances(arguments.instances, parse_seeds(arguments.seeds), problem, config, given)
    agents = {name: make_agent(name, problem, config, options) for name in _agent_names(arguments)}
    check_agents(agents, entries, config)
    about = about_this_run(arguments.command_line, given, options)
    with ExitStack() as stack:
        folder = _folder(stack, arguments, RACE, problem, about)
        race = Race(problem, config, entries, agents, options, folder.rows if folder is not None else ())
        run_with_progress(race, "race", folder, lambda path: save_race(race, times, stamped(about), path))
        title = f"{problem.name}: {arguments.instances}"
        report_race(race, times, title, stamped(about), _path(folder), arguments.plots)
        _finish(folder)
    return 1 if any(row.error for row in race.shown_rows()) else 0


def _enter(stack: ExitStack, cluster: RayCluster | None, about: dict[str, Any]) -> None:
    """Start or join the cluster: before the folder is opened, as a run that is refused must not cost its results."""
    if cluster is not None:
        about["ray"] = stack.enter_context(cluster).about()


def _folder(
    stack: ExitStack,
    arguments: argparse.Namespace,
    contents: Contents[RowT],
    problem: Problem[Any, Any, Any],
    about: dict[str, Any],
) -> ResultsFolder[RowT] | None:
    """The folder of ``--out``, open; ``None`` without that option."""
    if not arguments.out:
        return None
    return stack.enter_context(ResultsFolder(Path(arguments.out), contents, problem.name, about, arguments.resume))


def _path(folder: ResultsFolder[Any] | None) -> Path | None:
    return None if folder is None else folder.path


def _finish(folder: ResultsFolder[Any] | None) -> None:
    if folder is not None:
        folder.finish()


def _check_switches(arguments: argparse.Namespace) -> None:
    if arguments.batch < 1:
        raise InputError(f"--batch must be at least 1, got {arguments.batch}")
    if arguments.resume and not arguments.out:
        raise InputError("--resume needs --out, the folder to continue")
    if arguments.plots:
        if not arguments.out:
            raise InputError("--plots needs --out, the folder for the pictures")
        check_matplotlib()


def _agent_names(arguments: argparse.Namespace) -> list[str]:
    names = [name.strip() for name in arguments.agents.split(",")]
    if len(set(names)) != len(names):
        raise InputError(f"--agents names an agent twice: {arguments.agents}")
    if arguments.against and arguments.against not in names:
        raise InputError(f"--against {arguments.against!r} is not among --agents")
    return names


def run_speed(arguments: argparse.Namespace) -> int:
    """``schedlab speed PROBLEM``."""
    from .speed import measure_speed, speed_table

    out = _output_file(arguments.out)
    if arguments.training:
        return _run_training_speed(arguments, out)
    measurements = measure_speed(
        load_problem(arguments.problem),
        instance=arguments.instance,
        batch=arguments.batch,
        seconds=arguments.seconds,
        repeats=arguments.repeats,
        peers=arguments.against,
        peers_folder=Path(arguments.peers_folder),
    )
    console().print(speed_table(measurements))
    if out:
        write_atomically(out, json.dumps([asdict(m) for m in measurements], indent=1) + "\n")
    return 0


def _run_training_speed(arguments: argparse.Namespace, out: Path | None) -> int:
    try:
        from ..train.settings import named_settings
        from .training_speed import measure_training_speed, training_speed_table
    except ImportError as error:
        raise InputError(
            f"--training needs torch and Stable-Baselines3: pip install 'schedlab[train]' ({error})"
        ) from error
    settings = named_settings(arguments.training)
    measured = measure_training_speed(load_problem(arguments.problem), settings, arguments.seconds, arguments.repeats)
    console().print(training_speed_table(measured))
    if out:
        write_atomically(out, json.dumps([asdict(m) for m in measured], indent=1) + "\n")
    return 0


def run_train(arguments: argparse.Namespace) -> int:
    """``schedlab train PROBLEM``."""
    try:
        from ..train.command import run
    except ImportError as error:
        raise InputError(
            f"training needs torch and Stable-Baselines3: pip install 'schedlab[train]' ({error})"
        ) from error
    return run(arguments, given_config_values(arguments))
