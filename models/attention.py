"""Attention over the candidates of a state, on lists without padding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .candidates import Candidates

MASKED = -1e8
"""Score of what is not there: finite, so that a softmax over it stays well defined."""

FEW_PAIRS = 1 << 16
"""Up to so many pairs of candidates a batch is one group."""


class CandidateAttention(nn.Module):
    """The legal candidates look at all that are shown (Vaswani et al. 2017), without a padded batch.

    States are taken in groups with about as many legal candidates, so that little is computed in vain: most states
    have two or three, a few have as many as there are jobs.

    Args:
        hidden: Width, H.
        heads: Attention heads; they divide the width.
    """

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(hidden)
        self.query = nn.Linear(hidden, hidden)
        self.keys_and_values = nn.Linear(hidden, 2 * hidden)
        self.out = nn.Linear(hidden, hidden)

    def forward(self, hidden: Tensor, shown: Tensor, front: Front) -> Tensor:
        """New states of the legal candidates, ``[L', H]``.

        Args:
            hidden: Their states, ``[L', H]``.
            shown: States of all candidates, ``[L, H]``.
            front: Who belongs to whom.
        """
        query = self.query(self.norm(hidden)).index_select(0, front.asks)
        table = self.keys_and_values(shown).index_select(0, front.shown)
        mixed = torch.cat(
            [
                self._group(one, two, group)
                for one, two, group in zip(
                    query.split([group.asks for group in front.groups]),
                    table.split([group.shown for group in front.groups]),
                    front.groups,
                    strict=True,
                )
            ]
        )
        attended: Tensor = hidden + self.out(mixed.index_select(0, front.back))
        return attended

    def _group(self, query: Tensor, table: Tensor, group: Group) -> Tensor:
        states, width = len(group.exists), query.shape[1]
        size = width // self.heads
        asks = query.view(states, -1, self.heads, size).transpose(1, 2)
        keys, values = table.view(states, -1, 2, self.heads, size).permute(2, 0, 3, 1, 4)
        scores = asks @ keys.transpose(-1, -2) * size**-0.5
        weights = scores.masked_fill(~group.exists[:, None, None, :], MASKED).softmax(dim=-1)
        mixed: Tensor = (weights @ values).transpose(1, 2).reshape(-1, width)
        return mixed


@dataclass(frozen=True)
class Group:
    """S' states with about as many legal candidates, at most Q, and at most K candidates in all.

    Attributes:
        asks: S' Q, places for legal candidates.
        shown: S' K, places for candidates.
        exists: Which of the latter are not padding, bool ``[S', K]``.
    """

    asks: int
    shown: int
    exists: Tensor


@dataclass(frozen=True)
class Front:
    """The legal candidates of a batch of states, and the groups in which they attend.

    Attributes:
        legal: Places of the L' legal candidates among all, int64 ``[L']``.
        groups: The states, in groups.
        asks: For the padded tables of all groups, row by row, places among the legal candidates, int64.
        shown: The same, places among all candidates.
        back: Place of each legal candidate in ``asks``, int64 ``[L']``.
    """

    legal: Tensor
    groups: tuple[Group, ...]
    asks: Tensor
    shown: Tensor
    back: Tensor

    @classmethod
    def of(cls, candidates: Candidates) -> Front:
        """Group the states of a batch."""
        legal = candidates.legal.nonzero().squeeze(1)
        count = torch.bincount(candidates.state[legal], minlength=len(candidates))
        groups: list[Group] = []
        asks: list[Tensor] = []
        real: list[Tensor] = []
        shown: list[Tensor] = []
        low, largest = 0, int(count.max())
        # a few states are padded faster than they are grouped: every group costs a dozen calls
        few = len(candidates) * largest * int(candidates.count.max()) <= FEW_PAIRS
        while low < largest:
            high = largest if few else max(low + 1, low * 4 // 3)
            states = ((count > low) & (count <= high)).nonzero().squeeze(1)
            low = high
            if len(states) == 0:
                continue
            asking, asking_exists = _table(count, states)
            seen, seen_exists = _table(candidates.count, states)
            groups.append(Group(asking.numel(), seen.numel(), seen_exists))
            asks.append(asking.flatten())
            real.append(asking_exists.flatten())
            shown.append(seen.flatten())
        all_asks, place = torch.cat(asks), torch.cat(real).nonzero().squeeze(1)
        back = torch.empty_like(legal)
        back[all_asks[place]] = place
        return cls(legal, tuple(groups), all_asks, torch.cat(shown), back)


def _table(count: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    """Places of the members of some states in a list, ``[S', K]``, padded with the first, and which are real."""
    first, number = (count.cumsum(0) - count)[states][:, None], count[states][:, None]
    place = torch.arange(int(number.max()), device=count.device)
    exists = place < number
    return torch.where(exists, first + place, first), exists
