"""Environment steps per second, side by side with other packages in one run."""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any

import gymnasium as gym
import numpy as np
from rich.table import Table

from ..agents.core import AgentOptions
from ..agents.random_policy import RandomPolicy, random_legal_actions
from ..envs import PROBLEMS
from ..envs.core.errors import InputError, unknown_name
from ..envs.core.problem import Problem, load_problem
from ..envs.job_shop.config import JobShopConfig
from ..envs.job_shop.formats import format_instance
from ..version import __version__
from .benchmark import about_this_run
from .pages import markdown_table

# problem -> peers that play it, each with a script in eval/peers of the same name
PEERS: dict[str, tuple[str, ...]] = {"job-shop": ("jssenv", "job-shop-lib", "graph-jsp-env", "jumanji", "rl4co")}
DEFAULT_INSTANCE = {"job-shop": "ta01"}


Rate = tuple[float, float | None]
"""Steps per second, and operations dispatched per second where that means something."""


@dataclass(frozen=True)
class Measurement:
    """Speed of one way to step.

    Attributes:
        name: What was measured.
        version: Of the package.
        steps_per_second: Median over the repeats.
        all_repeats: Each repeat.
        operations_per_second: Operations dispatched, median over the repeats: the number to compare packages by, as a
            step of one of them may dispatch none or several. ``None`` of problems without peers.
        processor: Of the machine.
    """

    name: str
    version: str
    steps_per_second: float
    all_repeats: tuple[float, ...]
    operations_per_second: float | None = None
    processor: str = ""


def measure_speed(
    problem: Problem[Any, Any, Any],
    *,
    instance: str | None,
    batch: int,
    seconds: float,
    repeats: int,
    peers: str | None,
    peers_folder: Path,
) -> list[Measurement]:
    """Time the single env, the vector env, the bare simulator and the peers, in turn, with random legal actions.

    Everything counts that a learner needs at a step: the action's choice, the step, the whole observation with its
    mask, resets. Peers play the same instance; they compile before their clock starts.

    Raises:
        InputError: An unknown peer, or one that is not installed or fails.
    """
    if batch < 1 or repeats < 1 or seconds <= 0:
        raise InputError("--batch, --repeats and --seconds must be positive")
    instance = instance or DEFAULT_INSTANCE.get(problem.name)
    config = problem.configure({"instance": instance} if instance else {})
    pythons = {name: _peer_python(peers_folder, name) for name in _peer_names(problem.name, peers)}
    env_id = PROBLEMS[problem.name].env_id
    kwargs = {"instance": instance} if instance else {}
    ours: dict[str, Callable[[], float]] = {
        f"schedlab {env_id}, gym.make": lambda: _single_rate(env_id, kwargs, seconds),
        f"schedlab {env_id}, gym.make_vec, batch {batch}": lambda: _vector_rate(env_id, kwargs, batch, seconds),
        f"schedlab simulator, batch {batch}, observed": lambda: _simulator_rate(problem, config, batch, seconds),
    }
    rates: dict[tuple[str, str], list[Rate]] = {}
    _single_rate(env_id, kwargs, 0.01)  # compiles the kernels
    for _ in range(repeats):
        for name, measure in ours.items():
            steps = measure()
            # every step of our job shop dispatches one operation
            rates.setdefault((name, __version__), []).append((steps, steps if problem.name in PEERS else None))
        for name, python in pythons.items():
            version, ways = _peer_rates(python, name, instance or "", seconds, batch)
            for way, rate in ways.items():
                rates.setdefault((f"{name}, {way}" if way else name, version), []).append(rate)
    return [_measurement(name, version, repeated) for (name, version), repeated in rates.items()]


def _measurement(name: str, version: str, rates: Sequence[Rate]) -> Measurement:
    operations = [value for _, value in rates if value is not None]
    steps = tuple(value for value, _ in rates)
    machine: str = about_this_run([], {}, AgentOptions())["machine"]["processor"]
    return Measurement(name, version, median(steps), steps, median(operations) if operations else None, machine)


def _peer_names(problem: str, peers: str | None) -> list[str]:
    known = PEERS.get(problem, ())
    if peers is None:
        return []
    names = list(known) if peers == "all" else [name.strip() for name in peers.split(",")]
    for name in names:
        if name not in known:
            raise unknown_name(f"{problem} peer", name, known)
    return names


def _peer_python(folder: Path, name: str) -> Path:
    for python in (folder / name / "bin" / "python", folder / name / "Scripts" / "python.exe"):
        if python.exists():
            return python
    raise InputError(f"{folder / name}: peer {name} is not installed there; run 'make peers' in the repository")


def _peer_rates(python: Path, name: str, instance: str, seconds: float, batch: int) -> tuple[str, Mapping[str, Rate]]:
    """Version of a peer, and its rates by way to step; its script runs in the peer's own virtual environment."""
    script = files(f"{__package__}.peers").joinpath(f"{name.replace('-', '_')}.py")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instance.txt"
        # peers are those of the job shop only
        path.write_text(format_instance(load_problem("job-shop").load(instance, JobShopConfig())), encoding="utf-8")
        run = subprocess.run(
            [python, "-W", "ignore", str(script), instance, str(path), str(seconds), str(batch)],
            capture_output=True,
            text=True,
            timeout=180 + 10 * seconds,
            check=False,
        )
    if run.returncode:
        raise InputError(f"peer {name} failed: {(run.stderr.strip().splitlines() or ['no message'])[-1]}")
    answer = json.loads(run.stdout.strip().splitlines()[-1])
    ways = {way: (float(r["steps_per_second"]), float(r["operations_per_second"])) for way, r in answer["ways"].items()}
    return answer["version"], ways


def _single_rate(env_id: str, kwargs: dict[str, Any], seconds: float) -> float:
    env = gym.make(env_id, **kwargs)
    draw = random.Random(0).random
    _, info = env.reset(seed=0)
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        legal = info["action_mask"].nonzero()[0]
        _, _, terminated, truncated, info = env.step(legal[int(draw() * len(legal))])
        steps += 1
        if terminated or truncated:
            _, info = env.reset()
    return steps / (time.perf_counter() - began)


def _vector_rate(env_id: str, kwargs: dict[str, Any], batch: int, seconds: float) -> float:
    envs = gym.make_vec(env_id, num_envs=batch, **kwargs)
    rng = np.random.default_rng(0)
    _, info = envs.reset(seed=0)
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        _, _, _, _, info = envs.step(random_legal_actions(info["action_mask"], rng))
        steps += batch
    return steps / (time.perf_counter() - began)


def _simulator_rate(problem: Problem[Any, Any, Any], config: Any, batch: int, seconds: float) -> float:
    simulator = problem.simulator_for_config(config, batch)
    sample, rng, policy = problem.sampler(config), np.random.default_rng(0), RandomPolicy()
    simulator.reset([sample(rng) for _ in range(batch)])
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        simulator.step_and_observe(policy.act(simulator))
        if simulator.done_count:
            rows = np.flatnonzero(simulator.done)
            simulator.reset([sample(rng) for _ in rows], rows.tolist())
            simulator.observe(rows=rows)
        steps += batch
    return steps / (time.perf_counter() - began)


def speed_table(measurements: Sequence[Measurement]) -> Table:
    """Measurements as a table, in steps and, where there are peers, in operations dispatched."""
    table = Table("what", "version", title="environment steps per second (random legal actions)", title_justify="left")
    headings, rows = _cells(measurements)
    for heading in headings[2:]:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def speed_markdown(measurements: Sequence[Measurement]) -> str:
    """The same as a table in Markdown."""
    headings, rows = _cells(measurements)
    return markdown_table(headings, rows, left=2)


def _cells(measurements: Sequence[Measurement]) -> tuple[list[str], list[list[str]]]:
    """Headings, and a row for every measurement; ratios are of operations, to our ``gym.make`` and ``gym.make_vec``."""
    with_peers = any(not m.name.startswith("schedlab") for m in measurements)
    headings = ["what", "version", "steps/s, median", "least", "most"]
    if with_peers:
        headings += ["operations/s", "gym.make is faster by", "gym.make_vec by"]
    rows = []
    for m in measurements:
        numbers = [m.steps_per_second, min(m.all_repeats), max(m.all_repeats)]
        cells = [m.name, m.version, *(f"{value:,.0f}" for value in numbers)]
        if with_peers:
            own = m.operations_per_second or 0.0
            cells += [f"{own:,.0f}", *(_ratio(ours.operations_per_second, own) for ours in measurements[:2])]
        rows.append(cells)
    return headings, rows


def _ratio(ours: float | None, own: float) -> str:
    """Three digits, without a power of ten."""
    return f"{float(f'{ours / own:.3g}'):,g}" if ours and own else "-"
