"""Where the history of a branch did not have a file yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ci_migrate.git.program import ask_git


def last_commit_without(root: Path, env: Mapping[str, str], file: str) -> str | None:
    """Return the commit before the one that brought a file into this branch; None when git does not know.

    Merges are seen as the branch sees them: a file comes with the merge that brought it.
    """
    first = ("log", "--first-parent", "-m", "--diff-filter=A", "--format=%P", "-n", "1", "--", file)
    parents = (ask_git(root, env, *first) or "").split()
    return parents[0] if parents else None


def count_commits_since(root: Path, env: Mapping[str, str], commit: str) -> int | None:
    """Return how many commits this branch has made since; merged ones count as one."""
    answer = ask_git(root, env, "rev-list", "--count", "--first-parent", f"{commit}..HEAD")
    return int(answer) if answer else None


def has_origin(root: Path, env: Mapping[str, str]) -> bool:
    """Return whether the repository knows a remote called origin."""
    return ask_git(root, env, "remote", "get-url", "origin") is not None
