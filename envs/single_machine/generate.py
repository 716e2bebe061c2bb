"""Random single-machine instances by the classes of Potts & Van Wassenhove (1982), as the literature draws them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.config import drawn_integer, drawn_number
from .config import DUE_DATE_RANGES, TARDINESS_FACTORS, SingleMachineConfig
from .instance import SingleMachineInstance


def random_instance(config: SingleMachineConfig, rng: np.random.Generator) -> SingleMachineInstance:
    """Uniform processing times, and due dates of a class that is drawn too unless the configuration names it."""
    jobs = drawn_integer(config, "num_jobs", rng)
    factor = _drawn(config, "tardiness_factor", TARDINESS_FACTORS, rng)
    spread = _drawn(config, "due_date_range", DUE_DATE_RANGES, rng)
    processing = rng.integers(1, config.max_processing, jobs, endpoint=True)
    due = due_dates(processing, factor, spread, rng)
    weighted = config.objective == "total-weighted-tardiness"
    weight = rng.integers(1, config.max_weight, jobs, endpoint=True) if weighted else np.ones(jobs, np.int64)
    return SingleMachineInstance(f"random-{jobs}-tf{factor:g}-rdd{spread:g}", processing, due, weight)


def _drawn(config: SingleMachineConfig, name: str, classes: tuple[float, ...], rng: np.random.Generator) -> float:
    if getattr(config, name) is None:
        return classes[int(rng.integers(len(classes)))]
    return drawn_number(config, name, rng)


def due_dates(
    processing: NDArray[np.int64], factor: float, spread: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Due dates uniform on ``P (1 - TF - RDD/2) .. P (1 - TF + RDD/2)``, rounded down and never below 0, ``[J]``.

    Args:
        processing: Processing times, of sum P.
        factor: TF, the tardiness factor.
        spread: RDD, the range of due dates.
        rng: Source of random numbers.
    """
    total = int(processing.sum())
    ends = total * (1 - factor - spread / 2), total * (1 - factor + spread / 2)
    drawn = rng.uniform(*ends, len(processing))
    return np.maximum(np.floor(drawn), 0).astype(np.int64)
