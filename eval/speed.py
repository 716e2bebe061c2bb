"""Environment steps per second, side by side with other packages in one run."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any

import gymnasium as gym
import numpy as np
from rich.table import Table

from ..agents.random_policy import RandomPolicy, random_legal_actions
from ..envs import PROBLEMS
from ..envs.core.errors import InputError, unknown_name
from ..envs.core.problem import Problem
from ..version import __version__

# problem -> peers that play it, each with a script in eval/peers of the same name
PEERS: dict[str, tuple[str, ...]] = {"job-shop": ("jssenv", "job-shop-lib")}
DEFAULT_INSTANCE = {"job-shop": "ta01"}


@dataclass(frozen=True)
class Measurement:
    """Speed of one way to step.

    Attributes:
        name: What was measured.
        version: Of the package.
        steps_per_second: Median over the repeats.
        all_repeats: Each repeat.
    """

    name: str
    version: str
    steps_per_second: float
    all_repeats: tuple[float, ...]


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
    mask, resets.

    Raises:
        InputError: An unknown peer, or one that is not installed.
    """
    if batch < 1 or repeats < 1 or seconds <= 0:
        raise InputError("--batch, --repeats and --seconds must be positive")
    instance = instance or DEFAULT_INSTANCE.get(problem.name)
    config = problem.configure({"instance": instance} if instance else {})
    names = _peer_names(problem.name, peers)
    pythons = {name: _peer_python(peers_folder, name) for name in names}
    env_id = PROBLEMS[problem.name].env_id
    kwargs = {"instance": instance} if instance else {}
    ways: list[tuple[str, Callable[[], tuple[str, float]]]] = [
        (f"schedlab {env_id}, gym.make", lambda: (__version__, _single_rate(env_id, kwargs, seconds))),
        (
            f"schedlab {env_id}, gym.make_vec, batch {batch}",
            lambda: (__version__, _vector_rate(env_id, kwargs, batch, seconds)),
        ),
        (
            f"schedlab simulator, batch {batch}, observed",
            lambda: (__version__, _simulator_rate(problem, config, batch, seconds)),
        ),
    ]
    for name, python in pythons.items():
        ways.append((name, lambda n=name, p=python: _peer_rate(p, n, instance or "", seconds)))  # type: ignore[misc]
    rates: dict[str, list[float]] = {name: [] for name, _ in ways}
    versions: dict[str, str] = {}
    _single_rate(env_id, kwargs, 0.01)  # compiles the kernels
    for _ in range(repeats):
        for name, measure in ways:
            versions[name], rate = measure()
            rates[name].append(rate)
    return [Measurement(name, versions[name], median(values), tuple(values)) for name, values in rates.items()]


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


def _peer_rate(python: Path, name: str, instance: str, seconds: float) -> tuple[str, float]:
    script = files(f"{__package__}.peers").joinpath(f"{name.replace('-', '_')}.py")
    run = subprocess.run(
        [python, "-W", "ignore", str(script), instance, str(seconds)],
        capture_output=True,
        text=True,
        timeout=60 + 10 * seconds,
        check=False,
    )
    if run.returncode:
        raise InputError(f"peer {name} failed: {(run.stderr.strip().splitlines() or ['no message'])[-1]}")
    answer = json.loads(run.stdout.strip().splitlines()[-1])
    return answer["version"], float(answer["steps_per_second"])


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


def speed_table(measurements: list[Measurement]) -> Table:
    """Measurements as a table; ratios are to the peers."""
    peers = [m for m in measurements if not m.name.startswith("schedlab")]
    table = Table("what", "version", title="environment steps per second (random legal actions)", title_justify="left")
    for heading in ("median", "least", "most", *(f"times {peer.name}" for peer in peers)):
        table.add_column(heading, justify="right")
    for m in measurements:
        ratios = [f"{m.steps_per_second / peer.steps_per_second:.1f}" for peer in peers]
        spread = (min(m.all_repeats), max(m.all_repeats))
        table.add_row(m.name, m.version, *(f"{value:,.0f}" for value in (m.steps_per_second, *spread)), *ratios)
    return table
