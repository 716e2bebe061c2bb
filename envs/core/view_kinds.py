"""The three kinds of views: machines over time (Gantt), hosts and what is on them, and a map of vehicles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from .view_checks import (
    LARGEST,
    MAX_BARS,
    MAX_ITEMS,
    MAX_NODES,
    Number,
    check_count,
    check_cut,
    check_index,
    check_number,
    check_span,
    check_texts,
    short_text,
)

Places = tuple[tuple[int, int], ...]
LEG_COLUMNS = ("vehicle", "from", "to", "start", "end", "load", "text")
"""Fields of a leg in JSON, in their order."""


class Bar(NamedTuple):
    """Something that takes a row for some time.

    Attributes:
        row: Index of its row.
        start: When it begins.
        end: When it ends; may be its start.
        group: Index of what it belongs to, as a job; -1 for nothing.
        style: Index of how it is drawn.
        text: What there is to say beyond row, group and times.
    """

    row: int
    start: Number
    end: Number
    group: int = -1
    style: int = 0
    text: str = ""


class Line(NamedTuple):
    """A moment that is marked across all rows."""

    at: Number
    text: str


@dataclass(frozen=True)
class GanttView:
    """Rows over time.

    Attributes:
        rows: Their names, as of machines.
        groups: What bars belong to, as jobs.
        styles: Names of the ways in which bars are drawn: ``"work"``, ``"late"``, ``"blocked"``, ``"down"``,
            ``"unfinished"``. Bars of style ``"down"`` may lie over others, as of work that a failure interrupts.
        bars: By their starts.
        lines: Moments that are marked.
        end: Where the picture ends; no bar does later.
        time_unit: As on an axis; empty where an instance has its own.
        cut: Whether later bars are left out.

    Raises:
        ValueError: A value is of the wrong kind or out of range.
    """

    kind: ClassVar[str] = "gantt"

    rows: tuple[str, ...]
    groups: tuple[str, ...]
    styles: tuple[str, ...]
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    end: Number
    time_unit: str = ""
    cut: bool = False

    def __post_init__(self) -> None:
        check_number("end", self.end, 0)
        check_cut(self.cut)
        check_count("bars", self.bars, MAX_BARS)
        for name in ("rows", "groups", "styles"):
            check_texts(name, getattr(self, name))
        check_texts("time_unit", [self.time_unit])
        for index, bar in enumerate(self.bars):
            where = f"bar {index}"
            check_index(f"{where}: row", bar.row, len(self.rows))
            check_index(f"{where}: group", bar.group, len(self.groups), -1)
            check_index(f"{where}: style", bar.style, len(self.styles))
            check_span(where, bar.start, bar.end, self.end)
        check_texts("text", [bar.text for bar in self.bars])
        check_texts("lines", [line.text for line in self.lines])
        for index, line in enumerate(self.lines):
            check_number(f"line {index}: at", line.at)

    @classmethod
    def of(
        cls,
        rows: Iterable[str],
        groups: Sequence[str],
        styles: Iterable[str],
        bars: Iterable[Bar],
        lines: Iterable[Line],
        end: Number,
        time_unit: str = "",
    ) -> GanttView:
        """Bars in any order and of any number: the first :data:`MAX_BARS` by their starts are kept."""
        ordered = sorted(bars, key=lambda bar: (bar.start, bar.row, bar.end))
        kept, cut = tuple(ordered[:MAX_BARS]), len(ordered) > MAX_BARS
        if cut:
            end = max(bar.end for bar in kept)
            groups = groups[: max(bar.group for bar in kept) + 1]
            lines = [line for line in lines if line.at <= end]
        rows, groups = [short_text(row) for row in rows], [short_text(group) for group in groups]
        return cls(tuple(rows), tuple(groups), tuple(styles), kept, tuple(lines), end, time_unit, cut)

    def to_json(self) -> dict[str, Any]:
        """Bars as columns; no texts at all where none says anything."""
        bars = _columns(Bar._fields, self.bars)
        if not any(bars["text"]):
            bars["text"] = []
        return {
            "kind": self.kind,
            "time_unit": self.time_unit,
            "rows": list(self.rows),
            "groups": list(self.groups),
            "styles": list(self.styles),
            "bars": bars,
            "lines": [line._asdict() for line in self.lines],
            "end": self.end,
            "cut": self.cut,
        }


class HostItem(NamedTuple):
    """Something on a host.

    Attributes:
        name: Its name.
        size: What it takes of each node that it occupies.
        before: (host, node) pairs that it occupies at first, of one host.
        group: Index of those that it may not share a host with; -1 for none.
    """

    name: str
    size: Number
    before: Places
    group: int = -1


class HostMove(NamedTuple):
    """An item that goes to as many (host, node) pairs as it occupies."""

    item: int
    to: Places


@dataclass(frozen=True)
class HostsView:
    """Hosts whose nodes have capacities, what is on them, and moves between them.

    Attributes:
        hosts: Their names.
        capacity: Of each node of each host.
        unit: Of capacities and sizes.
        items: What is on hosts.
        moves: In the order in which they are made.
        rates: What moves are made for, before the first and after each; a fragment rate.
        rate_label: Its name.

    Raises:
        ValueError: A value is of the wrong kind or out of range.
    """

    kind: ClassVar[str] = "hosts"

    hosts: tuple[str, ...]
    capacity: tuple[tuple[Number, ...], ...]
    unit: str
    items: tuple[HostItem, ...]
    moves: tuple[HostMove, ...]
    rates: tuple[float, ...]
    rate_label: str = ""

    def __post_init__(self) -> None:
        check_texts("hosts", self.hosts)
        check_texts("unit", [self.unit])
        check_texts("label", [self.rate_label])
        if len(self.capacity) != len(self.hosts):
            raise ValueError(f"{len(self.capacity)} capacities for {len(self.hosts)} hosts")
        for host, nodes in enumerate(self.capacity):
            check_count(f"capacity of host {host}", nodes, MAX_NODES, 1)
            for size in nodes:
                check_number(f"capacity of host {host}", size, 0)
        check_texts("items", [item.name for item in self.items])
        for index, item in enumerate(self.items):
            check_number(f"item {index}: size", item.size, 0)
            check_index(f"item {index}: group", item.group, MAX_ITEMS, -1)
            self._check_places(f"item {index}", item.before)
        check_count("moves", self.moves, MAX_ITEMS)
        for index, move in enumerate(self.moves):
            check_index(f"move {index}: item", move.item, len(self.items))
            self._check_places(f"move {index}", move.to)
            if len(move.to) != len(self.items[move.item].before):
                raise ValueError(f"move {index} goes to {len(move.to)} nodes, its item takes another number")
        if len(self.rates) != len(self.moves) + 1:
            raise ValueError(f"{len(self.rates)} rates for {len(self.moves)} moves; there must be one more")
        for index, rate in enumerate(self.rates):
            check_number(f"rate {index}", rate)

    def _check_places(self, where: str, places: Places) -> None:
        check_count(f"{where}: nodes", places, MAX_NODES, 1)
        for host, node in places:
            check_index(f"{where}: host", host, len(self.hosts))
            check_index(f"{where}: node", node, len(self.capacity[host]))
        if len({host for host, _ in places}) > 1 or len(set(places)) < len(places):
            raise ValueError(f"{where} must take different nodes of one host")

    def after(self) -> list[Places]:
        """Where each item is once all moves are made."""
        places = [item.before for item in self.items]
        for move in self.moves:
            places[move.item] = move.to
        return places

    def to_json(self) -> dict[str, Any]:
        """Items as columns, places as lists of pairs."""
        items = _columns(HostItem._fields, self.items)
        items["before"] = [_pairs(places) for places in items["before"]]
        return {
            "kind": self.kind,
            "hosts": list(self.hosts),
            "node_capacity": [list(nodes) for nodes in self.capacity],
            "unit": self.unit,
            "items": {**items, "after": [_pairs(places) for places in self.after()]},
            "moves": [{"item": move.item, "to": _pairs(move.to)} for move in self.moves],
            "free_fragment": {
                "label": self.rate_label,
                "before": self.rates[0],
                "after": self.rates[-1],
                "rates": list(self.rates),
            },
            "end": len(self.moves),
        }


class Place(NamedTuple):
    """Somewhere on a map: coordinates to the east and to the north, and how large it is drawn, from 0."""

    name: str
    x: Number
    y: Number
    size: Number


class Leg(NamedTuple):
    """A way between two places, straight and at one speed.

    Attributes:
        vehicle: Index of who goes.
        origin: Index of the place from which.
        destination: Index of the place to which.
        start: When it leaves.
        end: When it is there.
        load: What it carries, as passengers.
        text: What there is to say beyond that.
    """

    vehicle: int
    origin: int
    destination: int
    start: Number
    end: Number
    load: int
    text: str = ""


@dataclass(frozen=True)
class MapView:
    """Vehicles between places. A vehicle stays where its last leg led, at first where it starts.

    Attributes:
        places: The map.
        x_unit: Of both coordinates.
        vehicles: Their names.
        vehicle_start: Index of the place at which each of them starts.
        legs: By their starts.
        time_unit: Of times.
        clock: Time of day at time 0, in that unit.
        end: Where the picture ends; no leg does later.
        cut: Whether later legs are left out.

    Raises:
        ValueError: A value is of the wrong kind or out of range.
    """

    kind: ClassVar[str] = "map"

    places: tuple[Place, ...]
    x_unit: str
    vehicles: tuple[str, ...]
    vehicle_start: tuple[int, ...]
    legs: tuple[Leg, ...]
    time_unit: str
    clock: Number
    end: Number
    cut: bool = False

    def __post_init__(self) -> None:
        check_number("end", self.end, 0)
        check_number("clock", self.clock, 0)
        check_cut(self.cut)
        check_texts("units", [self.x_unit, self.time_unit])
        check_texts("places", [place.name for place in self.places])
        for index, place in enumerate(self.places):
            check_number(f"place {index}: x", place.x)
            check_number(f"place {index}: y", place.y)
            check_number(f"place {index}: size", place.size, 0)
        check_texts("vehicles", self.vehicles)
        if len(self.vehicle_start) != len(self.vehicles):
            raise ValueError(f"{len(self.vehicle_start)} starts for {len(self.vehicles)} vehicles")
        for index, start in enumerate(self.vehicle_start):
            check_index(f"vehicle {index}: start", start, len(self.places))
        check_count("legs", self.legs, MAX_BARS)
        check_texts("text", [leg.text for leg in self.legs])
        for index, leg in enumerate(self.legs):
            where = f"leg {index}"
            check_index(f"{where}: vehicle", leg.vehicle, len(self.vehicles))
            check_index(f"{where}: from", leg.origin, len(self.places))
            check_index(f"{where}: to", leg.destination, len(self.places))
            check_index(f"{where}: load", leg.load, LARGEST)
            check_span(where, leg.start, leg.end, self.end)

    def to_json(self) -> dict[str, Any]:
        """Places and legs as columns."""
        return {
            "kind": self.kind,
            "places": _columns(Place._fields, self.places),
            "x_unit": self.x_unit,
            "legs": _columns(LEG_COLUMNS, self.legs),
            "vehicles": list(self.vehicles),
            "vehicle_start": list(self.vehicle_start),
            "time_unit": self.time_unit,
            "clock": self.clock,
            "end": self.end,
            "cut": self.cut,
        }


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _pairs(places: Places) -> list[list[int]]:
    return [list(place) for place in places]
