"""What a dynamic job-shop environment or benchmark is told: plain JSON values, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..core.config import RANDOM, Range, check_choices, check_instance_field, check_number, is_a, value_range

OBJECTIVES = ("mean-tardiness", "total-tardiness", "mean-weighted-tardiness", "total-weighted-tardiness")
PROTOCOLS = ("steady", "transient")
ARRIVALS = ("poisson", "gamma")
DUE_DATES = ("twk", "uniform", "ppw")
WEIGHTS = ("unit", "two-six-two")

MAX_JOBS = 100_000  # of a run: what a batch of simulators can still hold


@dataclass(frozen=True)
class DynamicJobShopConfig:
    """The shop, its stream of jobs, what is recorded, and the objective.

    Attributes:
        instance: File of a job shop with release dates (the job shop's standard format) whose jobs are all recorded, or
            a list of them to draw from; ``None`` for random streams as below.
        num_machines: Machines.
        num_operations: Operations of a job, on different machines in random order; a pair draws for every job,
            ``None`` is one on every machine.
        min_processing: Shortest processing time; they are uniform integers.
        max_processing: Longest processing time.
        utilisation: Share of the time that machines work; sets the arrival rate.
        arrivals: ``"poisson"``, or ``"gamma"`` for gamma-distributed times between arrivals.
        arrival_cv: Of gamma arrivals: their coefficient of variation; 1 is Poisson.
        due_dates: ``"twk"`` release + factor x work; ``"uniform"`` the same with a factor U(1, factor) for every job;
            ``"ppw"`` release + work + factor x operations x mean processing time.
        due_date_factor: How far due dates are; a pair draws a factor for every run.
        weights: ``"unit"``, or ``"two-six-two"``: 4, 2 and 1 for 20, 60 and 20 % of the jobs, at random; ``None`` is
            the latter where the objective is weighted.
        breakdown_level: Share of the time that machines are down; 0 for none. Work goes on where it stopped.
        repair_time: Mean time to repair, in mean processing times; exponential, as the times between.
        protocol: ``"steady"``: jobs are recorded after a warm-up, while arrivals go on; ``"transient"``: all jobs that
            arrive before the horizon are, from one job per machine at time 0.
        warm_up_jobs: Of the steady protocol: jobs that arrive before the recorded ones.
        recorded_jobs: Of the steady protocol: jobs that count.
        cool_down_jobs: Of the steady protocol: jobs that arrive after them, at most; the run ends with the last
            recorded job.
        horizon: Of the transient protocol: time until which jobs arrive.
        objective: What is minimised, one of ``OBJECTIVES``, of the recorded jobs.
        fast_forward_jobs: After the first decision CR+SPT takes all others until so many jobs have arrived: for
            training, whose short episodes then begin in a busy shop. 0 leaves every decision to the agent.
        queue_limit: Jobs of a queue that are shown and may be chosen, the first to arrive.

    Raises:
        ValueError: A value is out of range.
    """

    instance: str | Sequence[str] | None = None
    num_machines: int = field(default=10, metadata=RANDOM)
    num_operations: Range | None = field(default=None, metadata=RANDOM)
    min_processing: int = field(default=1, metadata=RANDOM)
    max_processing: int = field(default=49, metadata=RANDOM)
    utilisation: Range = field(default=0.9, metadata=RANDOM)
    arrivals: str = field(default="poisson", metadata={"choices": ARRIVALS, **RANDOM})
    arrival_cv: float = field(default=1.0, metadata=RANDOM)
    due_dates: str = field(default="twk", metadata={"choices": DUE_DATES, **RANDOM})
    due_date_factor: Range = field(default=4.0, metadata=RANDOM)
    weights: str | None = field(default=None, metadata={"choices": WEIGHTS, **RANDOM})
    breakdown_level: float = field(default=0.0, metadata=RANDOM)
    repair_time: float = field(default=5.0, metadata=RANDOM)
    protocol: str = field(default="steady", metadata={"choices": PROTOCOLS, **RANDOM})
    warm_up_jobs: int = field(default=1000, metadata=RANDOM)
    recorded_jobs: int = field(default=2000, metadata=RANDOM)
    cool_down_jobs: int = field(default=1000, metadata=RANDOM)
    horizon: int = field(default=1000, metadata=RANDOM)
    objective: str = field(default="mean-tardiness", metadata={"choices": OBJECTIVES})
    fast_forward_jobs: int = field(default=0, metadata=RANDOM)
    queue_limit: int = 64

    def __post_init__(self) -> None:
        check_choices(self)
        check_instance_field(self)
        check_number(self, "num_machines", 1, 1000, integer=True)
        check_number(self, "max_processing", 1, 10**4, integer=True)
        check_number(self, "min_processing", 1, self.max_processing, integer=True)
        if self.num_operations is not None:
            _, high = value_range(self, "num_operations", 1)
            if high > self.num_machines:
                raise ValueError(
                    f"num_operations {self.num_operations!r}: a job visits a machine once, of which there are "
                    f"{self.num_machines}"
                )
        check_number(self, "breakdown_level", 0, 0.9)
        check_number(self, "repair_time", 1e-3, 1e4)
        if self.breakdown_level and self.repair_time * (self.min_processing + self.max_processing) / 2 < 5:
            raise ValueError(
                f"repair_time {self.repair_time:g} is too short: a mean repair must last 5 units of time or more, as "
                "times are whole numbers"
            )
        self._check_utilisation()
        check_number(self, "arrival_cv", 0.01, 5)
        low, high = value_range(self, "due_date_factor")
        least = 1 if self.due_dates == "uniform" else 0
        if not least <= low <= high <= 1000:
            raise ValueError(
                f"due_date_factor must be at least {least} for {self.due_dates} due dates, and at most 1000; "
                f"got {self.due_date_factor!r}"
            )
        for name in ("warm_up_jobs", "cool_down_jobs"):
            check_number(self, name, 0, MAX_JOBS, integer=True)
        check_number(self, "recorded_jobs", 1, MAX_JOBS, integer=True)
        check_number(self, "horizon", 1, 10**7, integer=True)
        check_number(self, "fast_forward_jobs", 0, MAX_JOBS, integer=True)
        check_number(self, "queue_limit", 2, 4096, integer=True)

    def _check_utilisation(self) -> None:
        low, high = value_range(self, "utilisation")
        if not low > 0 or not is_a(high, (int, float)) or high >= 1 - self.breakdown_level:
            working = (
                "" if not self.breakdown_level else f" (machines are up {1 - self.breakdown_level:.3g} of the time)"
            )
            raise ValueError(
                f"utilisation must lie above 0 and below {1 - self.breakdown_level:.3g}{working}, or queues grow "
                f"without end; got {self.utilisation!r}"
            )

    @property
    def weighted(self) -> bool:
        """Whether weights count."""
        return "weighted" in self.objective
