"""The schedules that a search starts from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..job_shop.instance import JobShopInstance
from ..job_shop.simulate import JobShopSimulator


def flow_due_date_per_work(shop: JobShopSimulator) -> NDArray[Any]:
    """The priority of FDD/MWKR: release plus work up to the operation's end, per work remaining, ``[B, J]``.

    Smallest first; the strongest of the simple rules on average (Sels, Gheysen & Vanhoucke 2012).
    """
    flow_due_date = shop.release + shop.job_work - shop.remaining_work + shop.candidate_duration
    # at least one unit of time: zero durations must not divide by zero
    ratio: NDArray[Any] = flow_due_date / np.maximum(shop.remaining_work, 1)
    return ratio


def first_schedule(shop: JobShopInstance, start: str, rng: np.random.Generator) -> NDArray[np.int64]:
    """Start times ``[N]`` of a non-delay schedule.

    Args:
        shop: The instance.
        start: ``"fdd-mwkr"``, or ``"random"`` choices.
        rng: Where those come from.
    """
    simulator = JobShopSimulator(shop.num_jobs, shop.num_machines, shop.num_operations, 1)
    simulator.reset([shop])
    simulator.play_forced()
    while not simulator.done[0]:
        priority = flow_due_date_per_work(simulator) if start == "fdd-mwkr" else rng.random(simulator.action_mask.shape)
        simulator.step(np.where(simulator.action_mask, priority, np.inf).argmin(axis=1))
        simulator.play_forced()
    return simulator.solution(0).start
