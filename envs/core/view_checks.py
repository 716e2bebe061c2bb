"""What every value of a view must be, and texts that fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .fields import shown

MAX_ITEMS, MAX_BARS, MAX_TEXT, MAX_NODES = 200_000, 20_000, 200, 8
LARGEST = 2**53  # beyond it not every whole number has its own 64-bit float, which is what a browser has

Number = int | float


def short_text(text: str) -> str:
    """A text that a view accepts: cut, and without halves of characters, as names from files may have them."""
    whole = text.encode("utf-8", "replace").decode()
    return whole if len(whole) <= MAX_TEXT else f"{whole[: MAX_TEXT - 1]}…"


def due_text(due: int, end: int) -> str:
    """What to say of a job that ends at some time and is due at another."""
    return f"due {due}, late by {end - due}" if end > due else f"due {due}"


def check_count(name: str, values: Sequence[Any], most: int, least: int = 0) -> None:
    """Refuse too few or too many entries, with a ``ValueError`` as all of these do."""
    if not least <= len(values) <= most:
        raise ValueError(f"{name}: there must be {least} to {most}, got {len(values)}")


def check_texts(name: str, values: Sequence[Any]) -> None:
    """Refuse what is not text, too long, or holds half a character."""
    check_count(name, values, MAX_ITEMS)
    for index, value in enumerate(values):
        if not isinstance(value, str) or short_text(value) != value:
            raise ValueError(f"{name}: entry {index} must be a text of at most {MAX_TEXT} characters")


def check_number(name: str, value: Any, low: Number = -LARGEST, high: Number = LARGEST) -> None:
    """Refuse what is not a finite number in a range."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # whole numbers of any size must not reach isfinite, which makes a float of them
    if not number or not (isinstance(value, int) or math.isfinite(value)) or not low <= value <= high:
        raise ValueError(f"{name} must be a number in {low}..{high}, got {shown(value)}")


def check_index(name: str, value: Any, count: int, low: int = 0) -> None:
    """Refuse what is not a whole number in ``low .. count - 1``."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value < count:
        raise ValueError(f"{name} must be a whole number from {low} and below {count}, got {shown(value)}")


def check_span(where: str, start: Any, end: Any, last: Number) -> None:
    """Refuse what does not begin, and then end, between 0 and a last moment."""
    check_number(f"{where}: end", end, 0, last)
    check_number(f"{where}: start", start, 0, end)


def check_cut(cut: Any) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(cut, bool):
        raise ValueError(f"cut must be true or false, got {shown(cut)}")
