"""The rows of a section as columns, for the page's table that sorts and filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..results import measure_names
from ..tables import is_share, measure_title
from .collect import Section
from .text import rounded, shown


def instance_table(section: Section, agents: Sequence[str]) -> dict[str, Any]:
    """The rows as columns, for the table that sorts and filters.

    Args:
        section: Its rows.
        agents: In the order of the leaderboard.
    """
    places = {agent: place for place, agent in enumerate(agents)}
    instances = {name: place for place, name in enumerate(section.instances)}
    rows = sorted(section.rows, key=lambda row: (instances[row.instance], places[row.agent], row.seed))
    measures = measure_names(rows)
    return {
        "instance": [instances[row.instance] for row in rows],
        "agent": [places[row.agent] for row in rows],
        # a browser has 53 bits for a number
        "seed": [row.seed if row.seed < 2**53 else str(row.seed) for row in rows],
        "objective": [rounded(row.objective, 12) for row in rows],
        "bound": [rounded(row.bound, 12) for row in rows],
        "gap": [rounded(row.gap) for row in rows],
        "seconds": [rounded(row.seconds, 4) for row in rows],
        "feasible": [int(row.feasible) for row in rows],
        "error": [shown(row.error) for row in rows] if any(row.error for row in rows) else None,
        "measures": [
            {
                "name": shown(measure_title(name)),
                "share": is_share(name),
                "values": [rounded(row.measures.get(name)) for row in rows],
            }
            for name in measures
        ],
    }
