"""A third simulation, with arrivals in real time and nothing shared with the package: mean tardiness of simple rules.

Run it with ``python tests/dynamic_job_shop/real_time_simulation.py`` (ten seconds): ten machines, every job on each in
random order, p U{1..49}, Poisson arrivals at 90 % load, due dates at 4 times the work, 1,000 jobs to warm up and 4,000
recorded, 20 seeds.
"""

import heapq
import random
import statistics

MACHINES, LOAD, FACTOR, WARM_UP, RECORDED, COOL_DOWN = 10, 0.9, 4, 1000, 4000, 1500


def mean_tardiness(seed, by_processing_time):
    """Mean tardiness and mean flow time of the recorded jobs, first in first out or shortest first."""
    rng = random.Random(seed)
    jobs, events, now = [], [], 0.0
    for number in range(WARM_UP + RECORDED + COOL_DOWN):
        now += rng.expovariate(LOAD / 25)
        routing = rng.sample(range(MACHINES), MACHINES)
        times = [rng.randint(1, 49) for _ in routing]
        jobs.append([routing, times, 0, now, now + FACTOR * sum(times)])
        events.append((now, number, "arrives", number))
    heapq.heapify(events)
    queues, busy, late, flow, count = [[] for _ in range(MACHINES)], [False] * MACHINES, [], [], len(jobs)
    while len(late) < RECORDED:
        now, _, what, number = heapq.heappop(events)
        routing, times, done, arrived, due = jobs[number]
        touched = []
        if what == "ends":
            busy[routing[done]] = False
            touched.append(routing[done])
            done = jobs[number][2] = done + 1
        if done < MACHINES:
            key = times[done] if by_processing_time else now
            heapq.heappush(queues[routing[done]], (key, number))
            touched.append(routing[done])
        elif WARM_UP <= number < WARM_UP + RECORDED:
            late.append(max(0.0, now - due))
            flow.append(now - arrived)
        for machine in touched:
            if queues[machine] and not busy[machine]:
                _, chosen = heapq.heappop(queues[machine])
                busy[machine], count = True, count + 1
                heapq.heappush(events, (now + jobs[chosen][1][jobs[chosen][2]], count, "ends", chosen))
    return statistics.mean(late), statistics.mean(flow)


if __name__ == "__main__":
    for name, by_processing_time in (("fifo", False), ("spt", True)):
        runs = [mean_tardiness(seed, by_processing_time) for seed in range(20)]
        for what, values in (
            ("mean tardiness", [run[0] for run in runs]),
            ("mean flow time", [run[1] for run in runs]),
        ):
            half = 1.96 * statistics.stdev(values) / len(values) ** 0.5
            print(f"{name}: {what} {statistics.mean(values):.0f} +- {half:.0f}, least {min(values):.0f}")
