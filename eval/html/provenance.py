"""Where the numbers of a section come from, as names and texts, and how to make them again."""

from __future__ import annotations

from collections.abc import Iterable

from .about import Pairs
from .collect import Section

MAX_RANGES = 40


def seed_ranges(seeds: Iterable[int]) -> str:
    """``0-4, 7``."""
    ordered = sorted(set(seeds))
    ranges: list[list[int]] = []
    for seed in ordered:
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    texts = [str(low) if low == high else f"{low}-{high}" for low, high in ranges]
    if len(texts) > MAX_RANGES:
        return f"{', '.join(texts[:MAX_RANGES])}, … ({len(ordered)} seeds)"
    return ", ".join(texts)


def count(number: int, noun: str) -> str:
    """``"1 seed"``, ``"2 seeds"``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def provenance(section: Section) -> Pairs:
    """Names and values of everything that a reader needs to repeat the run, beside its command."""
    about, rows = section.about, section.rows
    found = [("folder", str(section.folder)), ("problem", section.problem), ("finished", about.finished)]
    found += [("configuration", ", ".join(f"{name} = {value}" for name, value in about.config) or "as by default")]
    found += [("seeds", seed_ranges(row.seed for row in rows))]
    if about.time_limit is not None:
        found.append(("time limit", f"{about.time_limit:g} s for every run of a solver"))
    if about.workers is not None:
        found.append(("workers", f"{count(int(about.workers), 'thread')} of an exact solver"))
    found += list(about.machine)
    found.append(("versions", ", ".join(f"{name} {version}" for name, version in about.versions)))
    infeasible = sum(not row.feasible for row in rows)
    verdict = f"{infeasible} of {len(rows)} runs have no feasible solution" if infeasible else "every solution checked"
    return (*((name, value) for name, value in found if value), ("checker", verdict))


def scope(section: Section) -> str:
    """``"10 instances, 6 agents, 2 seeds, 80 runs"``."""
    seeds = len({row.seed for row in section.rows})
    numbers = ((len(section.instances), "instance"), (len(section.agents), "agent"), (seeds, "seed"))
    return ", ".join(count(number, noun) for number, noun in (*numbers, (len(section.rows), "run")))
