"""Independent check of a job-shop schedule. Shares no code with the simulator, on purpose."""

from __future__ import annotations

from ..core.problem import CheckReport
from .instance import JobShopInstance
from .solution import JobShopSolution

MAX_VIOLATIONS = 100


def check_schedule(instance: JobShopInstance, solution: JobShopSolution, objective: str = "makespan") -> CheckReport:
    """Verify a schedule and recompute its objective in plain Python integers.

    An operation of duration zero may stand at the border of another on its machine, not inside it.

    Args:
        instance: The shop.
        solution: Start times.
        objective: One of :data:`~schedlab.envs.job_shop.OBJECTIVES`.

    Returns:
        The verdict; infeasible also when an operation has no start time. Measures, where the objective has due
        dates: ``tardy_share`` of the jobs, and ``max_tardiness``, unweighted.
    """
    starts = [int(value) for value in solution.start]
    jobs = instance.jobs()
    if len(starts) != sum(map(len, jobs)):
        return CheckReport(False, float("nan"), (f"{len(starts)} start times for {sum(map(len, jobs))} operations",))
    found: list[str] = []
    busy: dict[int, list[tuple[int, int, str]]] = {}
    completions = []
    operation = 0
    for j, routing in enumerate(jobs):
        ready, why = int(instance.release[j]), "its release"
        for k, (machine, duration) in enumerate(routing):
            start = starts[operation]
            operation += 1
            label = f"job {j}, operation {k}"
            if start < 0:
                found.append(f"{label} has no start time")
                continue
            if start < ready:
                found.append(f"{label} starts at {start}, before {why} at {ready}")
            busy.setdefault(machine, []).append((start, start + duration, label))
            ready, why = start + duration, f"the end of operation {k}"
        completions.append(ready)
    for machine, intervals in busy.items():
        intervals.sort()
        for (_, end, first), (start, _, second) in zip(intervals, intervals[1:], strict=False):
            if start < end:
                found.append(f"machine {machine}: {second} starts at {start}, before the end of {first} at {end}")
    if found:
        return CheckReport(False, float("nan"), tuple(found[:MAX_VIOLATIONS]))
    return _feasible_report(instance, completions, objective)


def _feasible_report(instance: JobShopInstance, completions: list[int], objective: str) -> CheckReport:
    if objective == "makespan":
        return CheckReport(True, float(max(completions)))
    if objective == "total-flow-time":
        return CheckReport(True, float(sum(c - int(r) for c, r in zip(completions, instance.release, strict=True))))
    if instance.due is None:
        raise ValueError(f"{instance.name} has no due dates, which {objective} needs")
    weights = [int(w) for w in instance.weight] if objective == "total-weighted-tardiness" else [1] * len(completions)
    late = [max(0, c - int(d)) for c, d in zip(completions, instance.due, strict=True)]
    return CheckReport(
        True,
        float(sum(w * t for w, t in zip(weights, late, strict=True))),
        measures={"tardy_share": sum(t > 0 for t in late) / len(late), "max_tardiness": float(max(late))},
    )
