"""Every schedule that a builder can make of a tiny shop, by plain recursion: an oracle independent of the simulator."""

from schedlab.envs.job_shop import JobShopInstance

Schedule = tuple[tuple[int, ...], ...]


def legal_jobs(
    instance: JobShopInstance, builder: str, position, job_ready, machine_ready, share: float = 0.5
) -> list[int]:
    """The builder's definition, word by word."""
    jobs = instance.jobs()
    ahead = {
        j: (max(job_ready[j], machine_ready[jobs[j][position[j]][0]]), *jobs[j][position[j]])
        for j in range(len(jobs))
        if position[j] < len(jobs[j])
    }
    if builder == "append":
        return list(ahead)
    if builder == "nondelay":
        earliest = min(start for start, _, _ in ahead.values())
        return [j for j, (start, _, _) in ahead.items() if start == earliest]
    first = min(ahead, key=lambda j: (ahead[j][0] + ahead[j][2], j))
    finish, machine = ahead[first][0] + ahead[first][2], ahead[first][1]
    conflict = {j: start for j, (start, m, _) in ahead.items() if m == machine}
    if builder == "active" or share == 1:
        return [j for j, start in conflict.items() if start < finish or j == first]
    earliest = min(conflict.values())
    return [j for j, start in conflict.items() if start == earliest or start - earliest < share * (finish - earliest)]


def all_schedules(instance: JobShopInstance, builder: str) -> set[Schedule]:
    """Start times per job of every schedule the builder can make."""
    jobs = instance.jobs()
    found: set[Schedule] = set()

    def extend(starts, position, job_ready, machine_ready) -> None:
        if all(position[j] == len(jobs[j]) for j in range(len(jobs))):
            found.add(tuple(tuple(s) for s in starts))
            return
        for j in legal_jobs(instance, builder, position, job_ready, machine_ready):
            machine, duration = jobs[j][position[j]]
            start = max(job_ready[j], machine_ready[machine])
            extend(
                [[*s, start] if i == j else s for i, s in enumerate(starts)],
                [p + (i == j) for i, p in enumerate(position)],
                [start + duration if i == j else r for i, r in enumerate(job_ready)],
                [start + duration if m == machine else r for m, r in enumerate(machine_ready)],
            )

    extend([[] for _ in jobs], [0] * len(jobs), instance.release.tolist(), [0] * instance.num_machines)
    return found


def cost(instance: JobShopInstance, schedule: Schedule, objective: str) -> int:
    """The objective of a schedule."""
    ends = [starts[-1] + routing[-1][1] for starts, routing in zip(schedule, instance.jobs(), strict=True)]
    if objective == "makespan":
        return max(ends)
    if objective == "total-flow-time":
        return sum(end - int(r) for end, r in zip(ends, instance.release, strict=True))
    weights = instance.weight.tolist() if "weighted" in objective else [1] * len(ends)
    return sum(w * max(0, end - int(d)) for w, end, d in zip(weights, ends, instance.due, strict=True))
