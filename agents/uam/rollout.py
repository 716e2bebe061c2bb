"""Plays every choice out by a rule, in a few futures that may come, and takes the best."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.core.simulator import Simulator
from ...envs.uam import state as s
from ...envs.uam.instance import UamInstance
from ...envs.uam.kernels import play_row
from ...envs.uam.simulate import UamSimulator
from ...envs.uam.solution import UamSolution
from ..core import Policy
from .rules import GREEDY_HOUR, choose_in_row


class Rollout(Policy[UamInstance, UamSolution]):
    """One step of policy improvement over ``greedy-hour`` (Bertsekas and Tsitsiklis 1997), online.

    Futures share their passengers among the choices of a decision. Nothing is known in them that a dispatcher does not
    know: passengers of later periods are drawn from the forecast, take-offs are late by their means, nobody fails, and
    routes that are closed now open again in the next slot. Where all is known when the day begins, there is one future.

    Args:
        samples: Futures in which each choice is tried.
        horizon: Seconds to look ahead. Flights that end later count for the share of their time before that.
        doubt: Dollars by which a choice must be worse to count for 1 / e in ``weights``, for those who learn from this.
    """

    stochastic = True

    def __init__(self, samples: int = 4, horizon: int = 3600, doubt: float = 15.0) -> None:
        self.samples, self.horizon, self.doubt = samples, horizon, doubt

    def begin(self, simulator: Simulator[UamInstance, UamSolution], seed: int) -> None:
        """Draw the futures."""
        assert isinstance(simulator, UamSimulator)
        rng, world = np.random.default_rng(seed), simulator.world
        drawn = np.zeros((simulator.batch_size, self.samples, *world.demand.shape[1:]), np.int64)
        self._counts = np.ones(simulator.batch_size, np.int64)
        for row, instance in enumerate(simulator.instances):
            assert instance is not None
            if instance.uncertain:
                self._counts[row] = self.samples
                shape = (self.samples, *instance.forecast.shape)
                periods, ports, _ = instance.forecast.shape
                drawn[row, :, :periods, :ports, :ports] = rng.poisson(np.broadcast_to(instance.forecast, shape))
            else:
                drawn[row, 0] = world.demand[row]
        self._drawn = drawn
        self._world = world._replace(
            luck=np.zeros_like(world.luck), repair=np.zeros_like(world.repair), closed=np.zeros_like(world.closed)
        )
        self._scratch = s.State(**{name: np.zeros_like(array) for name, array in simulator.state_arrays().items()})

    def act(self, simulator: Simulator[UamInstance, UamSolution]) -> NDArray[np.int64]:
        """The choice that earned most on average."""
        assert isinstance(simulator, UamSimulator)
        earned = np.full(simulator.action_mask.shape, -np.inf)
        _play_out(
            self.horizon, simulator.world, simulator.state, simulator.numbers, self._counts, self._drawn, self._world,
            self._scratch, earned,
        )  # fmt: skip
        earned[simulator.done, 0] = 0.0
        behind = earned - earned.max(axis=1, keepdims=True)
        likely = np.exp(behind / self.doubt)
        self.weights = likely / likely.sum(axis=1, keepdims=True)
        choice: NDArray[np.int64] = earned.argmax(axis=1)
        return choice


@njit(cache=True, nogil=True)
def _play_out(
    horizon: int, world: Any, state: Any, numbers: Any, counts: Any, drawn: Any, ahead: Any, scratch: Any, earned: Any
) -> None:
    """Write what every legal action earns on average, dollars ``[B, A]``."""
    for b in range(len(earned)):
        if state.done[b]:
            continue
        slot = state.row[b, s.NOW] // world.row[b, s.SLOT]
        ahead.closed[b] = False
        ahead.closed[b, slot] = world.closed[b, slot]
        for a in range(world.row[b, s.NUM_PORTS]):
            if not state.legal[b, a]:
                continue
            total = 0.0
            for future in range(counts[b]):
                _copy(b, drawn[b, future], world, state, scratch)
                total += _play(b, a, horizon, ahead, scratch, numbers)
            earned[b, a] = total / counts[b]


@njit(cache=True)
def _copy(b: int, demand: Any, world: Any, state: Any, scratch: Any) -> None:
    """The state as it is, with another demand in later periods."""
    h = state.row[b, s.NOW] // world.row[b, s.PERIOD]
    scratch.remaining[b, h:] = demand[h:]
    scratch.remaining[b, h] = state.remaining[b, h]
    scratch.plane[b] = state.plane[b]
    scratch.port[b] = state.port[b]
    scratch.lane[b] = state.lane[b]
    scratch.row[b] = state.row[b]
    scratch.row[b, s.STEPS] = 0  # decisions are noted from the first place on
    scratch.legal[b] = state.legal[b]
    scratch.done[b] = False


@njit(cache=True)
def _play(b: int, action: int, horizon: int, world: Any, state: Any, numbers: Any) -> float:
    """What is earned within the horizon when the action is followed by the rule."""
    end, day, earned = state.row[b, s.NOW] + horizon, world.row[b, s.DAY], 0.0
    while not state.done[b] and state.row[b, s.NOW] < end:
        now, k = state.row[b, s.NOW], state.row[b, s.PLANE]
        play_row(b, action, world, state)
        ready = state.plane[b, k, s.NEXT]
        # at the end of the day flights under way count in full
        share = 1.0 if ready <= end or end >= day else (end - now) / (ready - now)
        earned += share * state.reward[b]
        if not state.done[b]:
            action = choose_in_row(GREEDY_HOUR, b, world, state, numbers)
    return earned
