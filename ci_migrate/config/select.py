"""Which environment a branch belongs to."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_migrate.config.loaded import Config

_PIECE = re.compile(r"\*\*+/|\*\*+|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_MEMBER = re.compile(r"(.)-(.)|(.)", re.DOTALL)
_WILD = re.compile(r"[*?\[]")


def environment_of_branch(config: Config, branch: str) -> str | None:
    """Return the name of the environment that a branch promotes, or None; no branch belongs to two."""
    for name, section in config.environments.items():
        if any(match_branch(branch, glob) for glob in list_globs(section.branches)):
            return name
    return None


def list_globs(branches: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return `branches`, one glob or several, as a tuple."""
    return (branches,) if isinstance(branches, str) else branches


def match_branch(branch: str, glob: str) -> bool:
    """Return whether a glob covers a branch, case-sensitive.

    `*` and `?` stand for anything but `/`, `**` for anything, `**/` for any number of folders or
    none, `[abc]`, `[a-z]` and `[!abc]` for one character.
    """
    return bool(_compile_glob(glob).fullmatch(branch))


def split_glob(glob: str) -> list[str]:
    """Return the pieces of a glob: `**/`, `**`, `*`, `?`, a set in brackets, or a character."""
    return _PIECE.findall(glob)


def is_literal(glob: str) -> bool:
    """Return whether a glob covers only the branch that is spelled like it."""
    return not _WILD.search(glob)


@lru_cache(maxsize=1024)
def _compile_glob(glob: str) -> re.Pattern[str]:
    return re.compile("".join(map(_translate, split_glob(glob))), re.DOTALL)


def _translate(piece: str) -> str:
    if piece.startswith("**"):
        return "(?:.*/)?" if piece.endswith("/") else ".*"
    if piece == "*":
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if len(piece) > 1:
        return _translate_set(piece[1:-1])
    return re.escape(piece)


def _translate_set(content: str) -> str:
    is_negated = content.startswith("!") and len(content) > 1
    members = ""
    for low, high, single in _MEMBER.findall(content[1:] if is_negated else content):
        if single:
            members += re.escape(single)
        elif low <= high:
            # A range that runs backwards covers nothing, as in fnmatch.
            members += f"{re.escape(low)}-{re.escape(high)}"
    if is_negated:
        return f"[^/{members}]"
    return f"(?!/)[{members}]" if members else "(?!)"
