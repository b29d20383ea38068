"""What is wrong with a configuration file, where, and how it is said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from ci_migrate.errors import ConfigError, Where
from ci_migrate.redact import MASK, mask_known_forms, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

KeyPath = tuple[str | int, ...]
"""The way to a value: keys of mappings and positions (from 0) in lists."""

MOST_PROBLEMS = 50
"""Problems shown in one message; a file with more is not a ci-migrate file."""

SECRET_KEYS = frozenset({"url", "lock_url", "scratch_url", "webhook", "env", "x"})
"""Keys whose values, and everything below them, are never shown."""

_CREDENTIALS = re.compile(r"(?<=://)[^\s@]*@")
_SIMPLE_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place in the file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with the configuration, without any secret in it."""

    path: KeyPath
    what: str
    shown: str = ""
    """The offending value as made by `show_value`."""
    suggestion: str = ""
    mark: Mark | None = None
    """Where it is, when that is not the place of `path`."""


def show_value(path: KeyPath, value: object) -> str:
    """Return a value as one short line, `***` where the key may hold a secret."""
    if not SECRET_KEYS.isdisjoint(path):
        return MASK
    if isinstance(value, bool):
        return str(value).lower()
    # A lone surrogate, from an escape in the file, could not be printed.
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    return one_line(mask_known_forms(_CREDENTIALS.sub(f"{MASK}@", text)), 60)


def show_path(path: KeyPath) -> str:
    """Return a key path as a user would write it: `environments.dev.branches[0]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        # In its quotes before it is made one line: those keep the spaces at its ends.
        key = step if _SIMPLE_KEY.fullmatch(step) else show_value((), f'"{step}"')
        text += f".{key}" if text else key
    return text


def find_mark(path: KeyPath, marks: Mapping[KeyPath, Mark]) -> Mark:
    """Return where a key path is, or the nearest place above it that exists in the file."""
    while path and path not in marks:
        path = path[:-1]
    return marks.get(path, Mark(line=1, column=1))


def find_close_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, if there is one."""
    from difflib import get_close_matches

    by_lower = {candidate.lower(): candidate for candidate in known}
    close = get_close_matches(name.lower()[:100], by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def suggest_name(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean `x`?``, or all known names when none is close."""
    known = tuple(known)
    if close := find_close_name(name, known):
        return f"did you mean `{close}`?"
    return one_line("known: " + ", ".join(known), 300) if known else ""


def raise_problems(
    file: Path,
    problems: Iterable[Problem],
    marks: Mapping[KeyPath, Mark],
    *,
    next_step: str = "correct the file and try it with `ci-migrate config check`",
) -> NoReturn:
    """Raise one ConfigError that lists all problems in the order of the file."""
    placed = [(problem.mark or find_mark(problem.path, marks), problem) for problem in problems]
    placed.sort(key=lambda pair: (pair[0].line, pair[0].column))
    lines = [_render(file, mark, problem) for mark, problem in placed[:MOST_PROBLEMS]]
    if len(placed) > MOST_PROBLEMS:
        lines.append(f"… and {len(placed) - MOST_PROBLEMS} more problems in {file}")
    raise ConfigError(
        "\n".join(lines),
        next_step=next_step,
        where=Where(file=str(file), line=placed[0][0].line),
    )


def _render(file: Path, mark: Mark, problem: Problem) -> str:
    text = f"{file}:{mark.line}: "
    if problem.path:
        text += f"{show_path(problem.path)}: "
    text += problem.what
    if problem.shown:
        text += f" (`{problem.shown}`)"
    return f"{text} — {problem.suggestion}" if problem.suggestion else text
