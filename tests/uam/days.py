"""Days made by hand and by chance, and ways to play them."""

import numpy as np

from schedlab.envs.uam.instance import UamInstance
from schedlab.envs.uam.solution import UamSolution
from schedlab.envs.uam.terms import Aircraft, Terms

from .plain import PlainDay

PLAIN = {"surge": 0.0, "delay_spread": 0.0, "day": 7200}
AIRCRAFT, TERMS = set(Aircraft.__dataclass_fields__), set(Terms.__dataclass_fields__)


def tiny_day(demand=None, closed=(), **changes):
    """A triangle of 12, 16 and 20 miles, two aircraft, two hours, nothing left to chance.

    A is at the corner of the right angle, B 12 miles east, C 16 miles north. At 72 mph the flights last 600, 800 and
    1000 s, 720 s of take-off and landing not counted; at 2 kWh a mile they take 24, 32 and 40 of 100 kWh, which is
    charged in 576, 768 and 960 s. There are 10 passengers of each pair and hour. Both aircraft start at A.

    Args:
        demand: Passengers ``{(hour, origin, destination): number}`` that differ.
        closed: Routes ``(slot, origin, destination)`` that are closed.
        changes: Fields of the instance, its aircraft or its terms that differ.
    """
    aircraft = Aircraft(**{"speed": 72.0, "battery": 100.0, "consumption": 2.0} | _taken(changes, AIRCRAFT))
    terms = Terms(**PLAIN | _taken(changes, TERMS))
    hours = terms.day // 3600 or 1
    passengers = np.full((hours, 3, 3), 10) * (1 - np.eye(3, dtype=np.int64))
    for (hour, origin, destination), number in (demand or {}).items():
        passengers[hour, origin, destination] = number
    shut = np.zeros((-(-terms.day // terms.slot), 3, 3), np.bool_)
    for slot, origin, destination in closed:
        shut[slot, origin, destination] = True
    start = np.array(changes.pop("start", [0, 0]))
    fields = {
        "name": "tiny", "vertiports": ("A", "B", "C"), "x": np.array([0.0, 12.0, 0.0]), "y": np.array([0.0, 0.0, 16.0]),
        "parking": np.array([2, 1, 1]), "chargers": np.array([1, 1, 1]), "start": start,
        "forecast": passengers.astype(float), "demand": passengers, "delay": np.zeros(3), "closure": np.zeros((3, 3)),
        "closed": shut, "failure": np.zeros(len(start)), "aircraft": aircraft, "terms": terms,
    }  # fmt: skip
    return UamInstance(**fields | {name: _like(fields[name], value) for name, value in changes.items()})


def random_day(
    seed, ports=5, planes=6, vertistops=0, charging="full", corridors=0, parking=2, chargers=2, area=30.0, hours=3,
    level=3.0, delay=300.0, closure=0.2, failure=0.2, **changes,
):  # fmt: skip
    """A day on which everything happens: crowded vertiports, delays, closed routes, failures, passengers left behind.

    Args:
        seed: Of everything.
        ports: Vertiports, 3 miles apart at least.
        planes: Aircraft, if there are so many stands; anywhere.
        vertistops: Vertiports without chargers, the last ones.
        charging: As in the terms.
        corridors: Corridors of a pair, with a separation of 10 minutes.
        parking: Parking stands are 1 to this many; 0 to this many where there are chargers.
        chargers: Chargers likewise, from 1.
        area: Side of the square, miles.
        hours: Length of the day.
        level: Passengers expected of each pair and hour.
        delay: Mean delays are 0 to so many seconds.
        closure: Probability that a route is closed, for each slot of 15 minutes.
        failure: Probability that an aircraft fails.
        changes: Fields of the instance, its aircraft or its terms that differ.
    """
    rng = np.random.default_rng(seed)
    aircraft = Aircraft(**_taken(changes, AIRCRAFT))
    separation = 600 if corridors else 0
    terms = Terms(
        **{"day": 3600 * hours, "charging": charging, "corridors": corridors, "separation": separation, "surge": 1.0}
        | _taken(changes, TERMS)
    )
    while True:
        x, y = rng.uniform(0, area, (2, ports)).round(3)
        with_charger = np.arange(ports) < ports - vertistops
        parks = rng.integers(np.where(with_charger, 0, 1), parking + 1)
        chargers_of = np.where(with_charger, rng.integers(1, chargers + 1, ports), 0)
        stands = np.repeat(np.arange(ports), parks + chargers_of)
        forecast = rng.uniform(0, 2 * level, (hours, ports, ports)) * (1 - np.eye(ports))
        apart = np.hypot(x[:, None] - x, y[:, None] - y) + 1e9 * np.eye(ports)
        if apart.min() < 3:
            continue
        fleet = min(planes, len(stands))
        shape = (-(-terms.day // terms.slot), ports, ports)
        fields = {
            "name": f"random-{seed}", "vertiports": tuple(f"V{port}" for port in range(ports)), "x": x, "y": y,
            "parking": parks, "chargers": chargers_of, "start": rng.choice(stands, fleet, replace=False),
            "forecast": forecast, "demand": rng.poisson(forecast), "delay": rng.uniform(0, delay, ports),
            "closure": np.full((ports, ports), closure),
            "closed": (rng.random(shape) < closure) & ~np.eye(ports, dtype=bool),
            "failure": np.full(fleet, failure), "seed": seed, "aircraft": aircraft, "terms": terms,
        }  # fmt: skip
        try:
            return UamInstance(**fields | {name: _like(fields[name], value) for name, value in changes.items()})
        except ValueError as error:
            if "not connected" not in str(error):
                raise


def played(instance, choose, most=10**9):
    """The day as it goes if ``choose(day, legal)`` names destinations, or its first decisions."""
    day = PlainDay(instance)
    while not day.done and len(day.rows) < most:
        day.step(choose(day, day.legal()))
    return day


def randomly(seed, wait=0.3):
    """Random legal destinations; waits, where others are legal too, as often as told."""
    rng = np.random.default_rng(seed)

    def choose(day, legal):
        flights = [port for port in legal if port != day.place[day.plane]]
        waits = len(flights) < len(legal) and (not flights or rng.random() < wait)
        return day.place[day.plane] if waits else int(rng.choice(flights))

    return choose


def by_list(*destinations):
    """These destinations in turn, then waiting, or the first flight where that is not legal."""
    left = list(destinations)

    def choose(day, legal):
        if left:
            return left.pop(0)
        here = day.place[day.plane]
        return here if here in legal else legal[0]

    return choose


def solution_of(rows):
    """A solution from rows."""
    return UamSolution(np.array(rows, np.int64).reshape(-1, 8))


def _taken(changes, names):
    """Those of the changes that have these names; they are taken out."""
    return {name: changes.pop(name) for name in list(changes) if name in names}


def _like(default, value):
    return np.array(value, default.dtype) if isinstance(default, np.ndarray) else value
