"""The field's text formats for job shops: the standard format and Taillard's two matrices.

Standard format::

    # comments run from '#' to the end of the line
    3 2                  jobs, machines
    0 5  1 4             one line per job: (machine, duration) pairs in routing order, machines from 0
    1 3  0 2
    0 1  1 9

Taillard's format has the same first line (or his six-number one), then one matrix of durations and one of machines,
a line per job each, machines numbered from 1; the words ``Times`` and ``Machines`` may stand above them.

Both may end with optional lines, one value per job: ``release 0 0 3``, ``due 12 9 20``, ``weight 1 2 4``. Jobs whose
number of operations is not the number of machines are announced in the standard format by ``operations 2 1 2``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np

from ..core.errors import InputError
from ..core.fields import shown
from ..core.files import name_of, read_text
from .instance import MAX_MACHINES, MAX_TIME, JobShopInstance

Format = Literal["standard", "taillard"]
Line = tuple[int, list[str]]

INTEGER = re.compile(r"[+-]?0{0,99}[0-9]{1,18}")
PER_JOB_KEYWORDS = ("operations", "release", "due", "weight")
MATRIX_KEYWORDS = ("times", "machines")


def read_instance(path: str | Path, format: Format | None = None) -> JobShopInstance:
    """Read an instance file; the format is recognised unless given. The name is the file's stem.

    Raises:
        InputError: The file is missing, unreadable or wrong; the message names the file and the line.
    """
    path = Path(path)
    return parse_instance(read_text(path), name=name_of(path), source=str(path), format=format)


def parse_instance(
    text: str, *, name: str = "instance", source: str = "text", format: Format | None = None
) -> JobShopInstance:
    """Parse an instance from text.

    Args:
        text: The file's content.
        name: Name of the instance.
        source: What error messages call the text.
        format: ``"standard"`` or ``"taillard"``; recognised when ``None``.

    Raises:
        InputError: The text is wrong; the message names ``source`` and the line.
    """
    return _Parser(text, name, source).parse(format)


class _Parser:
    def __init__(self, text: str, name: str, source: str) -> None:
        self.name = name
        self.source = source
        self.lines: list[Line] = [
            (number, tokens)
            for number, line in enumerate(text.splitlines(), start=1)
            if (tokens := line.split("#", 1)[0].split())
        ]
        self.num_jobs = 0
        self.num_machines = 0

    def fail(self, line: int | None, what: str) -> NoReturn:
        where = self.source if line is None else f"{self.source}, line {line}"
        raise InputError(f"{where}: {what}")

    def integers(self, line: Line, tokens: list[str] | None = None) -> list[int]:
        number, own = line
        values = []
        for token in own if tokens is None else tokens:
            if not INTEGER.fullmatch(token):
                self.fail(number, f"{shown(token)} is not an integer")
            values.append(int(token))
            if abs(values[-1]) > MAX_TIME:
                self.fail(number, f"{values[-1]} is too large (at most {MAX_TIME})")
        return values

    def parse(self, format: Format | None) -> JobShopInstance:
        body = self.header()
        keyworded = self.keyworded(body)
        rows = [line for line in body if not line[1][0][0].isalpha()]
        per_job = {word: self.per_job(keyworded[word]) for word in PER_JOB_KEYWORDS if word in keyworded}
        if format is None:
            two_matrices = "times" in keyworded or len(rows) > self.num_jobs
            format = "taillard" if two_matrices else "standard"
        if format == "taillard" and "operations" in per_job:
            self.fail(keyworded["operations"][0], "only the standard format has an 'operations' line")
        lengths = per_job.pop("operations", None)
        jobs = self.standard(rows, lengths) if format == "standard" else self.taillard(rows)
        for word in ("release", "weight"):
            for job, value in enumerate(per_job.get(word, [])):
                if value < 0:
                    self.fail(keyworded[word][0], f"{word} of job {job} is negative ({value})")
        try:
            return JobShopInstance.from_jobs(
                jobs,
                self.num_machines,
                name=self.name,
                release=per_job.get("release"),
                due=per_job.get("due"),
                weight=per_job.get("weight"),
            )
        except ValueError as error:
            self.fail(None, str(error))

    def keyworded(self, body: list[Line]) -> dict[str, Line]:
        """The lines that begin with a word, by it."""
        found: dict[str, Line] = {}
        for number, tokens in body:
            word = tokens[0].lower()
            if not word[0].isalpha():
                continue
            if word not in PER_JOB_KEYWORDS + MATRIX_KEYWORDS:
                self.fail(number, f"{shown(word)} not understood; use {', '.join(PER_JOB_KEYWORDS)} or numbers")
            if word in found:
                self.fail(number, f"a second line {word!r}; the first is line {found[word][0]}")
            found[word] = (number, tokens)
        return found

    def header(self) -> list[Line]:
        """Read jobs and machines from the first line of numbers; titles above it are skipped."""
        for index, line in enumerate(self.lines):
            if not INTEGER.fullmatch(line[1][0]):
                continue
            values = self.integers(line)
            if len(values) not in (2, 6):
                self.fail(line[0], f"expected two numbers, jobs and machines, got {len(values)}")
            self.num_jobs, self.num_machines = values[:2]
            if self.num_jobs < 1 or self.num_machines < 1:
                self.fail(line[0], f"{self.num_jobs} jobs and {self.num_machines} machines; both must be at least 1")
            if self.num_machines > MAX_MACHINES:
                self.fail(line[0], f"{self.num_machines} machines are too many (at most {MAX_MACHINES})")
            return self.lines[index + 1 :]
        self.fail(None, "no line with the numbers of jobs and machines")

    def per_job(self, line: Line) -> list[int]:
        values = self.integers(line, line[1][1:])
        if len(values) != self.num_jobs:
            self.fail(line[0], f"{line[1][0]!r} has {len(values)} values for {self.num_jobs} jobs")
        return values

    def count_rows(self, rows: list[Line], wanted: int, what: str) -> None:
        if len(rows) > wanted:
            self.fail(rows[wanted][0], f"more rows than the {wanted} announced ({what})")
        if len(rows) < wanted:
            last = rows[-1][0] if rows else self.lines[-1][0]
            self.fail(last, f"the file ends after {len(rows)} of {wanted} rows ({what})")

    def standard(self, rows: list[Line], lengths: list[int] | None) -> list[list[tuple[int, int]]]:
        self.count_rows(rows, self.num_jobs, "one per job")
        lengths = [self.num_machines] * self.num_jobs if lengths is None else lengths
        jobs = []
        for job, (line, length) in enumerate(zip(rows, lengths, strict=True)):
            values = self.integers(line)
            if len(values) != 2 * length or length < 1:
                self.fail(
                    line[0],
                    f"job {job} has {len(values)} numbers, expected {length} (machine, duration) pairs = {2 * length} "
                    "numbers; give other lengths in a line 'operations n1 n2 ...'",
                )
            jobs.append(self.checked(line[0], job, values[0::2], values[1::2], 0))
        return jobs

    def taillard(self, rows: list[Line]) -> list[list[tuple[int, int]]]:
        self.count_rows(rows, 2 * self.num_jobs, "durations, then machines, one per job each")
        for index, (number, tokens) in enumerate(rows):
            if len(tokens) != self.num_machines:
                job = index % self.num_jobs
                self.fail(number, f"job {job} has {len(tokens)} numbers, expected {self.num_machines}")
        jobs = []
        for job in range(self.num_jobs):
            durations = self.integers(rows[job])
            line = rows[self.num_jobs + job]
            self.checked(rows[job][0], job, [1] * len(durations), durations, 1)
            jobs.append(self.checked(line[0], job, self.integers(line), durations, 1))
        return jobs

    def checked(
        self, line: int, job: int, machines: list[int], durations: list[int], first_machine: int
    ) -> list[tuple[int, int]]:
        last_machine = self.num_machines - 1 + first_machine
        for k, (machine, duration) in enumerate(zip(machines, durations, strict=True)):
            if not first_machine <= machine <= last_machine:
                self.fail(
                    line,
                    f"job {job}, operation {k}: machine {machine} is not in {first_machine}..{last_machine} "
                    f"(machines are numbered from {first_machine} here)",
                )
            if duration < 0:
                self.fail(line, f"job {job}, operation {k}: duration {duration} is negative")
        return [(machine - first_machine, duration) for machine, duration in zip(machines, durations, strict=True)]


def format_instance(instance: JobShopInstance, format: Format = "standard") -> str:
    """Write an instance as text that :func:`parse_instance` reads back to an equal one.

    Raises:
        ValueError: Taillard's format cannot hold jobs of unequal length.
    """
    jobs = instance.jobs()
    lengths = [len(job) for job in jobs]
    lines = [f"{instance.num_jobs} {instance.num_machines}"]
    if format == "standard":
        lines += ["  ".join(f"{m} {d}" for m, d in job) for job in jobs]
        if set(lengths) != {instance.num_machines}:
            lines.append("operations " + " ".join(map(str, lengths)))
    else:
        if set(lengths) != {instance.num_machines}:
            raise ValueError("Taillard's format needs one operation per job and machine; use the standard format")
        lines += ["Times", *(" ".join(str(d) for _, d in job) for job in jobs)]
        lines += ["Machines", *(" ".join(str(m + 1) for m, _ in job) for job in jobs)]
    for word, values, default in (
        ("release", instance.release, 0),
        ("due", instance.due, None),
        ("weight", instance.weight, 1),
    ):
        if values is not None and (default is None or np.any(values != default)):
            lines.append(f"{word} " + " ".join(map(str, values.tolist())))
    return "\n".join(lines) + "\n"


def write_instance(instance: JobShopInstance, path: str | Path, format: Format = "standard") -> None:
    """Write an instance file; see :func:`format_instance`."""
    Path(path).write_text(format_instance(instance, format), encoding="utf-8")
