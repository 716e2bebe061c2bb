"""A single-machine instance: jobs with processing times, due dates and weights, checked once, never changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_TIME = 2**31 - 1
"""Largest time and weight accepted, also for the sum of all processing times; sums of tardiness have 64 bits."""


@dataclass(frozen=True, eq=False)
class SingleMachineInstance:
    """J jobs on one machine, all there at time 0: 1 || sum w_j T_j. Times are integers.

    Attributes:
        name: Under which results are reported.
        processing: Processing time of each job, int64 ``[J]``, at least 1.
        due: Due date of each job, int64 ``[J]``; may be negative.
        weight: Weight of each job's tardiness, int64 ``[J]``, at least 0.

    Raises:
        ValueError: The arrays do not describe an instance.
    """

    name: str
    processing: NDArray[np.int64]
    due: NDArray[np.int64]
    weight: NDArray[np.int64]

    def __post_init__(self) -> None:
        count = len(self.processing)
        if count < 1:
            raise ValueError("a single-machine instance needs at least one job")
        for field, low in (("processing", 1), ("due", -MAX_TIME), ("weight", 0)):
            values = getattr(self, field)
            if values.shape != (count,):
                raise ValueError(f"{len(values)} {field} values for {count} jobs")
            bad = np.flatnonzero((values < low) | (values > MAX_TIME))
            if len(bad):
                raise ValueError(f"job {bad[0]}: {field} {values[bad[0]]} is not in {low}..{MAX_TIME}")
        if int(self.processing.sum()) > MAX_TIME:
            raise ValueError(f"the jobs together take longer than {MAX_TIME}; use a coarser unit of time")
        latest = int(self.processing.sum()) - min(int(self.due.min()), 0)
        if max(int(self.weight.sum()), count) * latest >= 2**62:
            raise ValueError("the total weighted tardiness may not fit 64 bits; use smaller weights or a coarser unit")
        for array in (self.processing, self.due, self.weight):
            array.flags.writeable = False

    @classmethod
    def from_arrays(
        cls, processing: ArrayLike, due: ArrayLike, weight: ArrayLike | None = None, *, name: str = "instance"
    ) -> SingleMachineInstance:
        """Build an instance from anything that numpy makes integers of; weights default to 1."""
        times = np.array(processing, np.int64)
        weights = np.ones(len(times), np.int64) if weight is None else np.array(weight, np.int64)
        return cls(name, times, np.array(due, np.int64), weights)

    @property
    def num_jobs(self) -> int:
        """J."""
        return len(self.processing)

    def with_unit_weights(self) -> SingleMachineInstance:
        """The same jobs, all of weight 1."""
        return replace(self, weight=np.ones(self.num_jobs, np.int64))

    def __eq__(self, other: object) -> bool:
        """Equal numbers; the name does not count."""
        if not isinstance(other, SingleMachineInstance):
            return NotImplemented
        return all(np.array_equal(getattr(self, f), getattr(other, f)) for f in ("processing", "due", "weight"))

    def __hash__(self) -> int:
        return hash((self.processing.tobytes(), self.due.tobytes(), self.weight.tobytes()))

    def __repr__(self) -> str:
        return f"SingleMachineInstance({self.name!r}, {self.num_jobs} jobs)"
