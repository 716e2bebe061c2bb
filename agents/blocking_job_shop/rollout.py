"""Plays every choice out by a rule, in a few futures that may come, and takes the best."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.blocking_job_shop import kernels
from ...envs.blocking_job_shop import state as s
from ...envs.blocking_job_shop.features import MACHINE_COLUMNS
from ...envs.blocking_job_shop.instance import BlockingInstance
from ...envs.blocking_job_shop.luck import next_failure
from ...envs.blocking_job_shop.simulate import BlockingSimulator
from ...envs.core.simulator import Simulator
from ...envs.job_shop.solution import JobShopSolution
from ..core import Policy
from .rules import Rule, best_start


class Rollout(Policy[BlockingInstance, JobShopSolution]):
    """One step of policy improvement over some rules (Bertsekas, Tsitsiklis & Wu 1997), online.

    In every future, each choice is followed by each rule until all jobs have left; it is worth the mean over futures of
    the best rule's makespan. Futures have failures of their own, drawn from the law that all know; a machine that is
    down stays so for a time of repair that fits how long it has been down. Without failures there is one future.

    Args:
        rules: What plays choices out.
        futures: In which each choice is tried.
        doubt: Mean durations by which a choice must be worse to count for 1 / e in ``weights``, for those who learn
            from this.
    """

    stochastic = True

    def __init__(self, rules: tuple[Rule, ...], futures: int = 4, doubt: float = 0.1) -> None:
        self.rules, self.futures, self.doubt = rules, futures, doubt
        self._rng = np.random.default_rng(0)

    def begin(self, simulator: Simulator[BlockingInstance, JobShopSolution], seed: int) -> None:
        """Start the stream of random numbers, and make room for one row's plays."""
        assert isinstance(simulator, BlockingSimulator)
        self._rng = np.random.default_rng(seed)
        self._trial = BlockingSimulator(simulator.sizes, 1)
        self._around = np.zeros((simulator.sizes[1], MACHINE_COLUMNS))

    def act(self, simulator: Simulator[BlockingInstance, JobShopSolution]) -> NDArray[np.int64]:
        """The choice with the least mean makespan in every row."""
        assert isinstance(simulator, BlockingSimulator)
        choice, trial = np.zeros(simulator.batch_size, np.int64), self._trial
        formulas = np.array([rule.formula for rule in self.rules])
        manners = np.array([[rule.inside_first, rule.gate, rule.patient] for rule in self.rules], np.float64)
        value = np.empty(simulator.action_mask.shape[1])
        self.weights = np.zeros(simulator.action_mask.shape)
        for b in np.flatnonzero(~simulator.done):
            fails = simulator.world.real[b, s.PROBABILITY] > 0
            lucks = self._rng.integers(2**62, size=self.futures if fails else 1)
            _play_out(
                int(b),
                lucks,
                formulas,
                manners,
                simulator.world,
                simulator.state,
                trial.world,
                trial.state,
                self._around,
                value,
            )
            choice[b] = value.argmin()
            likely = np.exp(-(value - value.min()) * simulator.world.real[b, s.PER_UNIT] / self.doubt)
            self.weights[b] = likely / likely.sum()
        return choice


@njit(cache=True, nogil=True)
def _play_out(
    b: int, lucks: Any, formulas: Any, manners: Any, world: Any, state: Any, own: Any, trial: Any, around: Any,
    value: Any,
) -> None:  # fmt: skip
    """Write the value of every choice in row ``b``: the mean makespan; infinite where it is not legal."""
    _copy_world(b, world, own)
    for a in range(len(value)):
        value[a] = 0.0 if state.legal[b, a] else np.inf
        if not state.legal[b, a]:
            continue
        for luck in lucks:
            least = np.inf
            for r in range(len(formulas)):
                _copy_state(b, luck, state, own, trial)
                action = a
                while True:  # one call of the physics in all: compiled code takes it in whole
                    kernels.play_row(0, action, own, trial)
                    if trial.done[0] or trial.row[0, s.BOUND] >= least:
                        break
                    action = best_start(
                        formulas[r], manners[r, 0] > 0, manners[r, 1], manners[r, 2] > 0, 0, own, trial, around
                    )
                least = min(least, float(trial.row[0, s.BOUND]))
            value[a] += least / len(lucks)


@njit(cache=True, nogil=True)
def _copy_world(b: int, world: Any, own: Any) -> None:
    own.row[0], own.real[0], own.job[0] = world.row[b], world.real[b], world.job[b]
    own.machine[0], own.duration[0] = world.machine[b], world.duration[b]


@njit(cache=True, nogil=True)
def _copy_state(b: int, luck: int, state: Any, own: Any, trial: Any) -> None:
    """Take over what can be seen of a row; what comes, of its machines' failures, is drawn anew."""
    trial.job[0], trial.machine[0], trial.row[0] = state.job[b], state.machine[b], state.row[b]
    trial.plan[0], trial.legal[0], trial.done[0] = state.plan[b], state.legal[b], state.done[b]
    own.row[0, s.LUCK] = luck
    if own.real[0, s.PROBABILITY] <= 0.0:
        return
    now = trial.row[0, s.NOW]
    for m in range(own.row[0, s.NUM_MACHINES]):
        machine = trial.machine[0, m]
        machine[s.FAILURES] = 0
        next_failure(0, m, now, own, trial)
        if machine[s.IS_DOWN]:
            past = now - machine[s.TURNED]
            repair = machine[s.DOWN_TO] - machine[s.DOWN_FROM]
            shortest, longest = max(own.row[0, s.REPAIR_MIN], past + 1), own.row[0, s.REPAIR_MAX]
            # uniform among the times of repair that are still possible
            span = own.row[0, s.REPAIR_MAX] - own.row[0, s.REPAIR_MIN] + 1
            share = (repair - own.row[0, s.REPAIR_MIN] + 0.5) / span
            machine[s.DOWN_FROM] = machine[s.TURNED]
            machine[s.DOWN_TO] = machine[s.TURNED] + shortest + int(share * (longest - shortest + 1))
