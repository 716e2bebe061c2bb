"""The long fuzzing run: ``python -m tests.fuzz.run``, or ``make fuzz``. pytest does not collect it.

Every case follows from the seed, the problem and the case's number; a finding names them.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from schedlab.envs import PROBLEMS

from .files import configured, read_case, seed_of, spoilt, valid, write_case
from .play import play
from .solutions import check_case, spoilt_solution

SHARES = {"parser": 0.25, "solution": 0.1}
"""Of all cases; the others are steps of environments."""
FILES_OF_A_CONFIGURATION = 5
CASES_OF_A_CONFIGURATION = 40
"""Spoilt files, made from those in turn."""
CASES_OF_A_SOLUTION = 25
SECONDS_OF_A_CASE = 60
ROOM = 8 << 30
"""Bytes of address space: a file that asks for more memory is a finding, not the end of the machine."""


@dataclass
class Tally:
    """What was tried on one problem, and what was found."""

    problem: str
    seed: int
    parser: int = 0
    accepted: int = 0
    played_from_files: int = 0
    steps: int = 0
    illegal: int = 0
    episodes: int = 0
    solutions: int = 0
    feasible: int = 0
    refused: int = 0
    seconds: float = 0.0
    findings: dict[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """All cases; the steps played from files are part of their parser case."""
        return self.parser + self.steps + self.solutions


class TooSlowError(Exception):
    """A case took longer than it may."""


@contextmanager
def bounded(seconds: int = SECONDS_OF_A_CASE) -> Iterator[None]:
    """Raise where something takes too long; loops in compiled code are only stopped when they return."""

    def ring(*_: object) -> None:
        raise TooSlowError(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Fuzzer:
    """Tries one problem until it has had its cases, or its time."""

    def __init__(self, problem: str, seed: int, cases: int, deadline: float, folder: Path) -> None:
        self.tally = Tally(problem, seed)
        self._cases, self._deadline, self._folder = cases, deadline, folder
        self._scratch = Path(tempfile.mkdtemp(prefix="schedlab-fuzz-"))
        self._advance: Callable[[int], None] = lambda cases: None

    def run(self, advance: Callable[[int], None]) -> Tally:
        """Try all kinds of cases."""
        # loops are compiled first, and no bell may ring in the compiler
        for block in range(3):
            with suppress(Exception):
                play(self.tally.problem, self._rng(2, block), budget=2)
        begun, self._advance = time.monotonic(), advance
        parser, solutions = (int(self._cases * SHARES[kind]) for kind in ("parser", "solution"))
        block = 0
        while self.tally.parser < parser and time.monotonic() < self._deadline:
            self._files(self._rng(0, block), block, min(CASES_OF_A_CONFIGURATION, parser - self.tally.parser))
            block += 1
        block = 0
        while self.tally.steps + self.tally.solutions < self._cases - parser and time.monotonic() < self._deadline:
            self._play(self._rng(1, block), block, solutions)
            block += 1
        self._scratch.rmdir()
        self.tally.seconds = time.monotonic() - begun
        return self.tally

    def _rng(self, kind: int, block: int) -> np.random.Generator:
        number = list(PROBLEMS).index(self.tally.problem)
        return np.random.default_rng([self.tally.seed, number, kind, block])

    def _files(self, rng: np.random.Generator, block: int, count: int) -> None:
        problem, config = configured(self.tally.problem, rng)
        seeds = [seed_of(problem, config, rng) for _ in range(FILES_OF_A_CONFIGURATION)]
        for case in range(count):
            seed = seeds[case % len(seeds)]
            # the first is left as it is
            data = spoilt(seed, rng) if case else valid(seed)
            path = write_case(self._scratch, 1000 * block + case, seed, data)
            with self._noting(f"parser block {block} case {case}", path):
                read = read_case(path, problem, config, rng)
                assert read.accepted or case, "a valid file is refused"
                self.tally.accepted += read.accepted
                self.tally.played_from_files += read.steps
            path.unlink(missing_ok=True)
            self.tally.parser += 1
        self._advance(count)

    def _play(self, rng: np.random.Generator, block: int, solutions: int) -> None:
        with self._noting(f"environment block {block}"):
            config, played = play(self.tally.problem, rng)
            self.tally.steps += played.steps
            self.tally.illegal += played.illegal
            self.tally.episodes += played.episodes
            self._advance(played.steps)
            for instance, data, told in played.finished:
                if self.tally.solutions < solutions:
                    self._solutions(rng, f"solution block {block}", config, instance, data, told)

    def _solutions(
        self, rng: np.random.Generator, where: str, config: Any, instance: Any, data: Any, told: float
    ) -> None:
        problem, _ = _problem(self.tally.problem), None
        for case in range(CASES_OF_A_SOLUTION):
            other = spoilt_solution(data, rng)
            with self._noting(f"{where} case {case}", other):
                checked = check_case(problem, config, instance, other, data, told)
                self.tally.feasible += checked.feasible
                self.tally.refused += checked.refused
            self.tally.solutions += 1
        self._advance(CASES_OF_A_SOLUTION)

    @contextmanager
    def _noting(self, where: str, content: Any = None) -> Iterator[None]:
        """Keep what goes wrong, each kind once."""
        try:
            with bounded():
                yield
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {str(error)[:150]!r}"
            key = f"{type(error).__name__} {Path(place.filename).name}:{place.lineno}"
            if key not in self.tally.findings:
                self.tally.findings[key] = f"seed {self.tally.seed}, {where}: {kind}"
                self._keep(key, where, content, error)

    def _keep(self, key: str, where: str, content: Any, error: Exception) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = "".join(c if c.isalnum() else "-" for c in f"{self.tally.problem} {key}")
        lines = traceback.format_exception(error)
        (self._folder / f"{stem}.log").write_text(
            f"seed {self.tally.seed}, {where}\n{''.join(lines)}", errors="replace"
        )
        if isinstance(content, Path):
            (self._folder / f"{stem}{content.name[content.name.index('.') :]}").write_bytes(content.read_bytes())
        elif content is not None:
            (self._folder / f"{stem}.json").write_text(json.dumps(content), errors="replace")


def _problem(name: str) -> Any:
    from schedlab.envs.core import load_problem

    return load_problem(name)


def table(tallies: list[Tally]) -> Table:
    """What was tried and found, a line per problem."""
    lines = Table(
        "problem", "files", "accepted", "steps", "illegal", "episodes", "solutions", "feasible", "findings", "s"
    )
    for tally in tallies:
        numbers = (
            tally.parser, tally.accepted, tally.steps, tally.illegal, tally.episodes, tally.solutions, tally.feasible,
            len(tally.findings),
        )  # fmt: skip
        lines.add_row(tally.problem, *(f"{number:,}" for number in numbers), f"{tally.seconds:.0f}")
    return lines


def main(argv: list[str] | None = None) -> int:
    """Fuzz and return 0, or 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="of each problem (default: 100000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--problem", action="append", choices=list(PROBLEMS), help="may be given several times")
    parser.add_argument("--minutes", type=float, default=60.0, help="stop a problem after so long (default: 60)")
    parser.add_argument("--findings", type=Path, default=Path("runs/fuzz"), help="where findings are kept")
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    arguments = parser.parse_args(argv)
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    tallies = []
    screen = Console(stderr=True)
    with Progress(console=screen, disable=not screen.is_terminal) as progress:
        for name in arguments.problem or list(PROBLEMS):
            task = progress.add_task(name, total=arguments.cases)
            deadline = time.monotonic() + 60 * arguments.minutes
            fuzzer = Fuzzer(name, arguments.seed, arguments.cases, deadline, arguments.findings)
            tallies.append(fuzzer.run(lambda cases, task=task: progress.advance(task, cases)))
            for text in tallies[-1].findings.values():
                screen.print(f"{name}: {text}", markup=False, highlight=False)
            if arguments.json:
                arguments.json.write_text(json.dumps([asdict(tally) for tally in tallies], indent=1) + "\n")
    Console(width=150).print(table(tallies))
    return 1 if any(tally.findings for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
