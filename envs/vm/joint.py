"""Both picks of a move as one action."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..core.gym_env import Observation
from . import state as s
from .env import VMReschedulingEnv
from .kernels import is_place
from .simulate import VmSimulator

Joint = NDArray[np.int64]


class JointActionWrapper(gym.Wrapper[Observation, Any, Observation, Any], gym.utils.RecordConstructorArgs):
    """A move as one action (VM, 2 PM + NUMA node), or (V, 0) to stop.

    The masks of the two parts depend on each other, so there is one of both, :meth:`joint_mask`. The observation is
    that of the first pick.

    Args:
        env: A ``VMRescheduling-v0``.

    Raises:
        TypeError: It is another environment.
    """

    def __init__(self, env: gym.Env[Observation, Any]) -> None:
        gym.utils.RecordConstructorArgs.__init__(self)  # so that the spec of a wrapped environment can be made again
        super().__init__(env)
        if not isinstance(env.unwrapped, VMReschedulingEnv):
            raise TypeError(f"a joint action needs a VMRescheduling environment, got {type(env.unwrapped).__name__}")
        simulator = env.unwrapped.simulator
        assert isinstance(simulator, VmSimulator)
        self._simulator = simulator
        self._pms, self._vms = simulator.sizes[:2]
        self.action_space = gym.spaces.MultiDiscrete([self._vms + 1, 2 * self._pms])

    def joint_mask(self) -> NDArray[np.bool_]:
        """Legal moves, bool ``[V + 1, 2 P]``; the last row is to stop, by its first entry."""
        mask = np.zeros((self._vms + 1, 2 * self._pms), np.bool_)
        _joint_places(0, self._simulator.world, self._simulator.state, mask)
        mask[-1, 0] = True
        return mask

    def step(self, action: Joint) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Make one move, or stop; an illegal pair changes nothing and costs as much as an illegal action.

        Raises:
            ValueError: The pair is illegal and the environment is ``strict``.
        """
        vm, place = int(action[0]), int(action[1])
        if vm == self._vms:
            return _plain(self.env.step(np.int64(self._vms + 2 * self._pms)))
        if not self._legal(vm, place):
            return _plain(self.env.step(np.int64(-1)))  # no action, so it is charged or refused
        _, first, _, _, _ = self.env.step(np.int64(vm))
        observation, reward, terminated, truncated, info = self.env.step(np.int64(self._vms + place))
        return observation, float(first) + float(reward), terminated, truncated, info

    def _legal(self, vm: int, place: int) -> bool:
        if not (0 <= vm < self._vms and 0 <= place < 2 * self._pms):  # compiled code does not look
            return False
        return bool(self._simulator.action_mask[0, vm] and self._simulator.can_go(0, vm, place // 2, place % 2))


def _plain(
    result: tuple[Observation, Any, bool, bool, dict[str, Any]],
) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
    observation, reward, terminated, truncated, info = result
    return observation, float(reward), terminated, truncated, info


@njit(cache=True)
def _joint_places(b: int, world: Any, state: Any, mask: Any) -> None:
    """Mark the places of every VM that can be picked now, in ``mask`` ``[V or more, 2 P]``."""
    kinds, vm_world = world.kind[b], world.vm[b]
    for v in range(world.row[b, s.NUM_VMS]):
        if state.row[b, s.PHASE] == s.PICK_VM and state.legal[b, v]:
            double = kinds[vm_world[v, s.KIND], s.NODES_USED] == 2
            for p in range(world.row[b, s.NUM_PMS]):
                for n in range(1 if double else 2):
                    mask[v, 2 * p + n] = is_place(v, p, n, state.vm[b], vm_world, state.pm[b], state.lists[b], kinds)
