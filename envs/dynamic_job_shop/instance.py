"""One run of a dynamic job shop: every job that will arrive, and when machines are down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..job_shop.instance import JobShopInstance


@dataclass(frozen=True, eq=False)
class DynamicJobShopInstance:
    """All that chance decides in a run, so that every agent meets the same (common random numbers).

    Agents see a job only when it has arrived, and a breakdown only while it lasts.

    Attributes:
        shop: Routings, processing times, release dates in ascending order, due dates and weights of all jobs.
        first_recorded: The first job that counts.
        last_recorded: The last job that counts.
        down: When each machine is down, int64 ``[M, K, 2]``: intervals [begin, end) in ascending order, apart from one
            another; unused ones are empty and lie at the end of time, ``NEVER``.
        mean_processing: Scale of processing times.
        mean_operations: Of random streams, whose machines are all alike in the long run: operations of a mean job.
            ``None`` for given jobs, whose averages are what is known of the shop.
        breakdown_level: Share of the time for which machines are down in the long run.

    Raises:
        ValueError: The arrays do not describe a run.
    """

    shop: JobShopInstance
    first_recorded: int
    last_recorded: int
    down: NDArray[np.int64]
    mean_processing: float
    mean_operations: float | None = None
    breakdown_level: float = 0.0

    def __post_init__(self) -> None:
        if self.shop.due is None:
            raise ValueError(f"{self.shop.name} has no due dates, which a dynamic job shop needs")
        if self.shop.num_machines > MAX_MACHINES:
            raise ValueError(
                f"{self.shop.name} has {self.shop.num_machines} machines; at most {MAX_MACHINES} are shown"
            )
        if np.any(np.diff(self.shop.release) < 0):
            job = int(np.flatnonzero(np.diff(self.shop.release) < 0)[0]) + 1
            raise ValueError(f"{self.shop.name}: job {job} arrives before job {job - 1}; sort jobs by release date")
        if np.any(self.shop.duration < 1):
            operation = int(np.flatnonzero(self.shop.duration < 1)[0])
            raise ValueError(f"{self.shop.name}: operation {operation} takes no time; processing times are at least 1")
        if not 0 <= self.first_recorded <= self.last_recorded < self.shop.num_jobs:
            raise ValueError(
                f"recorded jobs {self.first_recorded}..{self.last_recorded} are not among 0..{self.shop.num_jobs - 1}"
            )
        if self.down.ndim != 3 or self.down.shape[0] != self.shop.num_machines or self.down.shape[2] != 2:
            raise ValueError(f"down must have the shape [{self.shop.num_machines}, K, 2], got {self.down.shape}")
        borders = self.down.reshape(len(self.down), -1)
        used = self.down[..., 0] < NEVER
        if np.any(np.diff(borders, axis=1) < 0) or np.any(self.down[used][:, 0] >= self.down[used][:, 1]):
            raise ValueError("the times at which a machine is down must be intervals in ascending order")
        latest = int(self.shop.release[-1]) + int(self.shop.duration.sum()) + self.down_time
        if max(int(self.shop.weight.sum()), self.shop.num_jobs) * (latest - min(int(self.due.min()), 0)) >= 2**62:
            raise ValueError("the total weighted tardiness may not fit 64 bits; use smaller weights or a coarser unit")
        self.down.flags.writeable = False
        if not self.mean_processing > 0 or not 0 <= self.breakdown_level < 1:
            raise ValueError("the mean processing time must be positive and the breakdown level in 0..1")

    @classmethod
    def from_shop(cls, shop: JobShopInstance) -> DynamicJobShopInstance:
        """A job shop with release dates as a run in which every job counts and no machine breaks down.

        Raises:
            ValueError: It has no due dates, or jobs are not in the order of their release.
        """
        down = np.zeros((shop.num_machines, 0, 2), np.int64)
        return cls(shop, 0, shop.num_jobs - 1, down, max(float(shop.duration.mean()), 1.0))

    @property
    def name(self) -> str:
        """Under which results are reported."""
        return self.shop.name

    @property
    def down_time(self) -> int:
        """How long all machines are down, together."""
        used = self.down[self.down[..., 0] < NEVER]
        return int((used[:, 1] - used[:, 0]).sum())

    @property
    def num_recorded(self) -> int:
        """Jobs that count."""
        return self.last_recorded - self.first_recorded + 1

    @property
    def due(self) -> NDArray[np.int64]:
        """Due dates, int64 ``[J]``."""
        assert self.shop.due is not None
        return self.shop.due

    def __eq__(self, other: object) -> bool:
        """Equal numbers; the name does not count."""
        if not isinstance(other, DynamicJobShopInstance):
            return NotImplemented
        same = (self.first_recorded, self.last_recorded) == (other.first_recorded, other.last_recorded)
        return same and self.shop == other.shop and np.array_equal(self.down, other.down)

    def __hash__(self) -> int:
        return hash((self.shop, self.first_recorded, self.last_recorded, self.down.tobytes()))

    def __repr__(self) -> str:
        sizes = f"{self.shop.num_jobs} jobs, {self.num_recorded} recorded, {self.shop.num_machines} machines"
        return f"DynamicJobShopInstance({self.name!r}, {sizes})"


NEVER = 2**60
"""Later than any time of a run."""

MAX_MACHINES = 2000
"""Every pair of machines is an edge of the observation: more would fill the memory."""
