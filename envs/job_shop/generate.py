"""Seeded random job shops and Taillard's published generator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..core.config import drawn_integer, value_range
from .config import JobShopConfig
from .instance import JobShopInstance

# Lehmer generator of Bratley, Fox & Schrage (1983) as used by Taillard (1993), section 2
LEHMER_MULTIPLIER = 16807
LEHMER_MODULUS = 2**31 - 1


def random_instance(config: JobShopConfig, rng: np.random.Generator) -> JobShopInstance:
    """Uniform durations, each job visiting every machine once in uniformly random order.

    Sizes, due dates, release dates and weights come from the configuration.
    """
    num_jobs = drawn_integer(config, "num_jobs", rng)
    num_machines = drawn_integer(config, "num_machines", rng)
    shape = (num_jobs, num_machines)
    durations = rng.integers(config.min_duration, config.max_duration, shape, endpoint=True)
    machines = rng.permuted(np.broadcast_to(np.arange(num_machines), shape), axis=1)
    instance = JobShopInstance.from_matrices(durations, machines, name=f"random-{num_jobs}x{num_machines}")
    if config.release_date_factor:
        latest = int(config.release_date_factor * instance.job_work.mean())
        instance = replace(instance, release=rng.integers(0, latest, num_jobs, endpoint=True))
    return completed(instance, config, rng)


def completed(
    instance: JobShopInstance, config: JobShopConfig, rng: np.random.Generator | None = None
) -> JobShopInstance:
    """Add the due dates and weights that the configuration asks for.

    Due dates that an instance brings along stay.

    Raises:
        ValueError: The objective needs due dates and there are none, or a range of factors without ``rng``.
    """
    if instance.due is None and config.due_date_factor is not None:
        low, high = value_range(config, "due_date_factor")
        if low != high and rng is None:
            raise ValueError("due_date_factor must be one number for a given instance, not a pair")
        instance = instance.with_due_dates(low if low == high or rng is None else rng.uniform(low, high))
    if instance.due is None and "tardiness" in config.objective:
        raise ValueError(
            f"{instance.name} has no due dates, which {config.objective} needs: set the due date factor, e.g. 1.3"
        )
    if config.weights == "unit":
        instance = instance.with_weights(np.ones(instance.num_jobs, np.int64))
    elif config.weights == "singer-pinedo":
        instance = instance.with_weights(singer_pinedo_weights(instance.num_jobs))
    return instance


def singer_pinedo_weights(num_jobs: int) -> np.ndarray:
    """Weights 4, 2, 1 for the first 20 %, the next 60 % and the last 20 % of the jobs (Singer & Pinedo 1998)."""
    rank = np.arange(num_jobs)
    first, last = round(0.2 * num_jobs), round(0.8 * num_jobs)
    return np.where(rank < first, 4, np.where(rank < last, 2, 1)).astype(np.int64)


class Lehmer:
    """Taillard's portable random numbers: ``x <- 16807 x mod (2**31 - 1)``."""

    def __init__(self, seed: int) -> None:
        if not 0 < seed < LEHMER_MODULUS:
            raise ValueError(f"a seed lies in 1..{LEHMER_MODULUS - 1}, got {seed}")
        self.state = seed

    def integer(self, low: int, high: int) -> int:
        """The next number of U(low, high), both ends included."""
        self.state = LEHMER_MULTIPLIER * self.state % LEHMER_MODULUS
        return low + self.state * (high - low + 1) // LEHMER_MODULUS


def taillard_instance(
    num_jobs: int, num_machines: int, time_seed: int, machine_seed: int, name: str = "taillard"
) -> JobShopInstance:
    """An instance by Taillard's generator ("Benchmarks for basic scheduling problems", EJOR 64, 1993).

    Durations U(1, 99) job by job; each job's machine order by swapping position i with U(i, m) for every i,
    both from streams of their own.
    """
    times, swaps = Lehmer(time_seed), Lehmer(machine_seed)
    durations = [[times.integer(1, 99) for _ in range(num_machines)] for _ in range(num_jobs)]
    machines = []
    for _ in range(num_jobs):
        order = list(range(num_machines))
        for i in range(num_machines):
            j = swaps.integer(i, num_machines - 1)
            order[i], order[j] = order[j], order[i]
        machines.append(order)
    return JobShopInstance.from_matrices(durations, machines, name=name)
