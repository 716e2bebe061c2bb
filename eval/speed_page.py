"""Fills docs/peers.md from the measurements of one run: ``python -m schedlab.eval.speed_page peers.json peers.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from ..envs.core.errors import InputError
from .json_files import Fields, read_json
from .pages import fill_page
from .speed import Measurement, speed_markdown

PART = "speed"


def read_measurements(path: Path) -> list[Measurement]:
    """What ``schedlab speed --out`` wrote.

    Raises:
        InputError: The file is missing or not one of ours.
    """
    data = read_json(path, "a file of schedlab speed")
    try:
        if not isinstance(data, list) or not data:
            raise ValueError("must hold a list of measurements")
        return [_measurement(item, f"measurement {number}") for number, item in enumerate(data, 1)]
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: not a file of schedlab speed ({error})") from None


def _measurement(item: object, where: str) -> Measurement:
    own = Fields(item, where)
    found = Measurement(
        name=own.text("name"),
        version=own.text("version"),
        steps_per_second=own.number("steps_per_second", least=0),
        all_repeats=tuple(float(value) for value in own.value("all_repeats")),
        operations_per_second=own.number_or_none("operations_per_second"),
        processor=own.text("processor", ""),
    )
    own.end()
    return found


def main(arguments: list[str]) -> int:
    """Fill the page; 0 done, 2 bad input."""
    if len(arguments) != 2:
        print("usage: python -m schedlab.eval.speed_page MEASUREMENTS.json PAGE.md", file=sys.stderr)
        return 2
    try:
        measurements = read_measurements(Path(arguments[0]))
        processor = measurements[0].processor
        text = f"{speed_markdown(measurements)}\nOne core of {processor or 'an unknown processor'}.\n"
        fill_page(Path(arguments[1]), PART, text)
    except InputError as error:
        print(f"schedlab: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
