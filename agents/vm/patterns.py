"""The exact model once more, by what whole PMs can hold: linear programs over patterns bound it almost exactly.

A pattern says how many VMs of each class a PM holds in the end. PMs that hold the same VMs now are one kind; how many
of a kind end in each pattern are the variables:

    maximise   sum value x
    such that  sum x = PMs                    for each kind
               sum moves x <= MNL
               sum (VMs after - before) x = 0 for each class

There are too many patterns to list. Those that matter are found by column generation (Gilmore and Gomory 1961): the
dual prices of moves and VMs say which pattern would improve the linear program most, a knapsack for each kind of PM,
solved for all kinds at once. Its bound is much tighter than that of :class:`~.aggregate.Aggregate`, which is willing to
fill a part of a slot, and the patterns found are usually all that a best plan needs.

Memory and anti-affinity are left out: bounds hold all the same, and a plan that they forbid is not used.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...envs.vm.instance import NODES, Whole
from ..scipy_modules import import_scipy
from .aggregate import Aggregate
from .mip import Mip, Search, Start
from .order import execute

Real = NDArray[np.float64]

NONE = -1e9  # worth of what is impossible
MAX_WORK = 100_000_000  # steps of one pricing
VARIATIONS, SPREAD = 20, 0.1  # how often prices are varied, and by how much, in slots
ROUNDS = 3  # of that
GUESSES = ((0.0, 0.3), (1.0, 0.3), (0.5, 0.5), (1.0, 0.1), (0.8, 0.6))
"""First prices: of a core, as a share of its worth in a slot, and of a move, in slots."""


@dataclass
class _Pool:
    """Patterns found so far.

    Attributes:
        kind: The kind of PM of each.
        moves: VMs that leave.
        net: VMs that come less those that leave, by class, blocks ``[C]``.
        value: Of the slots, in steps.
        after: VMs held in the end, blocks ``[2, C]``.
        known: All of them, to tell new ones.
    """

    kind: list[int] = field(default_factory=list)
    moves: list[int] = field(default_factory=list)
    net: list[Whole] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    after: list[Whole] = field(default_factory=list)
    known: set[tuple[int, bytes]] = field(default_factory=set)


class PatternModel:
    """Bounds and plans for any number of moves; patterns found for one number are kept for the next.

    Args:
        model: The whole cluster, without anti-affinity.

    Attributes:
        tractable: Whether PMs have few enough cores, in units, for this.
    """

    def __init__(self, model: Aggregate) -> None:
        self._model, self._worth = model, model.worth
        self._optimize, self._sparse = import_scipy()
        classes, fragments = model.classes, model.instance.terms.fragments
        parts = [item.size // item.nodes for item in fragments]
        unit = math.gcd(*classes.cpu.tolist(), *parts)
        self._size: list[int] = (classes.cpu // unit).tolist()
        self._single = np.flatnonzero(classes.nodes == 1).tolist()
        self._double = np.flatnonzero(classes.nodes == NODES).tolist()
        held = model.before.transpose(1, 2, 0)
        table = np.concatenate([model.room // unit, held.reshape(len(held), -1)], axis=1)
        kinds, self._kind_of, self._count = np.unique(table, axis=0, return_inverse=True, return_counts=True)
        self._room, self._before = kinds[:, :NODES], kinds[:, NODES:].reshape(len(kinds), NODES, len(classes))
        self._units = int(self._room.max()) + 1
        # what free units are worth: on a NUMA node, and on both at once by the smaller number
        self._apart, self._joint = np.zeros(self._units), np.zeros(self._units)
        for item, part, gain in zip(fragments, parts, self._worth.gain, strict=True):
            worth = self._apart if item.nodes == 1 else self._joint
            worth += np.arange(self._units) * unit // part * (gain / self._worth.step)
        self._levels = [0, *(np.flatnonzero(np.diff(self._joint)) + 1).tolist()]
        self.tractable = len(kinds) * self._units**2 * len(self._levels) <= MAX_WORK
        self._pool = _Pool()
        self._prices, self._slot = (np.zeros(len(classes)), 0.0), max(self._worth.gain) / self._worth.step
        if self.tractable:
            self._begin(unit)

    def _begin(self, unit: int) -> None:
        """PMs as they are, and what some first prices suggest."""
        free = self._room - np.einsum("c,tkc->tk", np.array(self._size), self._with_both(self._before))
        value = self._apart[free].sum(axis=1) + self._joint[free.min(axis=1)]
        self._add(np.arange(len(self._room)), self._before, value)
        cores = self._model.classes.cpu * self._model.classes.nodes
        sizes = zip(self._worth.gain, self._worth.sizes, strict=True)
        per_core = max(gain / size for gain, size in sizes) / self._worth.step
        for core, move in GUESSES:
            _, after, value = self._price(np.asarray(-core * per_core * cores, np.float64), -move * self._slot)
            self._add(np.arange(len(self._room)), after, value)

    def _with_both(self, held: Whole) -> Whole:
        """VMs by NUMA node, ``[T, 2, C]``, those with two counted on each."""
        both = held.copy()
        both[:, 1, self._double] = held[:, 0, self._double]
        return both

    def _add(self, kinds: Whole, after: Whole, value: Real) -> int:
        """Put patterns into the pool; how many are new."""
        pool, before = self._pool, len(self._pool.kind)
        for kind in kinds.tolist():
            key = kind, after[kind].tobytes()
            if key not in pool.known:
                change = after[kind] - self._before[kind]
                pool.known.add(key)
                pool.kind.append(kind)
                pool.moves.append(int(np.maximum(-change, 0).sum()))
                pool.net.append(change.sum(axis=0))
                pool.value.append(float(value[kind]))
                pool.after.append(after[kind].copy())
        return len(pool.kind) - before

    # --- the best pattern of each kind at some prices

    def _fill(self, classes: list[int], before: Whole, net: Real, move: float) -> tuple[Real, list[Whole]]:
        """Best worth of using exactly 0, 1, ... units, ``[N, A]``, and of each class how many then, ``[N, A]``."""
        best = np.full((len(before), self._units), NONE)
        best[:, 0] = 0.0
        counts = []
        for kind in classes:
            size = self._size[kind]
            found, count = np.full_like(best, NONE), np.zeros(best.shape, np.int64)
            for number in range((self._units - 1) // size + 1):
                change = number - before[:, kind]
                worth = net[kind] * change + move * np.maximum(-change, 0)
                tried = best[:, : self._units - number * size] + worth[:, None]
                part, chosen = found[:, number * size :], count[:, number * size :]
                better = tried > part + 1e-12
                part[better] = tried[better]
                chosen[better] = number
            best = found
            counts.append(count)
        return best, counts

    def _leave(self, used: Real, least: int) -> tuple[Real, Whole]:
        """Best worth within 0, 1, ... units of which some stay free, and how many are then used; both ``[T, 2, A]``."""
        best, units = np.full_like(used, NONE), np.zeros(used.shape, np.int64)
        for number in range(self._units - least):
            first = number + least
            tried = used[:, :, number : number + 1] + self._apart[least : self._units - number]
            part, chosen = best[:, :, first:], units[:, :, first:]
            better = tried > part + 1e-12
            part[better] = tried[better]
            chosen[better] = number
        return best, units

    def _price(self, net: Real, move: float) -> tuple[Real, Whole, Real]:
        """The best pattern of each kind: worth at these prices ``[T]``, VMs after ``[T, 2, C]``, value ``[T]``.

        Args:
            net: Worth of a VM that comes, by class, float64 ``[C]``.
            move: Worth of a VM that leaves.
        """
        kinds, total = np.arange(len(self._room)), len(self._room)
        used, single = self._fill(self._single, self._before.reshape(total * NODES, -1), net, move)
        shared, double = self._fill(self._double, self._before[:, 0], net, move)
        used = used.reshape(total, NODES, -1)
        best, taken, units = np.full(total, NONE), np.zeros(total, np.int64), np.zeros((total, NODES), np.int64)
        for level in self._levels:
            within, chosen = self._leave(used, level)
            for both in range(self._units):
                left = self._room - both
                where = np.maximum(left, 0)
                worth = shared[:, both] + self._joint[level] + within[kinds, 0, where[:, 0]]
                worth = np.where((left >= 0).all(axis=1), worth + within[kinds, 1, where[:, 1]], NONE)
                better = worth > best + 1e-12
                best[better], taken[better] = worth[better], both
                units[better] = np.stack([chosen[kinds, k, where[:, k]] for k in range(NODES)], axis=1)[better]
        free = self._room - taken[:, None] - units
        value = self._apart[free].sum(axis=1) + self._joint[free.min(axis=1)]
        after = np.zeros_like(self._before)
        for kind, count in zip(reversed(self._double), reversed(double), strict=True):
            after[:, 0, kind] = count[kinds, taken]
            taken = taken - after[:, 0, kind] * self._size[kind]
        for kind, count in zip(reversed(self._single), reversed(single), strict=True):
            for k in range(NODES):
                after[:, k, kind] = count.reshape(total, NODES, -1)[kinds, k, units[:, k]]
                units[:, k] -= after[:, k, kind] * self._size[kind]
        return best, after, value

    # --- programs over the patterns

    def _program(self) -> tuple[Real, Real, Whole, Real]:
        """Value and moves of each pattern, equalities, and their right-hand side."""
        pool, count = self._pool, len(self._pool.kind)
        ones = self._sparse.csr_array((np.ones(count), (pool.kind, np.arange(count))), shape=(len(self._room), count))
        net = self._sparse.csr_array(np.array(pool.net, np.float64).reshape(count, -1).T)
        rows = self._sparse.vstack([ones, net]).tocsc()
        right = np.concatenate([self._count, np.zeros(net.shape[0])]).astype(np.float64)
        return np.array(pool.value), np.array(pool.moves, np.float64), rows, right

    def bound(self, mnl: int, until: float, enough: float = math.inf) -> int:
        """Upper bound on the value with some number of moves.

        Args:
            mnl: Moves.
            until: When to stop, by ``time.perf_counter``.
            enough: Of bounds from this value on it does not matter which it is.
        """
        lowest = math.inf
        while time.perf_counter() < until:
            value, moves, rows, right = self._program()
            result = self._optimize.linprog(
                -value, A_ub=moves[None, :], b_ub=[float(mnl)], A_eq=rows, b_eq=right, method="highs",
                options={"time_limit": max(until - time.perf_counter(), 0.01)},
            )  # fmt: skip
            if result.status != 0:
                break
            kind, net = np.split(result.eqlin.marginals, [len(self._room)])
            self._prices = net, float(result.ineqlin.marginals[0])
            best, after, gained = self._price(*self._prices)
            better = best + kind
            # prices that are not the best yet bound the optimum too (Lagrange)
            lowest = min(lowest, float(-result.fun + self._count @ np.maximum(better, 0.0)))
            if not self._add(np.flatnonzero(better > 1e-7), after, gained) or -result.fun * self._worth.step >= enough:
                break
        return self._worth.whole(lowest * self._worth.step)

    def vary(self, rng: np.random.Generator) -> None:
        """Add the patterns that are the best at prices near the last ones: nearly as good, and often what lacks."""
        net, move = self._prices
        for _ in range(VARIATIONS):
            noise = rng.normal(0.0, SPREAD * self._slot, len(net) + 1)
            _, after, value = self._price(net + noise[1:], move + noise[0])
            self._add(np.arange(len(self._room)), after, value)

    def plan(self, mnl: int, seconds: float) -> Whole | None:
        """What the best plan over the patterns found changes, int64 ``[C, P, 2]``; ``None`` if there was no time."""
        value, moves, rows, right = self._program()
        limits = [
            self._optimize.LinearConstraint(rows, right, right),
            self._optimize.LinearConstraint(moves[None, :], -np.inf, float(mnl)),
        ]
        result = self._optimize.milp(
            -value,
            integrality=np.ones(len(value)),
            bounds=self._optimize.Bounds(0.0, np.inf),
            constraints=limits,
            options={"time_limit": max(seconds, 0.01), "mip_rel_gap": 0.0},
        )
        if result.x is None:
            return None
        number = np.rint(result.x).astype(np.int64)
        change = np.zeros_like(self._model.before)
        waiting = [np.flatnonzero(self._kind_of == kind).tolist() for kind in range(len(self._room))]
        for pattern in np.flatnonzero(number).tolist():
            kind = self._pool.kind[pattern]
            for _ in range(number[pattern]):
                change[:, waiting[kind].pop(), :] = (self._pool.after[pattern] - self._before[kind]).T
        return change


class Patterns(Mip):
    """Bounds and plans by patterns; where the plan found is not proved to be the best, what :class:`Mip` does follows.

    Another seed varies prices otherwise.

    Args:
        start: See :class:`Mip`.
    """

    stochastic = True

    def __init__(self, start: Start | None = None) -> None:
        super().__init__("all", start)

    def prepare(self, search: Search) -> None:
        """Bounds for the whole cluster, and moves that often reach them."""
        instance = search.instance
        model = Aggregate(instance, instance.terms.mnl, groups=False)
        if not len(model.out):
            return
        patterns = PatternModel(model)
        if not patterns.tractable:
            return
        mnl = instance.terms.mnl
        if instance.terms.goal is not None:
            mnl = self._fewest(search, patterns, search.worth.needed(instance.terms.goal))
        search.value = min(search.value, patterns.bound(instance.terms.mnl, search.deadline))
        rng = np.random.default_rng(search.seed)
        for attempt in range(1 + ROUNDS):
            if attempt:
                patterns.vary(rng)
            change = patterns.plan(mnl, search.seconds) if search.seconds > 0 else None
            if change is None:
                return
            search.offer(execute(instance, model.classes, change, instance.terms.mnl, search.deadline))
            if search.settled():
                return

    def _fewest(self, search: Search, patterns: PatternModel, needed: int) -> int:
        """The fewest moves for which the bound is not short of a value; all, where it always is."""
        low, high = 0, search.instance.terms.mnl + 1  # too few, and enough if any are
        while high - low > 1 and search.seconds > 0:
            middle = (low + high) // 2
            if patterns.bound(middle, search.deadline, needed) >= needed:
                high = middle
            else:
                low = middle
        if search.seconds <= 0:
            return search.instance.terms.mnl
        if high > search.instance.terms.mnl:
            search.moves = math.inf
            return search.instance.terms.mnl
        search.moves = max(search.moves, float(high))
        return high
