"""What a solution looks like as plain JSON values, for drawing outside this library: in a browser, offline.

Views are checked when they are made, those of files as well, so that whoever draws them need not doubt them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import InputError
from .fields import bad_field, shown
from .view_checks import LARGEST, MAX_BARS, MAX_ITEMS, MAX_NODES, MAX_TEXT, check_number, due_text, short_text
from .view_kinds import (
    LEG_COLUMNS,
    Bar,
    GanttView,
    HostItem,
    HostMove,
    HostsView,
    Leg,
    Line,
    MapView,
    Place,
    Places,
)

View = GanttView | HostsView | MapView

__all__ = [
    "LARGEST",
    "MAX_BARS",
    "MAX_ITEMS",
    "MAX_NODES",
    "MAX_TEXT",
    "Bar",
    "GanttView",
    "HostItem",
    "HostMove",
    "HostsView",
    "Leg",
    "Line",
    "MapView",
    "Place",
    "Places",
    "View",
    "due_text",
    "short_text",
    "view_from_json",
]


def view_from_json(data: Any, where: str = "view") -> View:
    """The inverse of ``to_json`` of all views, for data of any origin: nothing is believed.

    Args:
        data: What a JSON reader made of it.
        where: How messages call it, as by its file and place there.

    Raises:
        InputError: It is no view; the message is one line that says what is wrong.
    """
    if not isinstance(data, dict):
        raise InputError(f"{where}: must be an object, got {shown(data)}")
    kind = data.get("kind")
    # a list is no key of a table
    read = READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise bad_field(data, "kind", where, f"one of {', '.join(READERS)}")
    try:
        return read(data, where)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


def _read_gantt(data: dict[str, Any], where: str) -> GanttView:
    _check_fields(data, where, ("kind", "time_unit", "rows", "groups", "styles", "bars", "lines", "end"), ("cut",))
    bars = _rows(data, "bars", where, Bar._fields, silent="text")
    lines = [
        _object(line, f"{where}, line {index}", Line._fields) for index, line in enumerate(_list(data, "lines", where))
    ]
    return GanttView(
        rows=_list(data, "rows", where),
        groups=_list(data, "groups", where),
        styles=_list(data, "styles", where),
        bars=tuple(Bar(*row) for row in bars),
        lines=tuple(Line(*line) for line in lines),
        end=data["end"],
        time_unit=data["time_unit"],
        cut=data.get("cut", False),
    )


def _read_hosts(data: dict[str, Any], where: str) -> HostsView:
    _check_fields(data, where, ("kind", "hosts", "node_capacity", "unit", "items", "moves", "free_fragment", "end"))
    items, after = [], []
    for index, row in enumerate(_rows(data, "items", where, (*HostItem._fields, "after"))):
        name, size, before, group, last = row
        about = f"{where}, item {index}"
        items.append(HostItem(name, size, _places(before, f"{about}: 'before'"), group))
        after.append(_places(last, f"{about}: 'after'"))
    moves = []
    for index, entry in enumerate(_list(data, "moves", where)):
        about = f"{where}, move {index}"
        item, to = _object(entry, about, HostMove._fields)
        moves.append(HostMove(item, _places(to, f"{about}: 'to'")))
    capacity = _list(data, "node_capacity", where)
    for index, nodes in enumerate(capacity):
        if not isinstance(nodes, list):
            raise InputError(f"{where}: 'node_capacity' of host {index} must be a list, got {shown(nodes)}")
    about = f"{where}, free_fragment"
    label, first, last, _ = _object(data["free_fragment"], about, ("label", "before", "after", "rates"))
    view = HostsView(
        hosts=_list(data, "hosts", where),
        capacity=tuple(map(tuple, capacity)),
        unit=data["unit"],
        items=tuple(items),
        moves=tuple(moves),
        rates=_list(data["free_fragment"], "rates", about),
        rate_label=label,
    )
    # what is told twice must be told alike
    if after != view.after():
        raise InputError(f"{where}: 'after' is not what the moves make of 'before'")
    check_number("free_fragment: 'before'", first)
    check_number("free_fragment: 'after'", last)
    if first != view.rates[0] or last != view.rates[-1]:
        raise InputError(f"{about}: 'before' and 'after' must be the first and the last of the rates")
    if type(data["end"]) is not int or data["end"] != len(moves):
        raise bad_field(data, "end", where, f"the number of moves, {len(moves)}")
    return view


def _read_map(data: dict[str, Any], where: str) -> MapView:
    known = ("kind", "places", "x_unit", "legs", "vehicles", "vehicle_start", "time_unit", "clock", "end")
    _check_fields(data, where, known, ("cut",))
    return MapView(
        places=tuple(Place(*row) for row in _rows(data, "places", where, Place._fields)),
        x_unit=data["x_unit"],
        vehicles=_list(data, "vehicles", where),
        vehicle_start=_list(data, "vehicle_start", where),
        legs=tuple(Leg(*row) for row in _rows(data, "legs", where, LEG_COLUMNS, silent="text")),
        time_unit=data["time_unit"],
        clock=data["clock"],
        end=data["end"],
        cut=data.get("cut", False),
    )


READERS: dict[str, Callable[[dict[str, Any], str], View]] = {
    "gantt": _read_gantt,
    "hosts": _read_hosts,
    "map": _read_map,
}


def _check_fields(table: Any, where: str, known: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    if not isinstance(table, dict):
        raise InputError(f"{where}: must be an object, got {shown(table)}")
    for name in known:
        if name not in table:
            raise InputError(f"{where}: {name!r} is missing")
    for name in table:
        if name not in known and name not in optional:
            raise InputError(f"{where}: there is no field {shown(name)}; use {', '.join((*known, *optional))}")


def _object(data: Any, where: str, fields: tuple[str, ...]) -> list[Any]:
    """The fields of an object, in a given order."""
    _check_fields(data, where, fields)
    return [data[name] for name in fields]


def _list(table: dict[str, Any], name: str, where: str) -> tuple[Any, ...]:
    values = table[name]
    if not isinstance(values, list) or len(values) > MAX_ITEMS:
        raise bad_field(table, name, where, f"a list of at most {MAX_ITEMS} entries")
    return tuple(values)


def _rows(
    data: dict[str, Any], name: str, where: str, fields: tuple[str, ...], silent: str = ""
) -> list[tuple[Any, ...]]:
    """Columns as rows; a column that may be silent is empty texts where it is an empty list."""
    table, about = data[name], f"{where}, {name}"
    _check_fields(table, about, fields)
    columns = {field: _list(table, field, about) for field in fields}
    count = len(columns[fields[0]])
    if silent and not columns[silent]:
        columns[silent] = ("",) * count
    for field, column in columns.items():
        if len(column) != count:
            raise InputError(f"{about}: {field!r} has {len(column)} entries, {fields[0]!r} has {count}")
    return list(zip(*columns.values(), strict=True))


def _places(data: Any, where: str) -> Places:
    if not isinstance(data, list) or not 1 <= len(data) <= MAX_NODES:
        raise InputError(f"{where} must be a list of 1 to {MAX_NODES} pairs, got {shown(data)}")
    for pair in data:
        if not isinstance(pair, list) or len(pair) != 2 or any(type(index) is not int for index in pair):
            raise InputError(f"{where} must list pairs of a host and a node, got {shown(pair)}")
    return tuple((pair[0], pair[1]) for pair in data)
