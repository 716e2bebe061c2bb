"""The simulator: a batch of independent episodes kept as a struct of arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from .graph import GraphSpec, GraphState

InstanceT = TypeVar("InstanceT")
SolutionT = TypeVar("SolutionT")


@dataclass(frozen=True)
class Snapshot(Generic[InstanceT]):
    """A copy of a simulator's state: its changing arrays by name, and the instance in each row."""

    instances: tuple[InstanceT | None, ...]
    arrays: dict[str, NDArray[Any]]


class Simulator(ABC, Generic[InstanceT, SolutionT]):
    """Advances B independent episodes; the only place where a problem's physics is written.

    The single env (B = 1), the vector env, rules, search and trainers all drive this class. Sub-classes
    allocate every array in ``__init__``; ``step`` and ``observe`` allocate nothing.

    Attributes:
        spec: Sizes and feature names of the observation.
        batch_size: Episodes side by side, B.
        action_mask: Legal actions, bool ``[B, A]``; never all False in a row, also after the end.
        done: Which episodes have ended, bool ``[B]``.
        illegal: Whether the last step's action was illegal, bool ``[B]``. An illegal action changes nothing.
        illegal_count: Rows whose last action was illegal.
        done_count: Rows whose episode has ended.
        steps: Legal actions taken in each episode so far, int64 ``[B]``.
        scale: Natural size of each episode's objective, float64 ``[B]``, positive; what rewards are divided
            by when they are normalised.
        instances: The instance in each row (``None`` before the first reset).
        arguments: What the constructor was called with; a pickle is these and a snapshot.
    """

    spec: GraphSpec
    batch_size: int
    action_mask: NDArray[np.bool_]
    done: NDArray[np.bool_]
    illegal: NDArray[np.bool_]
    illegal_count: int
    done_count: int
    steps: NDArray[np.int64]
    scale: NDArray[np.float64]
    instances: list[InstanceT | None]
    arguments: tuple[Any, ...]

    def reset(self, instances: Sequence[InstanceT], rows: Sequence[int] | None = None) -> None:
        """Start an episode of ``instances[i]`` in row ``rows[i]`` (default: one for every row, in order).

        Raises:
            ValueError: The numbers of instances and rows differ, or an instance exceeds ``spec``.
        """
        rows = range(self.batch_size) if rows is None else rows
        if len(instances) != len(rows):
            raise ValueError(f"{len(instances)} instances for {len(rows)} rows")
        for row, instance in zip(rows, instances, strict=True):
            # what an instance brings along stays where it is while episodes of it are played
            if self.instances[row] is not instance:
                self._load(row, instance)
        self._start(np.asarray(rows, np.int64))
        self.illegal_count, self.done_count = int(self.illegal.sum()), int(self.done.sum())

    @abstractmethod
    def _load(self, row: int, instance: InstanceT) -> None:
        """Take an instance into a row, with the static part of its observation, and note it in ``instances``.

        Raises:
            ValueError: It exceeds ``spec``.
        """

    @abstractmethod
    def _start(self, rows: NDArray[np.int64]) -> None:
        """Start an episode of the loaded instance in every row named, int64 ``[R]``."""

    @abstractmethod
    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Apply one action per row, int64 ``[B]``, and return the rewards ``[B]`` (a reused buffer).

        The rewards of an episode sum to minus its objective (plus it, where the objective is a profit), or, where
        there is an objective before anything was done, to how much better the final one is.
        A row that is done, or whose action is illegal, stays as it is and earns 0.

        Raises:
            ValueError: Not one action per row.
        """

    @abstractmethod
    def observe(self, out: GraphState | None = None, rows: NDArray[np.intp] | None = None) -> GraphState:
        """The observation of every row.

        Args:
            out: Where to write the dynamic part; by default buffers of the simulator's own, which the next call
                overwrites. The static part is always the simulator's and changes at the next reset.
            rows: The rows to write, default all.
        """

    def step_and_observe(
        self, action: NDArray[np.int64], out: GraphState | None = None
    ) -> tuple[NDArray[np.float64], GraphState]:
        """:meth:`step`, then :meth:`observe`; a simulator may do both in one pass."""
        reward = self.step(action)
        return reward, self.observe(out)

    def play_forced(self) -> NDArray[np.float64]:
        """Play on in every row while only one action is legal: decisions that are none.

        Returns:
            The rewards that this earned, ``[B]`` (a reused buffer).
        """
        earned = np.zeros(self.batch_size)
        while True:
            forced = (self.action_mask.sum(axis=1) == 1) & ~self.done
            if not forced.any():
                break
            # -1 is no action: the other rows stay as they are
            earned += self.step(np.where(forced, self.action_mask.argmax(axis=1), -1))
        self.illegal[:] = False
        self.illegal_count = 0
        return earned

    def elapsed(self) -> NDArray[np.int64]:
        """How far each episode is, ``[B]``: episodes of one instance can be compared where this is equal.

        The steps taken, unless a problem has a time of its own that no decision moves.
        """
        return self.steps

    @abstractmethod
    def objective(self) -> NDArray[np.float64]:
        """The problem's own cost or profit of each row, ``[B]``; final once the row is done."""

    @abstractmethod
    def solution(self, row: int) -> SolutionT:
        """What row ``row`` has decided so far, in the form that the problem's checker verifies."""

    @abstractmethod
    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that change during an episode, by name, first axis the batch."""

    def __reduce__(self) -> tuple[Any, ...]:
        # the public arrays are views of one another, which a plain pickle would tear apart
        return _rebuild, (type(self), self.arguments, self.snapshot())

    def snapshot(self) -> Snapshot[InstanceT]:
        """Copy the state, so that look-ahead can return to it."""
        arrays = {name: array.copy() for name, array in self.state_arrays().items()}
        return Snapshot(tuple(self.instances), arrays)

    def restore(self, snapshot: Snapshot[InstanceT]) -> None:
        """Return to a state that this simulator (or one with the same sizes) was in.

        Raises:
            ValueError: The snapshot is of another batch size.
        """
        if len(snapshot.instances) != self.batch_size:
            raise ValueError(f"snapshot of {len(snapshot.instances)} rows, simulator of {self.batch_size}")
        changed = [
            row
            for row, instance in enumerate(snapshot.instances)
            if instance is not None and instance is not self.instances[row]
        ]
        if changed:
            self.reset([instance for row in changed if (instance := snapshot.instances[row]) is not None], changed)
        for name, array in self.state_arrays().items():
            array[...] = snapshot.arrays[name]
        self.illegal_count, self.done_count = int(self.illegal.sum()), int(self.done.sum())


def _rebuild(
    kind: type[Simulator[InstanceT, SolutionT]], arguments: tuple[Any, ...], snapshot: Snapshot[InstanceT]
) -> Simulator[InstanceT, SolutionT]:
    simulator = kind(*arguments)
    simulator.restore(snapshot)
    return simulator
