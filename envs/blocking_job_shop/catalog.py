"""Best known makespans of job shops that are played as blocking ones."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from ..core.problem import Bound


@cache
def known_makespans() -> dict[str, Bound]:
    """By name of the shop, with swap and without failures; see ``data/SOURCES.md``."""
    path = files(__package__ or "").joinpath("data", "best_known_blocking.csv")
    with path.open(encoding="utf-8") as file:
        return {
            row["instance"]: Bound(float(row["upper"]), "best-known", row["source"]) for row in csv.DictReader(file)
        }
