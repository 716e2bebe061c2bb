"""Spoiling what is valid: bytes of a text, values of a JSON document. Everything follows from one numpy generator."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

TOKENS = (
    "-1", "0", "1", "2", "3", "-0", "+5", "007", "1.5", "1e3", "1e999", "NaN", "inf", "-Infinity", "0x10", "1_000",
    "2147483647", "2147483648", "-2147483648", "4294967296", "9007199254740993", "9223372036854775807",
    "9223372036854775808", "-9223372036854775809", "1" * 400, "9" * 5000, "100000000", "1000000000", "999999999999",
    "٣", "\uff11", "²", "", "#", "\x00", "\x1b[31m", "[red]", "due", "release", "weight", "operations", "Times",
    "Machines", "processing", "'", '"', ",", ":", "{", "[", "]", "}", "null", "true", "\u2028", "\ufeff", "\u202e",
    "\r", "\x0c",
    "\ud800", "../../etc/passwd", "/dev/zero",
)  # fmt: skip
"""What replaces a word of a text."""

RAW = {"<deep>": "[" * 20_000 + "]" * 20_000, "<long>": "9" * 5000, "<deeper>": '{"a":' * 3000 + "1" + "}" * 3000}
"""JSON that the writer of the standard library cannot write, put in afterwards."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, 2, -1, 3, 7, 255, 256, 1000, 65_536, 10**6, 10**9, 2**31 - 1, 2**31, -(2**31), 2**53,
    2**53 + 1, 2**62, 2**63 - 1, 2**63, -(2**63) - 1, 10**20, 10**400, -(10**400), 0.5, -0.0, 1e-300, 5e-324, 1e300,
    1e308, 1.0, 2.0, 1e15, float("inf"), float("-inf"), float("nan"), "", "a", "0", "1e5", "nan", "\x00", "\x1b[31m",
    "[red]x[/red]", "a\nb", "\u2028", "\ud800", "x" * 300, "../../etc/passwd", "/dev/zero", [], {}, [[]], [1, 2, 3],
    {"a": 1}, [None], "<deep>", "<long>", "<deeper>",
)  # fmt: skip
"""What replaces a value of a JSON document."""


def pick(rng: np.random.Generator, options: Any) -> Any:
    """One of some options, as it is (numpy would make arrays of them)."""
    return options[int(rng.integers(len(options)))]


def times(rng: np.random.Generator) -> int:
    """How often to spoil: once in half of all cases, seldom often."""
    return min(int(rng.geometric(0.5)), 12)


def spoil_text(data: bytes, rng: np.random.Generator) -> bytes:
    """A text with some bytes, words or lines changed, moved, doubled or gone."""
    for _ in range(times(rng)):
        data = pick(rng, (_bytes, _word, _word, _word, _word, _word, _swap_words, _swap_words, _lines, _cut))(data, rng)
    return data


def _bytes(data: bytes, rng: np.random.Generator) -> bytes:
    place, kind = int(rng.integers(len(data) + 1)), int(rng.integers(3))
    byte = bytes([int(rng.integers(256))])
    return data[:place] + (b"" if kind == 0 else byte) + data[place + (kind < 2) :]


def _word(data: bytes, rng: np.random.Generator) -> bytes:
    words = data.split(b" ")
    place = int(rng.integers(len(words)))
    token = pick(rng, TOKENS).encode("utf-8", "surrogatepass")
    number = words[place].strip(b"\n,")
    if number.isdigit() and len(number) < 20 and rng.random() < 0.7:
        token = str(int(number) + int(rng.integers(-2, 3))).encode()
    words[place] = token + (b"\n" if words[place].endswith(b"\n") else b"")
    return b" ".join(words)


def _swap_words(data: bytes, rng: np.random.Generator) -> bytes:
    words = data.split(b" ")
    one, two = rng.integers(len(words), size=2).tolist()
    words[one], words[two] = words[two], words[one]
    return b" ".join(words)


def _lines(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.split(b"\n")
    one, two, kind = int(rng.integers(len(lines))), int(rng.integers(len(lines))), int(rng.integers(3))
    if kind == 0:
        del lines[one]
    elif kind == 1:
        lines.insert(two, lines[one])
    else:
        lines[one], lines[two] = lines[two], lines[one]
    return b"\n".join(lines)


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    one, two = sorted(rng.integers(len(data) + 1, size=2).tolist())
    return data[:one] if rng.random() < 0.3 else data[:one] + data[two:]


def spoil_json(data: Any, rng: np.random.Generator) -> Any:
    """A JSON document with some values changed, doubled, moved or gone, in place where that can be."""
    for _ in range(times(rng)):
        places = _places(data, rng)
        if not places:
            return pick(rng, VALUES)
        holder, key = pick(rng, places)
        _spoil_value(holder, key, rng)
    return data


def _places(data: Any, rng: np.random.Generator) -> list[tuple[Any, Any]]:
    """Where values are: those along a random way from the top, so that the few at the top are met as often as many."""
    places: list[tuple[Any, Any]] = []
    while isinstance(data, (dict, list)) and data:
        key = pick(rng, list(data)) if isinstance(data, dict) else int(rng.integers(len(data)))
        places.append((data, key))
        data = data[key]
    return places


def _spoil_value(holder: Any, key: Any, rng: np.random.Generator) -> None:
    kind, value = int(rng.integers(14)), holder[key]
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(int(rng.integers(len(holder) + 1)), json.loads(json.dumps(value)))
    elif kind == 2 and isinstance(holder, dict):
        holder[pick(rng, ("", "extra", "\x1b[31m", *holder))] = holder.pop(key)
    elif kind == 3:
        other = pick(rng, list(holder)) if isinstance(holder, dict) else int(rng.integers(len(holder)))
        holder[key], holder[other] = holder[other], holder[key]
    elif kind == 4:
        holder[key] = [value]
    elif kind <= 11 and isinstance(value, (int, float)) and not isinstance(value, bool):
        holder[key] = _other_number(value, rng)
    else:
        holder[key] = pick(rng, VALUES)


def _other_number(value: float, rng: np.random.Generator) -> Any:
    near = (value + 1, value - 1, -value, 2 * value, value * 1000, 0)
    if abs(value) < 1e15:
        near = (*near, float(value), int(value), value / 2)
    return pick(rng, near)


def as_text(data: Any, rng: np.random.Generator) -> bytes:
    """A JSON document as bytes, sometimes with a field twice, sometimes spoilt as text too."""
    text = json.dumps(data, ensure_ascii=bool(rng.integers(2)), indent=1 if rng.random() < 0.3 else None)
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"', raw)
    if rng.random() < 0.05 and text.startswith("{") and "," in text:
        text = "{" + text[1 : text.index(",")] + "," + text[1:]
    encoded = text.encode("utf-8", "surrogatepass")
    return spoil_text(encoded, rng) if rng.random() < 0.2 else encoded
