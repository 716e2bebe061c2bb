"""JSON files that may come from strangers: read within limits, and checked field by field."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NoReturn

from ..envs.core.errors import InputError
from ..envs.core.fields import shown

MAX_JSON_BYTES = 256 * 2**20
MAX_TEXT = 1000  # characters of a name or a message
MAX_INTEGER = 2**63 - 1

MISSING: Any = object()


def read_json(path: Path, what: str, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """The content of a JSON file.

    Args:
        path: Of the file.
        what: It should be, for the message: ``"a results file of schedlab"``.
        max_bytes: Above which it is not read.

    Raises:
        InputError: It is missing, not a plain file, too large or not JSON; NaN and Infinity are not JSON.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is a folder or a device, not {what}")
        with path.open("rb") as file:
            # asked of what is read, not of the size that the system tells: some files have none
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > max_bytes:
        raise InputError(f"{path}: larger than {max_bytes >> 20} MiB, not {what}")
    try:
        return parse_json(data)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: not {what}: not JSON ({error.msg})") from None
    except ValueError as error:
        raise InputError(f"{path}: not {what}: not JSON ({error})") from None


def parse_json(data: bytes | str) -> Any:
    """A JSON value; unlike ``json.loads`` it refuses ``NaN`` and ``Infinity``.

    Raises:
        ValueError: It is not JSON, or nested too deeply.
    """
    try:
        return json.loads(data, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise ValueError("not a text file") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number that a 64-bit float can hold; ``true`` is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


class Fields:
    """The fields of a JSON object, taken one by one with their types checked.

    Args:
        data: The value that should be an object.
        where: It stands, for messages: ``"row 3"``.

    Raises:
        ValueError: It is not an object. Every method raises it too, with one line that names place and field.
    """

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise ValueError(f"{where} must be an object, got {shown(data)}")
        self._left = dict(data)
        self._where = where

    def text(self, name: str, default: Any = MISSING, longest: int = MAX_TEXT) -> str:
        """A string that a terminal can print as it is: no line breaks, no control characters."""
        value = self._take(name, default)
        if not isinstance(value, str) or len(value) > longest or not value.isprintable():
            self._refuse(name, f"printable text of at most {longest} characters", value)
        return str(value)

    def number(self, name: str, default: Any = MISSING, least: float = -math.inf) -> float:
        """A finite number."""
        value = self._take(name, default)
        if not is_number(value) or value < least:
            self._refuse(name, "a finite number" + (f" of at least {least:g}" if least > -math.inf else ""), value)
        return float(value)

    def number_or_none(self, name: str, default: Any = MISSING) -> float | None:
        """A finite number, or null."""
        value = self._take(name, default)
        if value is None:
            return None
        if not is_number(value):
            self._refuse(name, "a finite number or null", value)
        return float(value)

    def integer(self, name: str, default: Any = MISSING, least: int = 0) -> int:
        """A whole number of 64 bits."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_INTEGER:
            self._refuse(name, f"a whole number from {least} to 2**63-1", value)
        return int(value)

    def flag(self, name: str, default: Any = MISSING) -> bool:
        """``true`` or ``false``."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            self._refuse(name, "true or false", value)
        return bool(value)

    def numbers_by_name(self, name: str, default: Any = MISSING, most: int = 1000) -> dict[str, float]:
        """An object whose values are finite numbers."""
        value = self._take(name, default)
        if not isinstance(value, dict) or len(value) > most:
            self._refuse(name, f"an object of at most {most} numbers", value)
        fields = Fields(value, f"{self._where}, {name}")
        for key in value:
            if len(key) > MAX_TEXT or not key.isprintable():
                raise ValueError(f"{self._where}: a name in {name} is not printable text: {shown(key)}")
        return {key: fields.number(key) for key in value}

    def items(self, name: str, default: Any = MISSING, most: int = 1_000_000) -> list[Any]:
        """A list; what it holds is not looked at."""
        value = self._take(name, default)
        if not isinstance(value, list) or len(value) > most:
            self._refuse(name, f"a list of at most {most} items", value)
        return list(value)

    def value(self, name: str, default: Any = MISSING) -> Any:
        """Whatever it is; the caller looks at it."""
        return self._take(name, default)

    def end(self) -> None:
        """Refuse fields that nobody asked for."""
        if self._left:
            raise ValueError(f"{self._where} has the unknown field {shown(next(iter(self._left)))}")

    def _take(self, name: str, default: Any) -> Any:
        value = self._left.pop(name, default)
        if value is MISSING:
            raise ValueError(f"{self._where} has no {name}")
        return value

    def _refuse(self, name: str, wanted: str, got: Any) -> NoReturn:
        raise ValueError(f"{self._where}: {name} must be {wanted}, got {shown(got)}")
