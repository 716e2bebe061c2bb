"""A job-shop instance: arrays, checked once, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_TIME = 2**31 - 1
"""Largest time accepted, for single numbers and for the longest possible schedule; sums over jobs have 64 bits."""

MAX_MACHINES = 100_000
"""Largest number of machines accepted: simulators hold a line for each, also for those that nothing visits."""


@dataclass(frozen=True, eq=False)
class JobShopInstance:
    """Jobs of any length over M machines. Times are integers in one unit of the instance's own.

    Operations are numbered job by job in routing order: those of job j are
    ``first_operation[j] .. first_operation[j + 1] - 1``. A job may visit a machine more than once, and
    durations may be zero.

    Attributes:
        name: Under which results are reported.
        machine: Machine of each operation, int64 ``[N]``, from 0.
        duration: Processing time of each operation, int64 ``[N]``.
        first_operation: Where each job's operations begin, int64 ``[J + 1]``.
        num_machines: M.
        release: Earliest start of each job, int64 ``[J]``.
        weight: Weight of each job's tardiness, int64 ``[J]``.
        due: Due date of each job, int64 ``[J]`` (may be negative), or ``None`` where there are none.

    Raises:
        ValueError: The arrays do not describe an instance.
    """

    name: str
    machine: NDArray[np.int64]
    duration: NDArray[np.int64]
    first_operation: NDArray[np.int64]
    num_machines: int
    release: NDArray[np.int64]
    weight: NDArray[np.int64]
    due: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        first = self.first_operation
        if first.ndim != 1 or len(first) < 2 or first[0] != 0 or np.any(np.diff(first) < 1):
            raise ValueError("every job needs at least one operation, and there must be a job")
        if self.num_machines > MAX_MACHINES:
            raise ValueError(f"{self.num_machines} machines are too many (at most {MAX_MACHINES})")
        if len(self.machine) != first[-1] or len(self.duration) != first[-1]:
            raise ValueError(f"{first[-1]} operations, {len(self.machine)} machines, {len(self.duration)} durations")
        bad = np.flatnonzero((self.machine < 0) | (self.machine >= self.num_machines))
        if len(bad):
            raise ValueError(
                f"{self._where(bad[0])}: machine {self.machine[bad[0]]} is not in 0..{self.num_machines - 1}"
            )
        bad = np.flatnonzero((self.duration < 0) | (self.duration > MAX_TIME))
        if len(bad):
            raise ValueError(f"{self._where(bad[0])}: duration {self.duration[bad[0]]} is not in 0..{MAX_TIME}")
        for field, low in (("release", 0), ("weight", 0), ("due", -MAX_TIME)):
            values = getattr(self, field)
            if values is None:
                continue
            if len(values) != self.num_jobs:
                raise ValueError(f"{len(values)} {field} values for {self.num_jobs} jobs")
            bad = np.flatnonzero((values < low) | (values > MAX_TIME))
            if len(bad):
                raise ValueError(f"job {bad[0]}: {field} {values[bad[0]]} is not in {low}..{MAX_TIME}")
        if int(self.release.max()) + int(self.duration.sum()) > MAX_TIME:
            raise ValueError(f"a schedule could last longer than {MAX_TIME}; use a coarser unit of time")
        for array in (self.machine, self.duration, first, self.release, self.weight, self.due):
            if array is not None:
                array.flags.writeable = False

    def _where(self, operation: int) -> str:
        job = int(np.searchsorted(self.first_operation, operation, side="right")) - 1
        return f"job {job}, operation {operation - self.first_operation[job]}"

    @classmethod
    def from_jobs(
        cls,
        jobs: Sequence[Sequence[tuple[int, int]]],
        num_machines: int | None = None,
        *,
        name: str = "instance",
        release: ArrayLike | None = None,
        due: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> JobShopInstance:
        """Build an instance from each job's list of (machine, duration).

        Args:
            jobs: Routings; lengths may differ.
            num_machines: M; by default one more than the largest machine number.
            name: Under which results are reported.
            release: Release dates, default 0.
            due: Due dates, default none.
            weight: Weights, default 1.
        """
        pairs = [pair for job in jobs for pair in job]
        machine = np.array([m for m, _ in pairs], np.int64)
        count = num_machines if num_machines is not None else int(machine.max(initial=-1)) + 1
        return cls(
            name=name,
            machine=machine,
            duration=np.array([d for _, d in pairs], np.int64),
            first_operation=np.concatenate(([0], np.cumsum([len(job) for job in jobs]))).astype(np.int64),
            num_machines=count,
            release=_times(release, len(jobs), 0),
            weight=_times(weight, len(jobs), 1),
            due=None if due is None else _times(due, len(jobs), 0),
        )

    @classmethod
    def from_matrices(cls, durations: ArrayLike, machines: ArrayLike, *, name: str = "instance") -> JobShopInstance:
        """Build an instance from two ``[J, K]`` matrices in routing order, machines from 0."""
        duration, machine = np.array(durations, np.int64), np.array(machines, np.int64)
        if duration.ndim != 2 or duration.shape != machine.shape:
            raise ValueError(f"two matrices of one shape are needed, got {duration.shape} and {machine.shape}")
        num_jobs, length = duration.shape
        return cls(
            name=name,
            machine=machine.ravel(),
            duration=duration.ravel(),
            first_operation=np.arange(0, num_jobs * length + 1, length, dtype=np.int64),
            num_machines=int(machine.max(initial=-1)) + 1,
            release=np.zeros(num_jobs, np.int64),
            weight=np.ones(num_jobs, np.int64),
        )

    @property
    def num_jobs(self) -> int:
        """J."""
        return len(self.first_operation) - 1

    @property
    def num_operations(self) -> int:
        """N."""
        return len(self.machine)

    @property
    def job_work(self) -> NDArray[np.int64]:
        """Total processing time of each job, ``[J]``."""
        return np.add.reduceat(self.duration, self.first_operation[:-1])

    def jobs(self) -> list[list[tuple[int, int]]]:
        """Each job's (machine, duration) pairs in routing order."""
        pairs = list(zip(self.machine.tolist(), self.duration.tolist(), strict=True))
        first = self.first_operation.tolist()
        return [pairs[start:stop] for start, stop in zip(first, first[1:], strict=False)]

    def with_due_dates(self, factor: float | ArrayLike) -> JobShopInstance:
        """Due dates by total work content: ``release + floor(factor * work)``.

        The rule of the static benchmark of Singer & Pinedo (1998), whose factors are 1.3, 1.5 and 1.6.

        Args:
            factor: One number, or one per job ``[J]``.
        """
        due = self.release + np.floor(np.asarray(factor) * self.job_work).astype(np.int64)
        return replace(self, due=due)

    def with_weights(self, weight: ArrayLike) -> JobShopInstance:
        """The same shop with other weights, ``[J]``."""
        return replace(self, weight=_times(weight, self.num_jobs, 1))

    def __eq__(self, other: object) -> bool:
        """Equal numbers; the name does not count."""
        if not isinstance(other, JobShopInstance):
            return NotImplemented
        if (self.due is None) != (other.due is None) or self.num_machines != other.num_machines:
            return False
        fields = ("machine", "duration", "first_operation", "release", "weight", "due")
        return all(np.array_equal(getattr(self, f), getattr(other, f)) for f in fields if getattr(self, f) is not None)

    def __hash__(self) -> int:
        return hash(
            (self.num_machines, self.machine.tobytes(), self.duration.tobytes(), self.first_operation.tobytes())
        )

    def __repr__(self) -> str:
        sizes = f"{self.num_jobs} jobs, {self.num_machines} machines, {self.num_operations} operations"
        return f"JobShopInstance({self.name!r}, {sizes})"


def _times(values: ArrayLike | None, count: int, default: int) -> NDArray[np.int64]:
    return np.full(count, default, np.int64) if values is None else np.array(values, np.int64)
