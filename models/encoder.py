"""Graph encoders: message passing over typed edges, on padded batches without per-graph Python objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch_geometric.nn import GATv2Conv, GINConv, MessagePassing, SAGEConv

Edges = dict[str, Tensor]


def join_graphs(edges: Mapping[str, Tensor], num_nodes: int) -> Edges:
    """One disjoint graph from a padded batch.

    Args:
        edges: For each relation an ``edge_index`` ``[B, 2, E]``, padded with -1.
        num_nodes: N, nodes per graph with padding; node n of graph b becomes b N + n.

    Returns:
        For each relation an ``edge_index`` ``[2, sum E]`` of the joined graph.
    """
    joined = {}
    for relation, index in edges.items():
        index = index.long()
        offset = torch.arange(len(index), device=index.device)[:, None, None] * num_nodes
        joined[relation] = (index + offset).transpose(0, 1)[:, index[:, 0] >= 0]
    return joined


def _sage(hidden: int) -> MessagePassing:
    return SAGEConv(hidden, hidden, aggr="mean", root_weight=False)


def _sage_max(hidden: int) -> MessagePassing:
    return SAGEConv(hidden, hidden, aggr=["mean", "max"], root_weight=False)


def _gin(hidden: int) -> MessagePassing:
    return GINConv(nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden)))


def _gatv2(hidden: int) -> MessagePassing:
    return GATv2Conv(hidden, hidden, heads=1, add_self_loops=False)


CONVOLUTIONS: dict[str, Callable[[int], MessagePassing]] = {
    "sage": _sage,  # Hamilton, Ying & Leskovec 2017: mean over neighbours; over typed edges the R-GCN of 2018
    "sage-max": _sage_max,  # the same with the maximum beside the mean
    "gin": _gin,  # Xu et al. 2019: sum over neighbours, then a network of two layers
    "gatv2": _gatv2,  # Brody, Alon & Yahav 2022: weights by attention
}


class RelationalLayer(nn.Module):
    """One convolution per relation and direction, summed, with a path for the node itself.

    Args:
        convolution: One of :data:`CONVOLUTIONS`.
        relations: Names of the typed edge sets, each used in both directions.
        hidden: Width, H.
    """

    def __init__(self, convolution: str, relations: tuple[str, ...], hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden)
        self.itself = nn.Linear(hidden, hidden)
        make = CONVOLUTIONS[convolution]
        self.forth = nn.ModuleDict({relation: make(hidden) for relation in relations})
        self.back = nn.ModuleDict({relation: make(hidden) for relation in relations})

    def forward(self, hidden: Tensor, edges: Edges) -> Tensor:
        """Node states ``[sum N, H]`` after one round of messages."""
        normed = self.norm(hidden)
        messages = self.itself(normed)
        for relation, index in edges.items():
            messages = messages + self.forth[relation](normed, index) + self.back[relation](normed, index.flip(0))
        return hidden + torch.relu(messages)


class RelationalEncoder(nn.Module):
    """Embeds the nodes of graphs with typed edges.

    Args:
        num_features: Features of a node, F.
        relations: Names of the typed edge sets.
        hidden: Width of the embedding, H.
        layers: Rounds of messages.
        convolution: One of :data:`CONVOLUTIONS`.
    """

    def __init__(
        self, num_features: int, relations: tuple[str, ...], hidden: int, layers: int, convolution: str
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(num_features, hidden)
        self.layers = nn.ModuleList(RelationalLayer(convolution, relations, hidden) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)

    def forward(self, nodes: Tensor, edges: Mapping[str, Tensor], exists: Tensor) -> Tensor:
        """Embeddings ``[B, N, H]`` from node features ``[B, N, F]``, padded edges ``[B, 2, E]``, a mask ``[B, N]``."""
        batch, num_nodes, _ = nodes.shape
        joined = join_graphs(edges, num_nodes)
        hidden = self.embed(nodes).flatten(0, 1)
        for layer in self.layers:
            hidden = layer(hidden, joined)
        embedding: Tensor = self.norm(hidden).view(batch, num_nodes, -1)
        return embedding


class DisjunctiveEncoder(nn.Module):
    """The graph network of Park et al. 2021 ("Learning to schedule job-shop problems", IJPR 59(11)), for comparison.

    Nodes hear from their predecessors, their successors and their rivals, the nodes that share a resource: three
    message networks of their own, beside the node itself and the whole graph. In the paper the rivals are linked pair
    by pair; here the sum over all rivals is computed through the resource they share, which is the same and linear in
    the size of the graph. Layer sizes are not in what could be read of the paper; they are ours.

    Args:
        num_features: Features of a node, F.
        relations: Names of the typed edge sets: the first says which node precedes which, the second on which resource
            a node runs; others are not used.
        hidden: Width of the embedding, H.
        layers: Rounds of messages.
    """

    def __init__(self, num_features: int, relations: tuple[str, ...], hidden: int, layers: int) -> None:
        super().__init__()
        if len(relations) < 2:
            raise ValueError(
                "encoder 'park2021' needs two relations: what precedes what, and what runs on which resource"
            )
        self.relations = relations[:2]
        self.embed = nn.Linear(num_features, hidden)
        self.before, self.after, self.rivals = (
            nn.ModuleList(_two_layers(hidden, hidden) for _ in range(layers)) for _ in range(3)
        )
        self.update = nn.ModuleList(_two_layers(5 * hidden, hidden) for _ in range(layers))

    def forward(self, nodes: Tensor, edges: Mapping[str, Tensor], exists: Tensor) -> Tensor:
        """Embeddings ``[B, N, H]`` from node features ``[B, N, F]``, padded edges ``[B, 2, E]``, a mask ``[B, N]``."""
        batch, num_nodes, _ = nodes.shape
        joined = join_graphs({name: edges[name] for name in self.relations}, num_nodes)
        chain, uses = (joined[name] for name in self.relations)
        hidden = self.embed(nodes).flatten(0, 1)
        for before, after, rivals, update in zip(self.before, self.after, self.rivals, self.update, strict=True):
            from_before = _sum(before(hidden), chain)
            from_after = _sum(after(hidden), chain.flip(0))
            own = rivals(hidden)
            shared = _sum(_sum(own, uses), uses.flip(0))
            runs = torch.zeros_like(own[:, :1]).index_fill(0, uses[0], 1.0)
            graph = masked_mean(hidden.view(batch, num_nodes, -1), exists)
            graph = graph[:, None].expand(-1, num_nodes, -1).flatten(0, 1)
            hidden = update(torch.cat([hidden, from_before, from_after, shared - own * runs, graph], dim=1))
        embedding: Tensor = hidden.view(batch, num_nodes, -1)
        return embedding


def masked_mean(embedding: Tensor, exists: Tensor) -> Tensor:
    """The mean ``[B, H]`` over the nodes of ``[B, N, H]`` that exist, by a mask ``[B, N]``."""
    weight = exists.unsqueeze(-1).to(embedding.dtype)
    return (embedding * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


def _two_layers(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.ReLU(), nn.Linear(outputs, outputs))


def _sum(values: Tensor, index: Tensor) -> Tensor:
    """What each node receives when every edge carries its source's value."""
    return torch.zeros_like(values).index_add(0, index[1], values[index[0]])


def _relational(convolution: str) -> Callable[[int, tuple[str, ...], int, int], nn.Module]:
    return lambda features, relations, hidden, layers: RelationalEncoder(
        features, relations, hidden, layers, convolution
    )


ENCODERS: dict[str, Callable[[int, tuple[str, ...], int, int], nn.Module]] = {
    **{name: _relational(name) for name in CONVOLUTIONS},
    "park2021": DisjunctiveEncoder,
}
"""Every encoder: made from node features, relations, width and layers; maps nodes, edges and mask to embeddings."""
