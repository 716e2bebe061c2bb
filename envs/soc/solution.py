"""What happened in a run: where and when each task ran."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .instance import SocInstance

NEVER_RAN = -1


@dataclass(frozen=True, eq=False)
class SocSolution:
    """A schedule; tasks count through all jobs, those of a job in the order of its application.

    Attributes:
        arrival: When each job was injected, int64 ``[J]``; ``NEVER_RAN`` if it never was.
        pe: Where each task ran, int64 ``[T]``; ``NEVER_RAN`` where it did not start.
        start: When it started, int64 ``[T]``; ``NEVER_RAN`` where it did not.
        end: When it ended, int64 ``[T]``; ``NEVER_RAN`` where it did not before the run ended.
    """

    arrival: NDArray[np.int64]
    pe: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    @classmethod
    def empty(cls, jobs: int, tasks: int) -> SocSolution:
        """Nothing has happened."""
        return cls(*(np.full(count, NEVER_RAN, np.int64) for count in (jobs, tasks, tasks, tasks)))

    def to_json(self) -> dict[str, Any]:
        """Times and places as JSON values."""
        return {name: getattr(self, name).tolist() for name in ("arrival", "pe", "start", "end")}

    @classmethod
    def from_json(cls, instance: SocInstance, data: Any) -> SocSolution:
        """The inverse of :meth:`to_json`.

        Raises:
            InputError: Not a solution of that instance's shape.
        """
        lengths = {"arrival": instance.num_jobs, **dict.fromkeys(("pe", "start", "end"), instance.num_tasks)}
        arrays = []
        for name, length in lengths.items():
            values = data.get(name) if isinstance(data, dict) else None
            if not isinstance(values, list) or len(values) != length:
                raise InputError(f"solution: {name!r} must list {length} whole numbers")
            if any(not isinstance(v, int) or isinstance(v, bool) or not -1 <= v < 2**53 for v in values):
                raise InputError(f"solution: {name!r} must be whole numbers from 0, or -1 where nothing happened")
            arrays.append(np.array(values, np.int64))
        return cls(*arrays)
