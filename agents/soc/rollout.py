"""Follows the best of three simple rules, looked ahead from every choice: a learned agent's features without it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.soc.config import SocConfig
from ...envs.soc.instance import SocInstance
from ...envs.soc.observe import CANDIDATE_FEATURES
from ...envs.soc.solution import SocSolution
from ..core import Policy

LOOK_BEST = CANDIDATE_FEATURES.index("look_best")


class Rollout(Policy[SocInstance, SocSolution]):
    """Chooses what leads to the least sum of ends of the jobs that are there, if one of three rules goes on.

    The candidates are those of the learned agents: pairs that fit now, and leaving the rest for later (Bertsekas,
    Tsitsiklis & Wu 1997, on roll-outs of several heuristics).
    """

    def configuration(self, config: SocConfig) -> SocConfig:
        """Timely pairs, looking ahead."""
        return replace(config, action="pair", offer="timely", defer=True, look_ahead=True)

    def act(self, simulator: Any) -> NDArray[np.int64]:
        """The first legal action with the least value in every row."""
        state = simulator.observe()
        value = np.where(state.action_mask > 0, state.features[:, :, LOOK_BEST], np.inf)
        action: NDArray[np.int64] = value.argmin(axis=1)
        return action
