"""What a SoC environment or benchmark is told: plain JSON values, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from ..core.config import (
    RANDOM,
    Range,
    check_choices,
    check_instance_field,
    check_number,
    check_truth,
    is_a,
    value_range,
)
from ..core.instances import looks_like_a_path
from .instance import QUEUE_ORDERS, ROUNDINGS, TRANSFERS, WARM_UPS, WHEN_FULL, Physics

ACTIONS = ("task-then-pe", "pair", "task")
OFFERS = ("every", "distinct", "timely")
OBJECTIVES = ("mean-latency", "energy-per-job", "energy-delay")
PROTOCOLS = ("length", "jobs")


@dataclass(frozen=True)
class SocConfig:
    """Platform, applications, the stream of jobs, rules of play and the objective.

    Attributes:
        instance: A single job by the name of its application, a JSON file, or a list of them to draw from; ``None`` for
            random streams as below.
        platform: Of streams: a built-in platform, a JSON file, or ``"random"``.
        applications: Of streams: built-in applications, or JSON files; ``"random"`` draws new task graphs for every
            run.
        mix: Of streams: probability of each application; ``None`` for all alike.
        rate: Of streams: jobs injected per millisecond; a pair draws one for every run. Times between injections are
            exponential, rounded down to microseconds.
        max_jobs: Of streams: largest number of jobs in the system; 0 for no limit.
        when_full: Of streams: what happens to a job that finds the system full: ``"stall"``, it comes as soon as one
            leaves (DS3), or ``"retry"``, it is tried again later (SoCRATES).
        prefilled: Of streams: jobs that are there at time 0.
        protocol: Of streams: ``"length"`` ends a run at a time, ``"jobs"`` with the last of so many jobs.
        length: Of the protocol by length: microseconds.
        warm_up: Of the protocol by length: jobs finished before this time do not count.
        num_jobs: Of the protocol by jobs: how many.
        noise: Relative standard deviation of execution times; agents see expected times only.
        num_applications: Of random task graphs: how many a run has.
        num_tasks: Of random task graphs: tasks, a number or a pair.
        num_pes: Of random platforms: PEs, a number or a pair.
        heterogeneity: Of random platforms: a task's times on different PEs spread by this share of their mean, both
            ways (beta of HEFT's generator); a pair draws one for every run.
        support: Of random platforms: chance that a PE other than the first two can run a task type.
        transfer_ratio: Of random task graphs: mean delay over mean execution time (CCR); a pair draws one for every
            run.
        objective: What is minimised: ``"mean-latency"`` of jobs in microseconds, ``"energy-per-job"`` in microjoules
            after the warm-up, or ``"energy-delay"``, their product.
        dvfs: Frequencies: ``"performance"``, ``"powersave"``, or kinds with MHz, the others at their highest:
            ``"A15:1600,A7:600"``.
        action: What an action is: a ready task and then its PE (``"task-then-pe"``), both at once (``"pair"``), or a
            task, which goes to the PE that would finish it first (``"task"``).
        offer: ``"every"`` task and PE, or only ``"distinct"`` ones: of interchangeable tasks of a job one, and of PEs
            of a kind (where an action is a pair) the one that would finish first; or ``"timely"`` ones of these: on
            PEs that idle when the data is there, so that nothing queues. That needs actions of pairs, and deferring.
        defer: Whether an agent may leave ready tasks unbound until the next job arrives or task completes.
        ready_limit: Ready tasks that can be chosen, those that became ready first.
        look_ahead: Whether candidates also show what a simple rule would make of them.
        queue_order: In what order a PE takes the tasks bound to it whose data is there: ``"fifo"``, as they were bound
            (SoCRATES), or ``"job"``, the oldest job first (DS3).
        rounding: How transfer delays become whole microseconds.
        shortest_task: Least duration of a task; 1 is DS3, whose dummy tasks cost a tick.
        transfers: Data travels ``"from-finish"``, as if its producer knew the destination (DS3), or ``"from-binding"``.
        warm_up_counts: Which jobs the warm-up excludes: those ``"completed"`` before its end (DS3) or ``"injected"``.
        completions_first: Whether tasks that end when a job arrives are known before its tasks are bound.

    Raises:
        ValueError: A value is out of range.
    """

    instance: str | Sequence[str] | None = None
    platform: str = field(default="ds3", metadata=RANDOM)
    applications: str | Sequence[str] = field(default=("wifi-tx", "wifi-rx"), metadata=RANDOM)
    mix: Sequence[float] | None = field(default=None, metadata=RANDOM)
    rate: Range = field(default=10.0, metadata=RANDOM)
    max_jobs: int = field(default=12, metadata=RANDOM)
    when_full: str = field(default="stall", metadata={"choices": WHEN_FULL, **RANDOM})
    prefilled: int = field(default=0, metadata=RANDOM)
    protocol: str = field(default="length", metadata={"choices": PROTOCOLS, **RANDOM})
    length: int = field(default=20_000, metadata=RANDOM)
    warm_up: int = field(default=2_000, metadata=RANDOM)
    num_jobs: int = field(default=20, metadata=RANDOM)
    noise: float = field(default=0.0, metadata=RANDOM)
    num_applications: int = field(default=3, metadata=RANDOM)
    num_tasks: Range = field(default=10, metadata=RANDOM)
    num_pes: Range = field(default=3, metadata=RANDOM)
    heterogeneity: Range = field(default=0.5, metadata=RANDOM)
    support: float = field(default=1.0, metadata=RANDOM)
    transfer_ratio: Range = field(default=1.0, metadata=RANDOM)
    objective: str = field(default="mean-latency", metadata={"choices": OBJECTIVES})
    dvfs: str = "performance"
    action: str = field(default="pair", metadata={"choices": ACTIONS})
    offer: str = field(default="every", metadata={"choices": OFFERS})
    defer: bool = True
    ready_limit: int = 32
    look_ahead: bool = False
    queue_order: str = field(default="fifo", metadata={"choices": QUEUE_ORDERS})
    rounding: str = field(default="floor", metadata={"choices": ROUNDINGS})
    shortest_task: int = 0
    transfers: str = field(default="from-finish", metadata={"choices": TRANSFERS})
    warm_up_counts: str = field(default="completed", metadata={"choices": WARM_UPS})
    completions_first: bool = True

    def __post_init__(self) -> None:
        check_choices(self)
        check_instance_field(self)
        check_truth(self, "defer", "look_ahead", "completions_first")
        self._check_stream()
        check_number(self, "num_applications", 1, 64, integer=True)
        check_number(self, "support", 0, 1)
        for name, low, high in (("num_tasks", 1, 256), ("num_pes", 1, 64)):
            if value_range(self, name, low)[1] > high:
                raise ValueError(f"{name} must be at most {high}, got {getattr(self, name)!r}")
        for name, largest in (("heterogeneity", 1.0), ("transfer_ratio", 100.0)):
            smallest, greatest = value_range(self, name)
            if not 0 <= smallest <= greatest <= largest:
                raise ValueError(f"{name} must lie in 0..{largest:g}, got {getattr(self, name)!r}")
        check_number(self, "ready_limit", 1, 1024, integer=True)
        check_number(self, "shortest_task", 0, 1000, integer=True)
        if self.offer == "timely" and not (self.action == "pair" and self.defer):
            raise ValueError("offer timely needs action pair and defer: what does not fit now must be left for later")
        if not isinstance(self.dvfs, str):
            raise ValueError(f"dvfs must be a text such as performance or A15:1600, got {self.dvfs!r}")

    def _check_stream(self) -> None:
        names = self.application_names if isinstance(self.applications, (str, Sequence)) else []
        if not isinstance(self.platform, str) or not names or not all(isinstance(name, str) for name in names):
            raise ValueError("platform must be a name or file, applications a list of at least one")
        if "random" in names and len(names) > 1:
            raise ValueError("applications are either random or named, not both")
        if self.platform == "random" and "random" not in names:
            raise ValueError("a random platform knows no named applications; use applications random")
        if self.mix is not None:
            shares = list(self.mix) if isinstance(self.mix, (list, tuple)) else []
            if any(not is_a(share, (int, float)) or not 0 <= share < 1e9 for share in shares) or not sum(shares) > 0:
                raise ValueError(f"mix must be a list of shares from 0 with a positive sum, got {self.mix!r}")
            # how many applications a file holds is seen when it is read
            expected = self.num_applications if "random" in names else len(names)
            if len(shares) != expected and not any(looks_like_a_path(name) for name in names):
                raise ValueError(f"mix has {len(shares)} shares for {expected} applications")
        low, high = value_range(self, "rate")
        # times between injections are whole microseconds, rounded down: beyond, nearly all would be 0
        if not 1e-6 <= low <= high <= 1e3:
            raise ValueError(f"rate must lie in 0.000001..1000 jobs per millisecond, got {self.rate!r}")
        check_number(self, "max_jobs", 0, 10_000, integer=True)
        check_number(self, "prefilled", 0, self.max_jobs or 10_000, integer=True)
        check_number(self, "length", 1, 10**8, integer=True)
        check_number(self, "warm_up", 0, self.length - 1, integer=True)
        if self.protocol == "length" and self.length * high > 1e9:
            raise ValueError(f"a run of length {self.length} at rate {high:g} would have more than a million jobs")
        check_number(self, "num_jobs", 1, 100_000, integer=True)
        check_number(self, "noise", 0, 2)

    @property
    def physics(self) -> Physics:
        """How the system behaves in detail."""
        names = [item.name for item in fields(Physics)]
        return Physics(**{name: getattr(self, name) for name in names})

    @property
    def application_names(self) -> list[str]:
        """The applications as a list."""
        return [self.applications] if isinstance(self.applications, str) else list(self.applications)
