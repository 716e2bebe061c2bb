"""What messages say of the fields of a file's objects."""

from __future__ import annotations

from typing import Any

from .errors import InputError


def bad_field(table: dict[str, Any], name: str, where: str, wanted: str) -> InputError:
    """An :class:`InputError` for a field that is missing, or not what it must be.

    Args:
        table: The object.
        name: The field.
        where: The object's place, as messages begin.
        wanted: What it must be, for example ``"a list"``.
    """
    if name not in table:
        return InputError(f"{where}: {name!r} is missing")
    return InputError(f"{where}: {name!r} must be {wanted}, got {shown(table[name])}")


def shown(value: Any) -> str:
    """A value in an error: short, and safe for lists in lists and numbers of any size."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) >= 10**40:
        return "a huge number"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
