"""The graph encoder: message passing over typed edges, on padded batches without per-graph Python objects."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch_geometric.nn import RGCNConv


def join_graphs(edges: Mapping[str, Tensor], num_nodes: int) -> tuple[Tensor, Tensor]:
    """One disjoint graph from a padded batch.

    Args:
        edges: For each relation an ``edge_index`` ``[B, 2, E]``, padded with -1.
        num_nodes: N, nodes per graph with padding; node n of graph b becomes b N + n.

    Returns:
        ``edge_index`` ``[2, sum E]`` and ``edge_type`` ``[sum E]``; every relation appears twice, as it is (type 2 r)
        and turned round (type 2 r + 1).
    """
    sources, types = [], []
    for relation, index in enumerate(edges.values()):
        index = index.long()
        offset = torch.arange(len(index), device=index.device)[:, None, None] * num_nodes
        real = index[:, 0] >= 0
        joined = (index + offset).transpose(0, 1)[:, real]
        sources += [joined, joined.flip(0)]
        types += [joined.new_full((joined.shape[1],), 2 * relation + turned) for turned in (0, 1)]
    return torch.cat(sources, dim=1), torch.cat(types)


class GraphEncoder(nn.Module):
    """Embeds the nodes of static graphs.

    Every layer adds a relational convolution (Schlichtkrull et al. 2018: one weight matrix per relation and direction,
    mean over neighbours) to a normalised residual stream.

    Args:
        num_features: Features of a node, F.
        num_relations: Typed edge sets, each used in both directions.
        hidden: Width of the embedding, H.
        layers: Convolutions.
    """

    def __init__(self, num_features: int, num_relations: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.embed = nn.Linear(num_features, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers))
        self.convolutions = nn.ModuleList(
            RGCNConv(hidden, hidden, 2 * num_relations, aggr="mean") for _ in range(layers)
        )

    def forward(self, nodes: Tensor, edges: Mapping[str, Tensor]) -> Tensor:
        """Node embeddings ``[B, N, H]`` from node features ``[B, N, F]`` and padded edges."""
        batch, num_nodes, _ = nodes.shape
        edge_index, edge_type = join_graphs(edges, num_nodes)
        hidden = self.embed(nodes).flatten(0, 1)
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            hidden = hidden + torch.relu(convolution(norm(hidden), edge_index, edge_type))
        embedding: Tensor = hidden.view(batch, num_nodes, -1)
        return embedding
