"""Days in a JSON format of ours, read with errors that name the field.

A file is one object; ``...`` stands for more of the same. What is marked ``?`` may be left out::

    {"name"?: "monday", "seed"?: 7,
     "vertiports": [{"name": "airport", "x": 0.0, "y": 12.5, "parking": 10, "chargers": 6, "delay"?: 120}, ...],
     "aircraft": {"start": ["airport", "airport", ...], "failure"?: 0.005,
                  "seats"?: 4, "speed"?: 74.5, "battery"?: 110, "consumption"?: 2.2, "charger"?: 150,
                  "take_off"?: 360, "landing"?: 360},
     "terms"?: {"day": 43200, "wait": 900, "fare": 1.5, ...},
     "demand": [[[0, 3, ...], [5, 0, ...], ...], ...],
     "forecast"?: [[[0, 2.5, ...], [4.1, 0, ...], ...], ...],
     "closure"?: 0.02, "closed"?: [[3, "airport", "centre"], ...]}

The fields are those of :class:`~schedlab.envs.uam.instance.UamInstance`, of its aircraft and of its terms, with their
units and, where they are left out, their defaults. An aircraft is there for each name in ``start``. ``demand`` has a
table for each period, in it a row for each origin and a column for each destination, in the order of the vertiports;
``forecast`` too, it is the demand where it is left out. ``failure`` is one probability, or a list of one for each
aircraft; ``closure`` is one for all routes, or a table of them. ``closed`` names the slots in which routes are closed,
and the routes: from where, to where. Without a name, a day is called as its file.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core.config import is_a
from ..core.errors import InputError, unknown_name
from ..core.fields import bad_field, shown
from ..core.files import name_of, read_text, write_atomically
from ..core.json_text import parse_json
from .instance import Real, UamInstance
from .terms import Aircraft, Terms

LONGEST_NAME = 200
MOST_VERTIPORTS, MOST_AIRCRAFT = 1000, 10_000
MOST_CLOSURES = 10**8  # slots times routes
LARGEST = 10**15  # of any number
TOP = ("name", "seed", "vertiports", "aircraft", "terms", "demand", "forecast", "closure", "closed")
PORT = ("name", "x", "y", "parking", "chargers", "delay")

Values = dict[str, Any]
Typed = TypeVar("Typed", Aircraft, Terms)


def read_day(path: Path) -> UamInstance:
    """A day from a JSON file.

    Raises:
        InputError: The file is missing, or something in it is wrong; the message names the file and the field.
    """
    return day_from(parse_json(read_text(path), str(path)), str(path), name_of(path))


def write_day(path: Path, instance: UamInstance) -> None:
    """Write a day as JSON: reading the file gives the same day."""
    write_atomically(path, _laid_out(day_to(instance)) + "\n")


def day_from(data: Any, source: str, name: str = "day") -> UamInstance:
    """A day from JSON values.

    Args:
        data: The values.
        source: What messages begin with.
        name: What the day is called if the values do not say.

    Raises:
        InputError: Something is missing or wrong; the message names the field.
    """
    table = _object(data, source, TOP)
    if "name" in table:
        name = _name(table, "name", source)
    ports = [_port(item, f"{source}: vertiports[{k}]") for k, item in enumerate(_list(table, "vertiports", source))]
    if not 2 <= len(ports) <= MOST_VERTIPORTS:
        raise InputError(f"{source}: 'vertiports' must be 2 to {MOST_VERTIPORTS}, got {len(ports)}")
    index = {port["name"]: number for number, port in enumerate(ports)}
    if len(index) < len(ports):
        twin = next(port["name"] for number, port in enumerate(ports) if index[port["name"]] != number)
        raise InputError(f"{source}: two vertiports are called {twin!r}")
    aircraft, start, failure = _fleet(table, source, index)
    terms = _typed(Terms, table.get("terms", {}), f"{source}: terms")
    demand = np.array(_demand(table, source, len(ports)), np.int64)
    forecast = demand.astype(np.float64)
    if "forecast" in table:
        forecast = _reals(table["forecast"], demand.shape, f"{source}: forecast")
    x, y, delay = (np.array([port[part] for port in ports], np.float64) for part in ("x", "y", "delay"))
    parking, chargers = (np.array([port[part] for port in ports], np.int64) for part in ("parking", "chargers"))
    closure, closed = _closure(table, source, len(ports)), _closed(table, source, index, terms)
    seed = _whole(table, "seed", source) if "seed" in table else 0
    try:
        return UamInstance(
            name, tuple(index), x, y, parking, chargers, start, forecast, demand, delay, closure, closed, failure, seed,
            aircraft, terms,
        )  # fmt: skip
    except ValueError as error:
        raise InputError(f"{source}: {str(error).removeprefix(f'{name}: ')}") from None


def day_to(instance: UamInstance) -> Values:
    """The inverse of :func:`day_from`."""
    names, starts = instance.vertiports, instance.start.tolist()
    columns = (names, *(getattr(instance, part).tolist() for part in PORT[1:]))
    data: Values = {
        "name": instance.name,
        "seed": int(instance.seed),
        "vertiports": [dict(zip(PORT, row, strict=True)) for row in zip(*columns, strict=True)],
        "aircraft": {
            **asdict(instance.aircraft),
            "failure": _one_or_all(instance.failure),
            "start": [names[port] for port in starts],
        },
        "terms": asdict(instance.terms),
        "demand": instance.demand.tolist(),
    }
    if not np.array_equal(instance.forecast, instance.demand):
        data["forecast"] = instance.forecast.tolist()
    data["closure"] = _one_or_all(instance.closure)
    data["closed"] = [[slot, names[one], names[two]] for slot, one, two in np.argwhere(instance.closed).tolist()]
    return data


def _one_or_all(values: Real) -> Any:
    """A number in place of many that are the same."""
    first = float(values.flat[0])
    return first if (values == first).all() else values.tolist()


def _laid_out(value: Any, indent: str = "") -> str:
    """JSON text with a line for each list or object that holds no others."""
    items: Iterable[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not any(isinstance(item, (list, dict)) for item in items):
        return json.dumps(value, allow_nan=False)
    inner = f"{indent} "
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(name)}: {_laid_out(item, inner)}" for name, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _laid_out(item, inner) for item in value) + f"\n{indent}]"


# --- parts of a day


def _port(data: Any, where: str) -> Values:
    """A vertiport's fields, the name first."""
    table = _object(data, where, PORT)
    name = _name(table, "name", where)
    return {
        "name": name,
        "x": _real(table, "x", where),
        "y": _real(table, "y", where),
        "parking": _whole(table, "parking", where),
        "chargers": _whole(table, "chargers", where),
        "delay": _real(table, "delay", where) if "delay" in table else 0.0,
    }


def _fleet(table: Values, source: str, index: dict[str, int]) -> tuple[Aircraft, NDArray[np.int64], Real]:
    """The type of aircraft, where each is when the day begins, and how likely each fails."""
    where = f"{source}: aircraft"
    if "aircraft" not in table:
        raise InputError(f"{source}: 'aircraft' is missing")
    data = dict(_object(table["aircraft"], where, [*(item.name for item in fields(Aircraft)), "start", "failure"]))
    names = _list(data, "start", where)
    if not 1 <= len(names) <= MOST_AIRCRAFT:
        raise InputError(f"{where}: 'start' must have 1 to {MOST_AIRCRAFT} aircraft, got {len(names)}")
    start = [_port_number(name, index, f"{where}: start[{plane}]") for plane, name in enumerate(names)]
    failure = np.zeros(len(start))
    if isinstance(data.get("failure"), list):
        failure = _reals(data["failure"], (len(start),), f"{where}: failure")
    elif "failure" in data:
        failure += _real(data, "failure", where)
    kind = {name: value for name, value in data.items() if name not in ("start", "failure")}
    return _typed(Aircraft, kind, where), np.array(start, np.int64), failure


def _typed(kind: type[Typed], data: Any, where: str) -> Typed:
    """The aircraft or the terms, from those of its fields that are there."""
    defaults = {item.name: item.default for item in fields(kind)}
    table = _object(data, where, defaults)
    values: Values = {}
    for name in table:
        default = defaults[name]
        if isinstance(default, bool):
            if not isinstance(table[name], bool):
                raise bad_field(table, name, where, "true or false")
            values[name] = table[name]
        elif isinstance(default, str):
            values[name] = _name(table, name, where)
        else:
            values[name] = _whole(table, name, where) if isinstance(default, int) else _real(table, name, where)
    try:
        return kind(**values)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None


def _demand(table: Values, source: str, ports: int) -> Any:
    periods = _list(table, "demand", source)
    where = f"{source}: demand"
    for place, row in _rows(periods, (len(periods), ports, ports), where, ()):
        for column, value in enumerate(row):
            if _as_whole(value) is None:
                raise InputError(f"{where}{[*place, column]} must be a whole number, got {shown(value)}")
    return periods


def _closure(table: Values, source: str, ports: int) -> Real:
    value = table.get("closure", 0.0)
    if isinstance(value, list):
        return _reals(value, (ports, ports), f"{source}: closure")
    probability = _real({"closure": value}, "closure", source)
    return np.full((ports, ports), probability)


def _closed(table: Values, source: str, index: dict[str, int], terms: Terms) -> NDArray[np.bool_]:
    slots, ports = -(-terms.day // terms.slot), len(index)
    if slots * ports * ports > MOST_CLOSURES:
        raise InputError(f"{source}: terms: slot: {slots} slots are too many for {ports} vertiports")
    closed = np.zeros((slots, ports, ports), np.bool_)
    for number, item in enumerate(_list(table, "closed", source) if "closed" in table else ()):
        where = f"{source}: closed[{number}]"
        if not isinstance(item, list) or len(item) != 3:
            raise InputError(f"{where} must be a list [slot, from, to], got {shown(item)}")
        slot = _as_whole(item[0])
        if slot is None or not 0 <= slot < slots:
            raise InputError(f"{where}: slots are numbered 0..{slots - 1}, not {shown(item[0])}")
        one, two = (_port_number(name, index, where) for name in item[1:])
        closed[slot, one, two] = True
    return closed


# --- values


def _object(data: Any, where: str, known: Collection[str]) -> Values:
    if not isinstance(data, dict):
        raise InputError(f"{where}: must be an object, got {shown(data)}")
    for name in data:
        if name not in known:
            raise InputError(f"{where}: {unknown_name('field', name[:LONGEST_NAME], known)}")
    return data


def _list(table: Values, name: str, where: str) -> list[Any]:
    value = table.get(name)
    if not isinstance(value, list):
        raise bad_field(table, name, where, "a list")
    return value


def _name(table: Values, name: str, where: str) -> str:
    value = table.get(name)
    # what cannot be printed would end messages, and tables, in the middle of a line
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_NAME or not value.isprintable():
        raise bad_field(table, name, where, f"a text of 1 to {LONGEST_NAME} printable characters")
    return value


def _port_number(name: Any, index: dict[str, int], where: str) -> int:
    if not isinstance(name, str):
        raise InputError(f"{where}: a vertiport's name is expected, got {shown(name)}")
    if name not in index:
        raise InputError(f"{where}: {unknown_name('vertiport', name[:LONGEST_NAME], index)}")
    return index[name]


def _whole(table: Values, name: str, where: str) -> int:
    value = _as_whole(table.get(name))
    if value is None:
        raise bad_field(table, name, where, "a whole number below 2**63")
    return value


def _as_whole(value: Any) -> int | None:
    """A whole number, be it written as 8 or 8.0."""
    whole = is_a(value, int) or (is_a(value, float) and value.is_integer())
    return int(value) if whole and abs(value) < 2**63 else None


def _real(table: Values, name: str, where: str) -> float:
    value = table.get(name)
    if not _is_real(value):
        raise bad_field(table, name, where, f"a number within {LARGEST:g}")
    return float(table[name])


def _is_real(value: Any) -> bool:
    return is_a(value, (int, float)) and abs(value) <= LARGEST


def _reals(value: Any, shape: tuple[int, ...], where: str) -> Real:
    for place, row in _rows(value, shape, where, ()):
        for column, item in enumerate(row):
            if not _is_real(item):
                raise InputError(f"{where}{[*place, column]} must be a number within {LARGEST:g}, got {shown(item)}")
    return np.array(value, np.float64).reshape(shape)


def _rows(
    value: Any, shape: tuple[int, ...], where: str, place: tuple[int, ...]
) -> Iterable[tuple[tuple[int, ...], list[Any]]]:
    """The innermost lists of lists in lists, with where they are; their lengths are checked."""
    what = f"{where}{list(place)}" if place else where
    if not isinstance(value, list) or len(value) != shape[0]:
        got = f"one of {len(value)}" if isinstance(value, list) else shown(value)
        raise InputError(f"{what} must be a list of {shape[0]}, got {got}")
    if len(shape) == 1:
        yield place, value
    else:
        for number, item in enumerate(value):
            yield from _rows(item, shape[1:], where, (*place, number))
