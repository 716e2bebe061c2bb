"""The native vector environment of every problem: one simulator, a batch of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from .errors import InputError
from .graph import GraphSpec, GraphState
from .gym_env import ILLEGAL_ACTION_COST, Observation, check_options, episode_instance, illegal_limit, render_row
from .problem import Problem


class SchedulingVectorEnv(VectorEnv[Observation, NDArray[np.int64], NDArray[Any]]):
    """``num_envs`` episodes in one :class:`Simulator`, reset in the same step that ends them.

    Row *i* of a vector env seeded with *s* plays the same episodes as a single env seeded with *s + i*.
    When a row ends, ``info["final_obs"][row]`` and ``info["final_info"]`` hold its last observation and info
    (Gymnasium's ``SAME_STEP`` keys), and the returned observation is the next episode's first.

    Args:
        num_envs: Rows.
        config: The problem's configuration.
        render_mode: ``None``, ``"rgb_array"`` or ``"ansi"``; ``render`` returns one picture per row.
        strict: Raise on an illegal action instead of charging for it.
        normalize_reward: Divide rewards by the episode's :attr:`Simulator.scale`.
        copy: Return arrays that the caller may keep. With ``False`` observations are views that the next
            step overwrites: faster, for callers that consume them at once.
        max_episode_steps: Truncate longer episodes; ``None`` for never.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (Gymnasium's)
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 10,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }
    problem: ClassVar[Problem[Any, Any, Any]]

    def __init__(
        self,
        num_envs: int,
        config: Any,
        render_mode: str | None,
        strict: bool,
        normalize_reward: bool,
        copy: bool,
        max_episode_steps: int | None,
    ) -> None:
        if num_envs < 1:
            raise InputError(f"num_envs must be at least 1, got {num_envs}")
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise InputError(f"render_mode {render_mode!r} not understood; use one of {self.metadata['render_modes']}")
        self.num_envs = num_envs
        self.config = config
        self.render_mode = render_mode
        self.strict = strict
        self.normalize_reward = normalize_reward
        self.copy = copy
        self.max_episode_steps = max_episode_steps
        self.simulator = self.problem.simulator_for_config(config, num_envs)
        self.single_observation_space = self.simulator.spec.observation_space()
        self.single_action_space = gym.spaces.Discrete(self.simulator.spec.num_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._generators: list[np.random.Generator] = []
        self._illegal_limit = illegal_limit(self.simulator)
        self._illegal_actions = np.zeros(num_envs, np.int64)
        self._misplayed = False  # whether an illegal action was ever taken
        self._never, self._always = np.zeros(num_envs, np.bool_), np.ones(num_envs, np.bool_)
        self._steps = np.zeros(num_envs, np.int64)
        self._connect()

    def _connect(self) -> None:
        self._sample = self.problem.sampler(self.config)
        self._buffers = self.simulator.observe()
        self._static: Observation = {}

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key not in ("_sample", "_buffers", "_static")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._connect()

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start episodes: in all rows, or in those of ``options["reset_mask"]`` (bool ``[B]``).

        ``options["instance"]`` (a name, a file or an instance object) is played in every row that starts.
        """
        options = dict(options or {})
        check_options(options, {"instance", "reset_mask"})
        rows = np.flatnonzero(options.get("reset_mask", np.ones(self.num_envs, np.bool_)))
        self._seed(seed, rows)
        if "instance" in options:
            instance = episode_instance(self.problem, self.config, options["instance"])
            self._start(rows, [instance] * len(rows))
        else:
            self._start(rows)
        state = self.simulator.observe(self._out())
        return self._observation(state), self._mask_info(state)

    def _seed(self, seed: int | list[int | None] | None, rows: NDArray[np.intp]) -> None:
        if seed is None and self._generators:
            return
        seeds: Sequence[int | None]
        if isinstance(seed, (int, np.integer)):
            seeds = [int(seed) + row for row in range(self.num_envs)]
        else:
            seeds = [None] * self.num_envs if seed is None else seed
        if len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds for {self.num_envs} rows")
        generators = self._generators or [np.random.default_rng(s) for s in seeds]
        for row in rows:
            if seeds[row] is not None:
                # PCG64 seeded as gymnasium.utils.seeding does, so that row i equals the single env seeded s + i
                generators[row] = gym.utils.seeding.np_random(seeds[row])[0]
        self._generators = generators

    def _start(self, rows: NDArray[np.intp], instances: list[Any] | None = None) -> None:
        drawn = instances or [self._sample(self._generators[row]) for row in rows]
        playing = self.simulator.instances
        if not self._static or any(playing[row] is not instance for row, instance in zip(rows, drawn, strict=True)):
            self._static = {}  # other graphs: copied anew with the next observation
        self.simulator.reset(drawn, rows.tolist())
        self._illegal_actions[rows] = 0
        self._steps[rows] = 0

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Observation, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Apply one action per row, int ``[B]``; rows that end start their next episode at once.

        Raises:
            ValueError: An action is illegal and the env is ``strict``.
        """
        simulator = self.simulator
        reward, state = simulator.step_and_observe(np.asarray(actions, np.int64), self._out())
        rewards = reward.copy()
        if self.max_episode_steps is not None:
            self._steps += 1
        if simulator.illegal_count:
            self._charge_illegal(actions, rewards)
        if self.normalize_reward:
            rewards /= simulator.scale
        terminated = simulator.done.copy()
        info = self._mask_info(state)
        if not self._misplayed and self.max_episode_steps is None:
            truncated = self._never.copy()
            any_ended = simulator.done_count > 0
        else:
            truncated = self._truncated()
            any_ended = simulator.done_count > 0 or bool(truncated.any())
        if any_ended:
            ended = terminated | truncated
            last, rows = state, np.flatnonzero(ended)
            info = self._final(last, ended)
            self._start(rows)
            # the last observations stay as they are in arrays of their own
            state = self._out()
            info |= self._mask_info(simulator.observe(state))
        return self._observation(state), rewards, terminated, truncated, info

    def _truncated(self) -> NDArray[np.bool_]:
        truncated = self._illegal_actions > self._illegal_limit
        if self.max_episode_steps is not None:
            truncated |= self._steps >= self.max_episode_steps
        return truncated

    def _out(self) -> GraphState:
        """Where the next observation goes: new arrays, or always the same ones without ``copy``."""
        return self._buffers.fresh() if self.copy else self._buffers

    def _charge_illegal(self, actions: NDArray[np.int64], rewards: NDArray[np.float64]) -> None:
        simulator = self.simulator
        if self.strict:
            row = int(np.flatnonzero(simulator.illegal)[0])
            legal = np.flatnonzero(simulator.action_mask[row]).tolist()
            raise ValueError(f"action {int(actions[row])} is illegal now in row {row}; legal: {legal}")
        self._misplayed = True
        self._illegal_actions += simulator.illegal
        rewards[simulator.illegal] -= ILLEGAL_ACTION_COST * simulator.scale[simulator.illegal]

    def _final(self, state: GraphState, ended: NDArray[np.bool_]) -> dict[str, Any]:
        """Gymnasium's SAME_STEP record of the rows that just ended."""
        final_obs = np.full(self.num_envs, None, dtype=object)
        parts = self._observation(state)
        if not self.copy:
            parts = {key: value.copy() for key, value in parts.items()}
        for row, values in enumerate(zip(*parts.values(), strict=True)):  # much faster than indexing every array
            if ended[row]:
                final_obs[row] = dict(zip(parts, values, strict=True))
        finished = self.simulator.done.copy()
        final_info = {
            "action_mask": np.where(ended[:, None], state.action_mask, 0).astype(np.int8),
            "_action_mask": ended.copy(),
            "objective": np.where(finished, self.simulator.objective(), 0.0),
            "_objective": finished,
        }
        return {"final_obs": final_obs, "_final_obs": ended, "final_info": final_info, "_final_info": ended.copy()}

    def _observation(self, state: GraphState) -> Observation:
        if not self._static:
            # copied only when an episode of another instance starts; what was returned before is never written again
            static = {key: value.reshape(self.num_envs, -1) for key, value in state.static().items()}
            self._static = {key: value.copy() for key, value in static.items()} if self.copy else static
        observation = self._static.copy()
        observation["candidate"] = state.candidate
        observation["candidate_features"] = state.features.reshape(self.num_envs, -1)
        observation["context"] = state.context
        if state.node_state.shape[2]:
            observation["node_state"] = state.node_state.reshape(self.num_envs, -1)
        for name, index in state.changing.items():
            observation[f"edges_{name}"] = index.reshape(self.num_envs, -1)
        observation["action_mask"] = state.action_mask
        return observation

    def _mask_info(self, state: GraphState) -> dict[str, Any]:
        return {"action_mask": state.action_mask, "_action_mask": self._always.copy()}

    @property
    def graph_spec(self) -> GraphSpec:
        """Names and shapes of the observation; ``graph_spec.shaped(observation)`` gives tables their shape."""
        return self.simulator.spec

    def action_masks(self) -> NDArray[np.bool_]:
        """Legal actions, bool ``[B, A]``."""
        mask: NDArray[np.bool_] = self.simulator.action_mask.copy()
        return mask

    def render(self) -> tuple[Any, ...] | None:
        """One picture or text per row, by ``render_mode``."""
        if self.render_mode is None:
            return None
        return tuple(render_row(self.problem, self.simulator, row, self.render_mode) for row in range(self.num_envs))
