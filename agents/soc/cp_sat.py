"""CP-SAT of Google OR-Tools: exact for runs whose jobs are all there at time 0, re-planning for streams."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.soc import state as s
from ...envs.soc.config import SocConfig
from ...envs.soc.instance import SocInstance
from ...envs.soc.simulate import SocSimulator
from ...envs.soc.solution import SocSolution
from ..core import Policy, Solver, SolverResult
from .rules import READY_LIMIT
from .schedule_model import ScheduleModel, import_cp_model
from .timetable import TaskGraph, Timetable, check_at_once, graph_at_once


def hints(fixed: Timetable, free: list[int]) -> list[Timetable]:
    """Ways to place what is left of a run: HEFT of all jobs at once, and of one after the other, the shortest first."""
    graph = fixed.graph
    by_rank = graph.by_rank(free)
    rank = {int(graph.job[task]): graph.system.rank[graph.node[task]] for task in reversed(by_rank)}
    found = []
    for order in (by_rank, sorted(by_rank, key=lambda task: (rank[int(graph.job[task])], graph.job[task]))):
        timetable = fixed.copy()
        for task in order:
            timetable.place_earliest(task)
        found.append(timetable)
    return found


def best_of(timetables: list[Timetable], jobs: list[int]) -> Timetable:
    """The one with the smallest sum of the ends of some jobs."""
    return min(timetables, key=lambda timetable: sum(timetable.job_ends(jobs)))


class CpSat(Solver[SocInstance, SocSolution]):
    """The mean latency of jobs that are all there at time 0, from HEFT's timetable.

    Its bound on the mean latency is proved. Where the objective is energy it minimises the latency all the same, and
    proves nothing.

    Args:
        config: Frequencies and the objective.
        workers: Threads.

    Raises:
        InputError: OR-Tools is not installed.
    """

    stochastic = True

    def __init__(self, config: SocConfig, workers: int) -> None:
        self._cp_model = import_cp_model("cp-sat")
        self.config, self.workers = config, workers

    def check_instances(self, instances: Sequence[SocInstance]) -> None:
        """Refuse streams."""
        for instance in instances:
            check_at_once("cp-sat", instance)

    def solve(self, instance: SocInstance, *, time_limit: float, seed: int) -> SolverResult[SocSolution]:
        """The best timetable within ``time_limit`` seconds of wall time.

        Raises:
            InputError: The run is a stream.
        """
        began = time.perf_counter()
        graph = graph_at_once("cp-sat", instance, self.config)
        jobs = list(range(graph.num_jobs))
        empty, free = Timetable(graph), [task for job in jobs for task in graph.tasks_of(job)]
        model = ScheduleModel(self._cp_model, empty, free, best_of(hints(empty, free), jobs))
        planned = model.solve(time_limit - (time.perf_counter() - began), self.workers, seed)
        if self.config.objective != "mean-latency":
            return SolverResult(planned.timetable.solution())
        bound = planned.bound / graph.num_jobs
        return SolverResult(planned.timetable.solution(), bound=bound, proved=planned.total <= planned.bound)


class RollingCpSat(Policy[SocInstance, SocSolution]):
    """Plans all jobs in the system anew whenever one has arrived, and follows the plan in between.

    What runs or is bound is kept as it is, expected times are taken for certain, and the sum of the ends of the jobs is
    minimised. A task is bound when it is the next of the plan on its PE and that PE is idle; where nothing is lost by
    it, not before the last event at which that is possible, so that the next plan is free to change it.

    Args:
        config: Frequencies.
        workers: Threads.
        seconds: Wall time for one plan; a search that is done earlier ends earlier.

    Raises:
        InputError: OR-Tools is not installed.
    """

    stochastic = True

    def __init__(self, config: SocConfig, workers: int, seconds: float = 1.0) -> None:
        self._cp_model = import_cp_model("rolling-cp-sat")
        self.config, self.workers, self.seconds = config, workers, seconds
        self._seed = 0
        self._rows: list[_Plan | None] = []

    def configuration(self, config: SocConfig) -> SocConfig:
        """A plan says both which task and which PE, and when to wait."""
        return replace(config, action="pair", offer="every", defer=True, ready_limit=READY_LIMIT, look_ahead=False)

    def begin(self, simulator: Any, seed: int) -> None:
        """Forget all plans."""
        assert isinstance(simulator, SocSimulator)
        self._seed = seed
        self._rows = [
            None if instance is None else _Plan(TaskGraph.of(instance, simulator.config), len(instance.noise) == 0)
            for instance in simulator.instances
        ]

    def act(self, simulator: Any) -> NDArray[np.int64]:
        """What the plan does next in every row."""
        assert isinstance(simulator, SocSimulator)
        action = np.zeros(simulator.batch_size, np.int64)
        for row, plan in enumerate(self._rows):
            if plan is None or simulator.done[row]:
                continue
            if plan.injected != simulator.state.row[row, s.INJECTED]:
                self._renew(simulator, row, plan)
            action[row] = plan.next_action(simulator, row)
        return action

    def _renew(self, simulator: SocSimulator, row: int, plan: _Plan) -> None:
        fixed, free = plan.situation(simulator.state, row)
        plan.injected = int(simulator.state.row[row, s.INJECTED])
        if not free:
            return
        began = time.perf_counter()
        hint = plan.hint(fixed, free)
        model = ScheduleModel(self._cp_model, fixed, free, hint)
        planned = model.solve(self.seconds - (time.perf_counter() - began), self.workers, self._seed)
        plan.follow(planned.timetable, free)


class _Plan:
    """The plan of one row.

    Args:
        graph: All tasks of its run.
        certain: Whether tasks take their expected times.

    Attributes:
        injected: Jobs that had been injected when it was made.
    """

    def __init__(self, graph: TaskGraph, certain: bool) -> None:
        self.graph, self.injected = graph, 0
        self._waits = certain and not graph.from_binding
        self._timetable = Timetable(graph)
        self._queue: list[list[int]] = []

    def situation(self, state: s.State, row: int) -> tuple[Timetable, list[int]]:
        """What has happened and is decided, as far as it is known, and the tasks that are left to plan."""
        now, graph = int(state.row[row, s.NOW]), self.graph
        fixed, free = Timetable(graph, now), []
        for job in state.present[row, : state.row[row, s.PRESENT]].tolist():
            for task in graph.tasks_of(job):
                if state.task[row, task, s.BOUND_TO] == s.NOBODY:
                    free.append(task)
                elif state.task[row, task, s.STARTED] != s.NOBODY:
                    pe, start, end = state.task[row, task, [s.BOUND_TO, s.STARTED, s.ENDED]].tolist()
                    if state.pe[row, pe, s.RUNNING] == task:
                        end = max(now, int(state.pe[row, pe, s.EXPECTED]))
                    fixed.place(task, pe, start, end)
        for pe in range(len(fixed.busy)):
            idle_from = max([now, *(end for _, end in fixed.busy[pe])])
            task = int(state.pe[row, pe, s.HEAD])
            while task != s.NOBODY:
                start = max(idle_from, int(state.task[row, task, s.STAMP]))
                fixed.place(task, pe, start)
                idle_from, task = int(fixed.end[task]), int(state.task[row, task, s.NEXT])
        return fixed, free

    def hint(self, fixed: Timetable, free: list[int]) -> Timetable:
        """All tasks placed by HEFT, or by the last plan and HEFT for what is new, whichever is better."""
        graph, last, kept = self.graph, self._timetable, fixed.copy()
        for task in last.in_order([task for task in free if last.pe[task] != s.NOBODY]):
            pe = int(last.pe[task])
            kept.place(task, pe, int(kept.earliest(task)[0][pe]))
        for task in graph.by_rank([task for task in free if last.pe[task] == s.NOBODY]):
            kept.place_earliest(task)
        return best_of([kept, *hints(fixed, free)], sorted({int(graph.job[task]) for task in free}))

    def follow(self, timetable: Timetable, free: list[int]) -> None:
        """Take over a timetable's places, and its order on each PE."""
        self._timetable, self._queue = timetable, [[] for _ in timetable.busy]
        for task in timetable.in_order(free):
            self._queue[timetable.pe[task]].append(task)

    def next_action(self, simulator: SocSimulator, row: int) -> int:
        """Bind the next ready task of a PE that can take it, or defer."""
        state, pes = simulator.state, int(simulator.world.execution.shape[2])
        last = int(simulator.action_mask.shape[1]) - 1
        count = min(int(state.row[row, s.READY]), simulator.config.ready_limit)
        place_of = {int(task): place for place, task in enumerate(state.ready[row, :count])}
        wait_until = self._next_completion(simulator, row)
        for pe, queue in enumerate(self._queue):
            while queue and state.task[row, queue[0], s.BOUND_TO] != s.NOBODY:
                queue.pop(0)
            if queue and queue[0] in place_of:
                data = int(state.data[row, place_of[queue[0]], pe])
                if data < wait_until and self._takes(state, row, pe, queue[0], data):
                    return place_of[queue[0]] * pes + pe
        if simulator.action_mask[row, last]:
            return last
        task = min(place_of, key=lambda task: (self._timetable.start[task], place_of[task]))
        return place_of[task] * pes + int(self._timetable.pe[task])

    def _takes(self, state: s.State, row: int, pe: int, task: int, data: int) -> bool:
        """Whether a PE can be given a task whose data will be there at a time.

        It runs nothing, and waits for the data of nothing that the plan has before the task. If data travels from the
        binding on, it is enough that the task will not overtake anything.
        """
        late, start = self.graph.from_binding, self._timetable.start
        idle = bool(state.pe[row, pe, s.RUNNING] == s.NOBODY)
        waiting = int(state.pe[row, pe, s.HEAD])
        while waiting != s.NOBODY:
            overtaken = not late or state.task[row, waiting, s.STAMP] > data
            if overtaken and start[waiting] <= start[task]:
                return False
            waiting = int(state.task[row, waiting, s.NEXT])
        return idle or late

    def _next_completion(self, simulator: SocSimulator, row: int) -> int:
        """When something will be decided again for certain; ``NEVER`` where a binding should not wait for it.

        Waiting costs nothing where data travels anyway, and times are known.
        """
        if not self._waits:
            return s.NEVER
        state = simulator.state
        running = state.pe[row, :, s.RUNNING] != s.NOBODY
        return int(state.pe[row, running, s.FREE_AT].min(initial=s.NEVER))
