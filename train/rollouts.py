"""Roll-outs: whole episodes of a batched simulator, kept as lists of real decisions on the training device."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..agents.core import Policy
from ..envs.core.simulator import Simulator
from ..models.candidates import Candidates, to_device
from ..models.policy import Encoding, GraphPolicy
from .distributed import Share

NO_ACTION = np.int64(-1)


@dataclass
class Phases:
    """Seconds spent in the phases of training."""

    simulate: float = 0.0
    encode: float = 0.0
    decode: float = 0.0
    update: float = 0.0

    def shares(self) -> dict[str, float]:
        """Each phase's share of their sum."""
        total = sum(vars(self).values())
        return {name: seconds / max(total, 1e-9) for name, seconds in vars(self).items()}


class NothingToDecideError(Exception):
    """Every step of every episode has one legal action."""


class Luck:
    """A number in 0..1 for every decision of every episode, whichever process plays it.

    Args:
        generator: Where the numbers of an update begin; one is drawn from it.
        share: What is played here.
        repeats: Episodes of each instance.
    """

    def __init__(self, generator: torch.Generator, share: Share, repeats: int = 1) -> None:
        seed = torch.randint(2**62, (1,), generator=generator, device=generator.device)
        self._rng = np.random.default_rng(int(seed))
        self._rows, self._total = share.rows(repeats), share.total * repeats

    def next(self) -> NDArray[np.float32]:
        """Those of the next decision of every episode that is played here, ``[B]``."""
        numbers = self._rng.random(self._total, np.float32)
        return numbers if len(self._rows) == self._total else numbers[self._rows]


class Stopwatch:
    """Adds the time since the last lap to a phase."""

    def __init__(self, phases: Phases) -> None:
        self._phases = phases
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        """Count the time until now as ``phase``."""
        now = time.perf_counter()
        setattr(self._phases, phase, getattr(self._phases, phase) + now - self._last)
        self._last = now


@dataclass
class Rollout:
    """Episodes of one batch, several for each instance.

    A decision is a step with more than one legal action; forced steps are played but not kept.

    Attributes:
        static: The static part of the observation of each instance, ``[G, ...]``.
        candidates: The states of all N decisions; their graphs count the instances.
        episode: The episode of each decision, ``[N]``.
        chosen: The position of the action among its state's candidates, ``[N]``.
        log_prob: Its log-probability when it was taken, ``[N]``.
        value: The value of the state then, ``[N]``.
        reward: What was earned from this decision until the next, in units of the instance's scale, ``[N]``.
        returns: Sum of rewards of each episode, ``[E]``; of a segment with the value of what follows.
        steps: Environment steps, forced ones included.
        clock: How far the episode was at each decision, ``[N]``; see ``Simulator.elapsed``.
        end: How far it went, ``[E]``; 0 for segments.
        graphs: Of each graph the decision of the update at which it began, and the number of its instance (or stream)
            among those of all processes, int64 ``[G, 2]``.
        wanted: Of a teacher's play, how much every candidate deserves to be imitated, by its position, ``[N, A]``;
            ``None`` where only the chosen ones do.
    """

    static: dict[str, Tensor]
    candidates: Candidates
    episode: Tensor
    chosen: Tensor
    log_prob: Tensor
    value: Tensor
    reward: Tensor
    returns: Tensor
    steps: int
    clock: Tensor
    end: Tensor
    graphs: NDArray[np.int64]
    wanted: Tensor | None = None

    def of_instances(self, chosen: Tensor) -> tuple[Tensor, Candidates, dict[str, Tensor]]:
        """Everything of some instances.

        Args:
            chosen: Their numbers, int64 ``[G']``.

        Returns:
            Their decisions ``[N']``, the states of those with graphs counted anew, and the graphs.
        """
        renamed = chosen.new_full((len(self.static["node_mask"]),), -1)
        renamed[chosen] = torch.arange(len(chosen), device=chosen.device)
        graph = renamed[self.candidates.graph]
        decisions = (graph >= 0).nonzero().squeeze(1)
        candidates = replace(self.candidates.select(decisions), graph=graph[decisions])
        return decisions, candidates, {key: value[chosen] for key, value in self.static.items()}


Decode = Callable[[Encoding, Candidates], tuple[Tensor, Tensor]]


def collect(
    network: GraphPolicy,
    simulator: Simulator[Any, Any],
    instances: Sequence[Any],
    repeats: int,
    generator: torch.Generator,
    phases: Phases,
    decode: Decode | None = None,
    proceed: Callable[[int], bool] = lambda steps: True,
    teacher: Policy[Any, Any] | None = None,
    share: Share | None = None,
) -> Rollout | None:
    """Play ``repeats`` episodes of every instance with the network, drawing actions from its distribution.

    Args:
        network: The policy.
        simulator: With a row for every episode; row ``g * repeats + k`` plays instance g.
        instances: G of them.
        repeats: Episodes of each.
        generator: Source of the actions.
        phases: Where the time is added up.
        decode: A compiled form of ``network.decode``.
        proceed: Told the environment steps so far after every decision; False gives up.
        teacher: Whose actions are taken instead. A teacher that draws at random draws anew in every process.
        share: Which of all processes' instances these are; by default all of them.

    Returns:
        The roll-out, or ``None`` if it was given up.

    Raises:
        NothingToDecideError: No episode has a step with more than one legal action.
    """
    decode = decode or network.decode
    device = next(network.parameters()).device
    watch = Stopwatch(phases)
    batch, scale = simulator.batch_size, simulator.scale
    simulator.reset([instance for instance in instances for _ in range(repeats)])
    returns = simulator.play_forced() / scale
    state = simulator.observe()
    static = to_device({key: value[::repeats].copy() for key, value in state.static().items()}, device)
    instance = torch.arange(batch, device=device) // repeats
    watch.lap("simulate")
    share = share or Share.whole(len(instances))
    luck = Luck(generator, share, repeats)
    if teacher is not None:
        seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
        teacher.begin(simulator, (seed + int(share.numbers[0])) % 2**31)
    states: list[Candidates] = []
    decisions: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    rewards: list[NDArray[np.float64]] = []
    clocks: list[NDArray[np.int64]] = []
    weights: list[Tensor] = []
    with torch.no_grad():
        encoding = network.encode(static)
        watch.lap("encode")
        while simulator.done_count < batch:
            rows = np.flatnonzero(~simulator.done)
            episode = torch.from_numpy(rows).to(device)
            dynamic = to_device({key: value[rows] for key, value in state.dynamic().items()}, device)
            candidates, action = network.candidates(dynamic, instance[episode])
            logits, value = decode(encoding, candidates)
            wanted = None if teacher is None else torch.from_numpy(teacher.act(simulator)[rows]).to(device)
            numbers = torch.from_numpy(luck.next()[rows]).to(device)
            chosen, log_prob = draw(candidates, logits.float(), numbers, wanted, action)
            picked = action[candidates.first + chosen].cpu().numpy()
            if teacher is not None and teacher.weights is not None:
                weights.append(_by_position(candidates, action, teacher.weights[rows]))
            watch.lap("decode")
            clocks.append(simulator.elapsed()[rows])
            actions = np.full(batch, NO_ACTION)
            actions[rows] = picked
            reward = simulator.step(actions) / scale
            reward += simulator.play_forced() / scale
            returns += reward
            simulator.observe(rows=rows)
            rewards.append(reward[rows])
            states.append(candidates)
            decisions.append((episode, chosen, log_prob, value.float()))
            watch.lap("simulate")
            if not proceed(int(simulator.steps.sum())):
                return None
    if not decisions:
        raise NothingToDecideError
    episode, chosen, log_prob, value = (torch.cat(parts) for parts in zip(*decisions, strict=True))
    # in the order of the episodes, each in the order of time
    order = torch.argsort(episode, stable=True)
    rollout = Rollout(
        static, Candidates.join(states).select(order), episode[order], chosen[order], log_prob[order], value[order],
        torch.from_numpy(np.concatenate(rewards)).float().to(device)[order],
        torch.from_numpy(returns).float().to(device), int(simulator.steps.sum()),
        torch.from_numpy(np.concatenate(clocks)).to(device)[order],
        torch.from_numpy(simulator.elapsed().copy()).to(device), from_the_beginning(share),
        torch.cat(weights)[order] if weights else None,
    )  # fmt: skip
    watch.lap("decode")
    return rollout


def from_the_beginning(share: Share) -> NDArray[np.int64]:
    """What :class:`Rollout` says of graphs that are there from the first decision of an update on, ``[G, 2]``."""
    return np.stack([np.zeros_like(share.numbers), share.numbers], axis=1)


def _by_position(candidates: Candidates, action: Tensor, weights: NDArray[np.float64]) -> Tensor:
    """Weights of actions ``[S, A]`` as those of the candidates by their position, ``[S, A]``."""
    table = torch.from_numpy(weights).float().to(action.device)
    placed = torch.zeros_like(table)
    placed[candidates.state, candidates.position] = table[candidates.state, action]
    return placed


def draw(
    candidates: Candidates,
    logits: Tensor,
    luck: Tensor,
    wanted: Tensor | None = None,
    action: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """A candidate in every state: its position ``[S]`` and its log-probability ``[S]``.

    Args:
        candidates: The states.
        logits: Of every candidate, ``[L]``.
        luck: A number in 0..1, 1 excluded, for every state, ``[S]``.
        wanted: The action to take in every state, ``[S]``; by default one is drawn.
        action: The action of every candidate, ``[L]``; needed with ``wanted``.

    Raises:
        ValueError: What is wanted is no candidate.
    """
    log_chances = torch.log_softmax(candidates.padded(logits, -torch.inf), dim=1)
    if wanted is None or action is None:
        # in double precision the product stays below the sum, so that the place found is one that has a chance
        sums = log_chances.exp().double().cumsum(dim=1)
        chosen = torch.searchsorted(sums, luck[:, None].double() * sums[:, -1:], right=True)
    else:
        found = candidates.padded(action, -1) == wanted[:, None]
        if not bool(found.any(dim=1).all()):
            raise ValueError("the teacher chose an action that is not among the candidates")
        chosen = found.int().argmax(dim=1, keepdim=True)
    return chosen.squeeze(1), log_chances.gather(1, chosen).squeeze(1)
