"""The graph policy: encode the graph once, score the candidates at every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..envs.core.config import is_a
from .attention import MASKED, CandidateAttention, Front
from .candidates import Candidates
from .encoder import ENCODERS, masked_mean

ARCHITECTURES = ("encode-once", "vmr2l", "captain")
"""Kinds of networks; see :mod:`.architectures`."""

SMALL = ("layers", "attention_layers", "state_features")
MOST_RELATIONS = 256
MOST_WEIGHTS = 2**27
"""Of a network. A configuration is refused by a count from below; :mod:`.checkpoint` counts all of them."""


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of a policy network; with them and the weights it can be rebuilt anywhere.

    Attributes:
        node_features: F, features of a node.
        relations: Names of the typed edge sets, in order.
        candidate_features: D, features of a candidate.
        context_features: C, features of the state as a whole.
        hidden: Width.
        layers: Rounds of message passing in the encoder.
        heads: Attention heads over the candidates; they divide ``hidden``.
        attention_layers: Rounds of attention over the candidates.
        encoder: Kind of graph encoder, one of ``ENCODERS``.
        encode: ``"once"`` per episode: the encoder sees what stays; or ``"every-step"``: it also sees the candidates'
            features, on their nodes, whether they may be chosen, and what else changes.
        attend: Whether candidates look at the ``"legal"`` ones only, or at ``"all"``; every step shows all.
        prior: What each candidate's feature adds to its logit before anything is learned, D numbers, or none: an
            untrained policy then follows a rule, and training changes it where that pays.
        architecture: Kind of network, one of ``ARCHITECTURES``.
        mark: Which candidate feature marks what a first pick chose; -1 for none.
        state_features: K, features of a node that change; seen only by an encoder that runs at every step.
        changing_relations: Names of the typed edge sets that change; seen only by an encoder that runs at every step.

    Raises:
        ValueError: A size is not positive, the heads do not divide the width, or a name is unknown.
    """

    node_features: int
    relations: tuple[str, ...]
    candidate_features: int
    context_features: int
    hidden: int = 64
    layers: int = 3
    heads: int = 4
    attention_layers: int = 1
    encoder: str = "sage"
    encode: str = "once"
    attend: str = "legal"
    prior: tuple[float, ...] = ()
    architecture: str = "encode-once"
    mark: int = -1
    state_features: int = 0
    changing_relations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("relations", "changing_relations"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # a list when it comes from JSON
            if len(getattr(self, name)) > MOST_RELATIONS or not all(
                isinstance(one, str) for one in getattr(self, name)
            ):
                raise ValueError(f"{name} must be at most {MOST_RELATIONS} names")
        for name in ("node_features", "candidate_features", "hidden", "heads"):
            value = getattr(self, name)
            if not is_a(value, int) or not 0 < value <= 65536:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")
        for name, most in (("context_features", 65536), *((name, 64) for name in SMALL)):
            value = getattr(self, name)
            if not is_a(value, int) or not 0 <= value <= most:
                raise ValueError(f"{name} must lie in 0..{most}, got {value!r}")
        self._check_size()
        object.__setattr__(self, "prior", tuple(self.prior))
        if len(self.prior) not in (0, self.candidate_features) or any(not abs(weight) < 1e4 for weight in self.prior):
            raise ValueError(f"prior must be a number for each of the {self.candidate_features} candidate features")
        if not isinstance(self.mark, int) or not -1 <= self.mark < self.candidate_features:
            raise ValueError(f"mark must be the place of a candidate feature, or -1, got {self.mark!r}")
        if self.hidden % self.heads:
            raise ValueError(f"{self.heads} heads do not divide the width {self.hidden}")
        for name, choices in (
            ("architecture", ARCHITECTURES),
            ("encoder", ENCODERS),
            ("encode", ("once", "every-step")),
            ("attend", ("legal", "all")),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} {getattr(self, name)!r} not understood; use one of {', '.join(choices)}")

    def _check_size(self) -> None:
        """Refuse a network before anybody allocates it: sizes may come from a stranger's file."""
        relations = len(self.relations) + len(self.changing_relations)
        squares = 1 + self.layers * max(relations, 1) + self.attention_layers
        inputs = self.node_features + self.candidate_features + self.context_features
        least = self.hidden * (self.hidden * squares + inputs)
        if least > MOST_WEIGHTS:
            raise ValueError(
                f"a network of width {self.hidden} with {squares - 1} layers has more than {MOST_WEIGHTS:,} weights"
            )

    @property
    def encoded_features(self) -> int:
        """Features of a node that the encoder sees."""
        if self.encode == "once":
            return self.node_features
        return self.node_features + self.state_features + self.candidate_features + 2

    @property
    def encoded_relations(self) -> tuple[str, ...]:
        """Typed edge sets that the encoder sees."""
        return self.relations if self.encode == "once" else self.relations + self.changing_relations

    @property
    def changing(self) -> tuple[str, ...]:
        """Keys of what the encoder sees of the graph that changes."""
        if self.encode == "once":
            return ()
        return (*(("node_state",) if self.state_features else ()), *(f"edges_{n}" for n in self.changing_relations))

    def to_json(self) -> dict[str, Any]:
        """The sizes as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Encoding:
    """What a policy remembers of G graphs during their episodes.

    Attributes:
        nodes: Each node's share of its candidate's state, ``[G, N, H]``.
        graph: Each graph as a whole, ``[G, H]``.
        static: The graphs themselves, for encoding them again with what is new; ``None`` where that is not done.
    """

    nodes: Tensor
    graph: Tensor
    static: Mapping[str, Tensor] | None = None


class GraphPolicy(nn.Module):
    """Logits over candidates and a value, for graphs of any size.

    The encoder sees the static graph; :meth:`decode` adds what matters now. One set of weights serves every size.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden
        self.encoder = ENCODERS[config.encoder](config.encoded_features, config.encoded_relations, width, config.layers)
        # three summands of one linear layer: the first runs once per node instead of once per candidate and step
        self.from_node = nn.Linear(width, width)
        self.from_features = nn.Linear(config.candidate_features, width, bias=False)
        self.from_context = nn.Linear(config.context_features, width, bias=False)
        self.from_graph = nn.Linear(width, width, bias=False)
        self.mix = nn.Linear(width, width)
        self.attention = nn.ModuleList(CandidateAttention(width, config.heads) for _ in range(config.attention_layers))
        head = nn.Linear(width, 1)
        self.score = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), head)
        self.value = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))
        if config.prior:
            self.prior = nn.Linear(config.candidate_features, 1, bias=False)
            self.prior.weight.data[0] = torch.tensor(config.prior)
        # near-uniform first policy: exploration should not depend on the luck of the last layer
        nn.init.orthogonal_(head.weight, gain=0.01)
        nn.init.zeros_(head.bias)

    def encode(self, observation: Mapping[str, Tensor]) -> Encoding:
        """Encode the static part of a shaped observation; a policy that encodes at every step only takes note of it."""
        if self.config.encode == "every-step":
            none = observation["nodes"].new_empty(0)
            names = ["nodes", "node_mask", *(f"edges_{name}" for name in self.config.relations)]
            return Encoding(none, none, {name: observation[name] for name in names})
        return self._encode(observation["nodes"], observation)

    def _encode(self, nodes: Tensor, static: Mapping[str, Tensor]) -> Encoding:
        edges = {name: static[f"edges_{name}"] for name in self.config.encoded_relations}
        embedding = self.encoder(nodes, edges, static["node_mask"])
        pooled = masked_mean(embedding, static["node_mask"])
        return Encoding(self.from_node(embedding), self.from_graph(pooled))

    def _encode_states(self, static: Mapping[str, Tensor], candidates: Candidates) -> Encoding:
        """Encode the graph of every state anew, with its candidates' features on their nodes."""
        here = {name: value[candidates.graph] for name, value in static.items()} | candidates.changing
        states, nodes = here["node_mask"].shape
        now = candidates.features.new_zeros(states, nodes, self.config.candidate_features + 2)
        flags = torch.stack([torch.ones_like(candidates.legal), candidates.legal], dim=1).to(now.dtype)
        # several candidates of one node, as moves of one operation, add up
        shown = torch.cat([flags, candidates.features], dim=1)
        now = now.index_put((candidates.state, candidates.node), shown, accumulate=True)
        seen = [here["nodes"], *([here["node_state"]] if self.config.state_features else []), now]
        return self._encode(torch.cat(seen, dim=-1), here)

    def candidates(self, observation: Mapping[str, Tensor], graph: Tensor | None = None) -> tuple[Candidates, Tensor]:
        """The candidates that this policy looks at; see :meth:`Candidates.from_padded`."""
        return Candidates.from_padded(observation, graph, self.only_legal, self.config.changing)

    @property
    def only_legal(self) -> bool:
        """Whether it looks at legal candidates only."""
        return self.config.attend == "legal" and self.config.encode == "once"

    def decode(self, encoding: Encoding, candidates: Candidates) -> tuple[Tensor, Tensor]:
        """Logits ``[L]`` of the candidates (minus infinity where illegal) and values ``[S]`` of the states."""
        if encoding.static is not None:
            encoding = self._encode_states(encoding.static, candidates)
            graph = torch.arange(len(candidates), device=candidates.graph.device)
            candidates = replace(candidates, graph=graph)
        state, legal = candidates.state, candidates.legal.nonzero().squeeze(1)
        whole = encoding.graph[candidates.graph] + self.from_context(candidates.context)
        place = candidates.graph[state] * encoding.nodes.shape[1] + candidates.node
        node = encoding.nodes.flatten(0, 1).index_select(0, place)
        shown = torch.relu(node + self.from_features(candidates.features) + whole.index_select(0, state))
        hidden = self.mix(shown.index_select(0, legal))
        if self.attention:
            front = Front.of(candidates)
            for attention in self.attention:
                hidden = attention(hidden, shown, front)
        scores = self.score(hidden).squeeze(-1)
        if self.config.prior:
            scores = scores + self.prior(candidates.features.index_select(0, legal)).squeeze(-1)
        logits = scores.new_full((len(shown),), -torch.inf).index_put((legal,), scores)
        pooled = shown.new_zeros(len(candidates), shown.shape[1]).index_add(0, state, shown)
        pooled = pooled / candidates.count.unsqueeze(-1)
        value: Tensor = self.value(torch.cat([pooled, whole], dim=-1)).squeeze(-1)
        return logits, value

    def forward(self, observation: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Masked logits ``[B, A]`` and values ``[B]`` of a shaped observation: encode and decode."""
        candidates, action = self.candidates(observation)
        logits, value = self.decode(self.encode(observation), candidates)
        table = logits.new_full(observation["action_mask"].shape, MASKED)
        table[candidates.state, action] = logits.clamp(min=MASKED)
        return table, value
