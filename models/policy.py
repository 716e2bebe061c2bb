"""The graph policy: encode the graph once, score the candidates at every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .encoder import GraphEncoder

MASKED = -1e8
"""Logit of an illegal action: finite, so that a distribution over it stays well defined."""


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of a policy network; with them and the weights it can be rebuilt anywhere.

    Attributes:
        node_features: F, features of a node.
        relations: Names of the typed edge sets, in order.
        candidate_features: D, features of a candidate.
        context_features: C, features of the state as a whole.
        hidden: Width.
        layers: Graph convolutions.
        heads: Attention heads over the candidates; they divide ``hidden``.

    Raises:
        ValueError: A size is not positive, or the heads do not divide the width.
    """

    node_features: int
    relations: tuple[str, ...]
    candidate_features: int
    context_features: int
    hidden: int = 64
    layers: int = 3
    heads: int = 4

    def __post_init__(self) -> None:
        object.__setattr__(self, "relations", tuple(self.relations))  # a list when it comes from JSON
        for name in ("node_features", "candidate_features", "hidden", "heads"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 0 < value <= 65536:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")
        if not isinstance(self.layers, int) or not 0 <= self.layers <= 64:
            raise ValueError(f"layers must lie in 0..64, got {self.layers!r}")
        if self.hidden % self.heads:
            raise ValueError(f"{self.heads} heads do not divide the width {self.hidden}")

    def to_json(self) -> dict[str, Any]:
        """The sizes as JSON values."""
        return asdict(self)


class GraphPolicy(nn.Module):
    """Logits over candidates and a value, for graphs of any size.

    The encoder sees only the static graph; :meth:`decode` adds what matters now. One set of weights serves every size.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden
        self.encoder = GraphEncoder(config.node_features, len(config.relations), width, config.layers)
        self.candidate = nn.Sequential(
            nn.Linear(width + config.candidate_features + config.context_features, width),
            nn.ReLU(),
            nn.Linear(width, width),
        )
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, config.heads, batch_first=True)
        head = nn.Linear(width, 1)
        self.score = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), head)
        self.value = nn.Sequential(nn.Linear(width + config.context_features, width), nn.ReLU(), nn.Linear(width, 1))
        # near-uniform first policy: exploration should not depend on the luck of the last layer
        nn.init.orthogonal_(head.weight, gain=0.01)
        nn.init.zeros_(head.bias)

    def encode(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Node embeddings ``[B, N, H]`` from the static part of a shaped observation."""
        edges = {name: observation[f"edges_{name}"] for name in self.config.relations}
        embedding: Tensor = self.encoder(observation["nodes"], edges)
        return embedding

    def decode(self, embedding: Tensor, observation: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Masked logits ``[B, A]`` and values ``[B]`` from embeddings and the dynamic part of a shaped observation."""
        candidate = observation["candidate"].long()
        exists = candidate >= 0
        rows = torch.arange(len(candidate), device=candidate.device)[:, None]
        node = embedding[rows, candidate.clamp(min=0)]
        context = observation["context"]
        spread = context[:, None, :].expand(-1, candidate.shape[1], -1)
        hidden = self.candidate(torch.cat([node, observation["candidate_features"], spread], dim=-1))
        normed = self.norm(hidden)
        attended, _ = self.attention(normed, normed, normed, key_padding_mask=~exists, need_weights=False)
        hidden = hidden + attended
        logits = self.score(hidden).squeeze(-1)
        logits = logits.masked_fill(observation["action_mask"] == 0, MASKED)
        weight = exists.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)
        value: Tensor = self.value(torch.cat([pooled, context], dim=-1)).squeeze(-1)
        return logits, value

    def forward(self, observation: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """:meth:`encode`, then :meth:`decode`."""
        return self.decode(self.encode(observation), observation)
