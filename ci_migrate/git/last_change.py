"""Who changed or deleted a file last, and when."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ci_migrate.git.program import ask_git
from ci_migrate.redact import one_line


def describe_last_change(root: Path, env: Mapping[str, str], file: str) -> str | None:
    """Return for example `by Ada on 2026-11-01 in 1234abc`; None where a shallow checkout does not tell it.

    A change that is not committed is nobody's.
    """
    if ask_git(root, env, "status", "--porcelain", "--", file):
        return "not committed yet"
    form = "--format=%as%x09%D%x09%h%x09%an"
    answer = ask_git(root, env, "log", form, "-n", "1", "--", file)
    day, _, rest = (answer or "").partition("\t")
    decorations, _, rest = rest.partition("\t")
    commit, _, name = rest.partition("\t")
    # A shallow checkout begins with a commit that seems to have made every file.
    if not name or "grafted" in decorations.split(", "):
        return None
    return f"by {one_line(name, 80)} on {day} in {commit}"
