"""Small instances with their optimal values from complete enumeration, and the random classes of the literature."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from schedlab.envs.single_machine.instance import SingleMachineInstance

RDD = (0.2, 0.4, 0.6, 0.8, 1.0)
TARDINESS_FACTORS = (0.2, 0.4, 0.6, 0.8)


def value(instance: SingleMachineInstance, sequence: NDArray[np.int64], *, weighted: bool = True) -> int:
    """Total (weighted) tardiness; fails unless every job runs once."""
    assert sequence.dtype == np.int64
    assert sorted(sequence) == list(range(instance.num_jobs))
    late = np.maximum(np.cumsum(instance.processing[sequence]) - instance.due[sequence], 0)
    return int((late * (instance.weight[sequence] if weighted else 1)).sum())


def tiny_instance(rng: np.random.Generator, jobs: int) -> SingleMachineInstance:
    """Small numbers, so that there are ties; due dates from before the start to behind the end, or tight, or loose."""
    processing = rng.integers(1, rng.integers(3, 12), jobs)
    low, high = [(-5, 1), (-3, processing.sum() // 2 + 1), (0, processing.sum() + 4)][rng.integers(3)]
    return SingleMachineInstance.from_arrays(processing, rng.integers(low, high, jobs), rng.integers(0, 5, jobs))


def least_of_all_sequences(instance: SingleMachineInstance, *, weighted: bool) -> int:
    """The optimal value, from every permutation."""
    sequences = np.array(list(permutations(range(instance.num_jobs))))
    late = np.maximum(np.cumsum(instance.processing[sequences], axis=1) - instance.due[sequences], 0)
    return int((late * (instance.weight[sequences] if weighted else 1)).sum(axis=1).min())


def least_by_subsets(instance: SingleMachineInstance) -> int:
    """The optimal total tardiness, from the best last job of every set of jobs (Held & Karp 1962)."""
    jobs = range(instance.num_jobs)
    best = [0]
    for chosen in range(1, 1 << instance.num_jobs):
        inside = [j for j in jobs if chosen >> j & 1]
        end = int(instance.processing[inside].sum())
        best.append(min(best[chosen ^ 1 << j] + max(end - int(instance.due[j]), 0) for j in inside))
    return best[-1]


def random_classes(jobs: int, per_class: int) -> Iterator[SingleMachineInstance]:
    """Processing times 1 to 100 and due dates in the twenty classes of RDD and TF, always the same ones."""
    rng = np.random.default_rng(20251)
    for rdd in RDD:
        for tardiness_factor in TARDINESS_FACTORS:
            for _ in range(per_class):
                processing = rng.integers(1, 101, jobs)
                work = processing.sum()
                low = int(np.floor(work * (1 - tardiness_factor - rdd / 2)))
                high = int(np.floor(work * (1 - tardiness_factor + rdd / 2)))
                due = np.maximum(rng.integers(low, high + 1, jobs), 0)
                yield SingleMachineInstance.from_arrays(processing, due)
