"""What is improved: a job shop and a first schedule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..job_shop.instance import JobShopInstance


@dataclass(frozen=True, eq=False)
class ImprovementInstance:
    """A job shop with a complete schedule, and how many moves there are to better it.

    Attributes:
        shop: The job shop; its makespan is minimised.
        start: Start times of the first schedule, int64 ``[N]``; only the orders on the machines count.
        moves: Moves of an episode.

    Raises:
        ValueError: Not one start time per operation, or fewer than one move.
    """

    shop: JobShopInstance
    start: NDArray[np.int64]
    moves: int

    def __post_init__(self) -> None:
        if len(self.start) != self.shop.num_operations:
            raise ValueError(f"{len(self.start)} start times for {self.shop.num_operations} operations")
        if self.moves < 1:
            raise ValueError(f"moves must be at least 1, got {self.moves}")

    @property
    def name(self) -> str:
        """The job shop's name."""
        return self.shop.name

    @property
    def sequence(self) -> NDArray[np.int32]:
        """The operations machine by machine, in the schedule's order, ``[N]``."""
        return machine_orders(self.shop, self.start)


def machine_orders(shop: JobShopInstance, start: NDArray[np.int64]) -> NDArray[np.int32]:
    """Operations machine by machine, each machine's in the order of a feasible schedule, int32 ``[N]``.

    Operations that start together are in the order of their ends, then of their numbers: of those only operations of
    no duration have the same machine.
    """
    ends = start + shop.duration
    order: NDArray[np.int32] = np.lexsort((np.arange(len(start)), ends, start, shop.machine)).astype(np.int32)
    return order


def machine_starts(shop: JobShopInstance) -> NDArray[np.int32]:
    """Where each machine begins in such a list, int32 ``[M + 1]``."""
    counts = np.bincount(shop.machine, minlength=shop.num_machines)
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
