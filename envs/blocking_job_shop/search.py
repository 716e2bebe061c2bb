"""The search for moves that take all jobs out of a shop without exchanges; see :mod:`.safety`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from . import state as s
from .doomed import doomed_pairs, doomed_triples, is_doomed, is_doomed_with_two
from .walk import GONE, is_stuck, let_finish, place

MOST_STATES = 2**20
FIRST_STATES = 256
MANY_STATES = 2048  # from which on three jobs are looked at together; one of the sizes that the tables grow to
MOST_CELLS = 2**26


@njit(cache=True, nogil=True)
def search(count: int, jobs: Any, at: Any, fixed: Any, route: Any, machines: int) -> Any:
    """Look at all states that can be reached, each once: in turns the most promising one and the latest.

    Promising is a state with few machines in the way of one job, then one with few jobs. Either order alone can go
    astray for long where the other soon finds a way out.

    Returns:
        Who moves, by place in ``jobs``, between the moves of those that can go to their end; nobody if there is no way.
    """
    table = np.empty((FIRST_STATES, count), np.int16)
    slots = np.full(4 * FIRST_STATES, -1, np.int64)
    notes = np.empty((FIRST_STATES, 4), np.int64)  # the score, the state before, who moved, whether it was looked at
    heap, stack = np.empty(FIRST_STATES, np.int64), np.empty(FIRST_STATES, np.int64)  # states to look at
    child, then = np.empty(count, np.int64), np.empty(machines, np.bool_)
    chosen, trial, nothing = np.empty(count, np.bool_), np.empty(count, np.bool_), np.empty(0, np.int64)
    doomed = doomed_pairs(count, jobs, at, fixed, route)
    for i in range(count):
        if is_doomed(i, count, at, doomed):
            return nothing
    longest = 0  # positions of a job from here on, at most
    for i in range(count):
        longest = max(longest, 0 if at[i] == GONE else fixed[jobs[i], s.LENGTH] - at[i])
    tables = count * (count - 1) * (count - 2) // 6
    tables = tables if tables * longest**3 <= MOST_CELLS else 0  # a help that a huge shop does without
    tripled, first = np.zeros((0, 0, 0, 0), np.bool_), at.copy()
    table[0, :] = at[:count]
    slots[_slot(table[0], table, slots)] = 0
    notes[0], heap[0], stack[0], waiting, piled, known = 0, 0, 0, 1, 1, 1
    latest = False
    while waiting > 0 and piled > 0:
        latest = not latest
        if latest:
            piled -= 1
            parent = stack[piled]
        else:
            parent = heap[0]
            waiting -= 1
            _sink(heap, heap[waiting], waiting, notes)
        if notes[parent, 3]:
            continue
        notes[parent, 3] = 1
        _stubborn_set(count, jobs, table[parent], machines, chosen, trial, fixed, route)
        for i in range(count):
            if not chosen[i]:
                continue
            then[:] = False
            for other in range(count):
                child[other] = table[parent, other]
                if child[other] != GONE:
                    then[place(jobs[other], child[other], fixed, route)] = True
            here, there = place(jobs[i], child[i], fixed, route), place(jobs[i], child[i] + 1, fixed, route)
            if then[there] and there != here:
                continue
            child[i] += 1
            then[here], then[there] = False, True
            staying, _ = let_finish(count, jobs, child, then, fixed, route, nothing, 0)
            if staying == 0:
                return _movers(parent, i, notes)
            if is_doomed(i, count, child, doomed) or is_stuck(count, jobs, child, then, fixed, route):
                continue
            if known > MANY_STATES and tables > 0 and is_doomed_with_two(i, count, child, first, tripled):
                continue
            if known == len(table):
                if known >= MOST_STATES:
                    raise RuntimeError("blocking shop without swap: too many states to tell whether one is safe")
                table, slots, notes, heap, stack = _grow(table, notes, heap, stack)
                if known == MANY_STATES and tables > 0:
                    tripled = doomed_triples(count, jobs, at, longest, doomed, fixed, route)
            table[known, :] = child
            where = _slot(table[known], table, slots)
            if slots[where] == -1:
                slots[where] = known
                in_the_way = _least_in_the_way(count, jobs, child, then, fixed, route)
                notes[known] = in_the_way * (count + 1) + staying, parent, i, 0
                _rise(heap, known, waiting, notes)
                stack[piled] = known
                waiting, piled, known = waiting + 1, piled + 1, known + 1
    return nothing


@njit(cache=True, nogil=True)
def _movers(parent: int, last: int, notes: Any) -> Any:
    """Who moved on the way to a state, and then ``last``."""
    moves, state = 1, parent
    while state != 0:
        moves, state = moves + 1, notes[state, 1]
    movers = np.empty(moves, np.int64)
    movers[moves - 1], state = last, parent
    for k in range(moves - 2, -1, -1):
        movers[k], state = notes[state, 2], notes[state, 1]
    return movers


@njit(cache=True, nogil=True)
def _stubborn_set(
    count: int, jobs: Any, at: Any, machines: int, chosen: Any, trial: Any, fixed: Any, route: Any
) -> None:
    """Mark in ``chosen`` the smallest of the sets that begin with a job whose next machine is free."""
    who, needs = np.full(machines, -1, np.int64), np.zeros((count, machines), np.bool_)
    todo = np.empty(count, np.int64)
    for i in range(count):
        if at[i] != GONE:
            who[place(jobs[i], at[i], fixed, route)] = i
            for position in range(at[i] + 1, fixed[jobs[i], s.LENGTH]):
                needs[i, place(jobs[i], position, fixed, route)] = True
    chosen[:] = False
    smallest = count + 1
    for first in range(count):
        if at[first] == GONE or who[place(jobs[first], at[first] + 1, fixed, route)] not in (-1, first):
            continue
        trial[:] = False
        trial[first], todo[0], left, size = True, first, 1, 1
        while left > 0 and size < smallest:
            left -= 1
            i = todo[left]
            there = place(jobs[i], at[i] + 1, fixed, route)
            for other in range(count):
                # a holder must move first; of a free machine all who need it may want to be first
                drawn = who[there] == other if who[there] != -1 else at[other] != GONE and needs[other, there]
                if drawn and not trial[other]:
                    trial[other], todo[left] = True, other
                    left, size = left + 1, size + 1
        if size < smallest:
            smallest = size
            chosen[:] = trial


@njit(cache=True, nogil=True)
def _slot(row: Any, table: Any, slots: Any) -> Any:
    """Where a state is in the hash table, or where it would be."""
    mixed = np.uint64(1469598103934665603)
    for value in row:
        mixed = (mixed ^ np.uint64(value)) * np.uint64(1099511628211)
        mixed ^= mixed >> np.uint64(29)
    mask = len(slots) - 1
    place: Any = np.int64(mixed & np.uint64(mask))  # numba makes floats of mixed signs
    while slots[place] != -1:
        known, equal = table[slots[place]], True
        for i in range(len(row)):
            if known[i] != row[i]:
                equal = False
                break
        if equal:
            break
        place = (place + 1) & mask
    return place


@njit(cache=True, nogil=True)
def _least_in_the_way(count: int, jobs: Any, at: Any, busy: Any, fixed: Any, route: Any) -> int:
    """Held machines on the way out of the job that has fewest of them."""
    least = len(busy)
    for i in range(count):
        if at[i] == GONE:
            continue
        here, held = place(jobs[i], at[i], fixed, route), 0
        for position in range(at[i] + 1, fixed[jobs[i], s.LENGTH]):
            m = place(jobs[i], position, fixed, route)
            held += busy[m] and m != here
        least = min(least, held)
    return least


@njit(cache=True, nogil=True)
def _rise(heap: Any, item: int, place: int, notes: Any) -> None:
    """Put an item at the end of a heap, and where it belongs; of equals the latest comes first."""
    while place > 0 and notes[item, 0] <= notes[heap[(place - 1) // 2], 0]:
        heap[place] = heap[(place - 1) // 2]
        place = (place - 1) // 2
    heap[place] = item


@njit(cache=True, nogil=True)
def _sink(heap: Any, item: int, size: int, notes: Any) -> None:
    """Put an item at the top of a heap of that size, and where it belongs."""
    place = 0
    while 2 * place + 1 < size:
        below = 2 * place + 1
        if below + 1 < size and notes[heap[below + 1], 0] < notes[heap[below], 0]:
            below += 1
        if notes[heap[below], 0] >= notes[item, 0]:
            break
        heap[place] = heap[below]
        place = below
    heap[place] = item


@njit(cache=True, nogil=True)
def _grow(table: Any, notes: Any, heap: Any, stack: Any) -> Any:
    """Twice the room, with everything in it."""
    known = len(table)
    larger, more = np.empty((2 * known, table.shape[1]), np.int16), np.empty((2 * known, 4), np.int64)
    higher, longer = np.empty(2 * known, np.int64), np.empty(2 * known, np.int64)
    larger[:known], more[:known], higher[:known], longer[:known] = table, notes, heap, stack
    slots = np.full(8 * known, -1, np.int64)
    for index in range(known):
        slots[_slot(larger[index], larger, slots)] = index
    return larger, slots, more, higher, longer
