"""Trained graph policies as agents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..envs.core.errors import InputError
from ..envs.core.graph import GraphSpec
from ..envs.core.problem import Problem
from ..envs.core.simulator import Simulator
from ..models.checkpoint import load_checkpoint
from ..models.policy import GraphPolicy
from .core import Policy


class LearnedPolicy(Policy[Any, Any]):
    """Plays a trained network: the most likely action, or one drawn from its distribution.

    The graph is encoded once per episode, in :meth:`begin`.

    Args:
        network: The network.
        features: Names of the features it was trained on, compared before it plays; ``None`` for no comparison.
        sample: Draw instead of taking the most likely action.
        temperature: Divides the logits before drawing.
        device: Where to compute.
    """

    def __init__(
        self,
        network: GraphPolicy,
        *,
        features: dict[str, list[str]] | None = None,
        sample: bool = False,
        temperature: float = 1.0,
        device: str = "cpu",
    ) -> None:
        self.network = network.to(device).eval()
        self.features = features
        self.stochastic = sample
        self.temperature = temperature
        self.device = torch.device(device)
        self._embedding = torch.empty(0)
        self._generator = torch.Generator(device=self.device)

    @classmethod
    def load(
        cls, folder: str | Path, problem: Problem[Any, Any, Any], *, temperature: float = 1.0, sample: bool = False
    ) -> LearnedPolicy:
        """The policy of a checkpoint folder.

        Raises:
            InputError: No checkpoint there, or one of another problem.
        """
        folder = Path(folder)
        checkpoint = load_checkpoint(folder)
        if checkpoint.problem != problem.name:
            raise InputError(f"{folder}: was trained on {checkpoint.problem}, not on {problem.name}")
        return cls(checkpoint.network, features=checkpoint.features, sample=sample, temperature=temperature)

    def begin(self, simulator: Simulator[Any, Any], seed: int) -> None:
        """Encode the graphs of all rows.

        Raises:
            InputError: The simulator shows other features than those the network was trained on.
        """
        if self.features is not None and self.features != feature_names(simulator.spec):
            raise InputError("the checkpoint was trained on other features than this version of schedlab shows")
        self._generator.manual_seed(seed)
        with torch.inference_mode():
            self._embedding = self.network.encode(self._tensors(simulator.observe().static()))

    def act(self, simulator: Simulator[Any, Any]) -> NDArray[np.int64]:
        """The chosen candidate of every row."""
        with torch.inference_mode():
            logits, _ = self.network.decode(self._embedding, self._tensors(simulator.observe().dynamic()))
            if not self.stochastic:
                action = logits.argmax(dim=1)
            else:
                chances = torch.softmax(logits / self.temperature, dim=1)
                action = torch.multinomial(chances, 1, generator=self._generator).squeeze(1)
        choice: NDArray[np.int64] = action.cpu().numpy()
        return choice

    def _tensors(self, arrays: dict[str, NDArray[Any]]) -> dict[str, torch.Tensor]:
        return {key: torch.from_numpy(value).to(self.device) for key, value in arrays.items()}


def feature_names(spec: GraphSpec) -> dict[str, list[str]]:
    """What a checkpoint remembers of the observation that it was trained on."""
    return {
        "nodes": list(spec.node_features),
        "relations": [name for name, _ in spec.relations],
        "candidates": list(spec.candidate_features),
        "context": list(spec.context_features),
    }
