"""What a single-machine environment or benchmark is told: plain JSON values, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..core.config import (
    RANDOM,
    Range,
    check_choices,
    check_instance_field,
    check_number,
    check_truth,
    value_range,
)

OBJECTIVES = ("total-tardiness", "total-weighted-tardiness")

# the classes of the literature's test sets (research on 1 || sum T_j; a tardiness factor of 1 is left out as easy)
TARDINESS_FACTORS = (0.2, 0.4, 0.6, 0.8)
DUE_DATE_RANGES = (0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class SingleMachineConfig:
    """Instances, objective and rules of play.

    A pair ``[low, high]`` means: drawn anew for every random instance, both ends included.

    Attributes:
        instance: File of the instance to play (``"jobs.csv"``, ``"wt40.txt:7"``), or a list of them to draw from;
            ``None`` for random instances of the sizes below.
        num_jobs: Jobs of a random instance.
        max_processing: Longest processing time of a random instance; they are uniform from 1.
        tardiness_factor: TF: due dates lie around ``(1 - TF)`` times the total work; ``None`` draws one of 0.2, 0.4,
            0.6, 0.8 for every instance.
        due_date_range: RDD: their spread as a share of the total work; ``None`` draws one of 0.2, 0.4, ..., 1.0.
        max_weight: Largest weight of a random instance with the objective ``total-weighted-tardiness``; they are
            uniform from 1.
        objective: What is minimised, one of ``OBJECTIVES``.
        dominance: Whether jobs are left out that Emmons' first theorem shows to be needless as the next one; an
            optimal sequence always remains.
        look_ahead: Whether candidates also show features that look ahead, which take more time than all the others.

    Raises:
        ValueError: A value is out of range.
    """

    instance: str | Sequence[str] | None = None
    num_jobs: Range = field(default=20, metadata=RANDOM)
    max_processing: int = field(default=100, metadata=RANDOM)
    tardiness_factor: Range | None = field(default=None, metadata=RANDOM)
    due_date_range: Range | None = field(default=None, metadata=RANDOM)
    max_weight: int = field(default=10, metadata=RANDOM)
    objective: str = field(default="total-tardiness", metadata={"choices": OBJECTIVES})
    dominance: bool = False
    look_ahead: bool = False

    def __post_init__(self) -> None:
        check_choices(self)
        value_range(self, "num_jobs", 1)
        for name, highest in (("tardiness_factor", 1.0), ("due_date_range", 2.0)):
            if getattr(self, name) is not None:
                low, high = value_range(self, name)
                if not 0 <= low <= high <= highest:
                    raise ValueError(f"{name} must lie in 0..{highest:g}, got {getattr(self, name)!r}")
        check_number(self, "max_processing", 1, 10**6, integer=True)
        check_number(self, "max_weight", 1, 10**6, integer=True)
        check_truth(self, "dominance", "look_ahead")
        check_instance_field(self)
