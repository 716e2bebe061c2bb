"""Oracles in plain Python that share nothing with the simulator."""

from functools import cache
from itertools import permutations, product


def orders_of(operations):
    """Every order of a machine's operations (job, position) that keeps the positions of each job in order."""
    for order in permutations(operations):
        if all(a[0] != b[0] or a[1] < b[1] for i, a in enumerate(order) for b in order[i + 1 :]):
            yield order


def best_makespan(shop, swap):
    """The least makespan of a blocking schedule, over all orders of all machines: earliest starts by relaxation.

    Without swap a machine is taken over a moment later than it was left, which forbids circles. Durations must be
    positive where there is swap.
    """
    jobs, moment = shop.jobs(), 0 if swap else 1
    operations = [(j, k) for j, routing in enumerate(jobs) for k in range(len(routing))]
    on = {m: [(j, k) for j, k in operations if jobs[j][k][0] == m] for m in range(shop.num_machines)}
    unit = 10**4
    rounds, best = len(operations) + 1, None
    for orders in product(*(list(orders_of(on[m])) for m in on)):
        start = {(j, k): unit * int(shop.release[j]) for j, k in operations}
        for _ in range(rounds):
            changed = False
            for j, k in operations:
                if k and start[j, k] < start[j, k - 1] + unit * jobs[j][k - 1][1]:
                    start[j, k], changed = start[j, k - 1] + unit * jobs[j][k - 1][1], True
            for order in orders:
                for (j, k), after in zip(order, order[1:], strict=False):
                    if after == (j, k + 1):
                        continue  # it stays there
                    last = k + 1 == len(jobs[j])
                    leaves = start[j, k] + unit * jobs[j][k][1] if last else start[j, k + 1] + moment
                    if start[after] < leaves:
                        start[after], changed = leaves, True
            if not changed:
                break
        if not changed:
            end = max(start[j, len(r) - 1] // unit + r[-1][1] for j, r in enumerate(jobs))
            best = end if best is None else min(best, end)
    return best


def all_can_leave(routes, positions):
    """Whether jobs on the given positions of their routes (-1: outside) can all leave, one move at a time."""
    start = tuple(-2 if p < 0 else p for p in positions)

    @cache
    def can(state):
        if all(p == -2 for p in state):
            return True
        held = {routes[i][p] for i, p in enumerate(state) if p != -2}
        for i, p in enumerate(state):
            if p == -2:
                continue
            if p + 1 == len(routes[i]):
                after = -2
            elif routes[i][p + 1] in held - {routes[i][p]}:
                continue
            else:
                after = p + 1
            if can((*state[:i], after, *state[i + 1 :])):
                return True
        return False

    return can(start)
