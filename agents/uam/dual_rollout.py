"""Plays every choice out by dual prices, in a few futures that may come, and takes the best."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.core.simulator import Simulator
from ...envs.uam import state as s
from ...envs.uam.instance import UamInstance
from ...envs.uam.kernels import expected_ready, play_row
from ...envs.uam.simulate import FUTURES_STREAM, UamSimulator
from ...envs.uam.solution import UamSolution
from .lp_dual import LpDual
from .worth import best_in_row, worth_at


class DualRollout(LpDual):
    """One step of policy improvement over ``lp-dual`` (Bertsekas and Tsitsiklis 1997), online.

    A choice counts for what the fleet earns within the horizon, and for what its aircraft are worth where they are
    then. Futures are as in :class:`~schedlab.envs.uam.look_ahead.LookAhead`: nothing is known in them that a
    dispatcher does not know.

    Args:
        futures: In which each choice is tried.
        horizon: Seconds to play on.
        every: Seconds after which the next hours' flow is solved anew; ``None`` for never.
        doubt: Dollars by which a choice must be worse to count for 1 / e in ``weights``, for those who learn from this.

    Raises:
        InputError: SciPy is not installed.
    """

    stochastic = True

    def __init__(self, futures: int = 16, horizon: int = 3600, every: float | None = 900, doubt: float = 15.0, pool: int = 64) -> None:
        super().__init__(False, every)
        self.futures, self.horizon, self.doubt, self.pool = futures, horizon, doubt, pool

    def begin(self, simulator: Simulator[UamInstance, UamSolution], seed: int) -> None:
        """Solve the flow of every day, and draw the futures."""
        super().begin(simulator, seed)
        assert isinstance(simulator, UamSimulator)
        rng = np.random.default_rng([seed, FUTURES_STREAM])  # a preset's day is what its seed alone draws
        world, state = simulator.world, simulator.state
        self._counts = np.ones(simulator.batch_size, np.int64)
        self._drawn = np.zeros((simulator.batch_size, self.pool, *world.demand.shape[1:]), np.int64)
        self._world = world._replace(
            luck=np.zeros_like(world.luck),
            repair=np.zeros_like(world.repair),
            closed=np.zeros_like(world.closed),
            margin=np.zeros_like(world.margin),
        )
        self._scratch = s.State(**{name: np.zeros_like(array) for name, array in state._asdict().items()})
        self._earned = np.full(state.legal.shape, -np.inf)
        for row, instance in enumerate(simulator.instances):
            assert instance is not None
            self._load(row, instance, rng)

    def _load(self, row: int, instance: UamInstance, rng: np.random.Generator) -> None:
        """Draw the futures of a row."""
        periods, ports, _ = instance.forecast.shape
        if instance.demand_known:
            drawn = instance.demand[None]
        else:
            drawn = rng.poisson(instance.forecast, (self.pool, *instance.forecast.shape))
        self._counts[row] = min(len(drawn), self.futures)
        self._drawn[row, : len(drawn), :periods, :ports, :ports] = drawn
        fares = instance.fares(instance.forecast)
        self._world.margin[row, :periods, :ports, :ports] = fares - instance.terms.cost * instance.distance

    def act(self, simulator: Simulator[UamInstance, UamSolution]) -> NDArray[np.int64]:
        """The choice that earned most on average."""
        super().act(simulator)
        assert isinstance(simulator, UamSimulator)
        earned = self._earned
        _play_out(
            self.horizon, simulator.world, simulator.state, self._counts, self._drawn, self._world, self._scratch,
            self.worth, earned,
        )  # fmt: skip
        likely = np.exp((earned - earned.max(axis=1, keepdims=True)) / self.doubt)
        self.weights = likely / likely.sum(axis=1, keepdims=True)
        choice: NDArray[np.int64] = earned.argmax(axis=1)
        return choice


@njit(cache=True, nogil=True)
def _play_out(
    horizon: int, world: Any, state: Any, counts: Any, drawn: Any, ahead: Any, scratch: Any, worth: Any, earned: Any
) -> None:
    """Write what every legal action earns on average, dollars ``[B, A]``."""
    for b in range(len(earned)):
        earned[b] = -np.inf
        if state.done[b]:
            earned[b, 0] = 0.0
            continue
        slot, h = state.row[b, s.NOW] // world.row[b, s.SLOT], state.row[b, s.NOW] // world.row[b, s.PERIOD]
        ahead.margin[b, h] = world.margin[b, h]
        # others for every decision, so that none is taken for certain
        first = counts[b] * state.row[b, s.STEPS] if counts[b] > 1 else 0
        ahead.closed[b] = False
        ahead.closed[b, slot] = world.closed[b, slot]
        for a in range(world.row[b, s.NUM_PORTS]):
            if not state.legal[b, a]:
                continue
            total = 0.0
            for future in range(counts[b]):
                _copy(b, drawn[b, (first + future) % drawn.shape[1]], world, state, scratch)
                total += _play(b, a, horizon, ahead, scratch, worth)
            earned[b, a] = total / counts[b]


@njit(cache=True)
def _copy(b: int, demand: Any, world: Any, state: Any, scratch: Any) -> None:
    """The state as it is, with another demand in later periods."""
    h = state.row[b, s.NOW] // world.row[b, s.PERIOD]
    scratch.remaining[b, h:] = demand[h:]
    scratch.remaining[b, h] = state.remaining[b, h]
    scratch.plane[b] = state.plane[b]
    for k in range(world.row[b, s.NUM_PLANES]):
        scratch.plane[b, k, s.NEXT] = expected_ready(b, k, state.row[b, s.NOW], state)
    scratch.port[b] = state.port[b]
    scratch.lane[b] = state.lane[b]
    scratch.row[b] = state.row[b]
    scratch.row[b, s.STEPS] = 0  # decisions are noted from the first place on
    scratch.legal[b] = state.legal[b]
    scratch.done[b] = False


@njit(cache=True)
def _play(b: int, action: int, horizon: int, world: Any, state: Any, worth: Any) -> float:
    """What is earned within the horizon when the action is followed by the rule, and what the fleet is worth then."""
    size, end, earned = world.row[b], state.row[b, s.NOW] + horizon, 0.0
    while not state.done[b] and state.row[b, s.NOW] < end:
        play_row(b, action, world, state)
        earned += state.reward[b]
        if not state.done[b]:
            action = best_in_row(b, world, state, worth)
    for k in range(size[s.NUM_PLANES]):
        plane = state.plane[b, k]
        if plane[s.NEXT] < size[s.DAY]:
            missing = 3.6 * (size[s.FULL_BATTERY] - plane[s.BATTERY]) / world.real[b, s.CHARGER_POWER]
            earned += worth_at(
                worth.table[b, plane[s.WHERE]], worth.slots[b], plane[s.NEXT] + missing, worth.begin[b],
                worth.length[b], size[s.DAY],
            )  # fmt: skip
    return earned
