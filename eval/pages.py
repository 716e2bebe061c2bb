"""Parts of Markdown pages that are written from measurements, so that no number is copied by hand."""

from __future__ import annotations

from pathlib import Path

from ..envs.core.errors import InputError
from ..envs.core.files import write_atomically


def fill_page(path: Path, part: str, text: str) -> None:
    """Put a text between the lines ``<!-- PART -->`` and ``<!-- /PART -->`` of a page, in place of what is there.

    Args:
        path: Of the page.
        part: Name of the part.
        text: In Markdown.

    Raises:
        InputError: There is no such page, or it does not have these two lines, once each and in this order.
    """
    begin, end = f"<!-- {part} -->\n", f"<!-- /{part} -->"
    try:
        page = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError):
        raise InputError(f"{path}: no such page of text") from None
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise InputError(f"{path}: needs the lines '{begin.strip()}' and '{end}', once each and in this order")
    before, rest = page.split(begin)
    after = rest.split(end)[1]
    write_atomically(path, f"{before}{begin}{text.rstrip()}\n{end}{after}")


def markdown_table(headings: list[str], rows: list[list[str]], left: int = 1) -> str:
    """A table in Markdown, its first ``left`` columns to the left and the others, numbers, to the right."""
    rule = ["---"] * left + ["---:"] * (len(headings) - left)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (headings, rule, *rows)) + "\n"
