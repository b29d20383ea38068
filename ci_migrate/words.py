"""Numbers of things in words."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 revision`, `2 revisions`; `plural` is for a noun whose plural is not a plain one."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
