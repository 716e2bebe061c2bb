"""Platforms, applications and runs as JSON values, read with errors that name the element.

A platform::

    {"name": "mine", "bandwidth": {"default": 100, "same_pe": null, "between": [["CPU", "GPU", 10]]},
     "kinds": [{"name": "CPU", "count": 4, "execution": {"decode": 12, "filter": 30}},
               {"name": "GPU", "count": 1, "execution": {"filter": 4}}]}

Bandwidth is volume per microsecond; ``same_pe`` is that within a PE, ``null`` where it takes no time. Optional parts of
a kind are ``operating_points`` (``[[MHz, mV], ...]``; times are those at the last) and ``power`` (``{"1000": [W with
one busy PE, with two, ...]}``), and of a platform ``idle_power`` (W besides busy PEs).

An application (``tasks`` are pairs of name and type, ``edges`` producer, consumer and volume)::

    {"name": "video", "tasks": [["d", "decode"], ["f", "filter"]], "edges": [["d", "f", 300]]}

A run: a platform and applications, or names of built-in ones, and jobs, by default one of each at time 0::

    {"platform": "ds3", "applications": ["wifi-tx", {...}], "jobs": [{"application": "wifi-tx", "arrival": 0}, ...]}
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.errors import InputError
from .application import Application
from .platform import Kind, Platform

LONGEST_NAME = 200
MOST_KINDS = 256  # no platform has more PEs
MOST_TASKS, MOST_EDGES = 10_000, 100_000  # of an application: their order takes time in proportion to both


def platform_from(data: Any, source: str) -> Platform:
    """A platform from JSON values.

    Raises:
        InputError: Something is missing or wrong; the message begins with ``source``.
    """
    table = check_table(data, source, {"name", "bandwidth", "kinds", "idle_power"})
    kinds = tuple(_kind(item, source) for item in entries(table, "kinds", source, MOST_KINDS))
    links = check_table(table.get("bandwidth", {}), f"{source}: bandwidth", {"default", "same_pe", "between"})
    names = [kind.name for kind in kinds]
    bandwidth = np.full((len(kinds),) * 2, _number(links.get("default", 1), f"{source}: bandwidth: default"))
    known: list[set[str]] = []
    for item in entries(links, "between", source) if "between" in links else []:
        if not isinstance(item, list) or len(item) != 3:
            raise InputError(f"{source}: bandwidth: write [KIND, KIND, VOLUME PER MICROSECOND], not {_shown(item)}")
        for name in item[:2]:
            if name not in names:
                raise InputError(f"{source}: bandwidth: no kind is called {_shown(name)}")
        if set(item[:2]) in known:
            raise InputError(f"{source}: bandwidth: {item[0]!r} and {item[1]!r} are there twice")
        known.append(set(item[:2]))
        one, two = names.index(item[0]), names.index(item[1])
        bandwidth[one, two] = bandwidth[two, one] = _number(item[2], f"{source}: bandwidth of {item[0]} and {item[1]}")
    same = links.get("same_pe")
    try:
        same_pe = math.inf if same is None else _number(same, f"{source}: bandwidth: same_pe")
        idle = _number(table.get("idle_power", 0), f"{source}: idle_power")
        return Platform(_text(table, "name", source), kinds, bandwidth, same_pe, idle)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{source}: {error}") from None


def _kind(data: Any, source: str) -> Kind:
    table = check_table(data, f"{source}: kind", {"name", "count", "execution", "operating_points", "power"})
    name = _text(table, "name", f"{source}: kind")
    where = f"{source}: kind {name!r}"
    count = table.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool):
        raise InputError(f"{where}: count must be a whole number, got {_shown(count)}")
    pairs, power = [], {}
    for item in entries(table, "operating_points", where) if "operating_points" in table else [[1000, 1000]]:
        if not isinstance(item, list) or len(item) != 2:
            raise InputError(f"{where}: an operating point is [MHz, mV], not {_shown(item)}")
        pairs.append((_number(item[0], f"{where}: MHz"), _number(item[1], f"{where}: mV")))
    for written, watts in check_table(table.get("power", {}), f"{where}: power").items():
        try:
            frequency = float(written)
        except ValueError:
            raise InputError(f"{where}: power is listed by MHz, not by {_shown(written)}") from None
        if not isinstance(watts, list):
            raise InputError(
                f"{where}: power at {written.strip()[:20]} MHz must be a list of watts, got {_shown(watts)}"
            )
        power[frequency] = tuple(_number(number, f"{where}: power at {written.strip()[:20]} MHz") for number in watts)
    execution = dict(check_table(table.get("execution"), f"{where}: execution"))
    for task_type in execution:
        if not _is_name(task_type):
            raise InputError(f"{where}: execution: {_shown(task_type)} is no name of a task type")
    try:
        return Kind(name, count, execution, tuple(pairs), power)
    except ValueError as error:
        raise InputError(f"{source}: {error}") from None


def application_from(data: Any, source: str) -> Application:
    """An application from JSON values.

    Raises:
        InputError: Something is missing or wrong; the message begins with ``source``.
    """
    table = check_table(data, source, {"name", "tasks", "edges"})
    name = _text(table, "name", source)
    where = f"{source}: application {name!r}"
    tasks, types = [], []
    for item in entries(table, "tasks", where, MOST_TASKS):
        if not isinstance(item, list) or len(item) != 2 or not all(isinstance(part, str) for part in item):
            raise InputError(f"{where}: a task is [NAME, TYPE], not {_shown(item)}")
        if not all(_is_name(part) for part in item):
            raise InputError(f"{where}: names are 1 to {LONGEST_NAME} printable characters, not {_shown(item)}")
        tasks.append(item[0])
        types.append(item[1])
    place = {task: index for index, task in enumerate(tasks)}
    edges, volumes = [], []
    for item in entries(table, "edges", where, MOST_EDGES) if "edges" in table else []:
        if not isinstance(item, list) or len(item) != 3:
            raise InputError(f"{where}: an edge is [PRODUCER, CONSUMER, VOLUME], not {_shown(item)}")
        for task in item[:2]:
            if not isinstance(task, str) or task not in place:
                edge = f"{_shown(item[0])} -> {_shown(item[1])}"
                raise InputError(f"{where}: edge {edge}: no task is called {_shown(task)}")
        edges.append([place[item[0]], place[item[1]]])
        volumes.append(_number(item[2], f"{where}: volume of edge {item[0]!r} -> {item[1]!r}"))
    try:
        return Application(
            name, tuple(tasks), tuple(types), np.array(edges, np.int64).reshape(-1, 2), np.array(volumes, np.float64)
        )
    except ValueError as error:
        raise InputError(f"{source}: {error}") from None


def platform_to_json(platform: Platform) -> dict[str, Any]:
    """The inverse of :func:`platform_from`."""
    kinds = platform.kinds
    between = [
        [kinds[one].name, kinds[two].name, float(platform.bandwidth[one, two])]
        for one in range(len(kinds))
        for two in range(one, len(kinds))
    ]
    same = None if math.isinf(platform.same_pe) else platform.same_pe
    return {
        "name": platform.name,
        "idle_power": platform.idle_power,
        "bandwidth": {"default": 1, "same_pe": same, "between": between},
        "kinds": [
            {
                "name": kind.name,
                "count": kind.count,
                "operating_points": [list(point) for point in kind.operating_points],
                "power": {repr(f).removesuffix(".0"): list(watts) for f, watts in kind.power.items()},
                "execution": {task_type: int(time) for task_type, time in kind.execution.items()},
            }
            for kind in kinds
        ],
    }


def application_to_json(application: Application) -> dict[str, Any]:
    """The inverse of :func:`application_from`."""
    names = application.tasks
    return {
        "name": application.name,
        "tasks": [list(pair) for pair in zip(names, application.types, strict=True)],
        "edges": [
            [names[source], names[target], volume]
            for (source, target), volume in zip(application.edges.tolist(), application.volume.tolist(), strict=True)
        ],
    }


def check_table(data: Any, where: str, known: set[str] | None = None) -> dict[str, Any]:
    """JSON values that must be a table, with no other names than those known.

    Raises:
        InputError: They are not.
    """
    if not isinstance(data, dict):
        got = data if isinstance(data, str) else _shown(data)
        raise InputError(f"{where}: expected a table of names and values, got {got[:60]!r}")
    for name in data if known is not None else ():
        if name not in (known or ()):
            raise InputError(f"{where}: {_shown(name)} not understood; known: {', '.join(sorted(known or ()))}")
    return data


def entries(table: dict[str, Any], name: str, where: str, most: int = 1_000_000) -> list[Any]:
    """A list in a table.

    Raises:
        InputError: It is missing, no list, or too long.
    """
    values = table.get(name)
    if not isinstance(values, list):
        raise InputError(f"{where}: {name!r} must be a list" if name in table else f"{where}: {name!r} is missing")
    if len(values) > most:
        raise InputError(f"{where}: {name!r} must list {most} at most, got {len(values)}")
    return values


def _text(table: dict[str, Any], name: str, where: str) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value:
        raise InputError(f"{where}: {name!r} must be a text, got {_shown(value)}")
    if not _is_name(value):
        raise InputError(f"{where}: {name!r} must be 1 to {LONGEST_NAME} printable characters, got {_shown(value)}")
    return value


def _is_name(text: str) -> bool:
    # what cannot be printed would end messages, and tables, in the middle of a line
    return 1 <= len(text) <= LONGEST_NAME and text.isprintable()


def _number(value: Any, where: str) -> float:
    # whole numbers may be too large for math.isfinite
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) < 1e300:
        raise InputError(f"{where}: expected a number, got {_shown(value)}")
    return float(value)


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except RecursionError:
        return "lists in lists in lists"
    return text if len(text) <= 60 else f"{text[:57]}..."
