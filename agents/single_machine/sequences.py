"""Heuristics for 1 || sum w_j T_j that build or improve a whole sequence, and the solver around them.

Every function takes arrays int64 ``[J]`` (processing times, due dates and, where they count, weights) and returns a new
sequence int64 ``[J]``: jobs in the order in which they run. Notation: t the current time, U the unscheduled jobs, p
processing time, d due date, w weight, C completion time, T = max(0, C - d).

The repeated rules (MDD, MDDC, WMDD) are dispatching rules played to the end in one compiled loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ...envs.single_machine.instance import SingleMachineInstance
from ...envs.single_machine.solution import SingleMachineSolution
from ..core import Solver, SolverResult

Times = NDArray[np.int64]
Jobs = NDArray[np.int64]

# "Nearly due" in MDDC: the factor on p_j that its authors' search settled on
MDDC_STRETCH = 1.1


@njit(cache=True, nogil=True)
def total_weighted_tardiness(processing: Times, due: Times, weight: Times, sequence: Jobs) -> int:
    """Sum of w_j max(0, C_j - d_j) when the jobs of ``sequence`` run one after the other from time 0."""
    now, total = 0, 0
    for job in sequence:
        now += processing[job]
        total += weight[job] * max(0, now - due[job])
    return total


@njit(cache=True, nogil=True)
def _sorted_by(first: Times, second: Times) -> Jobs:
    """Jobs by ``first``, ties by ``second``, then by index."""
    order = np.argsort(second, kind="mergesort")
    return order[np.argsort(first[order], kind="mergesort")]


@njit(cache=True, nogil=True)
def _move(sequence: Jobs, origin: int, target: int) -> None:
    """Move the job at place ``origin`` to place ``target``; the others keep their order."""
    job = sequence[origin]
    step = 1 if target > origin else -1
    for place in range(origin, target, step):
        sequence[place] = sequence[place + step]
    sequence[target] = job


@njit(cache=True, nogil=True)
def mdd_sequence(processing: Times, due: Times) -> Jobs:
    """Modified due date: repeatedly the job of smallest max(t + p, d), ties by d, p, index (Baker & Bertrand 1982)."""
    sequence = _sorted_by(due, processing)
    now = 0
    for place in range(len(sequence)):
        best = place
        smallest = max(now + processing[sequence[place]], due[sequence[place]])
        for other in range(place + 1, len(sequence)):
            modified = max(now + processing[sequence[other]], due[sequence[other]])
            if modified < smallest:
                best, smallest = other, modified
        now += processing[sequence[best]]
        _move(sequence, best, place)
    return sequence


@njit(cache=True, nogil=True)
def mddc_sequence(processing: Times, due: Times) -> Jobs:
    """MDDC: repeatedly the job of smallest m (1 + theta) + sigma, ties by (d, p) (Cetinkaya et al., arXiv 2510.24013).

    m = max(1.1 p + t, d), rho = p / (t + largest p of U), theta = rho^2 / (1 + rho^2), sigma = p / (t + mean p of U).
    """
    sequence = _sorted_by(due, processing)
    now, work = 0, processing.sum()
    for place in range(len(sequence)):
        longest = processing[sequence[place:]].max()
        mean = work / (len(sequence) - place)
        best, smallest = place, np.inf
        for other in range(place, len(sequence)):
            p = processing[sequence[other]]
            modified = max(MDDC_STRETCH * p + now, due[sequence[other]])
            rho = p / (now + longest)
            value = modified * (1.0 + rho * rho / (1.0 + rho * rho)) + p / (now + mean)
            if value < smallest:
                best, smallest = other, value
        now += processing[sequence[best]]
        work -= processing[sequence[best]]
        _move(sequence, best, place)
    return sequence


@njit(cache=True, nogil=True)
def wmdd_sequence(processing: Times, due: Times, weight: Times) -> Jobs:
    """Weighted modified due date: repeatedly the job of smallest max(p, d - t) / w (Kanet & Li 2004).

    Ties by d, p, index; jobs without weight come last.
    """
    sequence = _sorted_by(due, processing)
    now = 0
    for place in range(len(sequence)):
        best = place
        for other in range(place + 1, len(sequence)):
            a, b = sequence[best], sequence[other]
            # Multiplied out: exact, and a weight of zero needs no case of its own.
            left = max(processing[a], due[a] - now) * weight[b]
            right = max(processing[b], due[b] - now) * weight[a]
            if right < left or (weight[a] == 0 and weight[b] > 0):
                best = other
        now += processing[sequence[best]]
        _move(sequence, best, place)
    return sequence


@njit(cache=True, nogil=True)
def psk(processing: Times, due: Times) -> Jobs:
    """PSK: shortest first unless a longer job is urgent (Panwalkar, Smith & Koulamas 1993).

    The shortest job of U is active. It is scheduled if it would be late, or if it is due before the next longer job
    could be done; a longer job that is due earlier becomes active in its place.
    """
    sequence = _sorted_by(processing, due)
    now = 0
    for place in range(len(sequence)):
        active = other = place
        while other < len(sequence) - 1 and now + processing[sequence[active]] < due[sequence[active]]:
            other += 1
            if due[sequence[active]] <= now + processing[sequence[other]]:
                break
            if due[sequence[active]] > due[sequence[other]]:
                active = other
        now += processing[sequence[active]]
        _move(sequence, active, place)
    return sequence


@njit(cache=True, nogil=True)
def eddc(processing: Times, due: Times) -> Jobs:
    """EDDC as measured by Cetinkaya et al. (arXiv 2510.24013): one insertion pass from SPT towards EDD.

    A job overtakes the one in front of it if it is due earlier and the one in front is not yet late. The algorithm
    printed in the paper starts from EDD instead, which its loop never changes; only this version, that of the code
    behind the paper, gives the paper's figures.
    """
    sequence = _sorted_by(processing, due)
    for inserted in range(1, len(sequence)):
        completion = processing[sequence[:inserted]].sum()
        place = inserted
        while place > 0 and due[sequence[place]] < due[sequence[place - 1]]:
            in_front = sequence[place - 1]
            if due[in_front] > completion:
                sequence[place - 1], sequence[place] = sequence[place], in_front
            # what runs before the place in front is the same whether the two swapped or not
            completion -= processing[in_front]
            place -= 1
    return sequence


@njit(cache=True, nogil=True)
def _change_if_last(processing: Times, due: Times, sequence: Jobs, completion: Times, place: int, end: int) -> int:
    """What total tardiness changes by if the job at ``place`` moves behind the one at ``end``."""
    moved = sequence[place]
    change: int = max(0, completion[end] - due[moved]) - max(0, completion[place] - due[moved])
    for other in range(place + 1, end + 1):
        late = completion[other] - due[sequence[other]]
        change += max(0, late - processing[moved]) - max(0, late)
    return change


@njit(cache=True, nogil=True)
def augmented(processing: Times, due: Times, sequence: Jobs) -> Jobs:
    """A dispatching rule's sequence, repaired while it grows (the idea of Bean & Hall 1985, as in arXiv 2510.24013).

    After each appended job every earlier job is tried at the end of the partial sequence; the move that saves most
    total tardiness is made, if any saves some. What MDD and MDDC choose next depends on t and U only and not on the
    order so far, so that jobs can be taken from their finished ``sequence``. Time O(J^3); weights do not count.
    """
    partial = sequence.copy()
    completion = np.cumsum(processing[partial])
    for end in range(1, len(partial)):
        best, least = end, 0
        for place in range(end):
            change = _change_if_last(processing, due, partial, completion, place, end)
            if change < least:
                best, least = place, change
        if best < end:
            _move(partial, best, end)
            now = completion[best - 1] if best else 0
            for place in range(best, end + 1):
                now += processing[partial[place]]
                completion[place] = now
    return partial


@njit(cache=True, nogil=True)
def _swap_change(
    processing: Times, due: Times, weight: Times, sequence: Jobs, now: int, end: int, first: int, last: int
) -> int:
    """What total weighted tardiness changes by if places ``first`` and ``last`` swap jobs; not exact if at least 0.

    ``now`` is the start of the job at ``first``, ``end`` the completion of the one at ``last``.
    """
    early, late = sequence[first], sequence[last]
    shift = processing[late] - processing[early]
    done = now + processing[early]
    change: int = weight[early] * (max(0, end - due[early]) - max(0, done - due[early]))
    change += weight[late] * (max(0, now + processing[late] - due[late]) - max(0, end - due[late]))
    for place in range(first + 1, last):
        # A longer job in front only delays the jobs between: once the change is not negative it stays so.
        if shift >= 0 and change >= 0:
            break
        job = sequence[place]
        done += processing[job]
        change += weight[job] * (max(0, done + shift - due[job]) - max(0, done - due[job]))
    return change


@njit(cache=True, nogil=True)
def _accumulate(
    processing: Times, due: Times, weight: Times, sequence: Jobs, first: int, now: int, tardiness: Times
) -> None:
    """Fill ``tardiness[i]`` with the weighted tardiness of places ``first`` to i - 1; ``now`` is when they begin."""
    for place in range(first, len(sequence)):
        job = sequence[place]
        now += processing[job]
        tardiness[place + 1] = tardiness[place] + weight[job] * max(0, now - due[job])


@njit(cache=True, nogil=True)
def improve_by_swaps(processing: Times, due: Times, weight: Times, sequence: Jobs, first: int) -> bool:
    """Try place ``first`` with every later one and swap in ``sequence`` whenever that helps; whether any swap did."""
    improved = False
    now = processing[sequence[:first]].sum()
    end = now + processing[sequence[first]]
    tardiness = np.zeros(len(sequence) + 1, np.int64)
    _accumulate(processing, due, weight, sequence, first, now, tardiness)
    for last in range(first + 1, len(sequence)):
        early, late = sequence[first], sequence[last]
        end += processing[late]
        loss = weight[early] * max(0, end - due[early]) - tardiness[first + 1]
        # The others cannot gain more than all their tardiness; this dismisses most pairs at once.
        if loss >= tardiness[last + 1] - tardiness[first + 1]:
            continue
        if _swap_change(processing, due, weight, sequence, now, end, first, last) < 0:
            sequence[first], sequence[last] = late, early
            improved = True
            _accumulate(processing, due, weight, sequence, first, now, tardiness)
    return improved


@njit(cache=True, nogil=True)
def swap_descent(processing: Times, due: Times, weight: Times, sequence: Jobs) -> Jobs:
    """First-improvement descent over all pairwise swaps until none lowers the total weighted tardiness.

    Time O(J^3) for one scan of all pairs at worst; 0.1 s for 500 jobs from MDD.
    """
    descended = sequence.copy()
    improved = True
    while improved:
        improved = False
        for first in range(len(descended) - 1):
            if improve_by_swaps(processing, due, weight, descended, first):
                improved = True
    return descended


def swap_descent_until(processing: Times, due: Times, weight: Times, sequence: Jobs, deadline: float) -> Jobs:
    """:func:`swap_descent` that ends early when ``time.perf_counter()`` passes ``deadline``."""
    descended = sequence.copy()
    improved = True
    while improved:
        improved = False
        for first in range(len(descended) - 1):
            if time.perf_counter() > deadline:
                return descended
            improved |= improve_by_swaps(processing, due, weight, descended, first)
    return descended


SequenceFunction = Callable[[SingleMachineInstance], Jobs]


def _psk(instance: SingleMachineInstance) -> Jobs:
    return psk(instance.processing, instance.due)


def _eddc(instance: SingleMachineInstance) -> Jobs:
    return eddc(instance.processing, instance.due)


def _augmented_mdd(instance: SingleMachineInstance) -> Jobs:
    return augmented(instance.processing, instance.due, mdd_sequence(instance.processing, instance.due))


def _augmented_mddc(instance: SingleMachineInstance) -> Jobs:
    return augmented(instance.processing, instance.due, mddc_sequence(instance.processing, instance.due))


def mdd_swap(instance: SingleMachineInstance) -> Jobs:
    """MDD, then :func:`swap_descent` for the total tardiness without weights."""
    start = mdd_sequence(instance.processing, instance.due)
    return swap_descent(instance.processing, instance.due, np.ones_like(instance.weight), start)


def wmdd_swap(instance: SingleMachineInstance) -> Jobs:
    """WMDD, then :func:`swap_descent`, both with the instance's weights."""
    start = wmdd_sequence(instance.processing, instance.due, instance.weight)
    return swap_descent(instance.processing, instance.due, instance.weight, start)


SEQUENCE_HEURISTICS: dict[str, tuple[str, SequenceFunction]] = {
    "psk": ("Shortest first unless a due date presses (Panwalkar, Smith & Koulamas 1993).", _psk),
    "eddc": ("EDDC: from SPT, one insertion pass towards EDD (Cetinkaya et al. 2025).", _eddc),
    "aug-mdd": ("MDD, each new job checked against one move to the end (Bean & Hall 1985).", _augmented_mdd),
    "aug-mddc": ("MDDC, each new job checked against one move to the end (Cetinkaya et al. 2025).", _augmented_mddc),
    "mdd-swap": ("MDD, then pairwise swaps while they lower the total tardiness.", mdd_swap),
    "wmdd-swap": ("Weighted MDD, then pairwise swaps while they lower the total weighted tardiness.", wmdd_swap),
}
"""Name to summary and function; all but ``wmdd-swap`` ignore weights."""


class SequenceHeuristic(Solver[SingleMachineInstance, SingleMachineSolution]):
    """A function from an instance to a sequence, as a solver; it takes the time it takes.

    Args:
        build: The function.
    """

    def __init__(self, build: SequenceFunction) -> None:
        self.build = build

    def solve(
        self, instance: SingleMachineInstance, *, time_limit: float, seed: int
    ) -> SolverResult[SingleMachineSolution]:
        """The function's sequence, with nothing proved about it."""
        return SolverResult(SingleMachineSolution(self.build(instance)))
