"""The git program: one command, its bytes, and one kind of failure."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from ci_migrate.errors import GitError, ProcessError
from ci_migrate.process import run_command
from ci_migrate.redact import one_line

TIMEOUT = 20.0
"""Seconds; git answers these questions in milliseconds, also in a large repository."""


def git_command(root: Path, *arguments: str) -> list[str]:
    """Return the argv of a question to the repository around `root`."""
    # The checkout may belong to another user (container jobs): reading it is all that is done here.
    # Names of files are taken as they are: git would read `:` and `*` in them.
    options = ["-c", f"safe.directory={root}", "-C", str(root), "--literal-pathspecs"]
    return ["git", *options, *arguments]


def quiet(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables under which git asks nobody, and takes no lock for a mere look."""
    return {**env, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def read_git(
    root: Path,
    env: Mapping[str, str],
    *arguments: str,
    stdin: bytes = b"",
    fine: int = 0,
    timeout: float = TIMEOUT,
) -> bytes:
    """Return what a git command prints, as bytes.

    `fine` is an exit code that is an answer, too, when something was printed; `timeout` is in seconds.
    Raises GitError when git is missing, fails, or takes long.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
        given.write(stdin)
        given.seek(0)
        try:
            run_command(
                git_command(root, *arguments),
                env=quiet(env),
                stdin=given,
                stdout=printed,
                timeout=timeout,
            )
        except ProcessError as exc:
            printed.seek(0)
            answer = printed.read()
            if fine and exc.returncode == fine and answer:
                return answer
            reason = one_line(exc.stderr.strip() or exc.message, 300)
            raise GitError(
                f"git {arguments[0]} failed: {reason}",
                returncode=exc.returncode,
                next_step="Run this in a git checkout; in a workflow, with `fetch-depth: 0` at the checkout.",
            ) from exc
        printed.seek(0)
        return printed.read()


def ask_git(root: Path, env: Mapping[str, str], *arguments: str) -> str | None:
    """Return what a git command prints, stripped; None when it fails or prints nothing."""
    try:
        return read_git(root, env, *arguments).decode("utf-8", "replace").strip() or None
    except GitError:
        return None
