"""First schedules that the job shop's shipped agent constructs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...envs.job_shop.instance import JobShopInstance
from ...envs.job_shop.problem import PROBLEM as JOB_SHOP
from ..core import AgentOptions, Policy, play
from ..registry import shipped_policy
from .tabu import Starts


def constructed(options: AgentOptions) -> Starts:
    """What the agent that ships for the makespan constructs, most likely actions only; its time is the search's.

    Raises:
        InputError: It does not ship, or torch is missing.
    """
    agent = shipped_policy(JOB_SHOP.name, "makespan", options)
    assert isinstance(agent, Policy)
    config = JOB_SHOP.configure({})

    def starts(shop: JobShopInstance, seed: int) -> Sequence[NDArray[np.int64]]:
        simulator = play(agent, JOB_SHOP, [shop], config, seed)
        return [simulator.solution(0).start]

    return starts
