"""Whether the moves of one moment can be made in some order: the checker's, in plain Python."""

from __future__ import annotations

Moves = dict[int, list[tuple[int, int, int]]]
Pending = dict[int, list[tuple[int, int, bool]]]  # job -> its moves left: operation, machine, whether it passes it

WAY_OUT = -1


def same_moment_violation(moves: Moves, swap: bool) -> str | None:
    """Play all moves in the order of time; of one moment, in any order in which machines are free.

    Args:
        moves: For each moment the moves then: job, operation, machine that it enters or -1 where it leaves the shop.
        swap: Whether jobs in a circle may move at once.

    Returns:
        A sentence on the first moment at which there is no order; ``None`` if there is one for every moment.
    """
    holder: dict[int, int] = {}  # machine -> job
    place: dict[int, int] = {}  # job -> machine
    for time in sorted(moves):
        pending: Pending = {}
        for job, operation, machine in sorted(moves[time]):
            pending.setdefault(job, []).append((operation, machine, False))
        for job, steps in pending.items():  # all but a job's last move of the moment lead to a machine that it passes
            pending[job] = [(k, machine, at < len(steps) - 1) for at, (k, machine, _) in enumerate(steps)]
        if not _can_play(pending, holder, place, swap, set()):
            left = [(job, *steps[0]) for job, steps in sorted(pending.items()) if steps]
            names = ", ".join(f"job {job} into machine {m}" for job, _, m, _ in left if m != WAY_OUT)
            kind = "in no order" if swap else "in no order (jobs may not exchange machines)"
            return f"at {time}: {names} can follow one another {kind}"
    return None


def _can_play(
    pending: Pending, holder: dict[int, int], place: dict[int, int], swap: bool, seen: set[tuple[tuple[int, int], ...]]
) -> bool:
    """Make all pending moves, if there is an order; the arguments then show what came of it."""
    while (job := _harmless(pending, holder)) is not None:
        _move([job], pending, holder, place)
    if not any(pending.values()):
        return True
    here = tuple((job, len(steps)) for job, steps in sorted(pending.items()))
    if here in seen:
        return False
    seen.add(here)
    for group in _possible(pending, holder, swap):
        trial = ({job: list(steps) for job, steps in pending.items()}, dict(holder), dict(place))
        _move(group, *trial)
        if _can_play(*trial, swap, seen):
            pending.update(trial[0])
            for own, made in ((holder, trial[1]), (place, trial[2])):
                own.clear()
                own.update(made)
            return True
    return False


def _harmless(pending: Pending, holder: dict[int, int]) -> int | None:
    """A job whose move cannot hinder any other: it stays where it goes, and nobody else passes there."""
    for job, steps in pending.items():
        if steps and not steps[0][2] and _open(job, steps[0], pending, holder):
            return job
    return None


def _open(job: int, step: tuple[int, int, bool], pending: Pending, holder: dict[int, int]) -> bool:
    """Whether a machine is free for a job that stays there, also of those who pass it at this moment."""
    machine = step[1]
    if machine == WAY_OUT:
        return True
    if holder.get(machine, job) != job:
        return False
    return not any(s[1] == machine and s[2] for other, steps in pending.items() if other != job for s in steps)


def _possible(pending: Pending, holder: dict[int, int], swap: bool) -> list[list[int]]:
    """Groups of jobs that can make their next moves at once: one that only passes a machine, or a circle."""
    groups = []
    for job, steps in pending.items():
        if steps and steps[0][2] and holder.get(steps[0][1], job) == job:
            groups.append([job])
    for first in pending if swap else ():
        circle, job = [first], first
        while pending.get(job) and pending[job][0][1] != WAY_OUT:
            after = holder.get(pending[job][0][1])
            if after is None or after == job:
                break
            if after == first:
                if first == min(circle):
                    groups.append(circle)
                break
            if after in circle:
                break
            circle.append(after)
            job = after
    return groups


def _move(group: list[int], pending: Pending, holder: dict[int, int], place: dict[int, int]) -> None:
    for job in group:
        if holder.get(place.get(job, WAY_OUT)) == job:
            del holder[place[job]]
        place.pop(job, None)
    for job in group:
        _, machine, _ = pending[job].pop(0)
        if machine != WAY_OUT:
            holder[machine], place[job] = job, machine
