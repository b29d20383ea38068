"""A job summary as plain text: what GitHub draws from the Markdown, for a terminal."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator


def render_summary(markdown: str) -> str:
    """Return a job summary with its tables in columns and its escapes undone."""
    return "\n".join(_lines(markdown)).strip()


def _lines(markdown: str) -> Iterator[str]:
    table: list[list[str]] = []
    for line in markdown.splitlines():
        if line.startswith("|"):
            table.append([_plain(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
            continue
        yield from _columns(table)
        table = []
        if line.strip():
            yield _plain(line)
    yield from _columns(table)


def _columns(table: list[list[str]]) -> Iterator[str]:
    rows = [row for row in table if any(cell.strip("- ") for cell in row)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  " + "  ".join(cells).rstrip()


def _plain(text: str) -> str:
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", re.sub(r"</?\w+>|^#+ |\*\*", "", text))
    return html.unescape(re.sub(r"\\(.)", r"\1", text)).strip()
