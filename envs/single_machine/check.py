"""Independent check of a single-machine sequence. Shares no code with the simulator, on purpose."""

from __future__ import annotations

from ..core.problem import CheckReport
from .instance import SingleMachineInstance
from .solution import SingleMachineSolution

MAX_VIOLATIONS = 100


def tardiness_of_jobs(instance: SingleMachineInstance, solution: SingleMachineSolution) -> list[int]:
    """max(0, C_j - d_j) of every job of a complete sequence, by job, in plain integers."""
    late, time = [0] * instance.num_jobs, 0
    for job in (int(value) for value in solution.sequence):
        time += int(instance.processing[job])
        late[job] = max(0, time - int(instance.due[job]))
    return late


def check_sequence(
    instance: SingleMachineInstance, solution: SingleMachineSolution, objective: str = "total-tardiness"
) -> CheckReport:
    """Verify that every job runs exactly once and recompute the objective.

    Args:
        instance: The jobs.
        solution: Their order.
        objective: One of :data:`~schedlab.envs.single_machine.OBJECTIVES`.
    """
    found, seen = [], set()
    for place, job in enumerate(int(value) for value in solution.sequence):
        if not 0 <= job < instance.num_jobs:
            found.append(f"place {place}: there is no job {job} (jobs are 0..{instance.num_jobs - 1})")
        elif job in seen:
            found.append(f"place {place}: job {job} runs a second time")
        seen.add(job)
    found += [f"job {job} does not run" for job in range(instance.num_jobs) if job not in seen]
    if found:
        return CheckReport(False, float("nan"), tuple(found[:MAX_VIOLATIONS]))
    late = tardiness_of_jobs(instance, solution)
    weights = [int(w) for w in instance.weight] if objective == "total-weighted-tardiness" else [1] * len(late)
    measures = {"tardy_share": sum(t > 0 for t in late) / len(late), "max_tardiness": float(max(late))}
    return CheckReport(True, float(sum(w * t for w, t in zip(weights, late, strict=True))), measures=measures)
