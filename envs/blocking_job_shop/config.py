"""What a blocking-job-shop environment or benchmark is told: plain JSON values, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..core.config import RANDOM, Range, check_choices, check_instance_field, check_number, check_truth, value_range
from ..job_shop.instance import MAX_TIME
from .instance import MAX_LUCK
from .terms import AFTER_REPAIR, LAWS, Breakdowns, Terms


@dataclass(frozen=True)
class BlockingConfig:
    """Shops, exchanges and failures.

    A pair ``[low, high]`` means: drawn anew for every random instance, both ends included.

    Attributes:
        instance: Name (``"la01"``) or file of a job shop, played as a blocking one, or a list of them to draw from;
            ``None`` for random instances of the sizes below.
        num_jobs: Jobs of a random instance.
        num_machines: Machines of a random instance; each job visits each once, in random order.
        min_duration: Shortest duration of a random instance.
        max_duration: Longest duration of a random instance.
        swap: Whether jobs that wait in a circle, each for the machine of the next, may exchange machines.
        breakdown_probability: That a machine which is up fails, per unit of time; 0 for never. A pair is only for
            random instances.
        uptimes: ``"bernoulli"``: machines fail at the end of a unit of time; or ``"exponential"``: after exponential
            times, rounded up.
        repair_min: Shortest time of repair; they are uniform integers.
        repair_max: Longest time of repair.
        after_repair: What becomes of the operation in progress: ``"resume"``: it goes on after the repair;
            ``"restart"``: it begins anew; ``"finish"``: it goes on during the failure, but no other may begin.
        luck: Seed of the failures on given instances; random ones draw theirs.
        show_graph: Whether observations also hold what changes in the graph: the state of every node, and who waits
            for, holds and competes for which machine.

    Raises:
        ValueError: A value is out of range.
    """

    instance: str | Sequence[str] | None = None
    num_jobs: Range = field(default=10, metadata=RANDOM)
    num_machines: Range = field(default=10, metadata=RANDOM)
    min_duration: int = field(default=1, metadata=RANDOM)
    max_duration: int = field(default=99, metadata=RANDOM)
    swap: bool = True
    breakdown_probability: Range = 0.0
    uptimes: str = field(default="bernoulli", metadata={"choices": LAWS})
    repair_min: int = 5
    repair_max: int = 15
    after_repair: str = field(default="resume", metadata={"choices": AFTER_REPAIR})
    luck: int = 0
    show_graph: bool = False

    def __post_init__(self) -> None:
        check_choices(self)
        check_instance_field(self)
        check_truth(self, "swap", "show_graph")
        jobs, machines = (int(value_range(self, name, 1)[1]) for name in ("num_jobs", "num_machines"))
        for name in ("min_duration", "max_duration"):
            check_number(self, name, 0, MAX_TIME, integer=True)
        if self.min_duration > self.max_duration:
            raise ValueError(f"durations {self.min_duration}..{self.max_duration}: need min_duration <= max_duration")
        if jobs * machines * self.max_duration > MAX_TIME:
            raise ValueError(f"max_duration {self.max_duration} is too long for {jobs} jobs on {machines} machines")
        low, high = value_range(self, "breakdown_probability")
        if not 0 <= low <= high <= 1:
            raise ValueError(f"breakdown_probability must lie in 0..1, got {self.breakdown_probability!r}")
        if low != high and self.instance is not None:
            raise ValueError("breakdown_probability must be one number for given instances, not a pair")
        check_number(self, "luck", 0, MAX_LUCK, integer=True)
        self.terms(high)  # its own checks

    def terms(self, probability: float | None = None) -> Terms:
        """The rules, with that probability of a failure (default: the smallest that the configuration allows)."""
        p = float(value_range(self, "breakdown_probability")[0] if probability is None else probability)
        return Terms(
            swap=self.swap,
            breakdowns=Breakdowns(p, self.uptimes, self.repair_min, self.repair_max, self.after_repair),
        )
