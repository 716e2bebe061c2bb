"""What a gradient step computes, as one module, which is what DistributedDataParallel wraps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from ..models.policy import GraphPolicy
from .batches import Minibatch
from .distributed import World
from .losses import Loss
from .rollouts import Decode


class Learner(nn.Module):
    """The loss of a minibatch.

    Args:
        network: The network.
        decode: Its ``decode``, or a compiled form of it.
        precision: The context in which the network computes.
        world: The processes that each have a part of the minibatch.
    """

    def __init__(
        self,
        network: GraphPolicy,
        decode: Decode,
        precision: Callable[[], AbstractContextManager[Any]],
        world: World,
    ) -> None:
        super().__init__()
        self.network, self._decode, self._precision, self._world = network, decode, precision, world

    def forward(self, part: Minibatch | None, loss: Loss) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of this process's part, and what is worth logging.

        Args:
            part: Its decisions; ``None`` for none, possible where there are other processes.
            loss: The loss, a mean over decisions.

        Returns:
            A loss such that the mean of its gradients over the processes is the gradient of the mean over all
            decisions; and shares of what to log, which sum up to the means over all decisions.
        """
        value: list[Tensor] = []
        about: dict[str, Tensor] = {}
        if self._world.connected:
            # the others wait for a gradient of every weight
            value.append(0.0 * torch.stack([weight.sum() for weight in self.parameters()]).sum())
        if part is not None:
            with self._precision():
                logits, values = self._decode(self.network.encode(part.static), part.candidates)
            mean, about = loss(
                part.candidates, logits, values, part.chosen, part.log_prob, part.advantage, part.target, part.wanted
            )
            value.append(part.share * self._world.size * mean)
            about = {name: part.share * amount for name, amount in {**about, "loss": mean.detach()}.items()}
        return torch.stack(value).sum(), about
