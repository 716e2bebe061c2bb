"""What all processes played of one environment in an update, and how it is split into minibatches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..models.candidates import Candidates
from .distributed import World
from .losses import STANDARDISED, advantages, standardised
from .rollouts import Rollout


@dataclass(frozen=True)
class Part:
    """What one process tells the others about its roll-out.

    Attributes:
        graphs: See :class:`~schedlab.train.rollouts.Rollout`, ``[G, 2]``.
        decisions: Decisions on each of them, int64 ``[G]``.
        steps: Environment steps, forced ones included.
        episodes: Returns and lengths of the episodes that ended.
        given_up: Whether it was told to stop.
        empty: Whether it could not play at all, because nothing was to be decided.
    """

    graphs: NDArray[np.int64]
    decisions: NDArray[np.int64]
    steps: int = 0
    episodes: Sequence[tuple[float, float]] = ()
    given_up: bool = False
    empty: bool = False

    @classmethod
    def of(cls, rollout: Rollout, episodes: Sequence[tuple[float, float]]) -> Part:
        """What there is to tell about a roll-out."""
        counts = torch.bincount(rollout.candidates.graph, minlength=len(rollout.graphs))
        return cls(rollout.graphs, counts.cpu().numpy(), rollout.steps, episodes)


@dataclass(frozen=True)
class Minibatch:
    """The S decisions of a gradient step that one process took.

    Attributes:
        static: Their graphs, ``[G, ...]``.
        candidates: Their states.
        chosen: Positions of the actions taken, ``[S]``.
        log_prob: Their log-probabilities when they were taken, ``[S]``.
        advantage: What they were worth beyond expectation, ``[S]``.
        target: What the states' values should have been, ``[S]``.
        wanted: How much a teacher wants every candidate, ``[S, A]``, or ``None``.
        share: Of all decisions of the gradient step, those of all processes.
    """

    static: dict[str, Tensor]
    candidates: Candidates
    chosen: Tensor
    log_prob: Tensor
    advantage: Tensor
    target: Tensor
    wanted: Tensor | None
    share: float


@dataclass(frozen=True)
class Batch:
    """The episodes of one environment in an update, as one of the processes sees them.

    Graphs are numbered as a process that is alone would number them.

    Attributes:
        rollout: The part that this process played; ``None`` if nothing was to be decided in it.
        place: The number of each graph in the roll-out, -1 for those of other processes, int64 ``[U]``.
        decisions: Decisions on each graph, int64 ``[U]``.
        lane: Graphs of different lanes make a minibatch, int64 ``[U]``.
        steps: Environment steps of all processes.
        episodes: Returns and lengths of the episodes that ended, of all processes.
    """

    rollout: Rollout | None
    place: NDArray[np.int64]
    decisions: NDArray[np.int64]
    lane: NDArray[np.int64]
    steps: int
    episodes: list[tuple[float, float]] = field(default_factory=list)

    @classmethod
    def of(cls, rollout: Rollout | None, parts: Sequence[Part], world: World, minibatch: int) -> Batch:
        """Put together what the processes have told one another.

        Args:
            rollout: What this process played.
            parts: What they told, in the order of their numbers.
            world: Which of them this one is.
            minibatch: Instances of a minibatch. Where it is a multiple of the number of processes, every minibatch of
                whole episodes gives every process as many instances, because a process plays whole lanes.
        """
        graphs = np.concatenate([part.graphs for part in parts])
        here = [np.arange(len(p.graphs)) if rank == world.rank else -np.ones(len(p.graphs), np.int64)
                for rank, p in enumerate(parts)]  # fmt: skip
        order = np.lexsort((graphs[:, 1], graphs[:, 0]))  # by the moment at which they begin, then by row
        return cls(
            rollout,
            np.concatenate(here)[order],
            np.concatenate([part.decisions for part in parts])[order],
            (graphs[:, 1] % minibatch)[order],
            sum(part.steps for part in parts),
            [episode for part in parts for episode in part.episodes],
        )

    def minibatches(self, shuffle: np.random.Generator, size: int) -> list[NDArray[np.int64]]:
        """The numbers of all graphs in random order, split into minibatches of graphs of different lanes.

        Instances are drawn independently of one another, so that lanes change nothing about a first epoch.

        Args:
            shuffle: Source of chance.
            size: Graphs of a minibatch.
        """
        count = len(self.lane)
        order = np.lexsort((shuffle.permutation(count), self.lane))  # lane by lane, each in random order
        lanes = self.lane[order]
        position = np.arange(count) - np.searchsorted(lanes, lanes)
        mixed: NDArray[np.int64] = order[np.lexsort((lanes, position))]
        return np.split(mixed, range(size, count, size))

    def advantages(
        self, baseline: str, repeats: int, discount: float, trace: float, per: str, world: World, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Of the decisions that this process took; see :func:`~schedlab.train.losses.advantages`."""
        if self.rollout is not None:
            return advantages(self.rollout, baseline, repeats, discount, trace, per, world.total)
        none = torch.zeros(0, device=device)
        # the others wait for its part of what all decisions are compared with
        return standardised(none, world.total) if baseline in STANDARDISED else none, none

    def minibatch(self, chosen: NDArray[np.int64], advantage: Tensor, target: Tensor) -> Minibatch | None:
        """This process's part of a minibatch; ``None`` if nothing was to be decided in it.

        Args:
            chosen: The numbers of its graphs.
            advantage: Of every decision that this process took, ``[N]``.
            target: What its state's value should have been, ``[N]``.
        """
        mine = self.place[chosen]
        mine = mine[mine >= 0]
        if self.rollout is None or len(mine) == 0:
            return None
        rollout = self.rollout
        decisions, candidates, static = rollout.of_instances(torch.from_numpy(mine).to(rollout.episode.device))
        if len(decisions) == 0:
            return None
        return Minibatch(
            static, candidates, rollout.chosen[decisions], rollout.log_prob[decisions], advantage[decisions],
            target[decisions], None if rollout.wanted is None else rollout.wanted[decisions],
            len(decisions) / int(self.decisions[chosen].sum()),
        )  # fmt: skip


def shuffled(batches: Sequence[Batch], shuffle: np.random.Generator, size: int) -> list[tuple[int, NDArray[np.int64]]]:
    """The minibatches of all batches in random order: each the number of its batch, and those of its graphs.

    Args:
        batches: One for each environment, or more where earlier updates are remembered.
        shuffle: Source of chance.
        size: Graphs of a minibatch.
    """
    parts = [(index, chunk) for index, batch in enumerate(batches) for chunk in batch.minibatches(shuffle, size)]
    return [parts[place] for place in shuffle.permutation(len(parts))]
