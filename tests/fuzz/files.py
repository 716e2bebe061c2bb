"""Parser cases: valid files of every problem, spoilt, read, and what was read put to use."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from schedlab.envs.core import InputError, load_problem
from schedlab.envs.core.problem import Problem
from schedlab.envs.job_shop.formats import format_instance as shop_text
from schedlab.envs.job_shop.instance import JobShopInstance
from schedlab.envs.single_machine.formats import format_instance as machine_text
from schedlab.envs.soc.catalog import find_applications, find_platform
from schedlab.envs.soc.formats import application_to_json, platform_to_json
from schedlab.envs.uam.formats import day_to
from schedlab.envs.vm.formats import cluster_to

from .configs import CONFIGS
from .mutate import as_text, pick, spoil_json, spoil_text

FEW_STEPS = 4
LARGEST_PLAYED = 2000
"""Nodes and actions of the largest instance that is also played: spoilt numbers may make it much larger."""


@dataclass(frozen=True)
class Seed:
    """A valid file: what its name ends in, and its content, which is text or a JSON document."""

    ending: str
    content: Any


@dataclass(frozen=True)
class Read:
    """What became of a file: whether it was accepted, and how many steps of what it holds were played."""

    accepted: bool
    steps: int = 0


def configured(name: str, rng: np.random.Generator) -> tuple[Problem[Any, Any, Any], Any]:
    """A problem with a random configuration that it accepts, also for files."""
    problem = load_problem(name)
    while True:
        values = CONFIGS[name](rng)
        if isinstance(values.get("breakdown_probability"), list):
            values["breakdown_probability"] = 0.05  # a pair is for random instances only
        try:
            config = problem.configure(values)
            problem.sampler(config)
            return problem, config
        except InputError:
            continue  # a combination that is refused, such as energy on a platform without power


def sampled(problem: Problem[Any, Any, Any], config: Any, rng: np.random.Generator) -> Any:
    """A random instance."""
    return problem.sampler(config)(rng)


def _shop_seed(problem: Problem[Any, Any, Any], config: Any, rng: np.random.Generator) -> Seed:
    instance = sampled(problem, config, rng)
    shop = instance if isinstance(instance, JobShopInstance) else instance.shop
    if problem.name == "dynamic-job-shop":
        return Seed(".txt", shop_text(shop))
    if rng.random() < 0.5:
        lengths = rng.integers(1, 4, shop.num_jobs).tolist()
        jobs = [[(int(rng.integers(3)), int(rng.integers(20))) for _ in range(n)] for n in lengths]
        numbers = [rng.integers(0, 30, len(jobs)) for _ in range(3)]
        shop = JobShopInstance.from_jobs(jobs, 3, release=numbers[0], due=numbers[1], weight=numbers[2])
    equal = set(np.diff(shop.first_operation).tolist()) == {shop.num_machines}
    return Seed(".txt", shop_text(shop, "taillard" if equal and rng.random() < 0.5 else "standard"))


def _machine_seed(problem: Problem[Any, Any, Any], config: Any, rng: np.random.Generator) -> Seed:
    instance = sampled(problem, config, rng)
    if rng.random() < 0.5:
        return Seed(
            ".csv", machine_text(instance).replace(",", " , ") if rng.random() < 0.3 else machine_text(instance)
        )
    count, blocks = instance.num_jobs, int(rng.integers(1, 4))
    rows = [instance.processing, instance.weight, instance.due] * blocks
    return Seed(f"wt{count}.txt", "\n".join(" ".join(map(str, row.tolist())) for row in rows) + "\n")


def _soc_seed(problem: Problem[Any, Any, Any], config: Any, rng: np.random.Generator) -> Seed:
    run = sampled(problem, config, rng)
    platform, kind = platform_to_json(run.platform), int(rng.integers(6))
    applications = [application_to_json(application) for application in run.applications]
    if kind == 0:
        return Seed(".platform.json", platform)
    if kind == 1:
        return Seed(".applications.json", {"applications": applications} if rng.random() < 0.5 else applications[0])
    if kind == 2:
        platform, applications = "ds3", ["wifi-tx", "wifi-rx"]
    names = [item if isinstance(item, str) else item["name"] for item in applications]
    jobs = [
        {"application": pick(rng, names), "arrival": int(rng.integers(100))} for _ in range(int(rng.integers(1, 4)))
    ]
    return Seed(".json", {"platform": platform, "applications": applications, **({"jobs": jobs} if kind > 3 else {})})


def _vm_seed(problem: Problem[Any, Any, Any], config: Any, rng: np.random.Generator) -> Seed:
    return Seed(".json.gz" if rng.random() < 0.1 else ".json", cluster_to(sampled(problem, config, rng)))


def _uam_seed(problem: Problem[Any, Any, Any], config: Any, rng: np.random.Generator) -> Seed:
    return Seed(".json", day_to(sampled(problem, config, rng)))


SEEDS: dict[str, Callable[..., Seed]] = {
    "single-machine": _machine_seed,
    "soc": _soc_seed,
    "vm": _vm_seed,
    "uam": _uam_seed,
}


def seed_of(problem: Problem[Any, Any, Any], config: Any, rng: np.random.Generator) -> Seed:
    """A valid file of a problem."""
    return SEEDS.get(problem.name, _shop_seed)(problem, config, rng)


def valid(seed: Seed) -> bytes:
    """The bytes of a file as they should be."""
    data = seed.content.encode() if isinstance(seed.content, str) else json.dumps(seed.content).encode()
    return gzip.compress(data, 1, mtime=0) if seed.ending.endswith(".gz") else data


def spoilt(seed: Seed, rng: np.random.Generator) -> bytes:
    """The bytes of a file in which something is wrong, mostly."""
    if isinstance(seed.content, str):
        return spoil_text(seed.content.encode(), rng)
    data = as_text(spoil_json(json.loads(json.dumps(seed.content)), rng), rng)
    if not seed.ending.endswith(".gz"):
        return data
    packed = gzip.compress(data, 1, mtime=0)
    return spoil_text(packed, rng) if rng.random() < 0.3 else packed


def write_case(folder: Path, number: int, seed: Seed, data: bytes) -> Path:
    """Put a case into a file of its own name: problems remember files by name, time and size."""
    path = folder / f"case{number}{seed.ending}"
    path.write_bytes(data)
    return path


def read_case(path: Path, problem: Problem[Any, Any, Any], config: Any, rng: np.random.Generator) -> Read:
    """Read a file; refused is fine if it is an :class:`InputError` of one line. What was read must be of use.

    Raises:
        AssertionError: Something that must hold does not.
        Exception: The parser, or the simulator, failed in any other way: a finding.
    """
    try:
        if path.name.endswith(".platform.json"):
            find_platform(str(path))
            return Read(True)
        if path.name.endswith(".applications.json"):
            assert find_applications(str(path))
            return Read(True)
        instances = problem.load_all(str(path), config)
    except InputError as error:
        message = str(error)
        assert message, "an empty message"
        assert "\n" not in message, f"a message of several lines: {message!r}"
        assert len(message) < 2000, f"a message of {len(message)} characters"
        return Read(False)
    assert instances
    return Read(True, _use(pick(rng, instances), problem, config, rng))


def _use(instance: Any, problem: Problem[Any, Any, Any], config: Any, rng: np.random.Generator) -> int:
    """Name an instance, bound it, and play its first steps."""
    assert problem.instance_name(instance)
    repr(instance)
    bound = problem.bound(instance, config)
    assert bound is None or np.isfinite(bound.value)
    try:
        simulator = problem.simulator_for([instance], config)
        if max(simulator.spec.num_nodes, simulator.spec.num_actions) > LARGEST_PLAYED:
            return 0
        simulator.reset([instance])
    except InputError:
        return 0
    except ValueError as error:
        # what a file need not have, but this configuration's objective asks for
        if "has no due dates" not in str(error):
            raise
        return 0
    for step in range(FEW_STEPS):
        state = simulator.observe()
        for key, value in {**state.static(), **state.dynamic()}.items():
            assert np.isfinite(value).all(), f"{key} is not finite"
        legal = np.flatnonzero(simulator.action_mask[0])
        assert len(legal), "no legal action"
        if simulator.done[0]:
            return step
        reward = simulator.step(np.array([pick(rng, legal.tolist())]))
        assert np.isfinite(reward).all(), "the reward is not finite"
        assert np.isfinite(simulator.objective()).all(), "the objective is not finite"
    return FEW_STEPS
