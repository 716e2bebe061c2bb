"""What a job-shop environment or benchmark is told: plain JSON values, checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..core.config import RANDOM, Range, check_choices, check_instance_field, check_truth, is_a, value_range

BUILDERS = ("nondelay", "active", "append", "hybrid")
OBJECTIVES = ("makespan", "total-tardiness", "total-weighted-tardiness", "total-flow-time")


@dataclass(frozen=True)
class JobShopConfig:
    """Instances, schedule builder and objective.

    A pair ``[low, high]`` means: drawn anew for every random instance, both ends included.

    Attributes:
        instance: Name (``"ta01"``) or file of the instance to play, or a list of them to draw from;
            ``None`` for random instances of the sizes below.
        num_jobs: Jobs of a random instance.
        num_machines: Machines of a random instance; each job visits each once, in random order.
        min_duration: Shortest duration of a random instance.
        max_duration: Longest duration of a random instance.
        objective: What is minimised, one of ``OBJECTIVES``.
        builder: Which jobs may be chosen at a step, one of ``BUILDERS``.
        delay_share: Of the hybrid builder: how far it goes from non-delay (0) to active schedules (1).
        look_ahead: Whether candidates also show the features that look ahead, which take more time than all the others.
        due_date_factor: Due dates are ``release + floor(factor * work of the job)``, on instances that
            bring none of their own; a pair draws a factor per instance.
        release_date_factor: Release dates of random instances are uniform on
            ``0 .. factor * mean work of a job``; 0 for none.
        weights: ``"unit"``, or ``"singer-pinedo"``: 4, 2 and 1 for the first 20 %, the next 60 % and the last
            20 % of the jobs (Singer & Pinedo 1998); replaces the weights of the instance.

    Raises:
        ValueError: A value is out of range.
    """

    instance: str | Sequence[str] | None = None
    num_jobs: Range = field(default=10, metadata=RANDOM)
    num_machines: Range = field(default=10, metadata=RANDOM)
    min_duration: int = field(default=1, metadata=RANDOM)
    max_duration: int = field(default=99, metadata=RANDOM)
    objective: str = field(default="makespan", metadata={"choices": OBJECTIVES})
    builder: str = field(default="nondelay", metadata={"choices": BUILDERS})
    delay_share: float = 0.5
    look_ahead: bool = False
    due_date_factor: Range | None = None
    release_date_factor: float = field(default=0.0, metadata=RANDOM)
    weights: str | None = field(default=None, metadata={"choices": ("unit", "singer-pinedo")})

    def __post_init__(self) -> None:
        check_choices(self)
        for name, low in (("num_jobs", 1), ("num_machines", 1), ("due_date_factor", None)):
            if getattr(self, name) is not None:
                value_range(self, name, low)
        check_truth(self, "look_ahead")
        if isinstance(self.delay_share, bool) or not 0 <= self.delay_share <= 1:
            raise ValueError(f"delay_share must lie in 0..1, got {self.delay_share!r}")
        for name in ("min_duration", "max_duration"):
            if not is_a(getattr(self, name), int):
                raise ValueError(f"{name} must be an integer, got {getattr(self, name)!r}")
        if not 0 <= self.min_duration <= self.max_duration:
            raise ValueError(f"durations {self.min_duration}..{self.max_duration}: need 0 <= min <= max")
        if not is_a(self.release_date_factor, (int, float)) or not 0 <= self.release_date_factor < math.inf:
            raise ValueError(
                f"release_date_factor must be a number that is not negative, got {self.release_date_factor}"
            )
        check_instance_field(self)
