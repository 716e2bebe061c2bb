"""The exact model: what is left of a run, as constraints for CP-SAT of Google OR-Tools.

Every task has a start and chooses a PE. Where PEs of a kind are interchangeable, because a transfer between two of them
takes as long as staying on one, it chooses only the kind (a cumulative constraint); tasks are dealt to the PEs later,
in the order of their starts. The sum of the ends of jobs is minimised.

Two bounds on paths carry most of the proof: the earliest start of a task on each PE, and the least time from there to
the end of its job (``System.least``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.core.errors import InputError
from ...envs.soc.state import NEVER, NOBODY
from .timetable import Array, Timetable


def import_cp_model(agent: str) -> Any:
    """The module ``cp_model`` of OR-Tools.

    Raises:
        InputError: OR-Tools is not installed.
    """
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise InputError(f"{agent} needs OR-Tools: pip install 'schedlab[solvers]'") from error
    return cp_model


@dataclass(frozen=True)
class Planned:
    """What came of a model.

    Attributes:
        timetable: The best one found, the hint if there is none better.
        total: Sum of the ends of the jobs that were planned, microseconds.
        bound: Proved lower bound on it.
    """

    timetable: Timetable
    total: int
    bound: int


@dataclass
class _Choice:
    """The variables of a task: literals for where it may run, and its times."""

    literal: dict[int, Any]  # by PE; by the first PE of a kind whose PEs are dealt later
    of_kind: dict[int, Any]
    start: Any
    end: Any
    ready: Any  # when it can be bound, if data travels only from then on


class ScheduleModel:
    """A model of the tasks that are not placed in a timetable, which is kept as it is.

    Args:
        cp_model: The module.
        fixed: What has happened and what is decided; its ``now`` is when the others may start.
        free: The tasks to plan, producers first; consumers of a task to plan must be among them.
        hint: The same timetable with all of them placed.
    """

    def __init__(self, cp_model: Any, fixed: Timetable, free: list[int], hint: Timetable) -> None:
        self._cp_model, self._graph, self._fixed, self._free, self._hint = cp_model, fixed.graph, fixed, free, hint
        self.jobs = sorted({int(self._graph.job[task]) for task in free})
        self.hint_total = sum(hint.job_ends(self.jobs))
        self.model = cp_model.CpModel()
        self._always = self.model.new_constant(1)
        self._counts = [kind.count for kind in self._graph.system.platform.kinds]
        first = np.concatenate(([0], np.cumsum(self._counts))).tolist()
        self._pes = [range(low, high) for low, high in zip(first[:-1], first[1:], strict=True)]
        now = fixed.now
        self._taken = [[(max(start, now), end) for start, end in busy if end > now] for busy in fixed.busy]
        self._head = self._earliest_starts()
        self._least_end = self._least_ends()
        # a timetable no worse than the hint has no job that is later than this
        slack = self.hint_total - sum(self._least_end.values())
        self._latest_end = {job: end + slack for job, end in self._least_end.items()}
        self._alike = [self._interchangeable(kind) for kind in range(len(self._counts))]
        self._choice: dict[int, _Choice] = {}
        self._build()

    def solve(self, seconds: float, workers: int, seed: int) -> Planned:
        """The best timetable within a time limit."""
        solver = self._cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(seconds, 0.01)
        solver.parameters.num_workers = workers
        solver.parameters.random_seed = seed
        if workers == 1:
            # twice as fast as the relaxations that a single thread would use; several threads use both
            solver.parameters.linearization_level = 0
        status = solver.solve(self.model)
        if status in (self._cp_model.MODEL_INVALID, self._cp_model.INFEASIBLE):  # the hint is a solution
            raise RuntimeError(f"CP-SAT says {solver.status_name(status)}: {self.model.validate()}")
        bound = math.ceil(solver.best_objective_bound - 1e-6) + len(self.jobs) * self._fixed.now
        # a search that was cut off at once has proved less than the paths do
        bound = max(bound, sum(self._least_end.values()))
        if status not in (self._cp_model.OPTIMAL, self._cp_model.FEASIBLE):
            return Planned(self._hint, self.hint_total, bound)
        timetable = self._timetable(solver)
        total = sum(timetable.job_ends(self.jobs))
        # its first solution need not be the hint
        return (
            Planned(timetable, total, bound) if total < self.hint_total else Planned(self._hint, self.hint_total, bound)
        )

    # --- what is known before

    def _earliest_starts(self) -> dict[int, Array]:
        """Lower bound on the start of each task on each PE, int64 ``[P]``; ``NEVER`` where unsupported."""
        graph = self._graph
        head: dict[int, Array] = {}
        for task in self._free:
            ready = self._fixed.data_ready(task)
            for producer, edge in graph.producers(task):
                if producer in head:
                    arrival = np.full(len(ready), NEVER, np.int64)
                    for pe in np.flatnonzero(graph.execution(producer) >= 0).tolist():
                        end = head[producer][pe] + graph.execution(producer)[pe]
                        np.minimum(arrival, end + graph.delays(edge, pe), out=arrival)
                    np.maximum(ready, arrival, out=ready)
            head[task] = np.where(graph.execution(task) >= 0, ready, NEVER)
        return head

    def _tail(self, task: int) -> NDArray[np.float64]:
        """Least time from the start of a task on each PE to the end of its job, float64 ``[P]``."""
        least: NDArray[np.float64] = self._graph.system.least[self._graph.node[task]]
        return least

    def _least_ends(self) -> dict[int, int]:
        """A lower bound on the end of each job, by its paths."""
        first = self._graph.first_task
        ends = {job: int(self._fixed.end[first[job] : first[job + 1]].max()) for job in self.jobs}
        for task in self._free:
            job = int(self._graph.job[task])
            ends[job] = max(ends[job], int((self._head[task] + self._tail(task)).min()))
        return ends

    def _interchangeable(self, kind: int) -> bool:
        """Whether tasks may be dealt to the PEs of a kind after their times are known."""
        if self._counts[kind] == 1:
            return False
        if any(start > self._fixed.now for pe in self._pes[kind] for start, _ in self._taken[pe]):
            return False  # it may split the time of its PE so that the kind has room, but no single PE has
        times = self._graph.system.costs.execution[self._graph.node[self._free], self._pes[kind].start]
        if np.any(times == 0):
            return False  # a cumulative constraint takes no notice of what takes no time; a PE must be idle for it
        system = self._graph.system
        here = system.costs.execution[:, self._pes[kind].start] >= 0
        edges = here[system.edges].all(axis=1)
        return bool(np.all(system.costs.delay[edges, kind, kind] == system.costs.same[edges]))

    # --- variables and constraints; times count from now

    def _build(self) -> None:
        model, graph, now = self.model, self._graph, self._fixed.now
        on_pe = [[self._span(start - now, end - start, None) for start, end in taken] for taken in self._taken]
        on_kind = [[span for pe in pes for span in on_pe[pe]] for pes in self._pes]
        for task in self._free:
            self._add_task(task, on_pe, on_kind)
        for task in self._free:
            for producer, edge in graph.producers(task):
                if producer in self._choice:
                    self._add_edge(producer, task, edge)
                elif graph.from_binding:
                    self._add_edge_from_fixed(producer, task, edge)
        for kind, pes in enumerate(self._pes):
            if len(on_kind[kind]) > len(pes) > 1:
                model.add_cumulative(on_kind[kind], [1] * len(on_kind[kind]), len(pes))
            for pe in pes:
                if len(on_pe[pe]) > 1 and not self._alike[kind]:
                    model.add_no_overlap(on_pe[pe])
        total: Any = 0
        for job in self.jobs:
            low, high, hint = self._least_end[job], self._latest_end[job], self._hint.job_ends([job])[0]
            end = self._integer(low, high, hint)
            for task in self._free:
                if graph.job[task] == job:
                    choice, tail = self._choice[task], self._tail(task)
                    model.add(end >= choice.start + sum(int(tail[pe]) * here for pe, here in choice.literal.items()))
            total += end
        model.minimize(total)

    def _span(self, start: Any, size: int, present: Any) -> Any:
        if present is None:
            return self.model.new_fixed_size_interval_var(start, size, "")
        return self.model.new_optional_fixed_size_interval_var(start, size, present, "")

    def _boolean(self, hint: bool) -> Any:
        variable = self.model.new_bool_var("")
        self.model.add_hint(variable, hint)
        return variable

    def _integer(self, low: int, high: int, hint: int) -> Any:
        now = self._fixed.now
        variable = self.model.new_int_var(low - now, high - now, "")
        self.model.add_hint(variable, hint - now)
        return variable

    def _add_task(self, task: int, on_pe: list[list[Any]], on_kind: list[list[Any]]) -> None:
        """Times and place of a task, and what keeps its PE busy."""
        model, graph, now = self.model, self._graph, self._fixed.now
        head, tail, times = self._head[task], self._tail(task), graph.execution(task)
        latest = self._latest_end[int(graph.job[task])]
        allowed = np.flatnonzero(head + tail <= latest)
        start = self._integer(int(head[allowed].min()), int(latest - tail[allowed].min()), int(self._hint.start[task]))
        kinds = np.unique(graph.kind_of[allowed]).tolist()
        chosen = int(self._hint.pe[task])
        literal: dict[int, Any] = {}
        of_kind: dict[int, Any] = {}
        for kind in kinds:
            mine = of_kind[kind] = self._boolean(chosen in self._pes[kind]) if len(kinds) > 1 else self._always
            pes = allowed[graph.kind_of[allowed] == kind].tolist()
            if self._alike[kind] or len(pes) == 1:
                literal[pes[0]] = mine
            else:
                literal |= {pe: self._boolean(chosen == pe) for pe in pes}
                model.add(sum(literal[pe] for pe in pes) == mine)
            on_kind[kind].append(self._span(start, int(times[pes[0]]), mine))
        if len(kinds) > 1:
            model.add_exactly_one(of_kind.values())
        for pe, here in literal.items():
            on_pe[pe].append(self._span(start, int(times[pe]), here))
        model.add(start >= sum(int(head[pe] - now) * here for pe, here in literal.items()))
        end = start + sum(int(times[pe]) * here for pe, here in literal.items())
        ready = None
        if graph.from_binding:
            done = max((int(self._hint.end[producer]) for producer, _ in graph.producers(task)), default=now)
            ready = self._integer(now, latest, max(done, now))
        self._choice[task] = _Choice(literal, of_kind, start, end, ready)

    def _add_edge_from_fixed(self, producer: int, task: int, edge: int) -> None:
        """Data of a producer whose PE is known, if it travels only once its consumer can be bound."""
        choice, delays = self._choice[task], self._graph.delays(edge, int(self._fixed.pe[producer]))
        self.model.add(choice.ready >= int(self._fixed.end[producer]) - self._fixed.now)
        self.model.add(
            choice.start >= choice.ready + sum(int(delays[pe]) * here for pe, here in choice.literal.items())
        )

    def _add_edge(self, producer: int, task: int, edge: int) -> None:
        """A task starts when the data of a producer is on its PE."""
        model, costs = self.model, self._graph.system.costs
        one, two = self._choice[producer], self._choice[task]
        begin = one.end
        if two.ready is not None:
            model.add(two.ready >= one.end)
            begin = two.ready
        between = {(a, b): int(costs.delay[edge, a, b]) for a in one.of_kind for b in two.of_kind}
        same = int(costs.same[edge])
        for kind in one.of_kind.keys() & two.of_kind.keys():
            if self._counts[kind] == 1 or self._alike[kind]:
                between[kind, kind] = same
        split = {a for (a, b), delay in between.items() if a == b and delay != same}
        least = min([*between.values(), *([same] if split else [])])
        model.add(two.start >= begin + least)
        others = {delay for (a, b), delay in between.items() if a != b}
        if not split and len(others) == 1 and max(others) > least and between.keys() & {(k, k) for k in one.of_kind}:
            # where it only matters whether the kinds are the same, the relaxation is stronger with a variable for that
            together = self._together(producer, task, one.of_kind, two.of_kind, self._graph.kind_of)
            model.add(two.start >= begin + least + (max(others) - least) * (1 - together))
            return
        for (a, b), delay in between.items():
            condition = [one.of_kind[a], two.of_kind[b]]
            if a == b and a in split:
                mine, yours = ({pe: v for pe, v in c.literal.items() if pe in self._pes[a]} for c in (one, two))
                together = self._together(producer, task, mine, yours, np.arange(len(self._taken)))
                if same > least:
                    model.add(two.start >= begin + same).only_enforce_if([*condition, together])
                condition.append(~together)
            if delay > least:
                model.add(two.start >= begin + delay).only_enforce_if(condition)

    def _together(self, one: int, two: int, places: dict[int, Any], others: dict[int, Any], place_of: Array) -> Any:
        """A literal: true if two tasks are at the same of some places (PEs or kinds), false if at different ones."""
        hint = self._hint.pe
        together = self._boolean(bool(place_of[hint[one]] == place_of[hint[two]]))
        for place in places.keys() | others.keys():
            here, there = places.get(place), others.get(place)
            if here is not None and there is not None:
                self.model.add_bool_or([together, ~here, ~there])
            for mine, yours in ((here, there), (there, here)):
                if mine is not None:
                    self.model.add_bool_or([~together, ~mine, *([] if yours is None else [yours])])
        return together

    # --- what was found

    def _timetable(self, solver: Any) -> Timetable:
        """The solver's values as a timetable."""
        timetable, graph = self._fixed.copy(), self._graph
        idle_from = [max((end for _, end in taken), default=NOBODY) for taken in self._taken]
        start_of = {task: solver.value(choice.start) + self._fixed.now for task, choice in self._choice.items()}
        for task in sorted(self._free, key=lambda task: start_of[task]):
            literal, start = self._choice[task].literal, start_of[task]
            pe = next(pe for pe, here in literal.items() if solver.value(here))
            kind = int(graph.kind_of[pe])
            if self._alike[kind]:
                pe = next(pe for pe in self._pes[kind] if idle_from[pe] <= start)
            timetable.place(task, pe, start)
            idle_from[pe] = int(timetable.end[task])
        return timetable
