"""A single-machine schedule: the order of the jobs, without idle time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .instance import SingleMachineInstance


@dataclass(frozen=True, eq=False)
class SingleMachineSolution:
    """Jobs in the order in which they run, int64 ``[K]``; K is less than J while a schedule is being built."""

    sequence: NDArray[np.int64]

    def to_json(self) -> dict[str, Any]:
        """``{"sequence": [...]}``, jobs from 0."""
        return {"sequence": self.sequence.tolist()}

    @classmethod
    def from_json(cls, instance: SingleMachineInstance, data: Any) -> SingleMachineSolution:
        """The inverse of :meth:`to_json`; what the sequence says is the checker's business.

        Raises:
            InputError: Not a list of job numbers.
        """
        jobs = data.get("sequence") if isinstance(data, dict) else None
        if not isinstance(jobs, list):
            raise InputError('a single-machine solution needs "sequence": the list of jobs in their order, from 0')
        for place, job in enumerate(jobs):
            if isinstance(job, bool) or not isinstance(job, int) or abs(job) >= 2**62:
                raise InputError(f'"sequence" has {job!r} at place {place}; it must be an integer')
        return cls(np.array(jobs, np.int64))
