"""A blocking job shop: a job shop, the rules of blocking and failing, and the seed of its failures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..job_shop.instance import JobShopInstance
from .terms import Terms

MAX_LUCK = 2**62
MOST_OPERATIONS = 2**15 - 2  # positions in a route that the search for deadlocks counts in 16 bits
MOST_FAILURES = 10_000_000  # expected in the longest schedule, of all machines: seconds of simulation


@dataclass(frozen=True)
class BlockingInstance:
    """Jobs that keep their machine until the next one takes them, on machines that may fail.

    Attributes:
        shop: Routings, durations and release dates; due dates and weights are not looked at.
        terms: The rules.
        luck: Seed of the times at which machines fail and are repaired, 0 .. 2**62: the same for every agent.

    Raises:
        ValueError: A job is released before time 0, the luck is out of range, or operations would hardly ever end, or
            only after millions of failures.
    """

    shop: JobShopInstance
    terms: Terms = field(default_factory=Terms)
    luck: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.luck, bool) or not isinstance(self.luck, int) or not 0 <= self.luck <= MAX_LUCK:
            raise ValueError(f"luck must be an integer in 0..2**62, got {self.luck!r}")
        longest = int(np.diff(self.shop.first_operation).max())
        if not self.terms.swap and longest > MOST_OPERATIONS:
            raise ValueError(f"without swap a job has at most {MOST_OPERATIONS} operations, got {longest}")
        self.terms.breakdowns.check_duration(int(self.shop.duration.max()))
        # every failure is played, also those of machines that nobody uses
        longest = int(self.shop.release.max()) + int(self.shop.duration.sum())
        failures = float(self.terms.breakdowns.probability) * longest * self.shop.num_machines
        if failures > MOST_FAILURES:
            raise ValueError(
                f"machines could fail {failures:.0f} times (at most {MOST_FAILURES} are played): use a coarser unit of "
                "time or a smaller probability"
            )

    @property
    def name(self) -> str:
        """Under which results are reported."""
        return self.shop.name

    @property
    def uncertain(self) -> bool:
        """Whether machines fail."""
        return self.terms.breakdowns.probability > 0

    def with_luck(self, luck: int) -> BlockingInstance:
        """The same shop with other failures."""
        return replace(self, luck=luck)

    def __repr__(self) -> str:
        p, swap = self.terms.breakdowns.probability, "swap" if self.terms.swap else "no swap"
        sizes = f"{self.shop.num_jobs} jobs, {self.shop.num_machines} machines"
        return f"BlockingInstance({self.name!r}, {sizes}, {swap}, p = {p:g}, luck = {self.luck})"
