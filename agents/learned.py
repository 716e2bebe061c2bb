"""Trained graph policies as agents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..envs.core.errors import InputError
from ..envs.core.graph import GraphSpec
from ..envs.core.problem import Problem
from ..envs.core.simulator import Simulator
from ..models.candidates import to_device
from ..models.checkpoint import load_checkpoint
from ..models.policy import Encoding, GraphPolicy
from .core import Policy


class LearnedPolicy(Policy[Any, Any]):
    """Plays a trained network: the most likely action, or one drawn from its distribution.

    Each graph is encoded once, in :meth:`begin`, also where many rows play the same instance.

    Args:
        network: The network.
        problem: The problem that it was trained on.
        environment: Arguments of the environment that it was trained on.
        features: Names of the features it was trained on, compared before it plays; ``None`` for no comparison.
        sample: Draw instead of taking the most likely action.
        greedy_first: When drawing, still take the most likely actions in the first row of every instance: of several
            samples one should be the best guess.
        temperature: Divides the logits before drawing.
        quantile: Choices less likely than this quantile of a state's are not drawn (Ding et al. 2025, who call it
            thresholding); 0 draws from all.
        device: Where to compute.
    """

    def __init__(
        self,
        network: GraphPolicy,
        *,
        problem: Problem[Any, Any, Any] | None = None,
        environment: dict[str, Any] | None = None,
        features: dict[str, list[str]] | None = None,
        sample: bool = False,
        greedy_first: bool = False,
        temperature: float = 1.0,
        quantile: float = 0.0,
        device: str | torch.device | None = None,
    ) -> None:
        self.network = network.eval() if device is None else network.to(device).eval()
        self.problem = problem
        self.environment = environment or {}
        self.features = features
        self.stochastic, self.greedy_first = sample, greedy_first
        self.temperature, self.quantile = temperature, quantile
        self.device = next(network.parameters()).device
        self._encoding: Encoding | None = None
        self._graph, self._drawn = torch.empty(0), torch.empty(0)
        self._generator = torch.Generator(device=self.device)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        problem: Problem[Any, Any, Any],
        *,
        sample: bool = False,
        temperature: float = 1.0,
        quantile: float = 0.0,
        device: str | torch.device = "cpu",
    ) -> LearnedPolicy:
        """The policy of a checkpoint folder.

        Args:
            folder: The checkpoint.
            problem: The problem to play.
            sample: Draw actions, except in the first row of every instance.
            temperature: Divides the logits before drawing.
            quantile: Choices less likely than this quantile of a state's are not drawn.
            device: Where to compute.

        Raises:
            InputError: No checkpoint there, or one of another problem.
        """
        folder = Path(folder)
        checkpoint = load_checkpoint(folder)
        if checkpoint.problem != problem.name:
            raise InputError(f"{folder}: was trained on {checkpoint.problem}, not on {problem.name}")
        return cls(
            checkpoint.network,
            problem=problem,
            environment=checkpoint.environment,
            features=checkpoint.features,
            sample=sample,
            greedy_first=True,
            temperature=temperature,
            quantile=quantile,
            device=device,
        )

    def configuration(self, config: Any) -> Any:
        """The agent keeps the rules of play that it was trained with."""
        return config if self.problem is None else self.problem.playing(config, self.environment)

    def begin(self, simulator: Simulator[Any, Any], seed: int) -> None:
        """Encode the graphs of all rows.

        Raises:
            InputError: The simulator shows other features than those the network was trained on.
        """
        if self.features is not None and self.features != feature_names(simulator.spec):
            raise InputError("the checkpoint was trained on other features than this version of schedlab shows")
        self._generator.manual_seed(seed)
        # rows that play one instance share its graph
        first: dict[int, int] = {}
        graph = [first.setdefault(id(instance), len(first)) for instance in simulator.instances]
        rows = np.unique(graph, return_index=True)[1]
        static = {key: value[rows] for key, value in simulator.observe().static().items()}
        self._graph = torch.tensor(graph, device=self.device)
        self._drawn = torch.full((len(graph),), self.stochastic, device=self.device)
        if self.greedy_first:
            self._drawn[torch.from_numpy(rows).to(self.device)] = False
        with torch.inference_mode():
            self._encoding = self.network.encode(to_device(static, self.device))

    def act(self, simulator: Simulator[Any, Any]) -> NDArray[np.int64]:
        """The chosen candidate of every row that is not done."""
        assert self._encoding is not None, "begin() comes before act()"
        rows = np.flatnonzero(~simulator.done)
        dynamic = {key: value[rows] for key, value in simulator.observe(rows=rows).dynamic().items()}
        actions = np.zeros(simulator.batch_size, np.int64)
        with torch.inference_mode():
            playing = torch.from_numpy(rows).to(self.device)
            graph = self._graph[playing]
            candidates, action = self.network.candidates(to_device(dynamic, self.device), graph)
            logits, _ = self.network.decode(self._encoding, candidates)
            table = candidates.padded(logits, -torch.inf)
            chosen = table.argmax(dim=1)
            if self.stochastic:
                if self.quantile:
                    table = likely(table, candidates.count, self.quantile)
                # from the largest down, so that no temperature makes infinities
                chances = torch.softmax((table - table.max(dim=1, keepdim=True).values) / self.temperature, dim=1)
                drawn = torch.multinomial(chances, 1, generator=self._generator).squeeze(1)
                chosen = torch.where(self._drawn[playing], drawn, chosen)
            actions[rows] = action[candidates.first + chosen].cpu().numpy()
        return actions


def likely(table: Tensor, count: Tensor, quantile: float) -> Tensor:
    """Logits ``[S, K]`` with minus infinity where a choice is less likely than a quantile of those of its state.

    Args:
        table: Logits, minus infinity where there is no choice.
        count: Choices of each state, ``[S]``.
        quantile: In 0..1; at least the most likely choice is left.
    """
    kept = ((1 - quantile) * count).ceil().long().clamp(min=1)
    least = table.sort(dim=1, descending=True).values.gather(1, kept[:, None] - 1)
    return table.masked_fill(table < least, -torch.inf)


def torch_device(name: str) -> torch.device:
    """``"cpu"``, ``"cuda"``, ``"cuda:1"``, or ``"auto"`` for a GPU when there is one.

    Raises:
        InputError: Not understood, or not here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise InputError(f"device {name!r} not understood; use auto, cpu or cuda")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"device {name!r}: torch sees {torch.cuda.device_count() or 'no'} GPU here; use auto or cpu")
    return device


def feature_names(spec: GraphSpec) -> dict[str, list[str]]:
    """What a checkpoint remembers of the observation that it was trained on."""
    return {
        "nodes": list(spec.node_features),
        "relations": [name for name, _ in spec.relations],
        "candidates": list(spec.candidate_features),
        "context": list(spec.context_features),
        **({"state": list(spec.state_features)} if spec.state_features else {}),
        **({"changing": [name for name, _ in spec.changing_relations]} if spec.changing_relations else {}),
    }
