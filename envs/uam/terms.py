"""The type of aircraft, and the terms of a day: money and rules."""

from __future__ import annotations

from dataclasses import dataclass

CHARGING = ("full", "waiting")
LONGEST_DAY = 86_400


@dataclass(frozen=True)
class Aircraft:
    """The type of aircraft that the fleet consists of.

    Attributes:
        seats: Passengers that fit.
        speed: Cruise speed, miles per hour.
        battery: Capacity, kWh.
        consumption: kWh per mile.
        charger: Power with which a charger charges it, kW.
        take_off: Seconds from leaving the stand to entering the corridor, without delays.
        landing: Seconds from leaving the corridor to standing.

    Raises:
        ValueError: A number is out of range; the message names it.
    """

    seats: int = 4
    speed: float = 74.5
    battery: float = 110.0
    consumption: float = 2.2
    charger: float = 150.0
    take_off: int = 360
    landing: int = 360

    def __post_init__(self) -> None:
        _check(self, "seats", 1, 1000, whole=True)
        _check(self, "speed", 1, 1e4)
        _check(self, "battery", 1e-3, 1e5)
        _check(self, "consumption", 1e-3, 1e4)
        _check(self, "charger", 1, 1e6)
        for name in ("take_off", "landing"):
            _check(self, name, 0, LONGEST_DAY, whole=True)

    @property
    def battery_wh(self) -> int:
        """Capacity, Wh."""
        return round(1000 * self.battery)

    @property
    def range(self) -> float:
        """Miles on a full battery."""
        return self.battery / self.consumption


@dataclass(frozen=True)
class Terms:
    """Money, and the rules of the day.

    Attributes:
        opens: Hour of the day at which it begins.
        day: Its length in seconds: no aircraft decides later; flights under way count in full.
        wait: Seconds until an aircraft that waits decides again.
        fare: Dollars per passenger and mile.
        whole_fares: Whether fares are cut to whole dollars.
        surge: Demand of a pair and period beyond e times which its fare rises: by the factor max(1, ln(demand /
            surge)); 0 for fares that never rise.
        cost: Operating cost, dollars per passenger and mile.
        electricity: Dollars per kWh.
        charging: ``"full"``: an aircraft that lands at a charger decides when its battery is full; or ``"waiting"``:
            it decides at once, and is charged while it waits.
        corridors: Corridors in each direction of a pair; 0 for as many as are needed.
        separation: Seconds between two aircraft that enter one corridor.
        slot: Seconds for which routes stay open or closed.
        delay_spread: Standard deviation of take-off delays, seconds.
        repair: Mean time of repair, seconds.
        repair_spread: Its standard deviation.

    Raises:
        ValueError: A number is out of range; the message names it.
    """

    opens: float = 6.0
    day: int = 43_200
    wait: int = 900
    fare: float = 1.5
    whole_fares: bool = False
    surge: float = 10.0
    cost: float = 0.64
    electricity: float = 0.2
    charging: str = "full"
    corridors: int = 0
    separation: int = 0
    slot: int = 900
    delay_spread: float = 60.0
    repair: float = 1800.0
    repair_spread: float = 300.0

    def __post_init__(self) -> None:
        _check(self, "opens", 0, 24)
        _check(self, "day", 60, LONGEST_DAY, whole=True)
        _check(self, "wait", 60, LONGEST_DAY, whole=True)
        _check(self, "slot", 1, LONGEST_DAY, whole=True)
        for name in ("fare", "surge", "cost", "electricity"):
            _check(self, name, 0, 1e6)
        for name in ("delay_spread", "repair", "repair_spread"):
            _check(self, name, 0, LONGEST_DAY)
        _check(self, "separation", 0, LONGEST_DAY, whole=True)
        _check(self, "corridors", 0, 100, whole=True)
        if not isinstance(self.whole_fares, bool):
            raise ValueError(f"whole_fares must be true or false, got {self.whole_fares!r}")
        if self.charging not in CHARGING:
            raise ValueError(f"charging {self.charging!r} not understood; use one of {', '.join(CHARGING)}")

    @property
    def lanes(self) -> int:
        """Corridors of each direction that matter: 0 where there is nothing to keep apart."""
        return self.corridors if self.separation else 0


def _check(item: Aircraft | Terms, name: str, low: float, high: float, whole: bool = False) -> None:
    value = getattr(item, name)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not low <= value <= high:
        raise ValueError(f"{name} must be {'an integer' if whole else 'a number'} in {low:g}..{high:g}, got {value!r}")
