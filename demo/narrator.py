"""Tells the story: headings, one plain sentence a step, command lines and what they answered."""

from __future__ import annotations

import re
import sys
import textwrap

WIDTH = 110
COLUMN = re.compile(r" *\w{1,12}:? {2,}(?=\S)")
"""A label and the blanks behind it: what it labels is folded in its own column."""


class StoryError(Exception):
    """ci-migrate did not do what the story says it does."""


def head(title: str) -> None:
    """Begin a chapter."""
    print(
        f"\n{_paint(f'── {title} ', '1;36')}{_paint('─' * (WIDTH - len(title) - 4), '36')}",
        flush=True,
    )


def say(sentence: str) -> None:
    """Tell what happens and why."""
    print(textwrap.fill(sentence, WIDTH), flush=True)


def show_command(command: str) -> None:
    """Show a command line before it runs."""
    print(_paint(f"  $ {command}", "1"), flush=True)


def show_output(text: str, *, mark: str = "    ") -> None:
    """Show what a command answered or a file holds, long lines folded under their own beginning."""
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        column = COLUMN.match(line)
        print(
            textwrap.fill(
                line.strip(),
                WIDTH,
                initial_indent=mark + indent,
                subsequent_indent=mark + (" " * column.end() if column else f"{indent}    "),
                break_long_words=False,
                break_on_hyphens=False,
            )
            or mark.rstrip(),
            flush=True,
        )


def expect(is_so: bool, promise: str, *, instead: str) -> None:
    """Stop the story when a promise was not kept; `instead` is what was seen."""
    if not is_so:
        raise StoryError(f"expected: {promise}\ninstead:  {instead}")


def _paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stdout.isatty() else text
