"""Independent check of a run on a chip. Shares no code with the simulator, on purpose."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ..core.problem import CheckReport
from .application import Application
from .config import SocConfig
from .instance import SocInstance
from .platform import UNSUPPORTED, Platform
from .solution import NEVER_RAN, SocSolution

MAX_VIOLATIONS = 100
NEVER = 2**62

ROUND: dict[str, Callable[[Fraction], int]] = {"floor": math.floor, "nearest": round, "ceil": math.ceil}


def check_run(instance: SocInstance, solution: SocSolution, config: SocConfig) -> CheckReport:
    """Verify a run and recompute its objective and what else people read.

    A run is right if

    - every task runs on a PE that supports it, for its actual time, and a PE runs one task at a time;
    - a task starts when its job has arrived, all its producers have ended and their data is there. Where data travels
      from the binding, which a solution does not tell, this is necessary but not all;
    - jobs arrive when the gaps and the completions before them say (see :class:`SocInstance`). A job that finds the
      system full and stalls enters at the moment at which one leaves. One that is tried again finds those gone that
      left before; where completions come first, also those that leave at that moment, unless a task without duration
      starts just then;
    - nothing begins after the end of a run of given length, and without one all jobs are finished.

    The measures are ``completed`` (jobs that count), ``p95_latency`` and ``energy_per_job`` (microjoules) of these, and
    ``utilisation_share``, over all PEs and the whole run.

    Args:
        instance: Platform, applications, arrivals, noise, and how the system behaves.
        solution: Where and when tasks ran.
        config: Frequencies and the objective.
    """
    found = _misshapen(instance, solution)
    if not found:
        run = _Run.of(instance, config)
        found = run.misplaced(solution)
        if not found:
            end = run.ends(solution)
            found = [
                *run.wrong_ends(solution, end),
                *run.wrong_starts(solution, end),
                *run.overlaps(solution, end),
                *run.early_data(solution, end),
                *run.wrong_arrivals(solution, end),
            ]
        if not found:
            return _report(run, solution, end, config)
    return CheckReport(False, math.nan, tuple(found[:MAX_VIOLATIONS]))


def latencies(instance: SocInstance, solution: SocSolution, config: SocConfig) -> NDArray[np.float64]:
    """Latency of every job that counts, in the order of arrival; of a feasible solution."""
    run = _Run.of(instance, config)
    return _counted(run, solution, run.ends(solution))


def _misshapen(instance: SocInstance, solution: SocSolution) -> list[str]:
    """What makes the arrays unreadable."""
    lengths = {"arrival": instance.num_jobs, **dict.fromkeys(("pe", "start", "end"), instance.num_tasks)}
    found = []
    for name, length in lengths.items():
        values = getattr(solution, name)
        if values.shape != (length,):
            found.append(f"{name}: {len(values)} numbers for {length} {'jobs' if name == 'arrival' else 'tasks'}")
        elif np.any(values < NEVER_RAN):
            found.append(f"{name}: number {int(np.argmax(values < NEVER_RAN))} is below {NEVER_RAN}")
    return found


@dataclass(frozen=True)
class _Run:
    """An instance in microseconds, task by task.

    Attributes:
        instance: The instance.
        first: First task of each job, int64 ``[J + 1]``.
        job: Job of each task, int64 ``[T]``.
        times: Expected execution time of each task on each kind of PEs, int64 ``[T, K]``.
        kind: Kind of each PE, int64 ``[P]``.
        names: Name of each PE.
    """

    instance: SocInstance
    first: NDArray[np.int64]
    job: NDArray[np.int64]
    times: NDArray[np.int64]
    kind: NDArray[np.int64]
    names: list[str]

    @classmethod
    def of(cls, instance: SocInstance, config: SocConfig) -> _Run:
        """Recompute all times from the tables of platform and applications."""
        platform, first = instance.platform, instance.first_task
        job = np.repeat(np.arange(instance.num_jobs), np.diff(first))
        shortest = instance.physics.shortest_task
        tables = [_execution(platform, application, config.dvfs, shortest) for application in instance.applications]
        begin = np.concatenate(([0], np.cumsum([len(table) for table in tables])))
        node = begin[instance.job_application[job]] + np.arange(len(job)) - first[job]
        return cls(instance, first, job, np.concatenate(tables)[node], platform.kind_of, platform.pe_names)

    def ends(self, solution: SocSolution) -> NDArray[np.int64]:
        """When each task that started ends, be it after the run, int64 ``[T]``; the others keep ``NEVER_RAN``."""
        started = np.flatnonzero(solution.start >= 0)
        time = self.times[started, self.kind[solution.pe[started]]]
        if len(self.instance.noise):
            factor = 1.0 + self.instance.deviation * self.instance.noise[started]
            time = np.where(time == 0, 0, np.maximum(np.rint(time * factor).astype(np.int64), 1))
        end = np.full(len(solution.start), NEVER_RAN, np.int64)
        end[started] = solution.start[started] + time
        return end

    def finished(self, end: NDArray[np.int64]) -> NDArray[np.int64]:
        """When each job was finished, int64 ``[J]``; ``NEVER`` if the run ended before."""
        last = self.instance.length or NEVER - 1
        time: NDArray[np.int64] = np.maximum.reduceat(
            np.where((end == NEVER_RAN) | (end > last), NEVER, end), self.first[:-1]
        )
        return time

    def task(self, task: int, solution: SocSolution) -> str:
        """How a task is called in a sentence."""
        j = int(self.job[task])
        name = self.application(j).tasks[task - int(self.first[j])]
        pe = int(solution.pe[task])
        where = f" on {self.names[pe]}" if 0 <= pe < len(self.names) else ""
        when = f" at {solution.start[task]}" if solution.start[task] >= 0 else ""
        return f"job {j}, task {name!r}{where}{when}"

    def application(self, job: int) -> Application:
        """The task graph of a job."""
        return self.instance.applications[int(self.instance.job_application[job])]

    def say(self, bad: NDArray[np.bool_], solution: SocSolution, what: str) -> list[str]:
        """A sentence for each task that is marked."""
        return [f"{self.task(int(task), solution)}: {what}" for task in np.flatnonzero(bad)[:MAX_VIOLATIONS]]

    def misplaced(self, solution: SocSolution) -> list[str]:
        """Tasks on PEs that do not exist or do not support them."""
        started, pe = solution.start >= 0, solution.pe
        inside = (pe >= 0) & (pe < len(self.kind))
        unsupported = self.times[np.arange(len(pe)), self.kind[np.where(inside, pe, 0)]] == UNSUPPORTED
        return [
            *(
                f"{self.task(int(task), solution)}: is on PE {pe[task]}, but they are numbered 0..{len(self.kind) - 1}"
                for task in np.flatnonzero(started & ~inside)[:MAX_VIOLATIONS]
            ),
            *self.say(started & inside & unsupported, solution, "the PE does not support it"),
            *self.say(~started & (pe != NEVER_RAN), solution, "has a PE but never starts"),
            *self.say(~started & (solution.end != NEVER_RAN), solution, "ends but never starts"),
        ]

    def wrong_ends(self, solution: SocSolution, end: NDArray[np.int64]) -> list[str]:
        """Tasks that take more or less than their time, and unfinished ones in a run without a given length."""
        started, length = solution.start >= 0, self.instance.length
        running = started & (end > length) & (length > 0)
        wrong = started & ~running & (solution.end != end)
        found = [
            f"{self.task(int(task), solution)}: ends at {end[task]}, not at {solution.end[task]}"
            for task in np.flatnonzero(wrong)[:MAX_VIOLATIONS]
        ]
        found += self.say(
            running & (solution.end != NEVER_RAN), solution, f"has not ended when the run does, at {length}"
        )
        if not length:
            found += self.say(~started, solution, "never starts, and the run ends with the last job")
        return found

    def wrong_starts(self, solution: SocSolution, end: NDArray[np.int64]) -> list[str]:
        """Tasks that start before their job is there, or after the run."""
        started, length = solution.start >= 0, self.instance.length
        arrival = solution.arrival[self.job]
        found = self.say(started & (arrival == NEVER_RAN), solution, "starts, but its job never arrives")
        found += self.say(started & (solution.start < arrival), solution, "starts before its job arrives")
        if length:
            found += self.say(
                started & (solution.start > length), solution, f"starts after the run, which ends at {length}"
            )
        return found

    def overlaps(self, solution: SocSolution, end: NDArray[np.int64]) -> list[str]:
        """Tasks that start while their PE runs another."""
        started = np.flatnonzero(solution.start >= 0)
        order = started[np.lexsort((end[started], solution.start[started], solution.pe[started]))]
        before, after = order[:-1], order[1:]
        bad = (solution.pe[before] == solution.pe[after]) & (solution.start[after] < end[before])
        pairs = zip(after[bad][:MAX_VIOLATIONS].tolist(), before[bad][:MAX_VIOLATIONS].tolist(), strict=True)
        return [
            f"{self.task(task, solution)}: the PE is busy until {end[other]} with {self.task(other, solution)}"
            for task, other in pairs
        ]

    def early_data(self, solution: SocSolution, end: NDArray[np.int64]) -> list[str]:
        """Tasks that start before a producer has ended or its data is there."""
        found: list[str] = []
        platform = self.instance.platform
        for number, application in enumerate(self.instance.applications):
            jobs = np.flatnonzero(self.instance.job_application == number)
            tasks = self.first[jobs][:, None, None] + application.edges[None]
            edge = np.tile(np.arange(len(application.edges)), len(jobs))
            producer, consumer = tasks.reshape(-1, 2).T
            runs = solution.start[consumer] >= 0
            edge, producer, consumer = edge[runs], producer[runs], consumer[runs]
            missing = solution.start[producer] < 0
            one, two = solution.pe[producer], solution.pe[consumer]
            width = np.where(one == two, platform.same_pe, platform.bandwidth[self.kind[one], self.kind[two]])
            data = end[producer] + _delays(application.volume[edge], width, self.instance.physics.rounding)
            for place in np.flatnonzero(missing | (solution.start[consumer] < data))[:MAX_VIOLATIONS]:
                source = self.task(int(producer[place]), solution)
                what = f"its data from {source} is there at {data[place]}"
                if missing[place]:
                    what = f"starts although {source} does not"
                elif solution.start[consumer[place]] < end[producer[place]]:
                    what = f"starts although {source} ends at {end[producer[place]]}"
                found.append(f"{self.task(int(consumer[place]), solution)}: {what}")
        return found

    def wrong_arrivals(self, solution: SocSolution, end: NDArray[np.int64]) -> list[str]:
        """The first job that does not arrive as the gaps and the completions say; those after it depend on it."""
        instance, finished = self.instance, self.finished(end)
        left = finished.copy()
        if instance.when_full == "retry":
            # when a try first sees that the job is gone: tries come before what starts at their moment
            last_start = np.maximum.reduceat(solution.start, self.first[:-1])
            left[(last_start == finished) | (not instance.physics.completions_first)] += 1
        gaps = _Gaps(instance.gap) if len(instance.gap) else None
        present: list[int] = []
        before = 0
        for j in range(instance.num_jobs):
            due = 0
            if j >= instance.prefilled:
                free = 0
                if instance.max_jobs and len(present) == instance.max_jobs:
                    free = heapq.heappop(present)
                assert gaps is not None  # SocInstance sees to it
                if free >= NEVER:
                    due = NEVER
                elif instance.when_full == "retry":
                    due = gaps.next_try(free)
                else:
                    due = max(before + int(instance.gap[j - instance.prefilled]), free)
            if instance.length and due > instance.length:
                due = NEVER
            there = int(solution.arrival[j])
            if there != (NEVER_RAN if due == NEVER else due):
                says = f"arrives at {there}" if there >= 0 else "never arrives"
                should = f"must at {due}" if due < NEVER else "may not before the run ends"
                return [f"job {j} ({self.application(j).name}): {says}, but {should}"]
            before = due
            heapq.heappush(present, int(left[j]))
        return []


class _Gaps:
    """The moments at which jobs are tried: gaps one after another, beginning again after the last."""

    def __init__(self, gap: NDArray[np.int64]) -> None:
        self._moments = np.cumsum(gap)
        self._next = 0

    def next_try(self, free: int) -> int:
        """The moment of the first try not yet used at or after ``free``; it is used now."""
        count, cycle = len(self._moments), int(self._moments[-1])
        whole = max(-(-free // cycle) - 1, 0)
        place = int(np.searchsorted(self._moments, free - whole * cycle))
        number = max(whole * count + place, self._next)
        self._next = number + 1
        return number // count * cycle + int(self._moments[number % count])


def _execution(platform: Platform, application: Application, dvfs: str, shortest: int) -> NDArray[np.int64]:
    """Time of each task on each kind, int64 ``[n, K]``: exact, rounded up, at least the shortest."""
    table = np.full((application.num_tasks, len(platform.kinds)), UNSUPPORTED, np.int64)
    for k, (kind, frequency) in enumerate(zip(platform.kinds, platform.frequencies(dvfs), strict=True)):
        slower = _decimal(kind.operating_points[-1][0]) / _decimal(frequency)
        for task, task_type in enumerate(application.types):
            if task_type in kind.execution:
                table[task, k] = max(math.ceil(kind.execution[task_type] * slower), shortest)
    return table


def _delays(volume: NDArray[np.float64], width: NDArray[np.float64], rounding: str) -> NDArray[np.int64]:
    """What volumes take over links of some bandwidths: exact, then rounded."""
    pairs, place = np.unique(np.stack((volume, width), axis=1), axis=0, return_inverse=True)
    whole = [
        0 if math.isinf(wide) else ROUND[rounding](_decimal(much) / _decimal(wide)) for much, wide in pairs.tolist()
    ]
    return np.array(whole, np.int64)[place.reshape(-1)]


def _decimal(number: float) -> Fraction:
    """The number that somebody wrote, not its nearest binary fraction."""
    return Fraction(repr(float(number)))


def _counted(run: _Run, solution: SocSolution, end: NDArray[np.int64]) -> NDArray[np.float64]:
    finished = run.finished(end)
    since = solution.arrival if run.instance.physics.warm_up_counts == "injected" else finished
    counts = (finished < NEVER) & ((since >= run.instance.warm_up) | (run.instance.length == 0))
    return (finished - solution.arrival)[counts].astype(np.float64)


def _report(run: _Run, solution: SocSolution, end: NDArray[np.int64], config: SocConfig) -> CheckReport:
    instance = run.instance
    until = instance.length or int(end.max(initial=0))
    latency = _counted(run, solution, end)
    count = len(latency)
    if count == 0:
        # as if one job had been there all the time
        latency = np.array([float(instance.length)])
    started = solution.start >= 0
    pe, start, stop = solution.pe[started], solution.start[started], np.minimum(end[started], until)
    warm = min(instance.warm_up, until)  # what is drawn before does not count
    energy = instance.platform.idle_power * (until - warm)
    for number, frequency in enumerate(instance.platform.frequencies(config.dvfs)):
        mine = run.kind[pe] == number
        watts = instance.platform.kinds[number].watts(frequency)
        energy += _integral(np.maximum(start[mine], warm), np.maximum(stop[mine], warm), watts)
    mean, per_job = float(latency.mean()), energy / len(latency)
    value = {"mean-latency": mean, "energy-per-job": per_job, "energy-delay": mean * per_job}[config.objective]
    busy = float((stop - start).sum())
    measures = {
        "completed": float(count),
        "p95_latency": float(np.percentile(latency, 95)),
        "energy_per_job": per_job,
        "utilisation_share": busy / (len(run.kind) * until) if until else 0.0,
    }
    return CheckReport(True, value, measures=measures)


def _integral(start: NDArray[np.int64], stop: NDArray[np.int64], watts: NDArray[np.float64]) -> float:
    """Microjoules of a kind's PEs: watts by how many are busy, over time."""
    moments, place = np.unique(np.concatenate((start, stop)), return_inverse=True)
    change = np.repeat([1, -1], len(start))
    busy = np.cumsum(np.bincount(place.reshape(-1), change, len(moments))).astype(np.int64)
    return float((watts[busy[:-1]] * np.diff(moments)).sum())
