"""A training run as seen by the processes that only help: the first one validates, saves and reports."""

from __future__ import annotations

import hashlib

from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from .runs import TrainingRun
from .state import state_of


class FollowingRun(TrainingRun):
    """Ends a run when its time is over, and writes nothing; takes the same arguments as :class:`TrainingRun`."""

    def begin(self, model: OnPolicyAlgorithm) -> None:
        """Nothing is saved here."""
        self.model = model

    def _on_rollout_start(self) -> None:
        pass

    def _on_rollout_end(self) -> None:
        pass

    def save_last(self) -> None:
        """Nothing is saved here."""

    def finish(self) -> None:
        """Nothing is validated or saved here."""


def fingerprint(model: OnPolicyAlgorithm) -> str:
    """What must be alike in all processes before they learn together: weights, optimiser, counters, random numbers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state_of(model, 0.0).items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
