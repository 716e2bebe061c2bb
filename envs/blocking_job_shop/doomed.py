"""Two or three jobs that cannot all leave a shop without exchanges, even if they were alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from . import state as s
from .walk import GONE, place


@njit(cache=True, nogil=True)
def doomed_pairs(count: int, jobs: Any, at: Any, fixed: Any, route: Any) -> Any:
    """Pairs of jobs that could not both leave even if they were alone, bool ``[I, I, K, K]`` by their positions."""
    longest = 0
    for i in range(count):
        longest = max(longest, fixed[jobs[i], s.LENGTH])
    doomed = np.zeros((count, count, longest, longest), np.bool_)
    for i in range(count):
        for k in range(i):
            if at[i] == GONE or at[k] == GONE:
                continue
            # whoever is on its last operation leaves, and the other is alone; so from the ends backwards
            for p in range(fixed[jobs[i], s.LENGTH] - 2, at[i] - 1, -1):
                for q in range(fixed[jobs[k], s.LENGTH] - 2, at[k] - 1, -1):
                    first, second = place(jobs[i], p, fixed, route), place(jobs[k], q, fixed, route)
                    lost = place(jobs[i], p + 1, fixed, route) == second or doomed[i, k, p + 1, q]
                    lost &= place(jobs[k], q + 1, fixed, route) == first or doomed[i, k, p, q + 1]
                    doomed[i, k, p, q] = doomed[k, i, q, p] = lost
    return doomed


@njit(cache=True, nogil=True)
def is_doomed(i: int, count: int, at: Any, doomed: Any) -> bool:
    """Whether a job and one of the others cannot both leave."""
    if at[i] == GONE:
        return False
    found = False
    for k in range(count):
        found |= k != i and at[k] != GONE and doomed[i, k, at[i], at[k]]
    return found


@njit(cache=True, nogil=True)
def doomed_triples(count: int, jobs: Any, at: Any, longest: int, doomed: Any, fixed: Any, route: Any) -> Any:
    """As :func:`doomed_pairs` of three jobs, bool ``[T, K, K, K]`` by triples i > k > m and positions from ``at``."""
    tripled = np.zeros((count * (count - 1) * (count - 2) // 6, longest, longest, longest), np.bool_)
    for i in range(2, count):
        for k in range(1, i):
            for m in range(k):
                if at[i] == GONE or at[k] == GONE or at[m] == GONE:
                    continue
                lost, pairs = tripled[_triple(i, k, m)], (doomed[k, m], doomed[i, m], doomed[i, k])
                _fill_triple(jobs[i], jobs[k], jobs[m], at[i], at[k], at[m], pairs, lost, fixed, route)
    return tripled


@njit(cache=True, nogil=True)
def _triple(i: int, k: int, m: int) -> int:
    """Number of a triple i > k > m."""
    return i * (i - 1) * (i - 2) // 6 + k * (k - 1) // 2 + m


@njit(cache=True, nogil=True)
def _fill_triple(
    i: int, k: int, m: int, from_i: int, from_k: int, from_m: int, pairs: Any, lost: Any, fixed: Any, route: Any
) -> None:
    end_i, end_k, end_m = (fixed[i, s.LENGTH] - 1, fixed[k, s.LENGTH] - 1, fixed[m, s.LENGTH] - 1)
    for p in range(end_i - 1, from_i - 1, -1):
        for q in range(end_k - 1, from_k - 1, -1):
            for r in range(end_m - 1, from_m - 1, -1):
                x, y, z = p - from_i, q - from_k, r - from_m
                one, two, three = place(i, p, fixed, route), place(k, q, fixed, route), place(m, r, fixed, route)
                there = place(i, p + 1, fixed, route)
                gone = pairs[0][q, r] if p + 1 == end_i else lost[x + 1, y, z]
                bad = there in (two, three) or gone
                if bad:
                    there = place(k, q + 1, fixed, route)
                    gone = pairs[1][p, r] if q + 1 == end_k else lost[x, y + 1, z]
                    bad = there in (one, three) or gone
                if bad:
                    there = place(m, r + 1, fixed, route)
                    gone = pairs[2][p, q] if r + 1 == end_m else lost[x, y, z + 1]
                    bad = there in (one, two) or gone
                lost[x, y, z] = bad


@njit(cache=True, nogil=True)
def is_doomed_with_two(i: int, count: int, at: Any, first: Any, tripled: Any) -> bool:
    """Whether a job and two of the others cannot all leave; ``first`` is where the tables begin."""
    if at[i] == GONE:
        return False
    for k in range(1, count):
        for m in range(k):
            if k == i or m == i or at[k] == GONE or at[m] == GONE:
                continue
            u, v, w = (i, k, m) if i > k else (k, max(i, m), min(i, m))
            if tripled[_triple(u, v, w), at[u] - first[u], at[v] - first[v], at[w] - first[w]]:
                return True
    return False
