"""What a job-shop environment or benchmark is told: plain JSON values, checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

BUILDERS = ("nondelay", "active", "append", "hybrid")
OBJECTIVES = ("makespan", "total-tardiness", "total-weighted-tardiness", "total-flow-time")

# marks what only concerns random instances: no option for given ones
RANDOM = {"random_instances_only": True}

Number = int | float
Range = Number | Sequence[Number]


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
        for item in fields(self):
            choices = item.metadata.get("choices")
            value = getattr(self, item.name)
            if choices and value is not None and value not in choices:
                raise ValueError(f"{item.name} {value!r} not understood; use one of {', '.join(choices)}")
        for name, low in (("num_jobs", 1), ("num_machines", 1), ("due_date_factor", None)):
            if getattr(self, name) is not None:
                value_range(self, name, low)
        if not isinstance(self.look_ahead, bool):
            raise ValueError(f"look_ahead must be true or false, got {self.look_ahead!r}")
        if isinstance(self.delay_share, bool) or not 0 <= self.delay_share <= 1:
            raise ValueError(f"delay_share must lie in 0..1, got {self.delay_share!r}")
        for name in ("min_duration", "max_duration"):
            if not _is_a(getattr(self, name), int):
                raise ValueError(f"{name} must be an integer, got {getattr(self, name)!r}")
        if not 0 <= self.min_duration <= self.max_duration:
            raise ValueError(f"durations {self.min_duration}..{self.max_duration}: need 0 <= min <= max")
        if not _is_a(self.release_date_factor, (int, float)) or not 0 <= self.release_date_factor < math.inf:
            raise ValueError(
                f"release_date_factor must be a number that is not negative, got {self.release_date_factor}"
            )
        names = [self.instance] if self.instance is None or isinstance(self.instance, str) else self.instance
        if not isinstance(names, Sequence) or not all(name is None or isinstance(name, str) for name in names):
            raise ValueError(f"instance must be a name, a file or a list of them, got {self.instance!r}")


def _is_a(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def value_range(config: JobShopConfig, name: str, low: int | None = None) -> tuple[Number, Number]:
    """The ends of a field that is a number or a pair.

    Args:
        config: The configuration.
        name: The field.
        low: Smallest value allowed; given for fields that must be integers.

    Raises:
        ValueError: Neither a number nor an ordered pair, or below ``low``.
    """
    value = getattr(config, name)
    kind: type | tuple[type, ...] = int if low is not None else (int, float)
    pair = [value, value] if isinstance(value, (int, float)) else list(value) if not isinstance(value, str) else []
    if len(pair) != 2 or any(isinstance(v, bool) or not isinstance(v, kind) for v in pair) or not pair[0] <= pair[1]:
        wanted = "an integer" if low is not None else "a number"
        raise ValueError(f"{name} must be {wanted} or a pair [low, high], got {value!r}")
    if low is not None and pair[0] < low:
        raise ValueError(f"{name} must be at least {low}, got {value!r}")
    return pair[0], pair[1]
