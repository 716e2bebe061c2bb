"""Roll-outs of a fixed number of decisions, for episodes that are too long to be played in one update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..envs.core.simulator import Simulator
from ..models.candidates import Candidates, to_device
from ..models.policy import GraphPolicy
from .distributed import Share
from .rollouts import Decode, Luck, NothingToDecideError, Phases, Rollout, Stopwatch, draw, from_the_beginning

MAX_EMPTY_EPISODES = 100  # instances in turn without a decision, before a stream gives up


@dataclass
class Streams:
    """Episodes that go on from one update to the next: those of a shop that never closes have thousands of decisions.

    Attributes:
        simulator: With a row for every stream.
        sample: Draws the instance of a row that begins anew.
        share: Which of all processes' rows these are; by default all of them.
        started: Whether the rows are playing.
        returns: What each row's episode has earned so far, ``[B]``.
        begun: Episodes of each row so far, ``[B]``.
        finished: Returns and lengths of the episodes that ended since they were last asked for.
    """

    simulator: Simulator[Any, Any]
    sample: Callable[[np.random.Generator], Any]
    share: Share = field(default_factory=lambda: Share.whole(0))
    started: bool = False
    returns: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    begun: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    finished: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.share.total:
            self.share = Share.whole(self.simulator.batch_size)

    def begin(self, rows: NDArray[np.intp], seed: int) -> None:
        """Start new episodes in some rows, and others in their place if they hold no decision.

        Args:
            rows: Their numbers in the simulator.
            seed: Of the update; what a row draws from it is its own, whichever process plays the others.

        Raises:
            NothingToDecideError: Many instances in turn hold no decision.
        """
        if not self.started:
            batch = self.simulator.batch_size
            self.started, self.returns, self.begun = True, np.zeros(batch), np.zeros(batch, np.int64)
        for _ in range(MAX_EMPTY_EPISODES):
            keys = zip(self.share.numbers[rows].tolist(), self.begun[rows].tolist(), strict=True)
            self.begun[rows] += 1
            self.simulator.reset([self.sample(np.random.default_rng([seed, *key])) for key in keys], rows.tolist())
            earned = self.simulator.play_forced() / self.simulator.scale
            self.returns[rows] = earned[rows]
            rows = rows[self.simulator.done[rows]]
            if len(rows) == 0:
                return
        self.started = False
        raise NothingToDecideError


def collect_segments(
    network: GraphPolicy,
    streams: Streams,
    length: int,
    discount: float,
    rng: np.random.Generator,
    generator: torch.Generator,
    phases: Phases,
    decode: Decode | None = None,
    proceed: Callable[[int], bool] = lambda steps: True,
    bootstrap: bool = True,
) -> Rollout | None:
    """Play the next decisions of every stream with the network, drawing actions from its distribution.

    What a row plays of one instance is a segment, which the roll-out treats as an episode: where a segment ends but its
    episode does not, the value of the state that follows is added to the last reward.

    Args:
        network: The policy.
        streams: Rows in the middle of their episodes, or new ones.
        length: Decisions of each row.
        discount: Gamma, from one decision to the next.
        rng: Source of instances.
        generator: Source of the actions.
        phases: Where the time is added up.
        decode: A compiled form of ``network.decode``.
        proceed: Told the decisions so far after every one; False gives up.
        bootstrap: Whether to add the value of what follows a segment.

    Returns:
        The roll-out, or ``None`` if it was given up.

    Raises:
        NothingToDecideError: Many instances in turn have no step with more than one legal action.
    """
    decode = decode or network.decode
    device = next(network.parameters()).device
    watch = Stopwatch(phases)
    simulator, batch = streams.simulator, streams.simulator.batch_size
    seed, luck = int(rng.integers(2**63)), Luck(generator, streams.share)
    if not streams.started:
        streams.begin(np.arange(batch), seed)
    state = simulator.observe()
    static_parts = [{key: value.copy() for key, value in state.static().items()}]
    graphs = [from_the_beginning(streams.share)]
    segment, count = np.arange(batch), batch  # the segment that each row is in
    row = torch.arange(batch, device=device)
    states: list[Candidates] = []
    decisions: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    rewards, clocks = np.zeros((length, batch)), np.zeros((length, batch), np.int64)
    last = np.full(batch, -1)  # the row's last decision, if its episode goes on
    watch.lap("simulate")
    with torch.no_grad():
        encoding = network.encode(to_device(static_parts[0], device))
        watch.lap("encode")
        for step in range(length + 1):
            # copies: the buffers are written again before these are read for the last time
            dynamic = to_device({key: value.copy() for key, value in state.dynamic().items()}, device)
            candidates, action = network.candidates(dynamic, row)
            logits, value = decode(encoding, candidates)
            if step == length:
                break
            chosen, log_prob = draw(candidates, logits.float(), torch.from_numpy(luck.next()).to(device))
            picked = action[candidates.first + chosen].cpu().numpy()
            here = torch.from_numpy(segment.copy()).to(device)
            states.append(replace(candidates, graph=here))
            decisions.append((here, chosen, log_prob, value.float()))
            watch.lap("decode")
            clocks[step] = simulator.elapsed()
            reward = simulator.step(picked) / simulator.scale
            reward += simulator.play_forced() / simulator.scale
            rewards[step], last[:] = reward, step
            streams.returns += reward
            if simulator.done_count:
                ended = np.flatnonzero(simulator.done)
                steps = simulator.steps[ended].tolist()
                streams.finished += list(zip(streams.returns[ended].tolist(), steps, strict=True))
                streams.begin(ended, seed)
                state = simulator.observe()
                static_parts.append({key: value[ended].copy() for key, value in state.static().items()})
                graphs.append(np.stack([np.full(len(ended), step + 1), streams.share.numbers[ended]], axis=1))
                segment[ended], last[ended] = count + np.arange(len(ended)), -1
                count += len(ended)
                encoding = network.encode(to_device({k: v.copy() for k, v in state.static().items()}, device))
            else:
                state = simulator.observe()
            watch.lap("simulate")
            if not proceed((step + 1) * batch):
                streams.started = False
                return None
    going = np.flatnonzero(last >= 0) if bootstrap else np.arange(0)
    rewards[last[going], going] += discount * value.float().cpu().numpy()[going]
    episode, chosen, log_prob, old_value = (torch.cat(parts) for parts in zip(*decisions, strict=True))
    order = torch.argsort(episode, stable=True)
    reward_of = torch.from_numpy(rewards.reshape(-1)).float().to(device)
    returns = torch.zeros(count, device=device).index_add(0, episode, reward_of)
    static = {key: np.concatenate([part[key] for part in static_parts]) for key in static_parts[0]}
    rollout = Rollout(
        to_device(static, device), Candidates.join(states).select(order), episode[order], chosen[order],
        log_prob[order], old_value[order], reward_of[order], returns, length * batch,
        torch.from_numpy(clocks.reshape(-1)).to(device)[order], torch.zeros(count, dtype=torch.int64, device=device),
        np.concatenate(graphs),
    )  # fmt: skip
    watch.lap("decode")
    return rollout
