"""The exact solver for 1 || sum T_j: decomposition at the longest job, with a memory of what is solved.

Lawler (Annals of Discrete Mathematics 1, 1977): with jobs in order of due dates, the longest job l has an optimal place
h, not before its own, such that the first h jobs without l run before it and all the others after it. Both parts are
problems of the same kind; depth-first search tries the places. What keeps it small:

* Within a subproblem that starts at t, due dates count as max(d, t + p), which changes the total by a constant.
* Places are dropped without a look (Potts & Van Wassenhove, Operations Research Letters 1, 1982): with C(h) the
  completion of l at place h, h is not needed if C(h) >= d of the next job, or if C(h) < d_r + p_r for a job r behind
  l's own place and not behind h.
* If at most one job is late in order of due dates, that order is optimal; if l is last there, it stays last.
* Solved subproblems are remembered by their set of jobs and start (Szwarc, Grosso & Della Croce, Journal of Scheduling
  4, 2001; Shang, T'kindt & Della Croce, Computers & Operations Research 128, 2021). A set is known by 128 random bits,
  so that two sets are mistaken for one another with a probability below 1e-20 even among a billion.

The kernel works in slices and keeps its whole state in arrays, so that the clock is looked at in between.
"""

from __future__ import annotations

import time

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.single_machine.instance import SingleMachineInstance
from ...envs.single_machine.solution import SingleMachineSolution
from ..core import Solver, SolverResult
from .sequences import mdd_sequence, swap_descent_until, total_weighted_tardiness

Array = NDArray[np.int64]
Jobs = NDArray[np.int32]

# Columns of the memory and of the stack: the two words of a fingerprint, then each its own.
KEY, CHECK = 0, 1
# The memory has a row per solved subproblem: its value, the place of l in its optimum, its jobs (0: the row is free).
VALUE, PLACE, SIZE = 2, 3, 4
# The stack has a row per subproblem under way. Its list of jobs begins at JOBS in the pool and has WHOLE entries, COUNT
# without those that stay last, whose tardiness is FIXED. The longest job l stands at LONGEST and is tried at HERE, done
# at END; REACH is the largest d + p of the jobs between, PARTIAL what this place is known to cost.
JOBS, WHOLE, COUNT, START, STAGE, FIXED, LONGEST, HERE, END, REACH, PARTIAL, BEST, BEST_PLACE = range(2, 15)
# Stages of a subproblem: not looked at yet, the jobs before l are being solved, those behind it are.
NEW, BEFORE, BEHIND = range(3)
# What one slice leaves for the next: the top of the stack, the value last found, the rows of the memory in use.
DEPTH, ANSWER, STORED = range(3)

UNKNOWN = -1
FAR = 1 << 62
WAYS = 8  # rows of the memory in which a subproblem may be
SMALLEST_MEMORY = 1 << 12
SLICE = 1_000_000  # jobs looked at before the clock is: about 10 ms
SEARCH_SHARE = 0.9  # of the time limit; the rest is for a heuristic


@njit(cache=True, nogil=True)
def _modified(processing: Array, due: Array, start: int, job: int) -> int:
    """The due date as it counts in a subproblem: no job can end before ``start`` + p."""
    modified: int = max(due[job], start + processing[job])
    return modified


@njit(cache=True, nogil=True)
def arrange(processing: Array, due: Array, jobs: Jobs, start: int) -> int:
    """Sort ``jobs`` in place by modified due date, then processing time, then index; returns the steps it took."""
    steps = len(jobs)
    for place in range(1, len(jobs)):
        job, before = jobs[place], place
        key = _modified(processing, due, start, job)
        while before > 0:
            other = jobs[before - 1]
            its = _modified(processing, due, start, other)
            if its < key or (its == key and (processing[other], other) < (processing[job], job)):
                break
            jobs[before] = other
            before -= 1
            steps += 1
        jobs[before] = job
    return steps


@njit(cache=True, nogil=True)
def peel(processing: Array, due: Array, jobs: Jobs, start: int) -> tuple[int, int, int]:
    """Set aside those at the end of arranged ``jobs`` that stay there: the longest ones, and all if few are late.

    Returns:
        Their tardiness, the number of jobs that are left and the place of the longest of these.
    """
    longest = np.zeros(len(jobs), np.int64)  # among the first jobs
    now, late, tardiness = start, 0, 0
    for place, job in enumerate(jobs):
        before = longest[place - 1] if place else 0
        longest[place] = place if processing[job] >= processing[jobs[before]] else before
        now += processing[job]
        late += now > _modified(processing, due, start, job)
        tardiness += max(0, now - due[job])
    fixed, count = 0, len(jobs)
    while late > 1 and longest[count - 1] == count - 1:
        count -= 1
        job = jobs[count]
        late -= now > _modified(processing, due, start, job)
        fixed += max(0, now - due[job])
        tardiness -= max(0, now - due[job])
        now -= processing[job]
    if late <= 1:
        return fixed + tardiness, 0, 0
    return fixed, count, longest[count - 1]


@njit(cache=True, nogil=True)
def fingerprint(codes: Array, jobs: Jobs, start: int) -> tuple[int, int]:
    """Two words that stand for a set of jobs and its start; ``codes`` are random, int64 ``[J, 2]``."""
    # large odd factors: every bit of the start reaches the upper bits of the words
    key, check = start * -7046029254386353131, start * -5412722119163735443
    for job in jobs:
        key ^= codes[job, 0]
        check ^= codes[job, 1]
    return key, check


@njit(cache=True, nogil=True)
def find(memory: Array, key: int, check: int) -> int:
    """The row of a remembered subproblem, or -1."""
    for way in range(WAYS):
        row = (key + way) & (len(memory) - 1)
        if memory[row, SIZE] == 0:
            break
        if memory[row, KEY] == key and memory[row, CHECK] == check:
            return row
    return UNKNOWN


@njit(cache=True, nogil=True)
def remember(memory: Array, key: int, check: int, value: int, place: int, size: int) -> int:
    """Store a subproblem, if need be over the smallest one in its rows; returns how many rows more are in use."""
    chosen = key & (len(memory) - 1)
    for way in range(WAYS):
        row = (key + way) & (len(memory) - 1)
        if memory[row, SIZE] < memory[chosen, SIZE]:
            chosen = row
        if memory[row, SIZE] == 0 or (memory[row, KEY] == key and memory[row, CHECK] == check):
            chosen = row
            break
    added = 1 if memory[chosen, SIZE] == 0 else 0
    memory[chosen, KEY], memory[chosen, CHECK], memory[chosen, VALUE] = key, check, value
    memory[chosen, PLACE], memory[chosen, SIZE] = place, size
    return added


@njit(cache=True, nogil=True)
def rehash(old: Array, new: Array) -> int:
    """Copy a memory into a larger one; returns the rows in use there."""
    stored = 0
    for row in old:
        if row[SIZE] > 0:
            stored += remember(new, row[KEY], row[CHECK], row[VALUE], row[PLACE], row[SIZE])
    return stored


@njit(cache=True, nogil=True)
def _enter(codes: Array, memory: Array, pool: Jobs, stack: Array, depth: int) -> int:
    """Put the part before or behind l, as the stage of the subproblem at ``depth`` says, on top of the stack.

    Returns:
        Its value if that is known; then it needs no place on the stack.
    """
    parent, part = stack[depth], stack[depth + 1]
    jobs, here, count = pool[parent[JOBS] :], parent[HERE], 0
    part[JOBS] = parent[JOBS] + parent[WHOLE]
    before = parent[STAGE] == BEFORE
    for place in range(0 if before else here + 1, here + 1 if before else parent[COUNT]):
        if place != parent[LONGEST]:
            pool[part[JOBS] + count] = jobs[place]
            count += 1
    if count == 0:
        return 0
    part[WHOLE], part[STAGE], part[START] = count, NEW, parent[START] if before else parent[END]
    part[KEY], part[CHECK] = fingerprint(codes, pool[part[JOBS] : part[JOBS] + count], part[START])
    row = find(memory, part[KEY], part[CHECK])
    return UNKNOWN if row == UNKNOWN else memory[row, VALUE]


@njit(cache=True, nogil=True)
def _next_place(processing: Array, due: Array, jobs: Jobs, frame: Array) -> bool:
    """Try l at the next place that is needed; False if no place is left that could improve on the best."""
    start = frame[START]
    while frame[HERE] < len(jobs) - 1:
        frame[HERE] += 1
        job = jobs[frame[HERE]]
        frame[END] += processing[job]
        if frame[HERE] > frame[LONGEST]:
            frame[REACH] = max(frame[REACH], _modified(processing, due, start, job) + processing[job])
        frame[PARTIAL] = max(0, frame[END] - due[jobs[frame[LONGEST]]])
        if frame[PARTIAL] >= frame[BEST]:
            return False
        last = frame[HERE] == len(jobs) - 1
        if (last or frame[END] < _modified(processing, due, start, jobs[frame[HERE] + 1])) and (
            frame[END] >= frame[REACH]
        ):
            return True
    return False


@njit(cache=True, nogil=True)
def _open(processing: Array, due: Array, pool: Jobs, frame: Array) -> tuple[int, int]:
    """Look at a new subproblem; returns its value, or -1 if places must be tried, and the steps that this took."""
    jobs = pool[frame[JOBS] : frame[JOBS] + frame[WHOLE]]
    steps = arrange(processing, due, jobs, frame[START])
    fixed, count, longest = peel(processing, due, jobs, frame[START])
    if count == 0:
        return fixed, steps
    frame[FIXED], frame[COUNT], frame[LONGEST], frame[HERE] = fixed, count, longest, longest - 1
    frame[REACH], frame[BEST], frame[BEST_PLACE] = -FAR, FAR, UNKNOWN
    frame[END] = frame[START]
    for job in jobs[:longest]:
        frame[END] += processing[job]
    return UNKNOWN, steps


@njit(cache=True, nogil=True)
def advance(
    processing: Array, due: Array, codes: Array, memory: Array, pool: Jobs, stack: Array, state: Array, room: int
) -> None:
    """Go on with the search for one slice, or until it is over (depth -1) or ``room`` rows of the memory are used."""
    depth, answer, budget = state[DEPTH], state[ANSWER], SLICE
    while depth >= 0 and budget > 0 and state[STORED] < room:
        frame = stack[depth]
        if frame[STAGE] == NEW:
            answer, steps = _open(processing, due, pool, frame)
            budget -= steps
            if answer != UNKNOWN:
                depth -= 1
                continue
        else:
            # a part of this one was solved
            frame[PARTIAL] += answer
            if frame[PARTIAL] < frame[BEST] and frame[STAGE] == BEFORE:
                frame[STAGE] = BEHIND
                answer = _enter(codes, memory, pool, stack, depth)
                depth += answer == UNKNOWN
                continue
            if frame[PARTIAL] < frame[BEST]:
                frame[BEST], frame[BEST_PLACE] = frame[PARTIAL], frame[HERE]
        budget -= frame[COUNT]
        if _next_place(processing, due, pool[frame[JOBS] : frame[JOBS] + frame[COUNT]], frame):
            frame[STAGE] = BEFORE
            answer = _enter(codes, memory, pool, stack, depth)
            depth += answer == UNKNOWN
        else:
            answer = frame[FIXED] + frame[BEST]
            place, size = frame[BEST_PLACE], frame[WHOLE]
            state[STORED] += remember(memory, frame[KEY], frame[CHECK], answer, place, size)
            depth -= 1
    state[DEPTH], state[ANSWER] = depth, answer


class _Search:
    """The arrays of one search; see :func:`advance`."""

    def __init__(self, processing: Array, due: Array, memory_entries: int, deadline: float) -> None:
        count = len(processing)
        self.processing, self.due, self.deadline = processing, due, deadline
        self.memory_entries = memory_entries
        self.codes = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, (count, 2), np.int64)
        self.memory = np.zeros((min(memory_entries, SMALLEST_MEMORY), 5), np.int64)
        # Every subproblem has at least one job less than the one that it is a part of.
        self.pool = np.empty(count * (count + 1) // 2, np.int32)
        self.stack = np.zeros((count + 1, 15), np.int64)
        self.state = np.zeros(3, np.int64)

    def solve(self, jobs: Jobs, start: int) -> tuple[int, int]:
        """Total tardiness of ``jobs`` and the place of the longest one left by :func:`peel`.

        Raises:
            TimeoutError: The deadline passed.
        """
        key, check = fingerprint(self.codes, jobs, start)
        self.pool[: len(jobs)] = jobs
        first = self.stack[0]
        first[[KEY, CHECK, JOBS, WHOLE, START, STAGE]] = key, check, 0, len(jobs), start, NEW
        self.state[DEPTH] = 0
        while self.state[DEPTH] >= 0:
            if time.perf_counter() > self.deadline:
                raise TimeoutError
            self._make_room()
            room = len(self.memory) // 2 if len(self.memory) < self.memory_entries else FAR
            arrays = self.processing, self.due, self.codes, self.memory, self.pool, self.stack, self.state
            advance(*arrays, room)
        return int(self.state[ANSWER]), int(first[BEST_PLACE])

    def _make_room(self) -> None:
        size = len(self.memory)
        if size < self.memory_entries and self.state[STORED] >= size // 2:
            larger = np.zeros((2 * size, 5), np.int64)
            self.state[STORED] = rehash(self.memory, larger)
            self.memory = larger

    def sequence(self) -> Array:
        """An optimal sequence: the search is retraced from the places it remembers.

        Raises:
            TimeoutError: The deadline passed.
        """
        sequence = np.arange(len(self.processing), dtype=np.int32)
        pending = [(0, len(sequence), 0)]
        while pending:
            begin, end, start = pending.pop()
            jobs = sequence[begin:end]
            arrange(self.processing, self.due, jobs, start)
            _, count, longest = peel(self.processing, self.due, jobs, start)
            if count == 0:
                continue
            row = find(self.memory, *fingerprint(self.codes, jobs, start))
            # Forgotten where the memory was too small: solved once more, with the help of what is still there.
            place = int(self.memory[row, PLACE]) if row != UNKNOWN else self.solve(jobs.copy(), start)[1]
            jobs[longest : place + 1] = np.roll(jobs[longest : place + 1], -1)
            done = start + int(self.processing[jobs[: place + 1]].sum())
            pending += [(begin, begin + place, start), (begin + place + 1, begin + count, done)]
        return sequence.astype(np.int64)


def _lower_bound(processing: Array, due: Array) -> int:
    """Shortest first gives the earliest possible k-th completion for every k; matched with the k-th due date."""
    modified = np.maximum(due, processing)
    late = np.maximum(np.cumsum(np.sort(processing)) - np.sort(modified), 0)
    return int(late.sum() + (modified - due).sum())


class Decomposition(Solver[SingleMachineInstance, SingleMachineSolution]):
    """Minimises the total tardiness exactly; weights are not looked at.

    Random instances of 100 jobs take 2 ms on average, of 200 jobs 0.04 s and at most about a second, those of 500 jobs
    mostly less than 20 s. When nine tenths of the time limit have passed it gives up: the sequence is then that of MDD
    and pairwise swaps, the bound a simple one.

    Args:
        memory_entries: Most solved subproblems that are remembered, rounded up to a power of two; 40 bytes each. When
            the memory is full, new ones replace smaller ones: the search goes on and only repeats some of its work.

    Raises:
        ValueError: No memory at all.
    """

    def __init__(self, memory_entries: int = 1 << 22) -> None:
        if memory_entries < 1:
            raise ValueError(f"the memory needs at least one entry, got {memory_entries}")
        self.memory_entries = 1 << (memory_entries - 1).bit_length()
        _compile()

    def solve(
        self, instance: SingleMachineInstance, *, time_limit: float, seed: int
    ) -> SolverResult[SingleMachineSolution]:
        """An optimal sequence, or the best found within ``time_limit`` seconds of wall time."""
        began = time.perf_counter()
        # copies have the memory layout for which the kernels were compiled
        processing, due, weight = instance.processing.copy(), instance.due.copy(), np.ones_like(instance.weight)
        search = _Search(processing, due, self.memory_entries, began + SEARCH_SHARE * time_limit)
        bound = _lower_bound(processing, due)
        try:
            bound, _ = search.solve(np.arange(len(due), dtype=np.int32), 0)
            sequence = search.sequence()
        except TimeoutError:
            start = mdd_sequence(processing, due)
            sequence = swap_descent_until(processing, due, weight, start, began + time_limit)
        value = total_weighted_tardiness(processing, due, weight, sequence)
        return SolverResult(SingleMachineSolution(sequence), bound=float(bound), proved=bool(value == bound))


def _compile() -> None:
    """Have every kernel compiled, so that no time limit pays for it."""
    processing, due = np.array([3, 4, 2, 4]), np.array([4, 3, 5, 2])
    search = _Search(processing, due, 1, float("inf"))
    search.solve(np.arange(4, dtype=np.int32), 0)
    sequence = search.sequence()
    rehash(search.memory, search.memory.copy())
    swap_descent_until(processing, due, np.ones(4, np.int64), mdd_sequence(processing, due), float("inf"))
    total_weighted_tardiness(processing, due, np.ones(4, np.int64), sequence)
