"""How far a training is, where that is not a count of steps."""

from __future__ import annotations

from collections.abc import Callable

from stable_baselines3.common.base_class import BaseAlgorithm


class BudgetedProgress(BaseAlgorithm):
    """An algorithm whose learning-rate schedule can follow another budget than the count of steps.

    Attributes:
        progress: The share of the training that is done; ``None`` for SB3's count of steps.
    """

    progress: Callable[[], float] | None = None

    def _update_current_progress_remaining(self, num_timesteps: int, total_timesteps: int) -> None:
        if self.progress is not None:
            self._current_progress_remaining = 1.0 - min(self.progress(), 1.0)
        else:
            super()._update_current_progress_remaining(num_timesteps, total_timesteps)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "progress"]
