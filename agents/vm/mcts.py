"""Monte Carlo tree search over moves."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.vm.instance import VmInstance
from ...envs.vm.solution import VmSolution
from ..core import Solver, SolverResult
from .arrange import gain_to_goal
from .playout import best_moves, make, play_out, undo
from .targets import KIND, fragments_of, sample_cluster, start_at

TOP = 32
"""Most moves that are tried after any other."""

WIDTH = 1.5
"""A node that was visited n times has at most WIDTH sqrt(n) children."""

EXPLORE = 0.5
"""Weight of the exploration term of UCT; values lie in 0..1."""

BLUR = 0.25
"""Up to how many slots of the first size play-outs change gains by at random."""


@dataclass
class _Node:
    """A state in the tree.

    Attributes:
        moves: The moves that are tried from it, the most promising first, int64 ``[n, 5]``; ``None`` before the first.
        children: What they led to, so far.
        visits: Play-outs that passed it.
        total: Sum of their values.
        best: The highest of them.
    """

    moves: NDArray[np.int64] | None = None
    children: list[_Node] = field(default_factory=list)
    visits: int = 0
    total: float = 0.0
    best: float = -math.inf

    def choose(self, low: float, span: float) -> int:
        """The child that UCT prefers; values are scaled, and half of each is the mean, half the best one."""
        log = math.log(self.visits)

        def worth(child: _Node) -> float:
            value = (child.total / child.visits + child.best) / 2
            return (value - low) / span + EXPLORE * math.sqrt(log / child.visits)

        return max(range(len(self.children)), key=lambda index: worth(self.children[index]))


class _Search:
    """One call of :meth:`Mcts.solve`.

    Attributes:
        root: Where the next move is decided.
        path: The moves that are made, int64 ``[mnl, 5]``; first the decided ones.
        decided: Their number.
        plan: The best moves found, int64 ``[n, 5]``.
        value: Of the best plan.
    """

    def __init__(self, instance: VmInstance, seed: int) -> None:
        self._mnl, self._needed = instance.terms.mnl, gain_to_goal(instance)
        state = start_at(instance, VmSolution.of([]))
        kinds = np.unique(state.vm[:, KIND], return_index=True)[1].astype(np.int64)
        rng = np.random.SeedSequence(seed).generate_state(1, np.uint64) | np.uint64(1)
        self._fragments = fragments_of(instance)
        self._slot = instance.terms.fragments[0].size * instance.terms.fragments[0].weight
        self._vm, self._pm = state.vm, state.pm
        self._rest: Any = (state.vm, state.pm, state.members, state.first, *self._fragments, rng)
        self._kinds = kinds
        self.path = np.zeros((self._mnl, 5), np.int64)
        self.decided, self._gained = 0, 0.0
        self.root = _Node()
        self.plan, self.value = self.path[:0].copy(), 0.0
        self._low, self._high = math.inf, -math.inf
        if self._needed > 0:
            self._evaluate([self.root], 0, 0.0, blur=0.0)

    @property
    def over(self) -> bool:
        """Whether no move is left to decide."""
        stuck = self.root.moves is not None and len(self.root.moves) == 0
        return self._needed <= 0 or self._gained >= self._needed or self.decided == self._mnl or stuck

    def simulate(self) -> None:
        """Go down the tree, add a node, and play out from there."""
        node, nodes = self.root, [self.root]
        count, gained = self.decided, self._gained
        while count < self._mnl and gained < self._needed:
            if node.moves is None:
                node.moves = self._promising()
            if len(node.children) < min(len(node.moves), math.ceil(WIDTH * math.sqrt(node.visits))):
                index = len(node.children)
                node.children.append(_Node())
            elif node.children:
                index = node.choose(self._low, max(self._high - self._low, 1e-9))
            else:
                break
            self.path[count] = node.moves[index]
            gained += make(self.path[count], self._vm, self._pm, *self._fragments)
            count += 1
            self._keep(count, gained)
            node = node.children[index]
            nodes.append(node)
            if node.visits == 0:
                break
        self._evaluate(nodes, count, gained, BLUR * self._slot)

    def decide(self) -> None:
        """Make the move that the best play-out began with."""
        if not self.root.children or self.root.moves is None:
            return
        index = max(range(len(self.root.children)), key=lambda i: self.root.children[i].best)
        self.path[self.decided] = self.root.moves[index]
        self._gained += make(self.path[self.decided], self._vm, self._pm, *self._fragments)
        self.decided += 1
        self.root = self.root.children[index]

    def _promising(self) -> NDArray[np.int64]:
        moves, gains = np.zeros((TOP, 5), np.int64), np.zeros(TOP)
        count = best_moves(*(0.0, self._kinds, *self._rest, moves, gains))
        return moves[:count]

    def _evaluate(self, nodes: list[_Node], count: int, gained: float, blur: float) -> None:
        """Play out from the last node, tell all, and go back to the root."""
        end, gained = play_out(*(count, gained, self._needed, blur, self._kinds, *self._rest, self.path))
        value = self._keep(end, gained)
        undo(end - self.decided, self._vm, self._pm, self.path[self.decided :])
        self._low, self._high = min(self._low, value), max(self._high, value)
        for node in nodes:
            node.visits += 1
            node.total += value
            node.best = max(node.best, value)

    def _keep(self, count: int, gained: float) -> float:
        """The value of the moves made: cores gained, and at the goal moves left; the best are kept."""
        value = gained if gained < self._needed else self._needed + self._slot * (1 + self._mnl - count)
        if value > self.value + 1e-9:
            self.plan, self.value = self.path[:count].copy(), value
        return value


class Mcts(Solver[VmInstance, VmSolution]):
    """UCT over the moves of most immediate gain, with progressive widening and greedy play-outs.

    The moves of the best plan are decided one after another, each after an equal part of the time; the tree below a
    decided move is kept. Moves that gain nothing by themselves are tried in the tree only. The best plan seen is the
    result; the first play-out makes the moves that ``ha-pair`` would make, up to ties.

    Args:
        simulations: Play-outs for each move instead of a time limit.

    Raises:
        ValueError: No play-out at all.
    """

    stochastic = True

    def __init__(self, simulations: int | None = None) -> None:
        if simulations is not None and simulations < 1:
            raise ValueError(f"simulations must be a number from 1, got {simulations!r}")
        self.simulations = simulations
        _compile()

    def solve(self, instance: VmInstance, *, time_limit: float, seed: int) -> SolverResult[VmSolution]:
        """The best plan found."""
        began = time.perf_counter()
        if not instance.movable.any():
            return SolverResult(VmSolution.of([]))
        search = _Search(instance, seed)
        samples, mnl = 1, instance.terms.mnl
        while not search.over:
            until = began + time_limit * (search.decided + 1) / mnl
            made = 0
            while (made < self.simulations) if self.simulations else (time.perf_counter() < until or not made):
                search.simulate()
                made += 1
            samples += made
            search.decide()
            if self.simulations is None and time.perf_counter() >= began + time_limit:
                break
        return SolverResult(VmSolution.of(search.plan[:, :3].tolist()), samples=samples)


@cache
def _compile() -> None:
    """Have every kernel compiled, so that no time limit pays for it."""
    search = _Search(sample_cluster(), 0)
    search.simulate()
    search.decide()
