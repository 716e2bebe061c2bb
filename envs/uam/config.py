"""What an air-taxi environment or benchmark is told: plain JSON values, checked."""

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
from .terms import CHARGING, Aircraft, Terms

DEMANDS = ("hourly", "stock")
SHOWN = ("vertiports", "all")
HOURS = 12


@dataclass(frozen=True)
class UamConfig:
    """Networks, fleets, demand and uncertainty.

    A pair ``[low, high]`` means: drawn anew for every random day, both ends included.

    Attributes:
        instance: File of the day to play (``.json``), or a list of them to draw from; ``None`` for random days of the
            sizes below.
        num_vertiports: Vertiports, uniform in a square.
        num_aircraft: Aircraft, each at a random vertiport with free parking when the day begins.
        vertistops: Vertiports that have no charger.
        area: Side of the square, miles.
        apart: Miles between any two vertiports, at least.
        parking: Parking stands of a vertiport.
        chargers: Chargers of a vertiport.
        demand: ``"hourly"``: Poisson passengers per ordered pair and hour, those not served in their hour are lost; or
            ``"stock"``: 0 to 99 passengers per ordered pair, all there when the day begins.
        level: Of hourly demand: passengers expected per ordered pair and hour, at any time.
        peak: Of hourly demand: further passengers expected at half past eight into the central vertiports, and at half
            past sixteen out of them.
        central: Vertiports that count as central: those nearest to their common centre.
        whole_fares: Whether fares are cut to whole dollars.
        surge: Demand of a pair and period beyond e times which its fare rises; 0 for never.
        cost: Operating cost, dollars per passenger and mile.
        delay: Mean take-off delays of vertiports are uniform in 0 to so many minutes.
        delay_spread: Standard deviation of a take-off delay, minutes; 0 with a delay of 0 for none.
        closure: Probabilities that routes are closed are uniform in 0 to this.
        closure_minutes: Minutes for which routes stay open or closed.
        failure: Probabilities that aircraft fail on landing are uniform in 0 to this.
        repair: Mean time of repair, minutes.
        repair_spread: Its standard deviation, minutes.
        corridors: Corridors in each direction of a pair; 0 for as many as are needed.
        separation: Minutes between two aircraft that enter one corridor.
        charging: ``"full"``: aircraft that land at a charger decide when they are full; or ``"waiting"``: they decide
            at once, and are charged while they wait.
        show: ``"vertiports"``, or ``"all"``: aircraft too, as actions that are never legal.
        look_ahead: Futures, drawn from the forecast, in which observations play every choice out for an hour by the
            rule ``greedy-hour``, as a feature of it; 0 for no such feature.

    Raises:
        ValueError: A value is out of range.
    """

    instance: str | Sequence[str] | None = None
    num_vertiports: Range = field(default=8, metadata=RANDOM)
    num_aircraft: Range = field(default=40, metadata=RANDOM)
    vertistops: int = field(default=0, metadata=RANDOM)
    area: float = field(default=50.0, metadata=RANDOM)
    apart: float = field(default=5.0, metadata=RANDOM)
    parking: int = field(default=10, metadata=RANDOM)
    chargers: int = field(default=6, metadata=RANDOM)
    demand: str = field(default="hourly", metadata={**RANDOM, "choices": DEMANDS})
    level: Range = field(default=2.0, metadata=RANDOM)
    peak: Range = field(default=10.0, metadata=RANDOM)
    central: int = field(default=3, metadata=RANDOM)
    whole_fares: bool = field(default=False, metadata=RANDOM)
    surge: float = field(default=10.0, metadata=RANDOM)
    cost: float = field(default=0.64, metadata=RANDOM)
    delay: float = field(default=6.0, metadata=RANDOM)
    delay_spread: float = field(default=1.0, metadata=RANDOM)
    closure: float = field(default=0.05, metadata=RANDOM)
    closure_minutes: float = field(default=15.0, metadata=RANDOM)
    failure: float = field(default=0.005, metadata=RANDOM)
    repair: float = field(default=30.0, metadata=RANDOM)
    repair_spread: float = field(default=5.0, metadata=RANDOM)
    corridors: int = field(default=0, metadata=RANDOM)
    separation: float = field(default=0.0, metadata=RANDOM)
    charging: str = field(default="full", metadata={**RANDOM, "choices": CHARGING})
    show: str = field(default="vertiports", metadata={"choices": SHOWN})
    look_ahead: int = 0

    def __post_init__(self) -> None:
        check_choices(self)
        check_instance_field(self)
        check_truth(self, "whole_fares")
        low, high = value_range(self, "num_vertiports", 2)
        if high > 1000:
            raise ValueError(f"num_vertiports must be at most 1000, got {self.num_vertiports!r}")
        if value_range(self, "num_aircraft", 1)[1] > 10_000:
            raise ValueError(f"num_aircraft must be at most 10000, got {self.num_aircraft!r}")
        check_number(self, "vertistops", 0, low - 1, integer=True)
        check_number(self, "parking", 1, 10_000, integer=True)
        check_number(self, "chargers", 1, 10_000, integer=True)
        check_number(self, "central", 0, 1000, integer=True)
        check_number(self, "corridors", 0, 100, integer=True)
        check_number(self, "look_ahead", 0, 64, integer=True)
        check_number(self, "area", 1, 10_000)
        check_number(self, "apart", 0, self.area)
        for name in ("level", "peak"):
            low, high = value_range(self, name)
            if not 0 <= low <= high <= 10_000:
                raise ValueError(f"{name} must lie in 0..10000, got {getattr(self, name)!r}")
        for name in ("surge", "cost"):
            check_number(self, name, 0, 10_000)
        for name in ("delay", "delay_spread", "repair", "repair_spread", "separation"):
            check_number(self, name, 0, 720)
        check_number(self, "closure_minutes", 1, 720)
        for name in ("closure", "failure"):
            check_number(self, name, 0, 1)
        if self.corridors == 0 and self.separation:
            raise ValueError("a separation needs corridors: set corridors to at least 1")
        self._check_room()

    def _check_room(self) -> None:
        ports = int(value_range(self, "num_vertiports", 2)[0])
        planes = int(value_range(self, "num_aircraft", 1)[1])
        if planes > ports * self.parking:
            raise ValueError(
                f"num_aircraft: {planes} aircraft do not fit on {ports} vertiports with parking for {self.parking}"
            )

    @property
    def aircraft(self) -> Aircraft:
        """The type of aircraft of random days: a CityAirbus-like one, as in the prototype."""
        return Aircraft()

    @property
    def terms(self) -> Terms:
        """Money and rules of random days."""
        return Terms(
            whole_fares=self.whole_fares,
            surge=float(self.surge),
            cost=float(self.cost),
            charging=self.charging,
            corridors=self.corridors,
            separation=round(60 * self.separation),
            slot=round(60 * self.closure_minutes),
            delay_spread=60.0 * self.delay_spread,
            repair=60.0 * self.repair,
            repair_spread=60.0 * self.repair_spread,
        )
