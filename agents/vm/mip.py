"""The exact model solved as a mixed-integer program, and what its solvers have in common."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...envs.vm.instance import VmInstance, Whole
from ...envs.vm.solution import VmSolution
from ..core import Solver, SolverResult
from ..scipy_modules import import_scipy
from .aggregate import Aggregate
from .counts import Worth, fragmented_pms
from .order import TOLERANCE, Executed, execute, replay

Start = Callable[[VmInstance, int], VmSolution]
"""Makes a plan to start from, for a cluster and a seed."""

RESTRICT = ("all", "fragmented")
SHARE = 0.7  # of the time that the PMs that are fragmented get at most
MAX_PAIRS = 1_000_000  # of VMs in anti-affinity groups and PMs; beyond that no solver copes with them one by one


@dataclass(frozen=True)
class Answer:
    """What a solver says about a model.

    Attributes:
        x: The columns of the best solution, int64 ``[N]``; ``None`` where it has none.
        bound: Proved lower bound on the cost.
        infeasible: Whether there is proved to be none.
    """

    x: Whole | None = None
    bound: float = -math.inf
    infeasible: bool = False


@dataclass
class Search:
    """What is known during one call of :meth:`AggregateSolver.solve`.

    Attributes:
        instance: The cluster.
        deadline: When to stop, by ``time.perf_counter``.
        seed: Of the solver.
        best: The best moves so far.
        worth: What slots are worth.
        value: Upper bound on that.
        moves: Lower bound on the moves that the goal needs; infinite if it cannot be reached.
    """

    instance: VmInstance
    deadline: float
    seed: int
    best: Executed
    worth: Worth
    value: float = math.inf
    moves: float = 0.0

    @property
    def seconds(self) -> float:
        """Time that is left."""
        return self.deadline - time.perf_counter()

    def offer(self, executed: Executed) -> None:
        """Keep moves if they are better."""
        self.best = min(self.best, executed, key=self._rank)

    def reached(self, executed: Executed) -> bool:
        """Whether there is a goal and moves reach it."""
        goal = self.instance.terms.goal
        return goal is not None and executed.rate <= goal + TOLERANCE

    def lowest(self, value: float) -> bool:
        """Whether no fragment rate can be lower if that is the most that slots can be worth."""
        return self.best.rate <= self.worth.rate(value) + TOLERANCE

    def shortest(self) -> bool:
        """Whether the goal is reached, and not with fewer moves."""
        return self.reached(self.best) and len(self.best.solution) <= self.moves

    def settled(self) -> bool:
        """Whether the best moves so far are proved to be the best."""
        if self.instance.terms.goal is None or self.moves == math.inf:
            return self.lowest(self.value)
        return self.shortest()

    def models(self, pms: Whole | None, goal: int | None = None) -> Iterator[Aggregate]:
        """Without anti-affinity first, which is seldom in the way of interchangeable VMs; then with it, if not huge."""
        instance, mnl = self.instance, self.instance.terms.mnl
        yield Aggregate(instance, mnl, pms, groups=False, goal=goal)
        grouped = int(((instance.group >= 0) & instance.movable).sum())
        if grouped and grouped * instance.num_pms <= MAX_PAIRS and self.seconds > 0:
            yield Aggregate(instance, mnl, pms, groups=True, goal=goal)

    def _rank(self, executed: Executed) -> tuple[float, int]:
        moves = len(executed.solution)
        return (-1.0, moves) if self.reached(executed) else (executed.rate, moves)


class AggregateSolver(Solver[VmInstance, VmSolution]):
    """Solves the aggregated model and puts the moves in order.

    Most of the time goes to the PMs that are fragmented: what is found there is often the best there is, only not
    known to be. The bound on the objective is proved; there is none where only those PMs take part or the plan is
    applied late. If the time runs out before a better plan is found than the one to start from, that is the result.

    Args:
        restrict: ``"all"`` PMs take part, or only those that are ``"fragmented"`` (:func:`~.counts.fragmented_pms`).
        start: Makes a plan to start from; the empty plan where ``None``.

    Raises:
        ValueError: There is no such restriction.
    """

    def __init__(self, restrict: str = "all", start: Start | None = None) -> None:
        if restrict not in RESTRICT:
            raise ValueError(f"restrict must be one of {RESTRICT}, got {restrict!r}")
        self.restrict, self.start = restrict, start

    @abstractmethod
    def optimise(self, model: Aggregate, seconds: float, seed: int, hint: VmSolution) -> Answer:
        """Minimise the cost of a model within a time limit; ``hint`` is the best plan so far."""

    def solve(self, instance: VmInstance, *, time_limit: float, seed: int) -> SolverResult[VmSolution]:
        """The best plan within ``time_limit`` seconds of wall time, all included."""
        deadline = time.perf_counter() + time_limit
        nothing = replay(instance, VmSolution.of([]))
        free = int(instance.free().sum())
        if free == 0:
            return SolverResult(nothing.solution, bound=0.0, proved=True)
        search = Search(instance, deadline, seed, nothing, Worth.of(instance.terms.fragments, free))
        if self.start is not None:
            search.offer(replay(instance, self.start(instance, seed)))
        if not search.settled():
            self.prepare(search)
        if search.settled():
            return self._result(search)
        plan = search.best.solution
        some = np.union1d(fragmented_pms(instance), np.union1d(plan.pm, instance.host[plan.vm]))
        if len(some) < instance.num_pms:
            self._improve(search, some, search.seconds * (1.0 if self.restrict == "fragmented" else SHARE))
        if self.restrict == "all" or len(some) == instance.num_pms:
            self._improve(search, None, search.seconds)
        return self._result(search)

    def prepare(self, search: Search) -> None:
        """Whatever is known about the whole cluster, or a good plan, before the model is solved."""

    def _improve(self, search: Search, pms: Whole | None, seconds: float) -> None:
        """Find better moves; where all PMs take part, bounds as well."""
        goal, before = search.instance.terms.goal, time.perf_counter()
        if goal is not None:
            # if no plan that reaches the goal turns up, one that comes near it is needed
            self._reach(search, pms, goal, seconds * (1.0 if search.reached(search.best) else 0.6))
        if not search.reached(search.best):
            self._lower(search, pms, seconds - (time.perf_counter() - before))

    def _reach(self, search: Search, pms: Whole | None, goal: float, seconds: float) -> None:
        """The fewest moves to the goal."""
        until = time.perf_counter() + seconds
        for model in search.models(pms, search.worth.needed(goal)):
            answer = self._answer(model, until, search)
            if pms is None:
                least = math.inf if answer.infeasible else answer.bound
                search.moves = max(search.moves, math.ceil(least - 1e-6) if math.isfinite(least) else least)
            if answer.x is None or search.shortest():
                return

    def _lower(self, search: Search, pms: Whole | None, seconds: float) -> None:
        """The lowest fragment rate."""
        until = time.perf_counter() + seconds
        for model in search.models(pms):
            answer = self._answer(model, until, search)
            planned = search.worth.whole(model.constant_value() - answer.bound)
            if pms is None:
                search.value = min(search.value, planned)
            if answer.x is None or search.lowest(planned):
                return

    def _answer(self, model: Aggregate, until: float, search: Search) -> Answer:
        """Solve a model, and put into order what it says."""
        seconds = until - time.perf_counter()
        if len(model.out):
            answer = self.optimise(model, seconds, search.seed, search.best.solution) if seconds > 0 else Answer()
        else:
            x = model.hint(VmSolution.of([]))
            assert x is not None
            short = model.goal is not None and model.value(x) + model.constant_value() < model.goal
            answer = Answer(infeasible=True) if short else Answer(x, float(model.cost @ x))
        if answer.x is not None:
            search.offer(execute(search.instance, model.classes, model.change(answer.x), model.mnl, until))
        return answer

    def _result(self, search: Search) -> SolverResult[VmSolution]:
        terms, best = search.instance.terms, search.best
        if self.restrict == "fragmented" or (terms.goal is None and terms.delay > 0):
            return SolverResult(best.solution)
        lowest = best.rate if search.lowest(search.value) else search.worth.rate(search.value)
        if terms.goal is None:
            return SolverResult(best.solution, bound=lowest, proved=best.rate <= lowest)
        if not search.reached(best) and search.moves == math.inf:
            # as the check counts plans that do not reach the goal
            lacking = math.ceil((lowest - terms.goal) * search.worth.free / terms.fragments[0].size - 1e-9)
            return SolverResult(best.solution, bound=float(terms.mnl + max(lacking, 1)), proved=best.rate <= lowest)
        return SolverResult(best.solution, bound=search.moves, proved=search.shortest())


class Mip(AggregateSolver):
    """HiGHS, by way of SciPy, with one thread.

    Args:
        restrict: See :class:`AggregateSolver`.
        start: A plan to return if none better is found; HiGHS is not told of it.
    """

    def __init__(self, restrict: str = "all", start: Start | None = None) -> None:
        super().__init__(restrict, start)
        import_scipy()

    def optimise(self, model: Aggregate, seconds: float, seed: int, hint: VmSolution) -> Answer:
        """Minimise the cost of a model."""
        return solve_milp(model, seconds)


def solve_milp(model: Aggregate, seconds: float, cost: NDArray[np.float64] | None = None) -> Answer:
    """Minimise the cost of a model, or another one, with HiGHS.

    Args:
        model: The model.
        seconds: Time limit, positive.
        cost: Of each column, float64 ``[N]``; the model's where ``None``.
    """
    began = time.perf_counter()
    optimize, sparse = import_scipy()
    scale = 1.0
    if cost is None:
        # in steps of 1 the solver knows how near is near enough
        scale = float(max(1, np.gcd.reduce(model.cost)))
        cost = model.cost / scale
    row, column, value = model.rows.entries()
    matrix = sparse.csc_array((value.astype(np.float64), (row, column)), shape=(model.rows.count, model.num_columns))
    limits = optimize.LinearConstraint(matrix, np.concatenate(model.rows.lower), np.concatenate(model.rows.upper))
    result = optimize.milp(
        cost,
        integrality=np.ones(model.num_columns),
        bounds=optimize.Bounds(0.0, model.upper.astype(np.float64)),
        constraints=limits,
        options={"time_limit": max(seconds - (time.perf_counter() - began), 0.01), "mip_rel_gap": 0.0},
    )
    x = None if result.x is None else np.rint(result.x).astype(np.int64)
    bound = getattr(result, "mip_dual_bound", None)
    return Answer(x, -math.inf if bound is None else float(bound) * scale, infeasible=result.status == 2)
