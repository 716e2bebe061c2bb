"""What a fleet did on a day: its flights, and where aircraft waited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .instance import UamInstance

COLUMNS = ("aircraft", "origin", "destination", "decided", "entered", "landed", "ready", "passengers")


@dataclass(frozen=True, eq=False)
class UamSolution:
    """Decisions, in the order in which they were taken.

    Attributes:
        legs: int64 ``[M, 8]``, a row for each decision, columns as in :data:`COLUMNS`: the aircraft, from where, to
            where (the same where it waits), when it was decided, when the aircraft entered its corridor, when it stood
            at its destination, when it could decide again, and how many passengers it had. Times in seconds since the
            day began; where an aircraft waits it "enters" and "lands" when it decides.
    """

    legs: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.legs)

    @property
    def flights(self) -> NDArray[np.int64]:
        """The rows in which an aircraft flies."""
        flights: NDArray[np.int64] = self.legs[self.legs[:, 1] != self.legs[:, 2]]
        return flights

    def to_json(self, instance: UamInstance) -> dict[str, Any]:
        """A list of decisions, vertiports by name."""
        names = instance.vertiports
        return {
            "decisions": [
                {
                    "aircraft": row[0],
                    "origin": names[row[1]],
                    "destination": names[row[2]],
                    **dict(zip(COLUMNS[3:], row[3:], strict=True)),
                }
                for row in self.legs.tolist()
            ]
        }

    @classmethod
    def from_json(cls, instance: UamInstance, data: Any) -> UamSolution:
        """The inverse of :meth:`to_json`.

        Raises:
            InputError: Not a list of decisions of that day's aircraft.
        """
        entries = data.get("decisions") if isinstance(data, dict) else None
        if not isinstance(entries, list):
            raise InputError(f"solution: 'decisions' must be a list of objects with {', '.join(COLUMNS)}")
        ports = {name: index for index, name in enumerate(instance.vertiports)}
        return cls(_table([_row(index, entry, ports, instance) for index, entry in enumerate(entries)]))


def _row(index: int, entry: Any, ports: dict[str, int], instance: UamInstance) -> list[int]:
    if not isinstance(entry, dict):
        raise InputError(f"solution: decision {index} must be an object")
    row = []
    for name in COLUMNS:
        value = entry.get(name)
        if name in ("origin", "destination"):
            if not isinstance(value, str) or value not in ports:
                raise InputError(f"solution: decision {index} has the unknown {name} {value!r}")
            value = ports[value]
        limit = instance.num_aircraft if name == "aircraft" else 2**31
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < limit:
            raise InputError(
                f"solution: decision {index} has {name} {value!r}; it must be a whole number below {limit}"
            )
        row.append(value)
    return row


def _table(rows: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    return np.array(rows, np.int64).reshape(-1, len(COLUMNS))
