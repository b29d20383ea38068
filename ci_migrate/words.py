"""Numbers of things in words."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return `1 revision`, `2 revisions`; the noun has a plain plural."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
