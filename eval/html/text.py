"""Strangers' strings and numbers made fit to be shown: nothing hidden, nothing endless, nothing that could run."""

from __future__ import annotations

import json
import math
from typing import Any

from markupsafe import Markup

from ..json_files import is_number

MAX_NAME = 200  # characters of a name, a text or a version
MAX_COMMAND = 4000


def shown(text: Any, limit: int = MAX_NAME) -> str:
    r"""A string as it may be shown: invisible characters written out as ``\u202e``, the middle of long ones left out.

    Args:
        text: Anything; what is no string is written as one.
        limit: Characters of the answer, at the most.
    """
    text = text if isinstance(text, str) else str(text)
    if len(text) > limit:
        text = f"{text[: limit // 2]}…{text[-(limit // 2 - 1) :]}"
    # a browser would act on these instead of showing them: some turn the order of letters around, and a name could look
    # like another one or a copied command do something else
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(letter: str) -> str:
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def number(value: Any) -> float | None:
    """A finite number, or ``None`` for anything else."""
    return float(value) if is_number(value) else None


def rounded(value: float | None, digits: int = 6) -> float | int | None:
    """A number with so many significant digits, an integer where it is one; ``None`` for what is not finite."""
    if value is None or not math.isfinite(value):
        return None
    if value == int(value) and abs(value) < 2**53:
        return int(value)
    return float(f"{value:.{digits}g}")


def exact(value: float | None) -> float | int | None:
    """A number to a millionth or to twelve digits, an integer where it is one."""
    return rounded(value, 12)


_ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def script_json(data: Any) -> Markup:
    """JSON for ``<script type="application/json">``: no end tag, comment or entity can be in it.

    Raises:
        ValueError: A number is not finite.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_ESCAPES))
