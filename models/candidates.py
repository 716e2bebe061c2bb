"""Candidates of a batch of states, one after another without padding: what a policy decodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def to_device(arrays: dict[str, NDArray[Any]], device: torch.device) -> dict[str, Tensor]:
    """Arrays as tensors on a device; on the CPU they share memory."""
    return {key: torch.from_numpy(value).to(device, non_blocking=True) for key, value in arrays.items()}


@dataclass(frozen=True)
class Candidates:
    """S states with L candidates in all, in the order of the states.

    Most states offer few of the actions that a padded observation has room for; only those are worth computing.

    Attributes:
        graph: Which graph each state belongs to, int64 ``[S]``: states of one instance share an embedding.
        count: Candidates of each state, int64 ``[S]``, at least one of them legal.
        node: The node behind each candidate, int64 ``[L]``.
        legal: Which of them may be chosen, bool ``[L]``.
        features: What matters about each candidate now, float ``[L, D]``.
        context: Global numbers of each state, float ``[S, C]``.
        changing: What else of the graphs is another in every state, by the observation's keys, ``[S, ...]``; empty
            where nothing is, or nobody looks.
    """

    graph: Tensor
    count: Tensor
    node: Tensor
    legal: Tensor
    features: Tensor
    context: Tensor
    changing: dict[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.count)

    @property
    def state(self) -> Tensor:
        """The state of each candidate, int64 ``[L]``."""
        return torch.repeat_interleave(self.count)

    @property
    def first(self) -> Tensor:
        """The place of each state's first candidate, int64 ``[S]``."""
        return self.count.cumsum(0) - self.count

    @property
    def position(self) -> Tensor:
        """The position of each candidate among those of its state, int64 ``[L]``."""
        return torch.arange(len(self.node), device=self.node.device) - self.first[self.state]

    @classmethod
    def from_padded(
        cls,
        observation: Mapping[str, Tensor],
        graph: Tensor | None = None,
        only_legal: bool = True,
        changing: Sequence[str] = (),
    ) -> tuple[Candidates, Tensor]:
        """The candidates of a shaped observation.

        Args:
            observation: ``candidate`` ``[S, A]``, ``candidate_features`` ``[S, A, D]``, ``context`` ``[S, C]`` and
                ``action_mask`` ``[S, A]``.
            graph: Which graph each state belongs to; default each its own.
            only_legal: Leave out those that may not be chosen.
            changing: Keys of what else to keep.

        Returns:
            The candidates, and the action of each, int64 ``[L]``.
        """
        legal = observation["action_mask"] != 0
        shown = legal if only_legal else legal | (observation["candidate"] >= 0)
        state, action = shown.nonzero(as_tuple=True)
        if graph is None:
            graph = torch.arange(len(legal), device=legal.device)
        node = observation["candidate"][state, action].long().clamp(min=0)
        features = observation["candidate_features"][state, action]
        kept = {key: observation[key] for key in changing}
        return cls(graph, shown.sum(dim=1), node, legal[state, action], features, observation["context"], kept), action

    @classmethod
    def join(cls, parts: Sequence[Candidates]) -> Candidates:
        """The states of all parts in one."""
        lists = {
            name: torch.cat([getattr(part, name) for part in parts])
            for name in cls.__annotations__
            if name != "changing"
        }
        changing = {key: torch.cat([part.changing[key] for part in parts]) for key in parts[0].changing}
        return cls(**lists, changing=changing)

    def select(self, states: Tensor) -> Candidates:
        """Some of the states, in the given order, int64 ``[S']``."""
        count = self.count[states]
        first = self.first[states]
        begin = count.cumsum(0) - count
        chosen = torch.arange(int(count.sum()), device=count.device) + torch.repeat_interleave(first - begin, count)
        return Candidates(
            self.graph[states],
            count,
            self.node[chosen],
            self.legal[chosen],
            self.features[chosen],
            self.context[states],
            {key: value[states] for key, value in self.changing.items()},
        )

    def padded(self, values: Tensor, fill: float) -> Tensor:
        """Values of candidates ``[L, ...]`` in a table ``[S, K, ...]``, K the largest count."""
        width = int(self.count.max())
        table = values.new_full((len(self), width, *values.shape[1:]), fill)
        table[self.state, self.position] = values
        return table
