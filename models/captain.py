"""A network in the manner of CapTAIN (Paul, Witter and Chowdhury 2024, arXiv 2401.04851), for air taxis.

Graph capsule convolutions embed the vertiports and the aircraft, a transformer reads each vertiport's demand and fares
over the day, and a decoder of multi-head attention scores the destinations for the aircraft whose turn it is. Layer
sizes could not be read in the paper; orders of the graph filters (1 for vertiports, 2 for aircraft) are those of its
first author's prototype.

Differences: capsules hold two moments, the prototype's one; what a vertiport is like now is among its inputs, so the
convolutions run at every step; graph weights are 1 / (1 + distance) of places and of learned embeddings, with the
Laplacian normalised, so that weights serve fleets of any size; series are read per vertiport, not per pair.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..envs.uam.observe import AIRCRAFT_FEATURES, BINS, CANDIDATE_FEATURES, NODE_FEATURES
from .candidates import Candidates
from .policy import Encoding, GraphPolicy, NetworkConfig

SERIES = len([name for name in NODE_FEATURES if name.endswith("_0")])
PLAIN = len(NODE_FEATURES) - SERIES * BINS
PORT = len(CANDIDATE_FEATURES)
PLANE = len(AIRCRAFT_FEATURES)
DECIDES = AIRCRAFT_FEATURES.index("decides")
MOMENTS = 2


class CapsuleConvolution(nn.Module):
    """Polynomial graph filters of a node's features and of their powers (Verma and Zhang 2018; Paul et al. 2022).

    Args:
        width: Features in and out, H.
        order: Highest power of the Laplacian.
        moments: Highest power of the features.
    """

    def __init__(self, width: int, order: int, moments: int) -> None:
        super().__init__()
        self.order, self.moments = order, moments
        self.filters = nn.ModuleList(nn.Linear((order + 1) * width, width) for _ in range(moments))
        self.out = nn.Linear(moments * width, width)

    def forward(self, nodes: Tensor, laplacian: Tensor) -> Tensor:
        """New features ``[S, N, H]`` of nodes ``[S, N, H]`` in graphs with the Laplacians ``[S, N, N]``."""
        capsules = []
        for power, graph_filter in enumerate(self.filters, start=1):
            term = nodes**power
            terms = [term]
            for _ in range(self.order):
                term = laplacian @ term
                terms.append(term)
            capsules.append(torch.tanh(graph_filter(torch.cat(terms, dim=-1))))
        out: Tensor = self.out(torch.cat(capsules, dim=-1))
        return nodes + out


def normalised_laplacian(weights: Tensor) -> Tensor:
    """I - D^-1/2 W D^-1/2 of weights ``[..., N, N]``; of a node without neighbours its row is that of I."""
    root = weights.sum(dim=-1).clamp(min=1e-6).rsqrt()
    identity = torch.eye(weights.shape[-1], device=weights.device, dtype=weights.dtype)
    return identity - root.unsqueeze(-1) * weights * root.unsqueeze(-2)


class CaptainPolicy(GraphPolicy):
    """Logits over destinations and a value; see the module's docstring.

    ``attention_layers`` of the configuration is the number of transformer layers, ``layers`` that of capsule
    convolutions of each graph; both at least one. ``attend`` must be ``"all"``, and the environment show all.

    Raises:
        ValueError: The configuration is another one, or the features are not those of air taxis with aircraft.
    """

    def __init__(self, config: NetworkConfig) -> None:
        if config.attend != "all" or config.encode != "once" or config.attention_layers < 1 or config.layers < 1:
            raise ValueError(
                "architecture 'captain' needs attend 'all', encode 'once', and layers and attention_layers from 1"
            )
        if (config.node_features, config.candidate_features) != (len(NODE_FEATURES), PORT + PLANE):
            raise ValueError(
                "architecture 'captain' is for air taxis whose environment has show 'all' and look_ahead 0"
            )
        nn.Module.__init__(self)  # a GraphPolicy in what it promises; it has no layer in common
        self.config = config
        width = config.hidden
        if config.prior:
            self.prior = nn.Linear(config.candidate_features, 1, bias=False)
            self.prior.weight.data[0] = torch.tensor(config.prior)
        self.from_context = nn.Linear(config.context_features, width, bias=False)
        self.from_moment = nn.Linear(SERIES, width)
        self.time_of_day = nn.Parameter(0.1 * torch.randn(BINS, width))
        layer = nn.TransformerEncoderLayer(width, config.heads, 2 * width, dropout=0.0, batch_first=True)
        self.transformer = nn.TransformerEncoder(layer, config.attention_layers, enable_nested_tensor=False)
        self.when = nn.Linear(config.context_features, width)
        self.from_port = nn.Linear(PLAIN + PORT, width)
        small = width // 2  # there are many aircraft
        self.from_plane = nn.Linear(PLANE, small)
        self.ports = nn.ModuleList(CapsuleConvolution(width, 1, MOMENTS) for _ in range(config.layers))
        self.planes = nn.ModuleList(CapsuleConvolution(small, 2, MOMENTS) for _ in range(config.layers))
        self.query = nn.Linear(2 * width + 2 * small, width)
        self.glimpse = nn.MultiheadAttention(width, config.heads, batch_first=True)
        self.pointer = nn.Linear(width, width)
        self.port_key = nn.Linear(width, width, bias=False)
        self.worth = nn.Sequential(nn.Linear(2 * width + 2 * small, width), nn.ReLU(), nn.Linear(width, 1))
        nn.init.orthogonal_(self.pointer.weight, gain=0.01)
        nn.init.zeros_(self.pointer.bias)

    def encode(self, observation: Mapping[str, Tensor]) -> Encoding:
        """Read the series, and note places and routes."""
        nodes, exists = observation["nodes"], observation["node_mask"] != 0
        graphs, ports, _ = nodes.shape
        series = nodes[..., PLAIN:].reshape(graphs * ports, SERIES, BINS).transpose(1, 2)
        read = self.transformer(self.from_moment(series) + self.time_of_day).view(graphs, ports, BINS, -1)
        edges = observation["edges_routes"].long()
        linked = nodes.new_zeros(graphs, ports * ports + 1)
        place = torch.where(edges[:, 0] >= 0, edges[:, 0] * ports + edges[:, 1], ports * ports)
        linked = linked.scatter(1, place, 1.0)[:, :-1].view(graphs, ports, ports)
        weights = torch.maximum(linked, linked.transpose(1, 2)) / (1 + torch.cdist(nodes[..., :2], nodes[..., :2]))
        known = {"plain": nodes[..., :PLAIN], "laplacian": normalised_laplacian(weights), "exists": exists}
        return Encoding(read, read.mean(dim=(1, 2)), known)

    def decode(self, encoding: Encoding, candidates: Candidates) -> tuple[Tensor, Tensor]:
        """Logits ``[L]`` of the candidates (minus infinity where illegal) and values ``[S]`` of the states."""
        assert encoding.static is not None
        known, state, states = encoding.static, candidates.state, len(candidates)
        graph, number = candidates.graph, encoding.nodes.shape[1]
        is_port = candidates.features[:, PORT] == 0
        at = state[is_port] * number + candidates.node[is_port]
        now = candidates.features.new_zeros(states * number, PORT)
        now = now.index_copy(0, at, candidates.features[is_port, :PORT]).view(states, number, PORT)
        legal = torch.zeros(states * number, dtype=torch.bool, device=state.device)
        legal = legal.index_copy(0, at, candidates.legal[is_port]).view(states, number)
        ports = torch.relu(self.from_port(torch.cat([known["plain"][graph], now], dim=-1)))
        ports = ports + self._series(encoding.nodes, candidates)
        for layer in self.ports:
            ports = layer(ports, known["laplacian"][graph])
        exists = known["exists"][graph].unsqueeze(-1)
        all_ports = (ports * exists).sum(dim=1) / exists.sum(dim=1)
        own, all_planes = self._fleet(candidates, ~is_port)
        whole = torch.cat([self.from_context(candidates.context), own, all_planes, all_ports], dim=-1)
        query = self.query(whole).unsqueeze(1)
        heard, _ = self.glimpse(query, ports, ports, key_padding_mask=~legal, need_weights=False)
        scores = (self.pointer(heard) * self.port_key(ports)).sum(dim=-1) * ports.shape[-1] ** -0.5
        if self.config.prior:
            prior = nn.functional.linear(now, self.prior.weight[:, :PORT])
            scores = scores + prior.squeeze(-1)
        flat = scores.masked_fill(~legal, -torch.inf).flatten()
        logits = flat.new_full((len(is_port),), -torch.inf).index_copy(
            0, is_port.nonzero().squeeze(1), flat.index_select(0, at)
        )
        return logits, self.worth(whole).squeeze(-1)

    def _series(self, read: Tensor, candidates: Candidates) -> Tensor:
        """What the transformer read of each vertiport, as far as it matters at this time of day, ``[S, N, H]``."""
        asks = self.when(candidates.context)
        table = read[candidates.graph]
        weights = torch.einsum("sh,snbh->snb", asks, table) * table.shape[-1] ** -0.5
        return torch.einsum("snb,snbh->snh", weights.softmax(dim=-1), table)

    def _fleet(self, candidates: Candidates, is_plane: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings of the aircraft whose turn it is, and of all on average, ``[S, H / 2]`` each."""
        state, states = candidates.state[is_plane], len(candidates)
        count = torch.bincount(state, minlength=states)
        place = torch.arange(len(state), device=state.device) - (count.cumsum(0) - count)[state]
        table = candidates.features.new_zeros(states, int(count.max()), PLANE)
        table[state, place] = candidates.features[is_plane, PORT:]
        there = torch.arange(table.shape[1], device=state.device) < count.unsqueeze(-1)
        planes = torch.relu(self.from_plane(table))
        apart = torch.cdist(table, table)
        pair = (there.unsqueeze(-1) & there.unsqueeze(-2)).to(planes.dtype)
        weights = pair * (1 - torch.eye(table.shape[1], device=state.device)) / (1 + apart)
        laplacian = normalised_laplacian(weights)
        for layer in self.planes:
            planes = layer(planes, laplacian)
        mean = (planes * there.unsqueeze(-1)).sum(dim=1) / count.clamp(min=1).unsqueeze(-1)
        own = (planes * table[..., DECIDES : DECIDES + 1]).sum(dim=1)
        return own, mean
