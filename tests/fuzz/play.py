"""Environment cases: random configurations, played with legal and illegal actions, single environments beside a batch.

A case is one step of one environment in which everything is checked that must always hold.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from schedlab.envs import PROBLEMS
from schedlab.envs.core import InputError
from schedlab.envs.core.gym_env import ILLEGAL_ACTION_COST, SchedulingEnv

from .configs import CONFIGS
from .mutate import pick

MOST_STEPS = 150
"""Steps of a row under one configuration."""
LONGER = {"uam": 400}
"""The same where an episode takes more: a day is never short."""
IMPROVEMENT = ("vm", "job-shop-improvement")
"""Problems whose objective is not 0 at the start: rewards sum to what it falls by."""

Observation = dict[str, np.ndarray[Any, Any]]


@dataclass
class Played:
    """What was checked, and the solutions of the episodes that ended."""

    steps: int = 0
    illegal: int = 0
    episodes: int = 0
    finished: list[tuple[Any, Any, float]] = field(default_factory=list)
    """Instances, their solutions as JSON values, and the objectives that the environment told."""


def environment_classes(name: str) -> tuple[Any, Any]:
    """The classes of a problem's single and vector environments."""
    entry = PROBLEMS[name]
    module = importlib.import_module(f"{entry.module}.env")
    return getattr(module, f"{entry.env}Env"), getattr(module, f"{entry.env}VectorEnv")


class Row:
    """One single environment and what it must add up to."""

    def __init__(self, env: SchedulingEnv, seed: int, played: Played) -> None:
        self.env, self.played = env, played
        self.observation, self.info = env.reset(seed=seed)
        self._begin()

    def _begin(self) -> None:
        self.charged, self.earned = 0.0, 0.0
        simulator, problem = self.env.simulator, self.env.problem
        self.start = float(simulator.objective()[0]) if problem.name in IMPROVEMENT else 0.0
        self.look()

    def look(self) -> None:
        """Check the present observation."""
        for key, space in self.env.observation_space.spaces.items():  # type: ignore[attr-defined]
            assert space.contains(self.observation[key]), f"{key} is not in its space"
        mask = self.observation["action_mask"]
        assert mask.any(), "no legal action"
        assert np.array_equal(mask, self.info["action_mask"]), "the mask of info is another"
        assert np.array_equal(mask.astype(bool), self.env.action_masks()), "action_masks() says otherwise"

    def choose(self, rng: np.random.Generator, illegal_share: float) -> int:
        """A legal action, or by that share one that is not."""
        mask = self.observation["action_mask"]
        if rng.random() < illegal_share:
            hidden = np.flatnonzero(mask == 0).tolist()
            wild = [-1, len(mask), len(mask) + 7, -len(mask) - 1, 2**31, -(2**40), 2**62]
            return int(pick(rng, hidden if hidden and rng.random() < 0.6 else wild))
        return int(pick(rng, np.flatnonzero(mask).tolist()))

    def step(self, action: int) -> tuple[float, bool, bool]:
        """Play one action and check all there is to check; the reward, and whether the episode ended or was cut."""
        env, before = self.env, self.observation
        mask = before["action_mask"]
        over = bool(env.simulator.done[0])  # an instance may leave nothing to decide: any action then ends the episode
        legal = over or (0 <= action < len(mask) and bool(mask[action]))
        done_before, steps = env.simulator.objective().copy(), env.simulator.steps.copy()
        if env.strict and not legal:
            self._refused(action)
            return 0.0, False, False
        self.observation, reward, terminated, truncated, self.info = env.step(action)
        self.look()
        assert math.isfinite(reward), f"the reward is {reward}"
        self.earned += reward
        self.played.steps += 1
        if not legal:
            self.played.illegal += 1
            scale = 1.0 if env.normalize_reward else float(env.simulator.scale[0])
            assert math.isclose(reward, -ILLEGAL_ACTION_COST * scale, rel_tol=1e-9), f"an illegal action earns {reward}"
            assert not terminated, "an illegal action ends an episode"
            assert np.array_equal(done_before, env.simulator.objective()), "an illegal action changes the objective"
            assert np.array_equal(steps, env.simulator.steps), "an illegal action counts as a step"
            for key, value in before.items():
                assert np.array_equal(value, self.observation[key]), f"an illegal action changes {key}"
            self.charged += reward
        if terminated:
            self._ended()
        return reward, terminated, truncated

    def _refused(self, action: int) -> None:
        """A strict environment raises, and is as it was."""
        self.played.steps += 1
        self.played.illegal += 1
        with pytest.raises(ValueError, match="illegal now; legal: "):
            self.env.step(action)
        self.env.simulator.observe()
        for key, view in self.env._views:
            assert np.array_equal(view, self.observation[key]), f"a refused action changes {key}"

    def _ended(self) -> None:
        """The checker agrees, and the rewards add up."""
        env = self.env
        solution, objective = env.solution(), float(self.info["objective"])
        report = env.problem.check(env.instance, solution, env.config)
        assert report.feasible, f"infeasible: {report.violations[:3]}"
        same = math.isclose(report.objective, objective, rel_tol=1e-9, abs_tol=1e-9)
        assert same, f"the environment says {objective}, the checker {report.objective}"
        scale = float(env.simulator.scale[0]) if env.normalize_reward else 1.0
        earned = (self.earned - self.charged) * scale
        cost = objective if env.problem.minimise else -objective
        room = 1e-6 * max(1.0, abs(cost), abs(self.start))
        # a run that ends before its first decision has a cost, and no step whose reward could say so
        told = env.simulator.steps[0] == 0 or abs(self.start - earned - cost) < room
        assert told, f"rewards sum to {earned} from {self.start}, the cost is {cost}"
        self.played.episodes += 1
        if len(self.played.finished) < 8:
            data = env.problem.solution_to_json(env.instance, solution)
            self.played.finished.append((env.instance, data, objective))

    def restart(self) -> None:
        """Begin the next episode."""
        self.observation, self.info = self.env.reset()
        self._begin()


def play(name: str, rng: np.random.Generator, rows: int = 3, budget: int | None = None) -> tuple[Any, Played]:
    """One random configuration, played in single environments and, with the same actions, in a batch.

    Args:
        name: The problem.
        rng: Of everything random.
        rows: Environments side by side.
        budget: Steps of each; by default enough for whole episodes.

    Returns:
        The problem's configuration and what was checked.

    Raises:
        AssertionError: Something that must hold does not.
    """
    single, vector = environment_classes(name)
    played = Played()
    budget = LONGER.get(name, MOST_STEPS) if budget is None else budget
    while True:
        values = CONFIGS[name](rng)
        switches = {"normalize_reward": bool(rng.integers(2))}
        try:
            batch = vector(num_envs=rows, copy=bool(rng.integers(2)), **values, **switches)
            envs = [single(**values, **switches) for _ in range(rows)]
            break
        except InputError:
            continue  # a combination that is refused, such as energy on a platform without power
    seed = int(rng.integers(2**31 - rows))
    _side_by_side(batch, [Row(env, seed + row, played) for row, env in enumerate(envs)], seed, rng, budget)
    _alone(Row(single(**values, strict=True), seed, played), rng, budget // 4)
    return batch.config, played


def _side_by_side(batch: Any, players: list[Row], seed: int, rng: np.random.Generator, budget: int) -> None:
    observations, _ = batch.reset(seed=seed)
    illegal_share = pick(rng, (0.0, 0.05, 0.1, 0.1, 0.1, 0.3, 0.3, 1.0))
    for row, player in enumerate(players):
        _same(observations, player.observation, row)
    for _ in range(budget):
        actions = [player.choose(rng, illegal_share) for player in players]
        observations, rewards, terminated, truncated, info = batch.step(np.array(actions, np.int64))
        for row, player in enumerate(players):
            reward, done, cut = player.step(actions[row])
            alike = (reward, done, cut) == (rewards[row], terminated[row], truncated[row])
            assert alike, f"row {row} differs: {(reward, done, cut)}, {(rewards[row], terminated[row], truncated[row])}"
            if done or cut:
                for key, value in player.observation.items():
                    assert np.array_equal(info["final_obs"][row][key], value), f"final {key} of row {row} differs"
                if done:
                    objective = info["final_info"]["objective"][row]
                    assert objective == player.info["objective"], f"the objective of row {row} differs"
                player.restart()
            _same(observations, player.observation, row)


def _same(observations: Observation, observation: Observation, row: int) -> None:
    for key, value in observation.items():
        assert np.array_equal(observations[key][row], value), f"{key} of row {row} differs"


def _alone(player: Row, rng: np.random.Generator, budget: int) -> None:
    """A strict environment."""
    for _ in range(budget):
        _, done, cut = player.step(player.choose(rng, 0.3))
        if done or cut:
            player.restart()
