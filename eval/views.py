"""Solutions of a benchmark kept for drawing: which ones, and the file that holds them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..envs.core.errors import InputError
from ..envs.core.files import write_atomically
from ..envs.core.problem import Problem
from ..envs.core.view import View, view_from_json
from .instance_sets import Entry
from .json_files import Fields, read_json
from .results import Row, RowKey, unique_keys

VIEWS_FILE = "views.json"
FORMAT = 1
MAX_VIEWS_BYTES = 24 * 2**20
MOST_INSTANCES = 6
CHOICES = ("first", "all", "none")


@dataclass(frozen=True)
class KeptView:
    """A solution as it can be drawn.

    Attributes:
        instance: Name of the instance.
        agent: As written on the command line.
        seed: Of the row.
        objective: Of the solution; ``None`` where it is unknown.
        view: What to draw.
    """

    instance: str
    agent: str
    seed: int
    objective: float | None
    view: View

    @property
    def key(self) -> RowKey:
        """Instance, agent, seed."""
        return self.instance, self.agent, self.seed


def add_views_option(parser: argparse.ArgumentParser) -> None:
    """``--views``."""
    parser.add_argument(
        "--views",
        choices=CHOICES,
        default="first",
        help=f"whose solutions are kept in --out, for drawing: of every agent on the first instance of each class, "
        f"{MOST_INSTANCES} at most; on all instances; or none (default: first)",
    )


def wanted_views(problem: Problem[Any, Any, Any], entries: Sequence[Entry], choice: str) -> dict[str, frozenset[int]]:
    """Of which instances, and with which seeds, solutions are kept.

    Args:
        problem: The problem.
        entries: The instances of the benchmark.
        choice: ``"first"`` for the first instance of each class, at most :data:`MOST_INSTANCES`, with its first seed;
            ``"all"``; or ``"none"``.

    Returns:
        Seeds by the instance's name.
    """
    if choice == "none":
        return {}
    if choice == "all":
        return {entry.name: frozenset(entry.seeds) for entry in entries}
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(problem.instance_class(entry.instance), entry)
    return {entry.name: frozenset(entry.seeds[:1]) for entry in list(first.values())[:MOST_INSTANCES]}


class Views:
    """The views of a benchmark, as many as fit into their file.

    Args:
        wanted: See :func:`wanted_views`.
        kept: Those of an earlier run, which stay: the JSON text of each entry of the file by its row's key.
    """

    def __init__(self, wanted: Mapping[str, frozenset[int]], kept: Mapping[RowKey, str] | None = None) -> None:
        self._wanted = wanted
        self._entries = dict(kept or {})
        self._size = sum(map(_bytes, self._entries.values()))
        self._changed = bool(kept)
        self.left_out = 0
        """How many did not fit."""

    def wants(self, instance: str, seed: int) -> bool:
        """Whether the view of that row is to be kept."""
        return seed in self._wanted.get(instance, ())

    def add(self, row: Row, view: str) -> str | None:
        """Keep a view if there is room for it.

        Args:
            row: Whose.
            view: As JSON text.

        Returns:
            The entry as JSON text; ``None`` where there was no room.
        """
        about = {"instance": row.instance, "agent": row.agent, "seed": row.seed, "objective": row.objective}
        # the view is text already, and a long one
        entry = f'{json.dumps(about, separators=(",", ":"))[:-1]},"view":{view}}}'
        size = self._size + _bytes(entry) - _bytes(self._entries.get(row.key, ""))
        if size > MAX_VIEWS_BYTES:
            self.left_out += 1
            return None
        self._entries[row.key], self._size, self._changed = entry, size, True
        return entry

    def entry(self, key: RowKey) -> str | None:
        """The JSON text of an entry; ``None`` where there is none."""
        return self._entries.get(key)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._entries)

    def write(self, folder: Path, order: Iterable[RowKey] = ()) -> None:
        """Write ``views.json`` if there is something new.

        Args:
            folder: Where; it exists.
            order: In which the views come; those of other rows come last, in the order in which they were added.

        Raises:
            OSError: The disk is full, ...
        """
        if self._changed:
            first = dict.fromkeys(key for key in order if key in self._entries)
            entries = ",\n".join(
                self._entries[key] for key in [*first, *(key for key in self._entries if key not in first)]
            )
            write_atomically(folder / VIEWS_FILE, f'{{"format":{FORMAT},"views":[\n{entries}\n]}}\n')
            self._changed = False


def _bytes(text: str) -> int:
    return len(text.encode()) + 2  # with the comma and the line break


def read_views(folder: Path) -> list[KeptView]:
    """The views of a results folder; none where the run that wrote it kept none.

    Raises:
        InputError: ``views.json`` is not one of ours.
    """
    path = folder / VIEWS_FILE
    if not path.exists():
        return []
    data = read_json(path, "a views file of schedlab", MAX_VIEWS_BYTES + 2**20)
    try:
        own = Fields(data, "it")
        if own.integer("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}; this version of schedlab cannot read it")
        found = [view_entry(item, f"entry {number}") for number, item in enumerate(own.items("views"), 1)]
        own.end()
        unique_keys(view.key for view in found)
    except ValueError as error:
        raise InputError(f"{path}: not a views file of schedlab ({error})") from None
    return found


def view_entry(data: Any, where: str) -> KeptView:
    """An entry of a views file, checked.

    Args:
        data: The JSON value.
        where: It stands, for the message.

    Raises:
        ValueError: Something in it is missing or wrong, in one line.
    """
    own = Fields(data, where)
    view = KeptView(
        instance=own.text("instance"),
        agent=own.text("agent"),
        seed=own.integer("seed"),
        objective=own.number_or_none("objective"),
        view=view_from_json(own.value("view"), f"{where}, view"),
    )
    own.end()
    return view


def entry_text(view: KeptView) -> str:
    """The inverse of :func:`view_entry`, as JSON text."""
    about = {"instance": view.instance, "agent": view.agent, "seed": view.seed, "objective": view.objective}
    return json.dumps({**about, "view": view.view.to_json()}, separators=(",", ":"), allow_nan=False)
