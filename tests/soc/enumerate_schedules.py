"""The best schedule of a few tasks by trying every assignment to PEs and every order, without the simulator's code."""

import itertools
import math


def best_mean_latency(instance):
    """Least mean latency of jobs that are all there at time 0, with delays rounded down.

    Tasks are placed one after another, in any order that keeps producers first: at the end of what their PE has, or
    when their data is there. That gives all schedules in which no task could start earlier with the order on its PE.
    """
    platform = instance.platform
    kinds = [k for k, kind in enumerate(platform.kinds) for _ in range(kind.count)]
    tasks, producers = [], {}
    for j, number in enumerate(instance.job_application):
        application = instance.applications[number]
        tasks += [(j, task) for task in range(application.num_tasks)]
        for (source, target), volume in zip(application.edges.tolist(), application.volume, strict=True):
            producers.setdefault((j, target), []).append(((j, source), volume))

    def time(task, pe):
        task_type = instance.applications[instance.job_application[task[0]]].types[task[1]]
        return platform.kinds[kinds[pe]].execution.get(task_type)

    choices = [[pe for pe in range(len(kinds)) if time(task, pe) is not None] for task in tasks]
    orders = [
        order
        for order in itertools.permutations(tasks)
        if all(order.index(p) < order.index(t) for t in order for p, _ in producers.get(t, []))
    ]
    best = math.inf
    for assignment in itertools.product(*choices):
        where = dict(zip(tasks, assignment, strict=True))
        for order in orders:
            free, end = [0] * len(kinds), {}
            for task in order:
                pe = where[task]
                start = free[pe]
                for producer, volume in producers.get(task, []):
                    other = where[producer]
                    width = platform.same_pe if other == pe else platform.bandwidth[kinds[other], kinds[pe]]
                    start = max(start, end[producer] + math.floor(volume / width))
                end[task] = free[pe] = start + time(task, pe)
            jobs = [max(end[task] for task in tasks if task[0] == j) for j in range(instance.num_jobs)]
            best = min(best, sum(jobs) / len(jobs))
    return best
