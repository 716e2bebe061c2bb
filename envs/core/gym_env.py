"""The Gymnasium environment of every problem, written once."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .graph import GraphSpec
from .problem import Problem
from .simulator import Simulator

Observation = dict[str, NDArray[Any]]

ILLEGAL_ACTION_COST = 0.01
"""An illegal action costs this share of the episode's :attr:`Simulator.scale`, and changes nothing else."""


def illegal_limit(simulator: Simulator[Any, Any]) -> int:
    """Illegal actions after which an episode is truncated, so that a stubborn policy cannot hang a run."""
    return simulator.spec.num_nodes


def episode_instance(problem: Problem[Any, Any, Any], config: Any, wanted: Any) -> Any:
    """The instance that ``reset(options={"instance": wanted})`` asks for: a name, a path or an object."""
    return problem.load(wanted, config) if isinstance(wanted, str) else wanted


def check_options(options: dict[str, Any], known: set[str]) -> None:
    """Refuse misspelt reset options.

    Raises:
        ValueError: An option nobody reads.
    """
    if unknown := set(options) - known:
        raise ValueError(f"unknown reset options {sorted(unknown)}; known: {sorted(known)}")


class SchedulingEnv(gym.Env[Observation, np.int64]):
    """One episode of a problem's :class:`Simulator` behind Gymnasium's interface.

    Sub-classes name their ``problem`` and document themselves; they add no behaviour.

    Args:
        config: The problem's configuration.
        render_mode: ``None``, ``"rgb_array"`` or ``"ansi"``.
        strict: Raise on an illegal action instead of charging for it.
        normalize_reward: Divide rewards by the episode's :attr:`Simulator.scale`.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array", "ansi"], "render_fps": 10}  # noqa: RUF012 (Gymnasium's)
    problem: ClassVar[Problem[Any, Any, Any]]

    def __init__(self, config: Any, render_mode: str | None, strict: bool, normalize_reward: bool) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise InputError(f"render_mode {render_mode!r} not understood; use one of {self.metadata['render_modes']}")
        self.config = config
        self.render_mode = render_mode
        self.strict = strict
        self.normalize_reward = normalize_reward
        self.simulator = self.problem.simulator_for_config(config, 1)
        self.observation_space = cast("gym.Space[Observation]", self.simulator.spec.observation_space())
        self.action_space = gym.spaces.Discrete(self.simulator.spec.num_actions)
        self._action = np.zeros(1, np.int64)
        self._illegal_limit = illegal_limit(self.simulator)
        self._illegal_actions = 0
        self._connect()

    def _connect(self) -> None:
        self._sample = self.problem.sampler(self.config)
        state = self.simulator.observe()
        # one-dimensional views of the simulator's buffers
        self._views = [(key, value.reshape(-1)) for key, value in {**state.static(), **state.dynamic()}.items()]

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key not in ("_sample", "_views")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._connect()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode; ``options={"instance": ...}`` takes a name, a file or an instance object."""
        super().reset(seed=seed)
        options = options or {}
        check_options(options, {"instance"})
        if "instance" in options:
            instance = episode_instance(self.problem, self.config, options["instance"])
        else:
            instance = self._sample(self.np_random)
        self.simulator.reset([instance])
        self._illegal_actions = 0
        self.simulator.observe()
        # Everything returned is new: users keep observations, and Gymnasium's checker warns about shared ones.
        observation = {key: view.copy() for key, view in self._views}
        return observation, {"action_mask": observation["action_mask"]}

    def step(self, action: np.int64 | int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Apply one action.

        Raises:
            ValueError: The action is illegal and the env is ``strict``.
        """
        simulator = self.simulator
        self._action[0] = action
        rewards, _ = simulator.step_and_observe(self._action)
        reward = rewards.item(0)
        if simulator.illegal_count:
            reward -= self._charge_illegal(int(action))
        if self.normalize_reward:
            reward /= simulator.scale.item(0)
        observation = {key: view.copy() for key, view in self._views}
        info: dict[str, Any] = {"action_mask": observation["action_mask"]}
        terminated = simulator.done_count == 1
        if terminated:
            info["objective"] = simulator.objective().item(0)
        return observation, reward, terminated, self._illegal_actions > self._illegal_limit, info

    def _charge_illegal(self, action: int) -> float:
        if self.strict:
            legal = np.flatnonzero(self.simulator.action_mask[0]).tolist()
            raise ValueError(f"action {action} is illegal now; legal: {legal}")
        self._illegal_actions += 1
        return ILLEGAL_ACTION_COST * float(self.simulator.scale[0])

    def action_masks(self) -> NDArray[np.bool_]:
        """Legal actions, bool ``[A]``: what sb3-contrib asks for."""
        mask: NDArray[np.bool_] = self.simulator.action_mask[0].copy()
        return mask

    @property
    def graph_spec(self) -> GraphSpec:
        """Names and shapes of the observation; ``graph_spec.shaped(observation)`` gives tables their shape."""
        return self.simulator.spec

    @property
    def instance(self) -> Any:
        """The instance of this episode."""
        return self.simulator.instances[0]

    def solution(self) -> Any:
        """What has been decided so far, for the problem's checker and pictures."""
        return self.simulator.solution(0)

    def render(self) -> NDArray[np.uint8] | str | None:
        """A picture ``[height, width, 3]`` or text, by ``render_mode``."""
        if self.render_mode is None:
            gym.logger.warn('render() needs a mode: gym.make(..., render_mode="rgb_array")')
            return None
        return render_row(self.problem, self.simulator, 0, self.render_mode)


def render_row(
    problem: Problem[Any, Any, Any], simulator: Simulator[Any, Any], row: int, mode: str
) -> NDArray[np.uint8] | str:
    """Draw one episode of a batch."""
    instance, solution = simulator.instances[row], simulator.solution(row)
    if mode == "ansi":
        return problem.draw_text(instance, solution)
    from .figures import figure_to_array  # matplotlib is an extra: only those who draw need it

    return figure_to_array(problem.draw(instance, solution))
