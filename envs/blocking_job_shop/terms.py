"""The rules of a blocking job shop: exchanges, and how its machines fail."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

LAWS = ("bernoulli", "exponential")
AFTER_REPAIR = ("resume", "restart", "finish")

LONGEST_REPAIR = 10**6
MOST_TRIES = 1000.0
"""Tries that an operation which begins anew after failures may need on average: more would never end."""


@dataclass(frozen=True)
class Breakdowns:
    """How machines fail: each by itself, as time goes by, whatever is processed.

    Attributes:
        probability: That a machine which is up fails, per unit of time; 0 for never.
        law: ``"bernoulli"``: at the end of every unit of time, so the time up is geometric; or ``"exponential"``: it is
            exponential with mean 1 / probability, rounded up.
        repair_min: Shortest time of repair; they are uniform integers.
        repair_max: Longest time of repair.
        after_repair: What becomes of the operation in progress: ``"resume"``: it rests until the repair, and goes on;
            ``"restart"``: it then begins anew; ``"finish"``: it goes on during the failure, but no other may begin.

    Raises:
        ValueError: A value is out of range; the message names it.
    """

    probability: float = 0.0
    law: str = "bernoulli"
    repair_min: int = 5
    repair_max: int = 15
    after_repair: str = "resume"

    def __post_init__(self) -> None:
        p = self.probability
        if isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p <= 1:
            raise ValueError(f"probability must be a number in 0..1, got {p!r}")
        for name in ("repair_min", "repair_max"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_REPAIR:
                raise ValueError(f"{name} must be an integer in 1..{LONGEST_REPAIR}, got {value!r}")
        if self.repair_min > self.repair_max:
            raise ValueError(f"repairs {self.repair_min}..{self.repair_max}: need repair_min <= repair_max")
        for name, known in (("law", LAWS), ("after_repair", AFTER_REPAIR)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} {getattr(self, name)!r} not understood; use one of {', '.join(known)}")

    @property
    def mean_repair(self) -> float:
        """Mean time of repair."""
        return (self.repair_min + self.repair_max) / 2

    def check_duration(self, longest: int) -> None:
        """Refuse operations that would hardly ever end.

        Raises:
            ValueError: An operation of that duration needs too many tries on average.
        """
        p = float(self.probability)
        if self.after_repair != "restart" or p == 0 or longest < 2:
            return
        # the longest operation ends if its machine stays up so long; at its very end a failure comes too late
        rate = math.inf if p == 1 and self.law == "bernoulli" else -math.log1p(-p) if self.law == "bernoulli" else p
        if rate * (longest - 1) > math.log(MOST_TRIES):
            raise ValueError(
                f"an operation of duration {longest} that begins anew after every failure would need more than "
                f"{MOST_TRIES:.0f} tries on average: use a smaller probability, or after_repair = 'resume'"
            )


@dataclass(frozen=True)
class Terms:
    """The rules of a shop.

    Attributes:
        swap: Whether jobs may exchange machines: a closed cycle of jobs, each waiting for the machine of the next,
            moves on at once. Without it such a cycle is a deadlock, and what could lead there is not allowed.
        breakdowns: How machines fail.
    """

    swap: bool = True
    breakdowns: Breakdowns = field(default_factory=Breakdowns)

    def __post_init__(self) -> None:
        if not isinstance(self.swap, bool):
            raise ValueError(f"swap must be true or false, got {self.swap!r}")
