"""A network in the manner of VMR2L (Ding et al., EuroSys 2025): everything shown is encoded anew at every step.

Candidates that share a node form a tree: in VM rescheduling a PM with its NUMA nodes and the VMs that are on it now. A
block lets the members of a tree attend to one another (sparse local attention), then the trees of a state, and brings
back what they heard. The second of two picks also sees the embedding of what the first one chose.

Differences from the published network: local attention is computed over the pairs of a tree only, without a dense mask;
VMs hear from VMs of other PMs through their trees, not pair by pair; one actor scores both picks, told apart by their
features. Sizes are the paper's (width 64, two blocks, two heads) where the settings say so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch_geometric.utils import softmax

from .candidates import Candidates
from .policy import Encoding, GraphPolicy, NetworkConfig


@dataclass(frozen=True)
class Trees:
    """Which candidates share a node, in a batch of S states.

    Attributes:
        member: The tree of each candidate, int64 ``[L]``.
        state: The state of each tree, int64 ``[T]``.
        size: Members of each tree, int64 ``[T]``.
        asks: Pairs of members of one tree: who hears, int64 ``[pairs]``.
        heard: Who is heard, int64 ``[pairs]``.
    """

    member: Tensor
    state: Tensor
    size: Tensor
    asks: Tensor
    heard: Tensor

    @classmethod
    def of(cls, candidates: Candidates, nodes: int) -> Trees:
        """The trees of a batch of states, whose graphs have room for ``nodes`` nodes."""
        state = candidates.state
        keys, member, size = torch.unique(state * nodes + candidates.node, return_inverse=True, return_counts=True)
        order = torch.argsort(member, stable=True)
        first = size.cumsum(0) - size
        # every member in turn with all members of its tree
        width = size[member[order]]
        asks = torch.repeat_interleave(order, width)
        begin = torch.repeat_interleave(width.cumsum(0) - width, width)
        within = torch.arange(len(asks), device=asks.device) - begin
        heard = order[torch.repeat_interleave(first[member[order]], width) + within]
        return cls(member, keys // nodes, size, asks, heard)


class TreeBlock(nn.Module):
    """Attention within trees, then among the trees of a state, then a network of two layers; all pre-norm.

    Args:
        hidden: Width, H.
        heads: Attention heads; they divide the width.
    """

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.local_norm, self.tree_norm, self.last_norm = (nn.LayerNorm(hidden) for _ in range(3))
        self.local = nn.Linear(hidden, 3 * hidden)
        self.local_out = nn.Linear(hidden, hidden)
        self.among_trees = nn.MultiheadAttention(hidden, heads, batch_first=True)
        self.from_tree = nn.Linear(hidden, hidden)
        self.forward_network = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, hidden))

    def forward(self, tokens: Tensor, trees: Trees, states: int) -> Tensor:
        """New states ``[L, H]`` of the candidates ``[L, H]``."""
        tokens = tokens + self._within(self.local_norm(tokens), trees)
        summed = tokens.new_zeros(len(trees.size), tokens.shape[1]).index_add(0, trees.member, tokens)
        of_tree = self.tree_norm(summed / trees.size.unsqueeze(-1))
        tokens = tokens + self.from_tree(self._among(of_tree, trees.state, states)).index_select(0, trees.member)
        fed: Tensor = tokens + self.forward_network(self.last_norm(tokens))
        return fed

    def _within(self, normed: Tensor, trees: Trees) -> Tensor:
        count, width = normed.shape
        query, key, value = self.local(normed).view(count, 3, self.heads, width // self.heads).unbind(1)
        scores = (query[trees.asks] * key[trees.heard]).sum(-1) * (width // self.heads) ** -0.5
        weights = softmax(scores, trees.asks, num_nodes=count)
        mixed = torch.zeros_like(value).index_add(0, trees.asks, weights.unsqueeze(-1) * value[trees.heard])
        out: Tensor = self.local_out(mixed.reshape(count, width))
        return out

    def _among(self, of_tree: Tensor, state: Tensor, states: int) -> Tensor:
        count = torch.bincount(state, minlength=states)
        place = torch.arange(len(state), device=state.device) - (count.cumsum(0) - count)[state]
        table = of_tree.new_zeros(states, int(count.max()), of_tree.shape[1])
        table[state, place] = of_tree
        empty = torch.arange(table.shape[1], device=state.device) >= count.unsqueeze(-1)
        heard, _ = self.among_trees(table, table, table, key_padding_mask=empty, need_weights=False)
        out: Tensor = heard[state, place]
        return out


class TreePolicy(GraphPolicy):
    """Logits over candidates and a value, from attention in trees; see the module's docstring.

    ``attention_layers`` of the configuration is the number of blocks, at least one; ``attend`` must be ``"all"``.

    Raises:
        ValueError: The configuration shows it legal candidates only, encodes at every step, has no block, or names no
            feature that marks the first pick.
    """

    def __init__(self, config: NetworkConfig) -> None:
        if config.attend != "all" or config.encode != "once" or config.attention_layers < 1:
            raise ValueError(
                "architecture 'vmr2l' needs attend 'all', encode 'once' and attention_layers of at least 1"
            )
        if config.mark < 0:
            raise ValueError(
                "architecture 'vmr2l' is for problems that mark what a first pick chose: there is no mark here"
            )
        # GraphPolicy's own attention over candidates is not used
        super().__init__(replace(config, attention_layers=0))
        self.config = config
        self.blocks = nn.ModuleList(TreeBlock(config.hidden, config.heads) for _ in range(config.attention_layers))
        self.from_chosen = nn.Linear(config.hidden, config.hidden, bias=False)

    def decode(self, encoding: Encoding, candidates: Candidates) -> tuple[Tensor, Tensor]:
        """Logits ``[L]`` of the candidates (minus infinity where illegal) and values ``[S]`` of the states."""
        state, states = candidates.state, len(candidates)
        whole = encoding.graph[candidates.graph] + self.from_context(candidates.context)
        place = candidates.graph[state] * encoding.nodes.shape[1] + candidates.node
        node = encoding.nodes.flatten(0, 1).index_select(0, place)
        tokens = torch.relu(node + self.from_features(candidates.features) + whole.index_select(0, state))
        trees = Trees.of(candidates, encoding.nodes.shape[1])
        for block in self.blocks:
            tokens = block(tokens, trees, states)
        marked = candidates.features[:, self.config.mark, None] * tokens
        chosen = tokens.new_zeros(states, tokens.shape[1]).index_add(0, state, marked)
        tokens = self.mix(tokens) + self.from_chosen(chosen).index_select(0, state)
        scores = self.score(tokens).squeeze(-1)
        if self.config.prior:
            scores = scores + self.prior(candidates.features).squeeze(-1)
        logits = scores.masked_fill(~candidates.legal, -torch.inf)
        pooled = tokens.new_zeros(states, tokens.shape[1]).index_add(0, state, tokens)
        pooled = pooled / candidates.count.unsqueeze(-1)
        value: Tensor = self.value(torch.cat([pooled, whole], dim=-1)).squeeze(-1)
        return logits, value
