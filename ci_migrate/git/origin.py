"""Who added a file, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.git.program import ask_git
from ci_migrate.redact import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The commit that added a file."""

    author: str
    """As the commit says, on one line."""
    date: str
    """`YYYY-MM-DD`."""
    commit: str


def find_origin(
    root: Path, env: Mapping[str, str], file: str, commits: tuple[str, ...] = ("HEAD",)
) -> Origin | None:
    """Return the commit that added a file, seen from some commits; None in a shallow checkout."""
    form = "--format=%H%x09%as%x09%D%x09%an"
    answer = ask_git(root, env, "log", "--diff-filter=A", form, "-n", "1", *commits, "--", file)
    commit, _, rest = (answer or "").partition("\t")
    day, _, rest = rest.partition("\t")
    decorations, _, name = rest.partition("\t")
    # A shallow checkout begins with a commit that seems to add every file.
    if not name or "grafted" in decorations.split(", "):
        return None
    return Origin(author=one_line(name, 80), date=day, commit=commit)


def describe_origin(root: Path, env: Mapping[str, str], file: str) -> str | None:
    """Return who added a file and when, such as `added by Ada on 2026-11-01`; None where git does not know."""
    origin = find_origin(root, env, file)
    return f"added by {origin.author} on {origin.date}" if origin else None
