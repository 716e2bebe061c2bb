"""Independent check of a run of a dynamic job shop. Shares no code with the simulator, on purpose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.problem import CheckReport
from .instance import NEVER, DynamicJobShopInstance
from .solution import DynamicJobShopSolution

MAX_VIOLATIONS = 100


def _up_time(down: NDArray[np.int64], time: NDArray[np.int64]) -> NDArray[np.int64]:
    """How long a machine was up in [0, time): its down intervals ``[K, 2]`` are taken out."""
    begins, lengths = down[:, 0], down[:, 1] - down[:, 0]
    before = np.searchsorted(begins, time, side="right")
    gone = np.concatenate(([0], np.cumsum(lengths)))[before]
    # the last one that began may not be over
    last = np.maximum(before - 1, 0)
    running = np.where(before > 0, np.maximum(down[last, 1] - time, 0), 0) if len(down) else np.zeros_like(time)
    up: NDArray[np.int64] = time - (gone - running)
    return up


def _time_at(down: NDArray[np.int64], up_time: NDArray[np.int64]) -> NDArray[np.int64]:
    """When a machine has been up for that long: the first such moment."""
    begins, lengths = down[:, 0], down[:, 1] - down[:, 0]
    taken = np.cumsum(lengths) - lengths
    # an interval delays what is not done when it begins
    passed = np.searchsorted(begins - taken, up_time, side="left")
    time: NDArray[np.int64] = up_time + np.concatenate(([0], np.cumsum(lengths)))[passed]
    return time


def completions(instance: DynamicJobShopInstance, start: NDArray[np.int64]) -> NDArray[np.int64]:
    """End of each operation, int64 ``[N]``: work rests while the machine is down. Unstarted ones keep -1."""
    end = np.full(len(start), -1, np.int64)
    for machine, down in enumerate(_down_intervals(instance)):
        mine = np.flatnonzero((instance.shop.machine == machine) & (start >= 0))
        end[mine] = _time_at(down, _up_time(down, start[mine]) + instance.shop.duration[mine])
    return end


def _down_intervals(instance: DynamicJobShopInstance) -> list[NDArray[np.int64]]:
    return [intervals[intervals[:, 0] < NEVER] for intervals in instance.down]


def tardiness_of_recorded(instance: DynamicJobShopInstance, solution: DynamicJobShopSolution) -> NDArray[np.int64]:
    """max(0, C_j - d_j) of the recorded jobs, in the order of their arrival."""
    last = instance.shop.first_operation[1:] - 1
    recorded = slice(instance.first_recorded, instance.last_recorded + 1)
    end = completions(instance, solution.start)[last][recorded]
    late: NDArray[np.int64] = np.maximum(end - instance.due[recorded], 0)
    return late


def check_run(
    instance: DynamicJobShopInstance, solution: DynamicJobShopSolution, objective: str = "mean-tardiness"
) -> CheckReport:
    """Verify a run and recompute its objective and what else people read.

    A run is right if operations are processed in the order of their job, after its release, one at a time on a machine
    that is up when they start; if all recorded jobs are finished; and if, until then, no machine that was up stood
    still while a job waited for it (else unrecorded jobs could be kept out).

    Args:
        instance: The run's jobs and breakdowns.
        solution: Start times.
        objective: One of :data:`~schedlab.envs.dynamic_job_shop.OBJECTIVES`.
    """
    shop, start = instance.shop, solution.start
    if len(start) != shop.num_operations:
        return CheckReport(False, float("nan"), (f"{len(start)} start times for {shop.num_operations} operations",))
    end = completions(instance, start)
    first = shop.first_operation[:-1]
    job = np.repeat(np.arange(shop.num_jobs), np.diff(shop.first_operation))
    # when each operation could be done at the earliest; after one that never ended, never
    ready = np.concatenate(([0], end[:-1]))
    ready[first] = shop.release
    unreachable = np.concatenate(([False], start[:-1] < 0))
    unreachable[first] = False
    recorded = (job >= instance.first_recorded) & (job <= instance.last_recorded)
    found: list[str] = []

    def report(bad: NDArray[np.bool_], what: str) -> None:
        for operation in np.flatnonzero(bad)[:MAX_VIOLATIONS]:
            place = operation - first[job[operation]]
            found.append(f"job {job[operation]}, operation {place} at {start[operation]}: {what}")

    report(recorded & (start < 0), "a recorded job is not finished")
    report((start >= 0) & unreachable, "starts although the operation before it does not")
    report((start >= 0) & ~unreachable & (start < ready), "starts before its job is there")
    over = int(end[recorded].max(initial=0))
    for machine, down in enumerate(_down_intervals(instance)):
        mine = np.flatnonzero(shop.machine == machine)
        begun = mine[start[mine] >= 0]
        if len(down):
            inside = np.searchsorted(down[:, 0], start[begun], side="right") - 1
            bad = (inside >= 0) & (start[begun] < down[np.maximum(inside, 0), 1])
            report(_mark(begun[bad], len(start)), "the machine is down")
        order = begun[np.lexsort((end[begun], start[begun]))]
        overlaps = order[1:][start[order[1:]] < end[order[:-1]]]
        report(_mark(overlaps, len(start)), f"machine {machine} is still busy")
        if len(overlaps) == 0:
            waiting = mine[~unreachable[mine]]
            report(_mark(_kept_waiting(waiting, order, start, end, ready, down, over), len(start)),
                   f"machine {machine} stands still while the job waits")  # fmt: skip
    if found:
        return CheckReport(False, float("nan"), tuple(found[:MAX_VIOLATIONS]))
    return _report(instance, solution, end, objective)


def _mark(operations: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    marked = np.zeros(count, np.bool_)
    marked[operations] = True
    return marked


def _kept_waiting(
    waiting: NDArray[np.int64],
    order: NDArray[np.int64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    ready: NDArray[np.int64],
    down: NDArray[np.int64],
    over: int,
) -> NDArray[np.int64]:
    """Operations for which their machine was up but idle between their arrival and their start, before ``over``."""
    # time up and idle until t = time up until t - time busy until t, with busy counted in time up
    work = _up_time(down, end[order]) - _up_time(down, start[order])
    done = np.concatenate(([0], np.cumsum(work)))

    def idle(time: NDArray[np.int64]) -> NDArray[np.int64]:
        up = _up_time(down, time)
        before = np.searchsorted(start[order], time, side="right")
        last = np.maximum(before - 1, 0)
        unfinished = np.maximum(_up_time(down, end[order][last]) - up, 0) if len(order) else 0
        result: NDArray[np.int64] = up - (done[before] - np.where(before > 0, unfinished, 0))
        return result

    until = np.minimum(np.where(start[waiting] >= 0, start[waiting], over), over)
    since = np.minimum(ready[waiting], until)
    return waiting[idle(until) > idle(since)]


def _report(
    instance: DynamicJobShopInstance, solution: DynamicJobShopSolution, end: NDArray[np.int64], objective: str
) -> CheckReport:
    late = tardiness_of_recorded(instance, solution)
    recorded = slice(instance.first_recorded, instance.last_recorded + 1)
    weight = instance.shop.weight[recorded] if "weighted" in objective else np.ones(len(late), np.int64)
    flow = end[instance.shop.first_operation[1:] - 1][recorded] - instance.shop.release[recorded]
    total = sum(int(w) * int(t) for w, t in zip(weight, late, strict=True))
    measures = {
        "tardy_share": float((late > 0).mean()),
        "max_tardiness": float(late.max()),
        "mean_flow_time": float(flow.mean()),
    }
    value = total / len(late) if objective.startswith("mean") else float(total)
    return CheckReport(True, value, measures=measures)
