"""What git knows about the working directory; every answer may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ci_migrate.errors import ProcessError
from ci_migrate.process import run_command
from ci_migrate.redact import one_line

TIMEOUT = 20.0
"""Seconds; git answers these questions in milliseconds, also in a large repository."""


def current_branch(root: Path, env: Mapping[str, str]) -> str | None:
    """Return the branch that is checked out, None when detached or without git."""
    return _ask(root, env, "symbolic-ref", "--short", "-q", "HEAD")


def current_commit(root: Path, env: Mapping[str, str]) -> str | None:
    """Return the full id of the commit that is checked out."""
    return _ask(root, env, "rev-parse", "--verify", "-q", "HEAD")


def user_name(root: Path, env: Mapping[str, str]) -> str | None:
    """Return the name that git would put on a commit made here."""
    return _ask(root, env, "config", "user.name")


def describe_origin(root: Path, env: Mapping[str, str], file: str) -> str | None:
    """Return who added a file and when, such as `added by Ada on 2026-11-01`; None in a shallow checkout."""
    form = "--format=%as%x09%D%x09%an"
    answer = _ask(root, env, "log", "--diff-filter=A", form, "-n", "1", "--", file)
    day, _, rest = (answer or "").partition("\t")
    decorations, _, name = rest.partition("\t")
    # A shallow checkout begins with a commit that seems to add every file.
    if not name or "grafted" in decorations.split(", "):
        return None
    return f"added by {one_line(name, 80)} on {day}"


def _ask(root: Path, env: Mapping[str, str], *arguments: str) -> str | None:
    # The checkout may belong to another user (container jobs): reading it is all that is done here.
    # Names of files are taken as they are: git would read `:` and `*` in them.
    options = ["-c", f"safe.directory={root}", "-C", str(root), "--literal-pathspecs"]
    command = ["git", *options, *arguments]
    quiet = {**env, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        return run_command(command, env=quiet, timeout=TIMEOUT).stdout.strip() or None
    except ProcessError:
        return None
