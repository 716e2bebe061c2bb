"""Random streams of jobs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.config import drawn_number, value_range
from ..job_shop.instance import JobShopInstance
from .config import DynamicJobShopConfig
from .instance import NEVER, DynamicJobShopInstance


def random_instance(config: DynamicJobShopConfig, rng: np.random.Generator) -> DynamicJobShopInstance:
    """A run by the configuration's protocol.

    Arrivals, routings, processing times, due dates, weights and breakdowns have random numbers of their own, so that
    runs of one seed differ only in what their configurations differ in (pairs of utilisation and factor share one).
    """
    streams = [np.random.default_rng(int(seed)) for seed in rng.integers(2**63, size=6)]
    arrivals, routings, times, dues, weights, breakdowns = streams
    rate = arrival_rate(config, drawn_number(config, "utilisation", rng))
    factor = drawn_number(config, "due_date_factor", rng)
    release = _release(config, rate, arrivals)
    length = _lengths(config, len(release), routings)
    machine = _routings(config, length, routings)
    duration = times.integers(config.min_processing, config.max_processing, len(machine), endpoint=True)
    first = np.concatenate(([0], np.cumsum(length)))
    work = np.add.reduceat(duration, first[:-1])
    shop = JobShopInstance(
        name=f"{config.protocol}-{len(release)}",
        machine=machine,
        duration=duration,
        first_operation=first.astype(np.int64),
        num_machines=config.num_machines,
        release=release,
        weight=_weights(config, len(release), weights),
        due=release + _allowances(config, work, length, factor, dues),
    )
    steady = config.protocol == "steady"
    begin = config.warm_up_jobs if steady else 0
    end = begin + config.recorded_jobs - 1 if steady else len(release) - 1
    down = _breakdowns(config, int(release[-1]), breakdowns)
    operations = sum(_operations(config)) / 2
    return DynamicJobShopInstance(shop, begin, end, down, mean_processing(config), operations, config.breakdown_level)


def mean_processing(config: DynamicJobShopConfig) -> float:
    """Mean processing time of an operation."""
    return (config.min_processing + config.max_processing) / 2


def arrival_rate(config: DynamicJobShopConfig, utilisation: float) -> float:
    """Jobs per unit of time: utilisation x machines / (mean operations x mean processing time)."""
    low, high = _operations(config)
    return utilisation * config.num_machines / ((low + high) / 2 * mean_processing(config))


def _operations(config: DynamicJobShopConfig) -> tuple[int, int]:
    if config.num_operations is None:
        return config.num_machines, config.num_machines
    low, high = value_range(config, "num_operations")
    return int(low), int(high)


def _release(config: DynamicJobShopConfig, rate: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Release dates in whole units of time, ``[J]``, ascending."""

    def gaps(count: int) -> NDArray[np.float64]:
        if config.arrivals == "poisson":
            return rng.exponential(1 / rate, count)
        shape = config.arrival_cv**-2
        return rng.gamma(shape, 1 / (rate * shape), count)

    if config.protocol == "steady":
        jobs = config.warm_up_jobs + config.recorded_jobs + config.cool_down_jobs
        return np.floor(np.cumsum(gaps(jobs))).astype(np.int64)
    times = np.zeros(config.num_machines)  # one job per machine to begin with
    last = 0.0
    while last < config.horizon:
        more = last + np.cumsum(gaps(256))
        times, last = np.concatenate((times, more)), float(more[-1])
    return np.floor(times[times < config.horizon]).astype(np.int64)


def _lengths(config: DynamicJobShopConfig, jobs: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Operations of each job, ``[J]``."""
    return rng.integers(*_operations(config), jobs, endpoint=True)


def _routings(config: DynamicJobShopConfig, length: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Machine of each operation, ``[N]``: a random choice in random order, every machine at most once per job."""
    order = rng.permuted(np.broadcast_to(np.arange(config.num_machines), (len(length), config.num_machines)), axis=1)
    if config.protocol == "transient":  # the jobs of the beginning are at different machines
        for job in range(config.num_machines):
            place = int(np.flatnonzero(order[job] == job)[0])
            order[job, [0, place]] = order[job, [place, 0]]
    chosen: NDArray[np.int64] = order[np.arange(config.num_machines) < length[:, None]]
    return chosen


def _allowances(
    config: DynamicJobShopConfig,
    work: NDArray[np.int64],
    length: NDArray[np.int64],
    factor: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Time from release to due date, ``[J]``, rounded down."""
    if config.due_dates == "twk":
        allowance = factor * work
    elif config.due_dates == "uniform":
        allowance = rng.uniform(1, factor, len(work)) * work
    else:
        allowance = work + factor * length * mean_processing(config)
    whole: NDArray[np.int64] = np.floor(allowance).astype(np.int64)
    return whole


def _weights(config: DynamicJobShopConfig, jobs: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if config.weights == "unit" or (config.weights is None and not config.weighted):
        return np.ones(jobs, np.int64)
    return rng.choice(np.array([4, 2, 1]), size=jobs, p=[0.2, 0.6, 0.2]).astype(np.int64)


def _breakdowns(config: DynamicJobShopConfig, last_release: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """When machines are down, ``[M, K, 2]``, for twice as long as jobs arrive, and for no less than their work takes.

    Level = repair / (repair + time between), both exponential (Holthaus 1999).
    """
    if config.breakdown_level == 0:
        return np.zeros((config.num_machines, 0, 2), np.int64)
    repair = config.repair_time * mean_processing(config)
    between = repair * (1 / config.breakdown_level - 1)
    until = 2 * last_release + 100 * (repair + config.num_machines * mean_processing(config))
    count = int(until / (repair + between) * 1.5) + 20
    means = np.broadcast_to([between, repair], (config.num_machines, count, 2)).reshape(config.num_machines, -1)
    # rounded borders keep lengths true in the mean, which rounded lengths would not
    borders = np.rint(np.cumsum(rng.exponential(means), axis=1)).astype(np.int64)
    down = borders.reshape(config.num_machines, count, 2)
    down[(down[..., 0] > until) | (down[..., 0] == down[..., 1])] = NEVER
    return np.sort(down.reshape(config.num_machines, -1), axis=1).reshape(down.shape)
