"""Independent check of a blocking schedule. Shares no code with the simulator, on purpose."""

from __future__ import annotations

import math
from bisect import bisect_right

from ..core.problem import CheckReport
from ..job_shop.solution import JobShopSolution
from .instance import BlockingInstance
from .moves import same_moment_violation
from .terms import Breakdowns

MAX_VIOLATIONS = 100
WORD = 2**64


class Failures:
    """The failures of one machine, as far as somebody has asked for them, in plain Python integers.

    Args:
        terms: How machines fail.
        luck: Of the instance.
        machine: The machine.
    """

    def __init__(self, terms: Breakdowns, luck: int, machine: int) -> None:
        self.terms = terms
        self.key = _hash(luck + (machine + 1) * 0x9E3779B97F4A7C15)
        self.begin: list[int] = []
        self.end: list[int] = []

    def fraction(self, number: int) -> float:
        """Number ``number`` of the stream, in [0, 1)."""
        return (_hash(self.key + (number + 1) * 0x9E3779B97F4A7C15) >> 11) / 2**53

    def until(self, time: int) -> None:
        """Know every failure that begins by ``time``, and one more."""
        p = self.terms.probability
        while p > 0 and (not self.begin or self.begin[-1] <= time):
            k = len(self.begin)
            u = self.fraction(2 * k)
            if self.terms.law == "exponential":
                up = max(1, math.ceil(min(-math.log1p(-u) / p, 2.0**41)))
            else:
                up = 1 if p == 1 else 1 + math.floor(min(math.log1p(-u) / math.log1p(-p), 2.0**41))
            spread = self.terms.repair_max - self.terms.repair_min + 1
            begin = (self.end[-1] if self.end else 0) + min(up, 2**40)
            self.begin.append(begin)
            self.end.append(begin + self.terms.repair_min + math.floor(self.fraction(2 * k + 1) * spread))

    def down_at(self, time: int) -> tuple[int, int] | None:
        """The failure [begin, end) in which ``time`` lies."""
        self.until(time)
        k = bisect_right(self.begin, time) - 1
        return (self.begin[k], self.end[k]) if k >= 0 and time < self.end[k] else None

    def completion(self, start: int, duration: int) -> int:
        """When an operation is complete that begins at ``start``, at which the machine is up."""
        end = start + duration
        if self.terms.after_repair == "finish" or self.terms.probability == 0:
            return end
        self.until(start)
        k = bisect_right(self.begin, start)
        while True:
            self.until(end)
            if k >= len(self.begin) or self.begin[k] >= end:
                return end
            if self.terms.after_repair == "resume":
                end += self.end[k] - self.begin[k]
            else:
                end = self.end[k] + duration
            k += 1


def _hash(z: int) -> int:
    """The finaliser of splitmix64."""
    z %= WORD
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    return z ^ (z >> 31)


def failures_of(instance: BlockingInstance) -> list[Failures]:
    """The failures of every machine."""
    return [Failures(instance.terms.breakdowns, instance.luck, m) for m in range(instance.shop.num_machines)]


def completions(instance: BlockingInstance, solution: JobShopSolution) -> list[list[int]]:
    """When every operation of every job is complete; -1 where it has no start."""
    failures, starts = failures_of(instance), iter(solution.start.tolist())
    ends = []
    for routing in instance.shop.jobs():
        job = []
        for machine, duration in routing:
            start = next(starts)
            job.append(failures[machine].completion(start, duration) if start >= 0 else -1)
        ends.append(job)
    return ends


def check_schedule(instance: BlockingInstance, solution: JobShopSolution) -> CheckReport:
    """Verify a schedule and recompute its makespan in plain Python integers.

    A job holds a machine from the start of its operation there, included, until the start of its next one, excluded;
    the last until its operation is complete. An operation that passes in no time may stand at the border of another
    job's time on its machine, not inside it. Machines that are handed over at one moment must be so in some order; with
    swap also in a circle, at once.

    Args:
        instance: The shop.
        solution: Start times.

    Returns:
        The verdict; infeasible also when an operation has no start time. Measures: ``blocked_share`` of the time for
        which jobs hold machines they only wait on, and ``down_share`` of the time until the makespan, over machines.
    """
    shop, starts = instance.shop, [int(value) for value in solution.start]
    if len(starts) != shop.num_operations:
        return CheckReport(False, float("nan"), (f"{len(starts)} start times for {shop.num_operations} operations",))
    failures = failures_of(instance)
    found: list[str] = []
    held: dict[int, list[tuple[int, int, str]]] = {}
    moves: dict[int, list[tuple[int, int, int]]] = {}  # moment -> (job, operation, machine or -1 for the way out)
    makespan, working, holding = 0, 0, 0
    operation = 0
    for j, routing in enumerate(shop.jobs()):
        ready, why = int(shop.release[j]), "its release"
        own = starts[operation : operation + len(routing)]
        operation += len(routing)
        for k, ((machine, duration), start) in enumerate(zip(routing, own, strict=True)):
            label = f"job {j}, operation {k}"
            if start < 0:
                found.append(f"{label} has no start time")
                continue
            if start < ready:
                found.append(f"{label} starts at {start}, before {why} at {ready}")
            if down := failures[machine].down_at(start):
                found.append(f"{label} starts at {start}, while machine {machine} is down from {down[0]} to {down[1]}")
            ready, why = failures[machine].completion(start, duration), f"the end of operation {k}"
            leave = own[k + 1] if k + 1 < len(own) else ready
            held.setdefault(machine, []).append((start, leave, label))
            moves.setdefault(start, []).append((j, k, machine))
            working, holding = working + ready - start, holding + leave - start
        moves.setdefault(ready, []).append((j, len(routing), -1))
        makespan = max(makespan, ready)
    for machine, intervals in held.items():
        intervals.sort()
        for (_, leave, first), (start, _, second) in zip(intervals, intervals[1:], strict=False):
            if start < leave:
                found.append(f"machine {machine}: {second} starts at {start}, before {first} leaves it at {leave}")
    if not found and (circle := same_moment_violation(moves, instance.terms.swap)):
        found.append(circle)
    if found:
        return CheckReport(False, float("nan"), tuple(found[:MAX_VIOLATIONS]))
    down_time = sum(_down_before(machine, makespan) for machine in failures)
    return CheckReport(
        True,
        float(makespan),
        measures={
            "blocked_share": (holding - working) / max(holding, 1),
            "down_share": down_time / max(makespan * len(failures), 1),
        },
    )


def _down_before(failures: Failures, time: int) -> int:
    failures.until(time)
    return sum(min(end, time) - begin for begin, end in zip(failures.begin, failures.end, strict=True) if begin < time)
