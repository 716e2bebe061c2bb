"""JSON of strangers."""

from __future__ import annotations

import json
from typing import Any

from .errors import InputError
from .fields import shown


class _RefusedError(ValueError):
    """JSON that is understood, and refused all the same; says why."""


def parse_json(text: str, source: str) -> Any:
    """JSON values from a text.

    The standard library's reader takes the last of several fields of one name; here they are refused. ``NaN``, and the
    infinity that it makes of ``1e999``, are left to those who know what a field may be.

    Args:
        text: The content of a file.
        source: What messages begin with.

    Raises:
        InputError: It is not JSON, too deep, or has a field twice; the message says where, or what.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_twins)
    except json.JSONDecodeError as error:
        raise InputError(f"{source}: not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except _RefusedError as error:
        raise InputError(f"{source}: {error}") from None
    except (ValueError, RecursionError):  # numbers of thousands of digits, lists in lists in lists ...
        raise InputError(f"{source}: not JSON that can be read: too deep, or a number is too long") from None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _RefusedError(f"an object has the field {shown(name)} twice")
            seen.add(name)
    return table
