"""Looking ahead: the most promising moves, each played out by greedy ones, on copies of the searches of a batch."""

from __future__ import annotations

from numba import njit

from .disjunctive import makespan_of
from .kernels import BEST, JOBS, MAKESPAN, MEAN_DURATION, OFFERED, STEPS, draw_of
from .memory import latest, remember
from .neighbours import (
    ESTIMATE,
    critical_path,
    estimate_moves,
    list_moves,
    make_move,
)


@njit(cache=True, nogil=True)
def play_out(rows, width, depth, neighbourhood, tenure, none, tables, memories, numbers, offers, legal, g, memory,
             moves, path, shortest):  # fmt: skip
    """What the most promising moves of each row lead to.

    Args:
        rows: The rows, int64 ``[R]``.
        width: Moves of a row that are played out, those of least estimate.
        depth: Greedy moves that follow.
        neighbourhood: ``N5`` or ``N6``.
        tenure: As in the environment.
        none: Column of the tables that stands for none.
        tables: Graphs of all rows; ``memories``, ``numbers``, ``offers`` and ``legal`` are the environment's, too.
        memories: What was taken back, and when.
        numbers: Of the rows.
        offers: Moves on offer.
        legal: Which of them are.
        g: Room for a table.
        memory: Room for what is remembered.
        moves: Room for moves.
        path: Room for a path.
        shortest: Where to write the shortest makespan on the way of each action, int64 ``[B, A]``; of those not played
            out -1.
    """
    for b in rows:
        row, count = numbers[b], numbers[b, OFFERED]
        shortest[b] = -1
        for _ in range(width):
            chosen, least = -1, 1 << 62
            for k in range(count):
                if legal[b, k + 1] and shortest[b, k + 1] < 0 and offers[b, k, ESTIMATE] < least:
                    chosen, least = k, offers[b, k, ESTIMATE]
            if chosen < 0:
                break
            g[:] = tables[b]
            memory[:] = memories[b]
            shortest[b, chosen + 1] = _way(
                offers[b, chosen], row, depth, neighbourhood, tenure, none, g, memory, moves, path
            )


@njit(cache=True, nogil=True)
def _way(first, row, depth, neighbourhood, tenure, none, g, memory, moves, path):
    """The shortest makespan after a move and greedy ones behind it."""
    step, jobs, best = row[STEPS], row[JOBS], row[BEST]
    shortest, move = 1 << 62, first
    for made in range(depth + 1):
        step += 1
        remember(g, move, memory, step + draw_of(-step) % (tenure // 2 + 1))
        make_move(g, none, move)
        makespan = makespan_of(g, jobs)
        shortest, best = min(shortest, makespan), min(best, makespan)
        if made == depth:
            break
        length = critical_path(g, none, jobs, makespan, draw_of(step), path)
        count = list_moves(g, none, path, length, neighbourhood, moves)
        if count <= 0:
            break
        estimate_moves(g, none, moves, count)
        chosen, least, any_move, least_of_any = -1, 1 << 62, 0, 1 << 62
        for k in range(count):
            estimate = moves[k, ESTIMATE]
            if estimate < least_of_any:  # where all moves are tabu, all are legal
                any_move, least_of_any = k, estimate
            if estimate < least and (estimate < best or latest(g, moves[k], memory) <= step - tenure):
                chosen, least = k, estimate
        move = moves[chosen if chosen >= 0 else any_move]
    return shortest


@njit(cache=True, nogil=True)
def show(rows, first, shortest, numbers, reals, features):
    """Write what was found into the features from column ``first`` on; see :mod:`.observe`."""
    for b in rows:
        per_unit = 1.0 / reals[b, MEAN_DURATION]
        features[b, :, first:] = 0
        for a in range(features.shape[1]):
            if shortest[b, a] >= 0:
                features[b, a, first] = min(max((numbers[b, MAKESPAN] - shortest[b, a]) * per_unit, -10.0), 10.0)
                features[b, a, first + 1] = min(max((numbers[b, BEST] - shortest[b, a]) * per_unit, -10.0), 10.0)
                features[b, a, first + 2] = 1.0
