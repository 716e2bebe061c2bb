"""Puts what runs have counted into the record: ``python -m tests.fuzz.record RUN.json ...``.

Writes ``tests/fuzz/record.json`` and the table of ``docs/fuzzing.md``, from the files of ``tests.fuzz.run --json``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from schedlab.envs import PROBLEMS

RECORD = Path(__file__).with_name("record.json")
PAGE = Path(__file__).parents[2] / "docs" / "fuzzing.md"
HEADINGS = (
    "problem", "files (accepted)", "steps (illegal)", "episodes", "solutions (feasible)", "cases", "findings",
    "seconds", "seed",
)  # fmt: skip


def merged(paths: list[Path], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A tally for each problem: the last that the files hold, else the one of the record so far."""
    tallies = {tally["problem"]: tally for tally in before}
    for path in paths:
        tallies |= {tally["problem"]: tally for tally in json.loads(path.read_text(encoding="utf-8"))}
    return [tallies[name] for name in PROBLEMS if name in tallies]


def table(tallies: list[dict[str, Any]]) -> str:
    """The lines of the page's table."""
    lines = [HEADINGS, ("---",) * len(HEADINGS)]
    for tally in tallies:
        cases = tally["parser"] + tally["steps"] + tally["solutions"]
        cells = (
            f"{tally['parser']:,} ({tally['accepted']:,})", f"{tally['steps']:,} ({tally['illegal']:,})",
            f"{tally['episodes']:,}", f"{tally['solutions']:,} ({tally['feasible']:,})", f"{cases:,}",
            str(len(tally["findings"])), f"{tally['seconds']:.0f}", str(tally["seed"]),
        )  # fmt: skip
        lines.append((tally["problem"], *cells))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(paths: list[str]) -> None:
    """Merge, write the record, and replace the table."""
    before = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else []
    tallies = merged([Path(path) for path in paths], before)
    RECORD.write_text(json.dumps(tallies, indent=1) + "\n", encoding="utf-8")
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("| problem |"))
    last = next(number for number in range(first, len(lines)) if not lines[number].startswith("|"))
    PAGE.write_text("\n".join([*lines[:first], table(tallies), *lines[last:]]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
