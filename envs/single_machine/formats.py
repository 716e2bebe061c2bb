"""Instance files of the single machine: OR-Library's weighted tardiness sets, and a table with a line per job.

OR-Library (``wt40.txt``): whitespace-separated integers; for each instance in turn J processing times, J weights and J
due dates. J is the number in the file's name (``wt40``, ``my-wt7``); without one the file is a single instance.
``FILE:7`` is the seventh instance of a file, counted from 1.

Table: comma-separated values under a header line that names the columns ``processing``, ``due`` and, if there are
weights, ``weight``, in any order. ``#`` begins a comment.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..core.errors import InputError
from ..core.fields import shown
from ..core.files import name_of, read_text
from .instance import MAX_TIME, SingleMachineInstance

INTEGER = re.compile(r"[+-]?0{0,99}[0-9]{1,18}")
JOBS_IN_NAME = re.compile(r"wt([0-9]{1,9})$")
COLUMNS = ("processing", "due", "weight")


def split_number(text: str) -> tuple[Path, int | None]:
    """``"wt40.txt:7"`` -> (``wt40.txt``, 7); ``None`` where no instance of the file is chosen."""
    stem, colon, number = text.rpartition(":")
    if colon and number.isascii() and number.isdigit() and len(number) < 10:
        return Path(stem), int(number)
    return Path(text), None


def read_instances(path: Path) -> list[SingleMachineInstance]:
    """All instances of a file; those of OR-Library are called ``wt40/1``, ``wt40/2``, ...

    Raises:
        InputError: The file is missing, unreadable or wrong; the message names the file and the line.
    """
    return parse_instances(read_text(path), name_of(path), str(path))


def parse_instances(text: str, name: str, source: str) -> list[SingleMachineInstance]:
    """Parse the content of a file.

    Args:
        text: The content.
        name: The file's name without its ending, which may say how many jobs an instance has.
        source: What error messages call the file.

    Raises:
        InputError: The text is wrong; the message names ``source`` and the line.
    """
    lines = [
        (number, content)
        for number, line in enumerate(text.splitlines(), start=1)
        if (content := line.split("#", 1)[0].strip())
    ]
    if not lines:
        raise InputError(f"{source}: is empty")
    if any(letter.isalpha() for letter in lines[0][1]):
        return [_table(lines, name, source)]
    return _or_library(lines, name, source)


def _integer(token: str, line: int, source: str) -> int:
    if not INTEGER.fullmatch(token):
        raise InputError(f"{source}, line {line}: {shown(token)} is not an integer")
    if abs(value := int(token)) > MAX_TIME:
        raise InputError(f"{source}, line {line}: {value} is too large (at most {MAX_TIME})")
    return value


def _table(lines: list[tuple[int, str]], name: str, source: str) -> SingleMachineInstance:
    header = [column.strip().lower() for column in lines[0][1].split(",")]
    if not set(COLUMNS[:2]) <= set(header) <= set(COLUMNS) or len(set(header)) != len(header):
        raise InputError(
            f"{source}, line {lines[0][0]}: the header must name the columns processing,due or processing,due,weight, "
            f"got {shown(lines[0][1])}"
        )
    values: dict[str, list[int]] = {column: [] for column in header}
    for number, content in lines[1:]:
        cells = content.split(",")
        if len(cells) != len(header):
            raise InputError(f"{source}, line {number}: {len(cells)} values for {len(header)} columns")
        for column, cell in zip(header, cells, strict=True):
            values[column].append(_integer(cell.strip(), number, source))
    return _instance(name, source, values["processing"], values["due"], values.get("weight"))


def _or_library(lines: list[tuple[int, str]], name: str, source: str) -> list[SingleMachineInstance]:
    numbers = [_integer(token, number, source) for number, content in lines for token in content.split()]
    found = JOBS_IN_NAME.search(name)
    jobs = int(found[1]) if found else len(numbers) // 3
    if jobs < 1 or len(numbers) % (3 * jobs):
        of_what = f"instances of {jobs} jobs, as the file's name says" if found else "one instance"
        raise InputError(
            f"{source}: {len(numbers)} numbers are not {of_what}: 3 times the jobs each, processing times, weights, "
            "due dates (or a table with the header processing,due,weight)"
        )
    table = np.array(numbers, np.int64).reshape(-1, 3, jobs)
    names = [f"{name}/{index}" for index in range(1, len(table) + 1)] if found else [name]
    return [_instance(label, source, *rows[[0, 2, 1]]) for label, rows in zip(names, table, strict=True)]


def _instance(name: str, source: str, processing: object, due: object, weight: object) -> SingleMachineInstance:
    try:
        return SingleMachineInstance.from_arrays(processing, due, weight, name=name)  # type: ignore[arg-type]
    except ValueError as error:
        raise InputError(f"{source}: {name}: {error}") from None


def format_instance(instance: SingleMachineInstance) -> str:
    """An instance as a table that :func:`parse_instances` reads back to an equal one."""
    rows = zip(instance.processing.tolist(), instance.due.tolist(), instance.weight.tolist(), strict=True)
    return "\n".join([",".join(COLUMNS), *(",".join(map(str, row)) for row in rows)]) + "\n"
