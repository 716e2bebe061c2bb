"""One run of a system on a chip: a platform, applications, and every job that will arrive."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .application import Application
from .platform import Platform

WHEN_FULL = ("stall", "retry")
QUEUE_ORDERS = ("fifo", "job")
ROUNDINGS = ("floor", "nearest", "ceil")
TRANSFERS = ("from-finish", "from-binding")
WARM_UPS = ("completed", "injected")


@dataclass(frozen=True)
class Physics:
    """What simulators of the literature do differently and seldom say.

    Attributes:
        queue_order: In what order a PE takes the tasks bound to it whose data is there: ``"fifo"``, as they were bound
            (SoCRATES), or ``"job"``, the oldest job first (DS3).
        rounding: How transfer delays become whole microseconds, one of ``ROUNDINGS``.
        shortest_task: Least duration of a task; 1 is DS3, whose dummy tasks cost a tick.
        transfers: Data travels ``"from-finish"`` of its producer, as if that knew the destination (DS3), or
            ``"from-binding"`` of its consumer.
        warm_up_counts: Which jobs the warm-up excludes: those ``"completed"`` before its end (DS3) or ``"injected"``.
        completions_first: Whether tasks that end when a job arrives are known before its tasks are bound.
    """

    queue_order: str = "fifo"
    rounding: str = "floor"
    shortest_task: int = 0
    transfers: str = "from-finish"
    warm_up_counts: str = "completed"
    completions_first: bool = True


@dataclass(frozen=True, eq=False)
class SocInstance:
    """All that chance decides in a run, so that every agent meets the same (common random numbers).

    Jobs are numbered in the order of their injection. With a cap on the jobs in the system, when a job is injected also
    depends on the schedule; which application it is, and how long its tasks take, does not.

    Attributes:
        name: Under which results are reported.
        platform: The platform.
        applications: The task graphs.
        job_application: The application of each job, int64 ``[J]``.
        shares: What is known beforehand of how many jobs are of each application, float64 ``[applications]``, positive
            sum; all alike by default.
        gap: Times between injections, or between attempts at one, int64 ``[G]``, microseconds. Job ``prefilled + k``
            is due ``gap[k]`` after the one before it; the first gap counts from time 0.
        prefilled: Jobs that are there at time 0.
        max_jobs: Largest number of jobs in the system; 0 for no limit.
        when_full: While that many are there: ``"stall"``, the next job comes as soon as one leaves, and the gap after
            it counts from there (DS3); or ``"retry"``, it is tried again after the next gap (SoCRATES).
        length: The run ends at this time; 0 when all jobs are finished.
        warm_up: Jobs that are finished (or injected) before this time do not count.
        deviation: Relative standard deviation of execution times.
        physics: How the system behaves in detail.
        noise: Standard normal numbers, one for each task of each job, float64 ``[sum of tasks]``; empty without noise.

    Raises:
        ValueError: The numbers do not describe a run.
    """

    name: str
    platform: Platform
    applications: tuple[Application, ...]
    job_application: NDArray[np.int64]
    gap: NDArray[np.int64]
    prefilled: int = 0
    max_jobs: int = 0
    when_full: str = "stall"
    length: int = 0
    warm_up: int = 0
    deviation: float = 0.0
    physics: Physics = Physics()
    noise: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    shares: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        jobs = len(self.job_application)
        if not self.applications or jobs == 0:
            raise ValueError(f"{self.name}: a run needs an application and a job")
        if not np.all((self.job_application >= 0) & (self.job_application < len(self.applications))):
            raise ValueError(f"{self.name}: jobs refer to applications that do not exist")
        if np.any(self.gap < 0):
            raise ValueError(f"{self.name}: gap {int(np.flatnonzero(self.gap < 0)[0])} is negative")
        if not 0 <= self.prefilled <= jobs or self.max_jobs < 0 or self.length < 0 or self.warm_up < 0:
            raise ValueError(f"{self.name}: prefilled, max_jobs, length and warm_up must not be negative")
        if self.max_jobs and self.prefilled > self.max_jobs:
            raise ValueError(f"{self.name}: {self.prefilled} jobs at time 0, but at most {self.max_jobs} may be there")
        if self.when_full not in WHEN_FULL:
            raise ValueError(f"when_full {self.when_full!r} not understood; use one of {', '.join(WHEN_FULL)}")
        if self.when_full == "retry" and self.prefilled < jobs and int(self.gap.sum()) == 0:
            raise ValueError(f"{self.name}: gaps are all 0, so a job that finds the system full would try without end")
        if self.when_full == "stall" and self.prefilled + len(self.gap) < jobs:
            raise ValueError(f"{self.name}: {jobs} jobs, but only {len(self.gap)} gaps between them")
        if not self.length and self.warm_up:
            raise ValueError(f"{self.name}: a warm-up needs a run of a given length")
        if self.length and self.warm_up >= self.length:
            raise ValueError(f"{self.name}: the warm-up of {self.warm_up} leaves nothing of {self.length}")
        if len(self.noise) not in (0, self.num_tasks):
            raise ValueError(f"{self.name}: {len(self.noise)} noise terms for {self.num_tasks} tasks")
        if self.shares is None:
            object.__setattr__(self, "shares", np.ones(len(self.applications)))
        assert self.shares is not None
        if len(self.shares) != len(self.applications) or not (np.all(self.shares >= 0) and self.shares.sum() > 0):
            raise ValueError(f"{self.name}: shares must be a number from 0 for each application, with a positive sum")
        for array in (self.job_application, self.gap, self.noise, self.shares):
            array.flags.writeable = False

    @property
    def num_jobs(self) -> int:
        """Jobs that may arrive, J."""
        return len(self.job_application)

    @property
    def first_task(self) -> NDArray[np.int64]:
        """Place of each job's first task among the tasks of all jobs, int64 ``[J + 1]``."""
        sizes = np.array([application.num_tasks for application in self.applications])
        return np.concatenate(([0], np.cumsum(sizes[self.job_application])))

    @property
    def num_tasks(self) -> int:
        """Tasks of all jobs."""
        return int(self.first_task[-1])

    @property
    def deterministic(self) -> bool:
        """Whether nothing is left to chance: all jobs are there from the start and times are as expected."""
        return self.prefilled == self.num_jobs and len(self.noise) == 0

    def __repr__(self) -> str:
        return f"SocInstance({self.name!r}, {self.num_jobs} jobs on {self.platform.name})"


def jobs_at_once(
    name: str, platform: Platform, applications: tuple[Application, ...], physics: Physics | None = None
) -> SocInstance:
    """A run with one job of each application, all there at time 0."""
    count, gaps = len(applications), np.zeros(0, np.int64)
    return SocInstance(
        name, platform, applications, np.arange(count), gaps, prefilled=count, physics=physics or Physics()
    )
