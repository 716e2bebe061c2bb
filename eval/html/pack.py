"""Kept schedules, small enough for a page: per instance a gzip of JSON in base64 that is unpacked when it is opened.

Schedules of one instance have most of their numbers in common (the same machines, the same durations), so columns are
kept once and referred to, and bars in the order of jobs hold their wait and their duration instead of start and end.
``js/unpack.js`` undoes it.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...envs.core.view import GanttView
from ..views import KeptView
from .collect import Section
from .text import exact, shown

LEAST_SHARED = 8  # entries of a column that is kept apart
REFERENCE = "$"


def pack_views(section: Section, agents: Sequence[str]) -> list[tuple[str, str, int]]:
    """The schedules of a section, instance by instance.

    Args:
        section: Its views; those of rows that it does not have are left out.
        agents: In the order of the leaderboard, by which the page names them.

    Returns:
        Name of the instance, its packed schedules, how many they are.
    """
    known = {row.key for row in section.rows}
    by_instance: dict[str, list[KeptView]] = {}
    for kept in section.views:
        if kept.key in known:
            by_instance.setdefault(kept.instance, []).append(kept)
    places = {agent: place for place, agent in enumerate(agents)}
    return [
        (instance, _packed(sorted(own, key=lambda kept: (places[kept.agent], kept.seed)), places), len(own))
        for instance, own in by_instance.items()
    ]


def _packed(own: Iterable[KeptView], places: Mapping[str, int]) -> str:
    columns: dict[str, int] = {}
    views = []
    for kept in own:
        data = _clean(kept.view.to_json())
        if isinstance(kept.view, GanttView):
            _by_job(data)
        views.append(
            {
                "agent": places[kept.agent],
                "seed": kept.seed,
                "objective": exact(kept.objective),
                "view": _share(data, columns),
            }
        )
    text = f'{{"columns":[{",".join(columns)}],"views":{_json(views)}}}'
    return packed_text(text)


def packed_text(text: str) -> str:
    """A text as base64 of its gzip, which needs no escaping; without a time, so that the same text gives the same."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _clean(value: Any) -> Any:
    """Texts fit to be shown, whole numbers as such."""
    if isinstance(value, dict):
        return {name: _clean(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        if set(map(type, value)) <= {int}:  # most columns, and nothing to do
            return value
        return [_clean(item) for item in value]
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, float):
        return exact(value)
    return value


def _by_job(data: dict[str, Any]) -> None:
    """Sort the bars of a Gantt chart by job, and keep waits and durations where all times are whole numbers."""
    bars = data["bars"]
    order = sorted(range(len(bars["row"])), key=lambda i: (bars["group"][i], bars["start"][i], bars["end"][i]))
    for name, column in bars.items():
        bars[name] = [column[i] for i in order] if column else []
    starts, ends = bars["start"], bars["end"]
    if all(isinstance(time, int) for time in (*starts, *ends)):
        bars["wait"] = [start - before for start, before in zip(starts, [0, *ends], strict=False)]
        bars["duration"] = [end - start for start, end in zip(starts, ends, strict=True)]
        del bars["start"], bars["end"]


def _share(value: Any, columns: dict[str, int]) -> Any:
    """Replace long lists by their place among the columns."""
    if isinstance(value, dict):
        return {name: _share(item, columns) for name, item in value.items()}
    if isinstance(value, list) and len(value) >= LEAST_SHARED:
        return {REFERENCE: columns.setdefault(_json(value), len(columns))}
    return value
