"""A job-shop schedule: when each operation starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .instance import JobShopInstance

UNSCHEDULED = -1


@dataclass(frozen=True, eq=False)
class JobShopSolution:
    """Start times, int64 ``[N]`` in the instance's numbering; ``-1`` where nothing is decided yet."""

    start: NDArray[np.int64]

    def to_json(self, instance: JobShopInstance) -> dict[str, Any]:
        """``{"start": [[...], ...]}``: one list per job, in routing order."""
        return {"start": [part.tolist() for part in np.split(self.start, instance.first_operation[1:-1])]}

    @classmethod
    def from_json(cls, instance: JobShopInstance, data: Any) -> JobShopSolution:
        """The inverse of :meth:`to_json`.

        Raises:
            InputError: Not one integer per operation.
        """
        rows = data.get("start") if isinstance(data, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise InputError('a job-shop solution needs "start": one list of start times per job')
        lengths = np.diff(instance.first_operation).tolist()
        if [len(row) for row in rows] != lengths:
            raise InputError(
                f'"start" has {len(rows)} jobs of lengths {_short([len(row) for row in rows])}; '
                f"{instance.name} has {len(lengths)} of lengths {_short(lengths)}"
            )
        for job, row in enumerate(rows):
            for k, value in enumerate(row):
                # 2**62: a start that does not fit 64-bit arithmetic would wrap around in the checker
                if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**62:
                    raise InputError(f'"start" of job {job}, operation {k} is {value!r}; it must be an integer')
        return cls(np.array([value for row in rows for value in row], np.int64))


def _short(values: list[int]) -> str:
    if values and len(set(values)) == 1:
        return f"{values[0]} each"
    return str(values[:6])[:-1] + (", ...]" if len(values) > 6 else "]")
