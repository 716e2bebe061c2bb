"""Advantages and the clipped loss of proximal policy optimisation, on episodes (or segments) of real decisions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..models.candidates import Candidates
from .rollouts import Rollout

BASELINES = ("group", "value", "both", "paired", "returns")
ALONE = ("value", "returns")
"""Baselines that need no other episode of the same instance."""

STANDARDISED = ("value", "both")
"""Baselines whose advantages are compared with those of all decisions of an update."""

DISCOUNT_PER = ("decision", "clock")
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
        advantage: Tensor, target: Tensor, wanted: Tensor | None = None,
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
            wanted: Of a teacher, see :class:`ImitationLoss`; not used.
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


@dataclass(frozen=True)
class ImitationLoss:
    """Cross-entropy with a teacher's actions, beside the value loss; called as :class:`PPOLoss` is.

    Attributes:
        value: Weight of the value loss.
    """

    value: float = 0.5

    def __call__(
        self, candidates: Candidates, logits: Tensor, values: Tensor, chosen: Tensor, log_prob: Tensor,
        advantage: Tensor, target: Tensor, wanted: Tensor | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:  # fmt: skip
        """The loss and what is worth logging; see :class:`PPOLoss`.

        The teacher's actions are ``chosen``; where it thinks more than one worth taking, ``wanted`` ``[S, A]`` says how
        much it does, by the candidates' positions.
        """
        log_chances = torch.log_softmax(candidates.padded(logits.float(), -torch.inf), dim=1)
        if wanted is None:
            surprise = -log_chances.gather(1, chosen[:, None]).squeeze(1).mean()
        else:
            possible = log_chances.masked_fill(log_chances == -torch.inf, 0.0)
            surprise = -(wanted[:, : possible.shape[1]] * possible).sum(dim=1).mean()
        value_loss = (values.float() - target).square().mean()
        with torch.no_grad():
            agreement = (log_chances.argmax(dim=1) == chosen).float().mean()
        about = {
            "cross_entropy": surprise.detach(),
            "agreement": agreement,
            "value_loss": value_loss.detach(),
        }
        return surprise + self.value * value_loss, about


Loss = PPOLoss | ImitationLoss


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


def _last(rollout: Rollout) -> Tensor:
    """Which decisions are the last of their episode, bool ``[N]``."""
    return torch.cat([rollout.episode[1:] != rollout.episode[:-1], rollout.episode.new_ones(1).bool()])


def decays(rollout: Rollout, factor: float, per: str) -> Tensor:
    """What one unit is worth that comes with the next decision, ``[N]``.

    Args:
        rollout: When decisions were taken.
        factor: Gamma, or gamma times lambda.
        per: ``"decision"``: ``factor`` whenever; or ``"clock"``: to the power of the time that passes until then, so
            that decisions of one moment share all that follows, and what matters is how much later it follows (the
            per-tick returns of "Eclectic Interaction Matching", SoCRATES).
    """
    if per == "decision":
        return torch.full_like(rollout.reward, factor)
    passed = torch.cat([rollout.clock[1:] - rollout.clock[:-1], rollout.clock.new_zeros(1)])
    return factor ** passed.masked_fill(_last(rollout), 0).to(rollout.reward)


def residuals(rollout: Rollout, discount: float, per: str = "decision") -> Tensor:
    """Temporal-difference errors over real decisions, ``[N]``: reward, plus discounted next value, minus value."""
    following = torch.cat([rollout.value[1:], rollout.value.new_zeros(1)])
    # behind the last decision of an episode everything is zero
    return rollout.reward + decays(rollout, discount, per) * following.masked_fill(_last(rollout), 0.0) - rollout.value


def accumulated(rollout: Rollout, errors: Tensor, decay: float, per: str = "decision") -> Tensor:
    """Sum of each error and those that follow in its episode, discounted by :func:`decays`, ``[N]``.

    Of temporal-difference errors, with gamma times lambda: generalised advantage estimation (Schulman et al. 2016,
    equation 16).
    """
    position, length = _by_time(rollout)
    table = errors.new_zeros(len(length), int(length.max()) + 1)
    table[rollout.episode, position] = errors
    worth = torch.zeros_like(table)
    worth[rollout.episode, position] = decays(rollout, decay, per).to(table)
    for time in range(table.shape[1] - 2, -1, -1):
        table[:, time] += worth[:, time] * table[:, time + 1]
    return table[rollout.episode, position]


def paired_residuals(rollout: Rollout, errors: Tensor, repeats: int) -> Tensor:
    """Errors minus what the episodes of the same instance had on average over the same stretch of the clock, ``[N]``.

    Episodes of one instance meet the same chance at the same time (common random numbers), so what they share of an
    error is luck, and only the rest can be due to the decision.

    Args:
        rollout: When decisions were taken.
        errors: One for each decision, ``[N]``.
        repeats: Episodes of each instance, side by side.
    """
    episode, clock, end = (part.cpu().numpy() for part in (rollout.episode, rollout.clock, rollout.end))
    amounts = errors.double().cpu().numpy()
    first = np.searchsorted(episode, np.arange(len(end) + 1))
    # of each episode the sum of the errors up to any time, straight between decisions
    knots = [_apart(np.append(clock[i:j], end[e])) for e, (i, j) in enumerate(itertools.pairwise(first))]
    sums = [np.concatenate(([0.0], np.cumsum(amounts[i:j]))) for i, j in itertools.pairwise(first)]
    centred = np.empty_like(amounts)
    for e, (i, j) in enumerate(itertools.pairwise(first)):
        group = range(e - e % repeats, e - e % repeats + repeats)
        shared = sum(np.interp(knots[e], knots[other], sums[other]) for other in group) / repeats
        centred[i:j] = amounts[i:j] - np.diff(shared)
    return torch.from_numpy(centred).to(errors)


def _apart(times: NDArray[Any]) -> NDArray[np.float64]:
    """Times in ascending order, equal ones moved a millionth apart: several decisions may fall on one moment."""
    place = np.arange(len(times)) - np.searchsorted(times, times)
    apart: NDArray[np.float64] = times + 1e-6 * place
    return apart


def in_group_units(rollout: Rollout, values: Tensor, repeats: int) -> Tensor:
    """Values of decisions divided by the root of their mean square among those of the same instance, ``[N]``."""
    group = rollout.episode // repeats
    squares = values.new_zeros(len(rollout.returns) // repeats)
    mean = squares.index_add(0, group, values.square()) / torch.bincount(group, minlength=len(squares)).clamp(min=1)
    return values / (mean.sqrt()[group] + SMALL)


def in_episode_units(rollout: Rollout, values: Tensor) -> Tensor:
    """Values of decisions against the mean of their episode (or segment), in its standard deviations, ``[N]``."""
    count = torch.bincount(rollout.episode, minlength=len(rollout.returns)).clamp(min=1)
    zeros = values.new_zeros(len(count))
    centred = values - (zeros.index_add(0, rollout.episode, values) / count)[rollout.episode]
    spread = (zeros.index_add(0, rollout.episode, centred.square()) / count).sqrt()
    return centred / (spread[rollout.episode] + SMALL)


def _alone(amounts: Tensor) -> Tensor:
    return amounts


def standardised(values: Tensor, total: Callable[[Tensor], Tensor] = _alone) -> Tensor:
    """Values against their mean, in their standard deviations, ``[N]``.

    Args:
        values: ``[N]``.
        total: The sum of a tensor over all processes, of which each has some of the values, or none.
    """
    exact = values.double()
    sums = total(torch.stack([exact.sum(), exact.new_tensor(float(len(exact)))]))
    centred = exact - sums[0] / sums[1]
    spread = (total(centred.square().sum()) / sums[1]).sqrt()
    return (centred / (spread + SMALL)).to(values)


def advantages(
    rollout: Rollout,
    baseline: str,
    repeats: int,
    discount: float,
    trace: float,
    per: str = "decision",
    total: Callable[[Tensor], Tensor] = _alone,
) -> tuple[Tensor, Tensor]:
    """What each decision was worth beyond expectation, and what its state's value should have been.

    Args:
        rollout: The roll-out.
        baseline: ``"group"``: the return against the mean of the instance's episodes, for every decision of an episode
            alike; ``"value"``: generalised advantages against the value function; ``"both"``: their mean;
            ``"paired"``: generalised advantages of which only is left what the instance's episodes do not share at the
            same time, in units of the instance's; ``"returns"``: what an episode (or segment) still earned, against its
            own mean and in its own standard deviations, as in n-step REINFORCE (Zhang et al. 2024, "Deep Reinforcement
            Learning Guided Improvement Heuristic for Job Shop Scheduling").
        repeats: Episodes of each instance.
        discount: Gamma, for the value function.
        trace: Lambda.
        per: What gamma and lambda discount, one of ``DISCOUNT_PER``; see :func:`decays`.
        total: See :func:`standardised`; called for the baselines of ``STANDARDISED`` only.

    Returns:
        Advantages of about unit variance and value targets, both ``[N]``.
    """
    errors = residuals(rollout, discount, per)
    steps = accumulated(rollout, errors, discount * trace, per)
    target = steps + rollout.value
    if baseline == "group":
        return group_advantage(rollout.returns, repeats)[rollout.episode], target
    if baseline == "returns":
        return in_episode_units(rollout, accumulated(rollout, rollout.reward, discount, per)), target
    if baseline == "paired":
        paired = accumulated(rollout, paired_residuals(rollout, errors, repeats), discount * trace, per)
        return in_group_units(rollout, paired, repeats), target
    steps = standardised(steps, total)
    if baseline == "value":
        return steps, target
    return 0.5 * (steps + group_advantage(rollout.returns, repeats)[rollout.episode]), target
