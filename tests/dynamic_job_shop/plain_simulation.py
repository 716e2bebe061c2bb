"""A second, plain simulation of the dynamic job shop with an event list, to compare the compiled one with."""

import heapq

ARRIVAL, READY = 0, 1


def simulate(instance, choose):
    """Start times of every operation when ``choose(now, machine, jobs)`` picks from queues in order of arrival.

    Args:
        instance: A run without breakdowns.
        choose: Gets the time, the machine and the waiting jobs as (job, place of its operation, when it joined), and
            returns a position. Also asked about single jobs.
    """
    shop = instance.shop
    jobs = shop.jobs()
    first = shop.first_operation
    start = [-1] * shop.num_operations
    queues = [[] for _ in range(shop.num_machines)]
    busy_until = [0] * shop.num_machines
    in_process = [None] * shop.num_machines
    events = [(int(release), ARRIVAL, job) for job, release in enumerate(shop.release)]
    heapq.heapify(events)
    unfinished = set(range(instance.first_recorded, instance.last_recorded + 1))
    while unfinished:
        now = events[0][0]
        arrivals, ready = [], []
        while events and events[0][0] == now:
            _, kind, what = heapq.heappop(events)
            (arrivals if kind == ARRIVAL else ready).append(what)
        for machine in sorted(ready):
            job, place = in_process[machine]
            in_process[machine] = None
            if place + 1 == len(jobs[job]):
                unfinished.discard(job)
            else:
                queues[jobs[job][place + 1][0]].append((job, place + 1, now))
        for job in arrivals:
            queues[jobs[job][0][0]].append((job, 0, now))
        if not unfinished:
            break
        for machine, queue in enumerate(queues):
            if queue and in_process[machine] is None:
                job, place, _ = queue.pop(choose(now, machine, list(queue)))
                in_process[machine] = (job, place)
                busy_until[machine] = now + jobs[job][place][1]
                start[first[job] + place] = now
                heapq.heappush(events, (busy_until[machine], READY, machine))
    return start
