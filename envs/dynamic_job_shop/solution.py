"""What happened in a run: when each operation began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..job_shop.solution import JobShopSolution
from .instance import DynamicJobShopInstance


@dataclass(frozen=True, eq=False)
class DynamicJobShopSolution:
    """Start times, int64 ``[N]`` in the instance's numbering; ``-1`` where an operation had not begun at the end."""

    start: NDArray[np.int64]

    def to_json(self, instance: DynamicJobShopInstance) -> dict[str, Any]:
        """``{"start": [[...], ...]}``: one list per job, in routing order."""
        return JobShopSolution(self.start).to_json(instance.shop)

    @classmethod
    def from_json(cls, instance: DynamicJobShopInstance, data: Any) -> DynamicJobShopSolution:
        """The inverse of :meth:`to_json`.

        Raises:
            InputError: Not one integer per operation.
        """
        return cls(JobShopSolution.from_json(instance.shop, data).start)
