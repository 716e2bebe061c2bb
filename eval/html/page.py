"""From sections to one HTML page: styles, scripts and data are in it, and a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from ...envs import PROBLEMS
from ...envs.core.problem import load_problem
from .about import Pairs
from .charts import section_charts
from .collect import Section
from .leaderboard import Board, leaderboard, race_board, sweep_board
from .pack import pack_views, packed_text
from .provenance import provenance, scope
from .rows import instance_table
from .text import script_json, shown

# in this order: later files use what earlier ones define
SCRIPTS = ("dom", "format", "table", "axes", "charts", "unpack", "stage", "gantt", "hosts", "map", "schedules", "main")
MAX_PAGE_BYTES = 2_900_000  # schedules that would make a page larger are left out
LARGE_SECTION = 200_000  # bytes of a section's numbers from which they are packed
LEAST_FOR_VIEWS = 500_000  # bytes that schedules get, also on a page that is large without them


@dataclass(frozen=True)
class Packed:
    """The schedules of one instance.

    Attributes:
        instance: Its name.
        data: The schedules, see :mod:`~schedlab.eval.html.pack`.
        count: How many they are.
    """

    instance: str
    data: str
    count: int


@dataclass(frozen=True)
class Shown:
    """A section as the template writes it; all strings in it are fit to be shown.

    Attributes:
        anchor: Its id in the page.
        kind: Of measuring.
        problem: Name of the problem.
        about: What the problem is, in words.
        folder: Where the results were.
        command: That made them.
        scope: What was measured, in numbers.
        provenance: Names and values.
        board: The first table.
        values: The table of a sweep, or ``None``.
        data: For the scripts.
        packed: The same for a section that is large, else empty.
        views: By instance.
        left_out: Schedules for which the page has no room.
        unfinished: Whether the run has measured more than is shown.
    """

    anchor: str
    kind: str
    problem: str
    about: str
    folder: str
    command: str
    scope: str
    provenance: Pairs
    board: Board
    values: Board | None
    data: dict[str, Any]
    packed: str = ""
    views: Sequence[Packed] = ()
    left_out: int = 0
    unfinished: bool = False


def render_page(
    sections: Sequence[Section],
    *,
    title: str,
    folders: Sequence[str],
    made: str,
    version: str,
    against: str | None = None,
) -> str:
    """The page.

    Args:
        sections: In their order.
        title: Of the page.
        folders: That it was made from, for its header.
        made: When.
        version: Of schedlab.
        against: Agent with which others are compared where a section has it; by default its best rule.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = shown
    template = environment.from_string(_read("report.html.j2"))
    style = _read("report.css")
    script = '"use strict";\n(() => {\n' + "\n".join(_read("js", f"{name}.js") for name in SCRIPTS) + "\n})();\n"
    prepared = [_prepare(place, section, against) for place, section in enumerate(sections)]

    def write(written: Sequence[Shown]) -> str:
        return template.render(
            title=shown(title),
            folders=[shown(folder, 400) for folder in folders],
            made=made,
            version=version,
            sections=written,
            data=script_json([{"id": item.anchor} if item.packed else item.data for item in written]),
            # ours, and written as they are: their hashes would not fit otherwise
            style=Markup(style),
            script=Markup(script),
            style_hash=_hash(style),
            script_hash=_hash(script),
        )

    without = write([replace(item, views=()) for item in prepared])
    return write(_fitting(prepared, max(MAX_PAGE_BYTES - len(without.encode()), LEAST_FOR_VIEWS)))


def _prepare(place: int, section: Section, against: str | None) -> Shown:
    board = leaderboard(section, against) if section.race is None else race_board(section, section.race)
    agents = board.agents
    data = {
        "id": f"s{place}",
        "agents": [shown(agent) for agent in agents],
        "instances": [shown(instance) for instance in section.instances],
        "race": section.race is not None,
        "table": instance_table(section, agents),
        "charts": section_charts(section, agents),
    }
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Shown(
        anchor=f"s{place}",
        kind=section.kind,
        problem=shown(section.problem),
        about=load_problem(section.problem).title if section.problem in PROBLEMS else "",
        folder=shown(str(section.folder), 400),
        command=section.about.command,
        scope=scope(section),
        provenance=tuple((shown(name), shown(value, 2000)) for name, value in provenance(section)),
        board=board,
        values=sweep_board(section, agents) if section.kind == "sweep" else None,
        data=data,
        packed=packed_text(text) if len(text) > LARGE_SECTION else "",
        views=[Packed(shown(instance), packed, count) for instance, packed, count in pack_views(section, agents)],
        unfinished=section.unfinished,
    )


def _fitting(prepared: Sequence[Shown], room: int) -> list[Shown]:
    """The same with as many schedules as fit: the first instance of every section, then the second, ..."""
    kept: list[list[Packed]] = [[] for _ in prepared]
    for turn in range(max((len(item.views) for item in prepared), default=0)):
        for item, own in zip(prepared, kept, strict=True):
            if turn < len(item.views) and len(item.views[turn].data) <= room:
                own.append(item.views[turn])
                room -= len(item.views[turn].data)
    return [
        replace(item, views=own, left_out=sum(view.count for view in item.views) - sum(view.count for view in own))
        for item, own in zip(prepared, kept, strict=True)
    ]


def _read(*names: str) -> str:
    return resources.files(__package__).joinpath(*names).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What the page's policy calls an inline script or style by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
