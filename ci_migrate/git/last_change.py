"""Who changed or deleted a file last, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ci_migrate.git.program import ask_git
from ci_migrate.redact import one_line

_FORM = "--format=%as%x09%D%x09%h%x09%an"


def describe_last_change(root: Path, env: Mapping[str, str], file: str) -> str | None:
    """Return for example `by Ada on 2026-11-01 in 1234abc`; None where a shallow checkout does not tell it.

    A change that is not committed is nobody's.
    """
    if ask_git(root, env, "status", "--porcelain", "--", file):
        return "not committed yet"
    return _describe(ask_git(root, env, "log", _FORM, "-n", "1", "--", file))


def describe_deletion(
    root: Path, env: Mapping[str, str], words: str, folders: Iterable[Path]
) -> str | None:
    """Return who deleted a file with a line like `words`, an extended regular expression, and when.

    Looked at is the branch that is checked out; None where it never had such a file, or that cannot be told.
    """
    which = ("-n", "1", "--diff-filter=D", "--no-renames", "--extended-regexp", f"-G{words}")
    return _describe(ask_git(root, env, "log", _FORM, *which, "--", *map(str, folders)))


def _describe(answer: str | None) -> str | None:
    day, _, rest = (answer or "").partition("\t")
    decorations, _, rest = rest.partition("\t")
    commit, _, name = rest.partition("\t")
    # A shallow checkout begins with a commit that seems to have made every file.
    if not name or "grafted" in decorations.split(", "):
        return None
    return f"by {one_line(name, 80)} on {day} in {commit}"
