"""Advantages and the clipped loss of proximal policy optimisation, on whole episodes of real decisions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..models.candidates import Candidates
from .rollouts import Rollout

BASELINES = ("group", "value", "both")
SMALL = 1e-6


@dataclass(frozen=True)
class PPOLoss:
    """Settings of the loss (Schulman et al. 2017, equations 7 and 9).

    Attributes:
        clip: Range of the probability ratio around 1.
        entropy: Weight of the entropy bonus.
        value: Weight of the value loss.
    """

    clip: float = 0.2
    entropy: float = 0.01
    value: float = 0.5

    def __call__(
        self, candidates: Candidates, logits: Tensor, values: Tensor, chosen: Tensor, log_prob: Tensor,
        advantage: Tensor, target: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:  # fmt: skip
        """The loss and what is worth logging.

        Args:
            candidates: The states, S of them.
            logits: Of every candidate, ``[L]``.
            values: Of every state, ``[S]``.
            chosen: Position of the action taken among the candidates of its state, ``[S]``.
            log_prob: Its log-probability when it was taken, ``[S]``.
            advantage: ``[S]``.
            target: What the value should have been, ``[S]``.
        """
        log_chances = torch.log_softmax(candidates.padded(logits.float(), -torch.inf), dim=1)
        new = log_chances.gather(1, chosen[:, None]).squeeze(1)
        log_ratio = new - log_prob
        ratio = log_ratio.exp()
        clipped = ratio.clamp(1 - self.clip, 1 + self.clip)
        policy_loss = -torch.min(ratio * advantage, clipped * advantage).mean()
        chances = log_chances.exp()
        # places without a candidate: probability 0 times log-probability minus infinity counts as 0
        entropy = -(chances * log_chances.masked_fill(log_chances == -torch.inf, 0.0)).sum(dim=1).mean()
        value_loss = (values.float() - target).square().mean()
        loss = policy_loss - self.entropy * entropy + self.value * value_loss
        with torch.no_grad():
            about = {
                "policy_loss": policy_loss.detach(),
                "value_loss": value_loss.detach(),
                "entropy": entropy.detach(),
                "approx_kl": (ratio - 1 - log_ratio).mean(),  # Schulman's estimator k3
                "clip_fraction": ((ratio - 1).abs() > self.clip).float().mean(),
            }
        return loss, about


def group_advantage(returns: Tensor, repeats: int) -> Tensor:
    """Each episode's return against the other episodes of its instance, in standard deviations, ``[E]``.

    Args:
        returns: ``[E]``, the episodes of an instance side by side.
        repeats: Episodes of each instance.
    """
    table = returns.view(-1, repeats)
    centred = table - table.mean(dim=1, keepdim=True)
    spread = centred.square().mean(dim=1, keepdim=True).sqrt()
    return (centred / (spread + SMALL)).flatten()


def _by_time(rollout: Rollout) -> tuple[Tensor, Tensor]:
    """Position of each decision in its episode ``[N]``, and decisions of each episode ``[E]``."""
    length = torch.bincount(rollout.episode, minlength=len(rollout.returns))
    first = length.cumsum(0) - length
    position = torch.arange(len(rollout.episode), device=rollout.episode.device) - first[rollout.episode]
    return position, length


def generalised_advantage(rollout: Rollout, discount: float, trace: float) -> Tensor:
    """Generalised advantage estimation over real decisions (Schulman et al. 2016, equation 16), ``[N]``.

    Args:
        rollout: Rewards and values.
        discount: Gamma, from one real decision to the next.
        trace: Lambda.
    """
    position, length = _by_time(rollout)
    shape = len(length), int(length.max()) + 1
    reward, value = rollout.reward.new_zeros(shape), rollout.value.new_zeros(shape)
    reward[rollout.episode, position] = rollout.reward
    value[rollout.episode, position] = rollout.value
    advantage = torch.zeros_like(reward)
    # behind the last decision of an episode everything is zero, so its sum ends by itself
    for time in range(shape[1] - 2, -1, -1):
        error = reward[:, time] + discount * value[:, time + 1] - value[:, time]
        advantage[:, time] = error + discount * trace * advantage[:, time + 1]
    return advantage[rollout.episode, position]


def advantages(rollout: Rollout, baseline: str, repeats: int, discount: float, trace: float) -> tuple[Tensor, Tensor]:
    """What each decision was worth beyond expectation, and what its state's value should have been.

    Args:
        rollout: The roll-out.
        baseline: ``"group"``: the return against the mean of the instance's episodes, for every decision of an episode
            alike; ``"value"``: generalised advantages against the value function; ``"both"``: their mean.
        repeats: Episodes of each instance.
        discount: Gamma, for the value function.
        trace: Lambda.

    Returns:
        Advantages of about unit variance and value targets, both ``[N]``.
    """
    steps = generalised_advantage(rollout, discount, trace)
    target = steps + rollout.value
    if baseline == "group":
        return group_advantage(rollout.returns, repeats)[rollout.episode], target
    steps = (steps - steps.mean()) / (steps.std(correction=0) + SMALL)
    if baseline == "value":
        return steps, target
    return 0.5 * (steps + group_advantage(rollout.returns, repeats)[rollout.episode]), target
