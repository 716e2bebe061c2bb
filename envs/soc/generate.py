"""Random streams of jobs, task graphs and platforms."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..core.config import drawn_integer, drawn_number
from ..core.errors import InputError
from .application import Application
from .catalog import find_applications, find_platform
from .config import SocConfig
from .instance import SocInstance
from .platform import Kind, Platform
from .ranks import costs_of

MEAN_TIME = 14.0  # of random tasks, microseconds: about that of the canonical graph
MOST_WIDE = 5  # tasks side by side in random graphs


def stream_of(config: SocConfig) -> Callable[[np.random.Generator], SocInstance]:
    """Draws runs of a configuration; files of platforms and applications are read once, now.

    Raises:
        InputError: A name or file of the configuration is wrong.
    """
    system = None
    if config.platform != "random" and config.application_names != ["random"]:
        system = _system(config, np.random.default_rng(0))
        check_system(*system, config)
        if config.mix is not None and len(config.mix) != len(system[1]):
            raise InputError(f"mix has {len(config.mix)} shares for {len(system[1])} applications")
    else:
        check_system(*_system(config, np.random.default_rng(0)), config)
    return lambda rng: random_instance(config, rng, system)


def check_system(platform: Platform, applications: Sequence[Application], config: SocConfig) -> None:
    """Refuse what would fail later: frequencies, tasks that no PE can run, energy where nothing draws power.

    Raises:
        InputError: One line that says what does not fit.
    """
    try:
        platform.frequencies(config.dvfs)
        for application in applications:
            costs_of(platform, application)
    except ValueError as error:
        raise InputError(str(error)) from None
    powered = platform.idle_power > 0 or any(kind.power for kind in platform.kinds)
    if config.objective != "mean-latency" and not powered:
        raise InputError(f"objective {config.objective}: platform {platform.name!r} says nothing of its power")


def random_instance(
    config: SocConfig,
    rng: np.random.Generator,
    system: tuple[Platform, tuple[Application, ...]] | None = None,
) -> SocInstance:
    """A run by the configuration's protocol.

    Arrivals, job types, noise, graphs and platform have random numbers of their own, so that runs of one seed differ
    only in what their configurations differ in.
    """
    graphs, arrivals, types, noises = (np.random.default_rng(int(s)) for s in rng.integers(2**63, size=4))
    platform, applications = system or _system(config, graphs)
    rate = drawn_number(config, "rate", rng)
    gap = _gaps(config, rate, arrivals)
    jobs = config.num_jobs if config.protocol == "jobs" else config.prefilled + len(gap)
    prefilled = min(config.prefilled, jobs)
    mix = np.ones(len(applications)) if config.mix is None else np.asarray(config.mix, np.float64)
    job_application = types.choice(len(applications), size=jobs, p=mix / mix.sum()).astype(np.int64)
    by_length = config.protocol == "length"
    sizes = np.array([application.num_tasks for application in applications])
    return SocInstance(
        name=f"{platform.name}-{rate:g}",
        platform=platform,
        applications=applications,
        job_application=job_application,
        gap=gap,
        prefilled=prefilled,
        max_jobs=config.max_jobs,
        when_full=config.when_full,
        length=config.length if by_length else 0,
        warm_up=config.warm_up if by_length else 0,
        deviation=config.noise,
        physics=config.physics,
        shares=mix,
        noise=noises.standard_normal(int(sizes[job_application].sum())) if config.noise else np.zeros(0),
    )


def _gaps(config: SocConfig, rate: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Whole numbers of microseconds, exponential; of a run of given length as many as it could ever need."""
    mean = 1000.0 / rate
    if config.protocol == "jobs":
        # tries that find the system full need gaps as well; a run that uses up all begins with the first again
        tries = 1 if config.when_full == "stall" else 8
        return np.append(rng.exponential(mean, config.num_jobs * tries).astype(np.int64), math.ceil(mean))
    gaps: list[NDArray[np.int64]] = []
    total = 0
    while total <= config.length:
        gaps.append(rng.exponential(mean, 64 + int(config.length / mean)).astype(np.int64))
        total += int(gaps[-1].sum())
    gap = np.concatenate(gaps)
    return gap[: int(np.searchsorted(np.cumsum(gap), config.length, side="right")) + 1]


def _system(config: SocConfig, rng: np.random.Generator) -> tuple[Platform, tuple[Application, ...]]:
    if config.platform == "random":
        return random_system(config, rng)
    platform = find_platform(config.platform)
    if config.application_names == ["random"]:
        return platform, tuple(
            random_application(config, f"random{number}", _types_of(platform), MEAN_TIME, rng)
            for number in range(config.num_applications)
        )
    return platform, tuple(a for name in config.application_names for a in find_applications(name))


def _types_of(platform: Platform) -> list[str]:
    return sorted({task_type for kind in platform.kinds for task_type in kind.execution})


def random_system(config: SocConfig, rng: np.random.Generator) -> tuple[Platform, tuple[Application, ...]]:
    """A platform of PEs that are all different, and applications whose tasks share one set of types."""
    shared = [f"type{number}" for number in range(int(np.max(np.atleast_1d(config.num_tasks))))]
    applications = [
        random_application(config, f"random{number}", shared, MEAN_TIME, rng)
        for number in range(config.num_applications)
    ]
    spread = drawn_number(config, "heterogeneity", rng)
    count = drawn_integer(config, "num_pes", rng)
    mean = rng.uniform(0.3, 1.7, len(shared)) * MEAN_TIME
    times = np.maximum(np.rint(mean[:, None] * rng.uniform(1 - spread, 1 + spread, (len(shared), count))), 1)
    runs = (rng.random((len(shared), count)) < config.support) | (np.arange(count) < 2)
    watts = rng.uniform(0.05, 0.5, count)
    kinds = tuple(
        Kind(
            name=f"P{pe + 1}",
            count=1,
            execution={shared[t]: int(times[t, pe]) for t in range(len(shared)) if runs[t, pe]},
            power={1000.0: (float(watts[pe]),)},
        )
        for pe in range(count)
    )
    return Platform("random", kinds, np.ones((count, count))), tuple(applications)


def random_application(
    config: SocConfig, name: str, types: list[str], mean_time: float, rng: np.random.Generator
) -> Application:
    """A layered graph with one entry and one exit: every task has a producer in the layer before, some have more."""
    count = drawn_integer(config, "num_tasks", rng)
    volume = mean_time * drawn_number(config, "transfer_ratio", rng)
    layers = [1] if count > 1 else []
    while sum(layers) < count - 1:
        layers.append(min(int(rng.integers(1, MOST_WIDE, endpoint=True)), count - 1 - sum(layers)))
    layers.append(1)
    first = np.concatenate(([0], np.cumsum(layers)))
    edges: set[tuple[int, int]] = set()
    for layer in range(1, len(layers)):
        before = np.arange(first[layer - 1], first[layer])
        here = np.arange(first[layer], first[layer + 1])
        for task in here:
            edges.add((int(rng.choice(before)), int(task)))
        for producer in before:
            if not any(source == producer for source, _ in edges):
                edges.add((int(producer), int(rng.choice(here))))
        extra = rng.random((first[layer], len(here))) < 0.6 / first[layer]
        edges |= {(int(source), int(here[0] + target)) for source, target in zip(*np.nonzero(extra), strict=True)}
    listed = np.array(sorted(edges), np.int64).reshape(-1, 2)
    volumes = np.rint(rng.uniform(0.2, 1.8, len(listed)) * volume)
    if len(types) >= count:
        chosen = [types[place] for place in rng.permutation(len(types))[:count]]
    else:
        chosen = [types[place] for place in rng.integers(len(types), size=count)]
    return Application(name, tuple(f"n{task + 1}" for task in range(count)), tuple(chosen), listed, volumes)
