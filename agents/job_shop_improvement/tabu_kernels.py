"""Compiled loops of the tabu search, on the table of one schedule; see ``envs/job_shop_improvement/disjunctive.py``."""

from __future__ import annotations

import numpy as np
from numba import njit

from ...envs.job_shop_improvement.disjunctive import (
    AFTER,
    JOB_AFTER,
    PLACE,
    makespan_of,
    move_after,
    write_sequence,
)
from ...envs.job_shop_improvement.memory import latest, remember
from ...envs.job_shop_improvement.neighbours import (
    ESTIMATE,
    U,
    V,
    critical_path,
    estimate_moves,
    list_moves,
    make_move,
)

ITERATION, BEST, SINCE, RANDOM, OPTIMAL, NUMBERS = range(6)
"""Of a search: moves so far, the best makespan of the run, the move that found it, the state of the random numbers, and
whether the schedule was proved optimal."""


@njit(cache=True, nogil=True, inline="always")
def draw(numbers):
    """A random number of 31 bits (xorshift64*, Vigna 2016)."""
    x = np.uint64(numbers[RANDOM])
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    numbers[RANDOM] = np.int64(x)
    return np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33))


@njit(cache=True, nogil=True)
def search(g, none, jobs, neighbourhood, low, high, patience, iterations, tabu, numbers, path, moves, first, best):
    """Tabu search from the table's schedule, on until ``patience`` moves in a row found nothing better.

    Args:
        g: The table.
        none: Its column for none.
        jobs: J.
        neighbourhood: ``N5`` or ``N6``.
        low: Shortest tenure of what is forbidden, in moves.
        high: Longest.
        patience: Moves without a better schedule after which to stop.
        iterations: Moves after which to come back in any case.
        tabu: Until which move an operation must not come before one of a job on its machine again, ``[N, J]``.
        numbers: See above; written.
        path: Room for a critical path.
        moves: Room for moves.
        first: Where each machine begins in ``best``.
        best: The best machine orders of the run; written.

    Returns:
        Whether the run is over.
    """
    makespan = makespan_of(g, jobs)
    stop = numbers[ITERATION] + iterations
    while numbers[ITERATION] < stop:
        length = critical_path(g, none, jobs, makespan, draw(numbers), path)
        count = list_moves(g, none, path, length, neighbourhood, moves)
        if count <= 0:
            numbers[OPTIMAL] = 1 if count == 0 else numbers[OPTIMAL]
            return True
        estimate_moves(g, none, moves, count)
        now = numbers[ITERATION]
        chosen, ties, least = -1, 1, 1 << 62
        for k in range(count):
            estimate = moves[k, ESTIMATE]
            if estimate > least or (estimate >= numbers[BEST] and latest(g, moves[k], tabu) > now):
                continue
            if estimate < least:
                chosen, ties, least = k, 1, estimate
            else:
                ties += 1
                if draw(numbers) % ties == 0:
                    chosen = k
        if chosen < 0:
            chosen = draw(numbers) % count
        move = moves[chosen]
        remember(g, move, tabu, now + low + draw(numbers) % (high - low + 1))
        make_move(g, none, move)
        numbers[ITERATION] += 1
        makespan = makespan_of(g, jobs)
        if makespan < numbers[BEST]:
            numbers[BEST], numbers[SINCE] = makespan, numbers[ITERATION]
            write_sequence(g, none, best, first)
        elif numbers[ITERATION] - numbers[SINCE] >= patience:
            return True
    return False


@njit(cache=True, nogil=True)
def distance(one, other, position, first):
    """Pairs of operations of a machine that two sets of machine orders order differently."""
    for m in range(len(first) - 1):
        for k in range(first[m], first[m + 1]):
            position[other[k]] = k
    apart = 0
    for m in range(len(first) - 1):
        for k in range(first[m], first[m + 1]):
            for n in range(k + 1, first[m + 1]):
                if position[one[k]] > position[one[n]]:
                    apart += 1
    return apart


@njit(cache=True, nogil=True)
def walk(g, none, guide, position, first, steps, numbers):
    """Walk from the table's schedule towards another by swapping neighbours that it orders differently.

    A swap that would make a cycle is not taken; as long as the schedules differ there is one that does not.

    Args:
        g: The table.
        none: Its column for none.
        guide: Machine orders to walk to.
        position: Room for a number for every operation.
        first: Where each machine begins in ``guide``.
        steps: How far.
        numbers: For random numbers.

    Returns:
        Steps taken.
    """
    total = len(guide)
    for k in range(total):
        position[guide[k]] = k
    taken, misses = 0, 0
    while taken < steps and misses < 30 * total:
        u = guide[draw(numbers) % total]
        v = g[AFTER, u]
        if v >= none or position[u] < position[v] or leads(g, none, u, v):
            misses += 1
            continue
        move_after(g, none, u, v)
        taken += 1
        misses = 0
    return taken


@njit(cache=True, nogil=True)
def leads(g, none, u, v):
    """Whether there is a way from ``u`` to ``v``, the next on its machine, beside the direct one."""
    own = g[JOB_AFTER, u]
    if own == v:
        return True
    if own >= none or g[PLACE, own] > g[PLACE, v]:  # cheap, and nearly always so
        return False
    stack, found = [own], False
    seen = {own}
    while len(stack) > 0 and not found:
        i = stack.pop()
        for j in (g[JOB_AFTER, i], g[AFTER, i]):
            if j == v:
                found = True
            elif j < none and g[PLACE, j] < g[PLACE, v] and j not in seen:
                seen.add(j)
                stack.append(j)
    return found


@njit(cache=True, nogil=True)
def shake(g, none, jobs, steps, numbers, path, moves):
    """Random moves of N5 on critical paths."""
    for _ in range(steps):
        length = critical_path(g, none, jobs, makespan_of(g, jobs), draw(numbers), path)
        count = list_moves(g, none, path, length, 0, moves)
        if count <= 0:
            return
        k = draw(numbers) % count
        move_after(g, none, moves[k, U], moves[k, V])
