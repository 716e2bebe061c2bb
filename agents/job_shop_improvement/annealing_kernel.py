"""The compiled loop of simulated annealing, on the table of one schedule."""

from __future__ import annotations

import numpy as np
from numba import njit

from ...envs.job_shop_improvement.disjunctive import makespan_of, write_sequence
from ...envs.job_shop_improvement.neighbours import (
    BEHIND,
    KIND,
    U,
    V,
    critical_path,
    estimate_ahead,
    estimate_behind,
    list_moves,
    make_move,
)
from .tabu_kernels import BEST, ITERATION, OPTIMAL, SINCE, draw


@njit(cache=True, nogil=True)
def anneal(g, none, jobs, neighbourhood, temperature, iterations, numbers, path, moves, first, best):
    """Try ``iterations`` random moves at one temperature, in units of time.

    A move is taken if its estimate is no longer than the schedule is, else with probability exp(-longer by /
    temperature). The other arguments are those of :func:`~.tabu_kernels.search`.
    """
    makespan, fresh, count = makespan_of(g, jobs), True, 0
    for _ in range(iterations):
        if fresh:
            length = critical_path(g, none, jobs, makespan, draw(numbers), path)
            count = list_moves(g, none, path, length, neighbourhood, moves)
            fresh = False
        if count <= 0:
            numbers[OPTIMAL] = 1 if count == 0 else numbers[OPTIMAL]
            return
        numbers[ITERATION] += 1
        move = moves[draw(numbers) % count]
        behind = move[KIND] == BEHIND
        estimate = estimate_behind(g, none, move[U], move[V]) if behind else estimate_ahead(g, none, move[U], move[V])
        if estimate > makespan:
            chance = np.exp((makespan - estimate) / temperature)
            if draw(numbers) >= chance * 2147483648.0:
                continue
        make_move(g, none, move)
        makespan, fresh = makespan_of(g, jobs), True
        if makespan < numbers[BEST]:
            numbers[BEST], numbers[SINCE] = makespan, numbers[ITERATION]
            write_sequence(g, none, best, first)
