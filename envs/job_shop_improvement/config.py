"""What an improvement environment or benchmark is told: plain JSON values, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..core.config import RANDOM, Range, check_choices, check_instance_field, check_truth, is_a, value_range
from ..job_shop.config import JobShopConfig

INITIAL = ("fdd-mwkr", "random")
NEIGHBOURHOODS = ("n5", "n6")
MAX_MOVES = 10_000_000


@dataclass(frozen=True)
class JobShopImprovementConfig:
    """Instances, where the search starts and what it may do.

    A pair ``[low, high]`` means: drawn anew for every random instance, both ends included.

    Attributes:
        instance: Name (``"ta01"``) or file of the instance to play, or a list of them to draw from;
            ``None`` for random instances of the sizes below.
        num_jobs: Jobs of a random instance.
        num_machines: Machines of a random instance; each job visits each once, in random order.
        min_duration: Shortest duration of a random instance.
        max_duration: Longest duration of a random instance.
        initial: The first schedule, a non-delay one by the rule ``"fdd-mwkr"`` or by ``"random"`` choices.
        neighbourhood: Which moves there are, ``"n5"`` or ``"n6"``.
        moves: Moves of an episode.
        tenure: A move may not bring back an order of two operations that one of so many moves before (at times up to
            half as many more) took back, unless it promises a new best schedule; 0 forbids nothing.
        look_ahead: Greedy moves that are played behind each of the twelve most promising ones, to show what they lead
            to; 0 shows no such thing. It takes more time than all else.
        show_graph: Whether to show the disjunctive graph of the present schedule: machine orders, heads and tails.

    Raises:
        ValueError: A value is out of range.
    """

    instance: str | Sequence[str] | None = None
    num_jobs: Range = field(default=10, metadata=RANDOM)
    num_machines: Range = field(default=10, metadata=RANDOM)
    min_duration: int = field(default=1, metadata=RANDOM)
    max_duration: int = field(default=99, metadata=RANDOM)
    initial: str = field(default="fdd-mwkr", metadata={"choices": INITIAL})
    neighbourhood: str = field(default="n5", metadata={"choices": NEIGHBOURHOODS})
    moves: int = 500
    tenure: int = 10
    look_ahead: int = 0
    show_graph: bool = False

    def __post_init__(self) -> None:
        check_choices(self)
        for name in ("num_jobs", "num_machines"):
            value_range(self, name, 1)
        for name, low in (("moves", 1), ("tenure", 0), ("look_ahead", 0)):
            value = getattr(self, name)
            if not is_a(value, int) or not low <= value <= MAX_MOVES:
                raise ValueError(f"{name} must be an integer in {low}..{MAX_MOVES}, got {value!r}")
        check_truth(self, "show_graph")
        check_instance_field(self)
        self.shop  # noqa: B018 (its own checks)

    @property
    def shop(self) -> JobShopConfig:
        """The configuration of the job shops."""
        names = ("instance", "num_jobs", "num_machines", "min_duration", "max_duration")
        return JobShopConfig(**{name: getattr(self, name) for name in names})
