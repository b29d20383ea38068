"""What git knows about the working directory; every answer may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ci_migrate.errors import GitError
from ci_migrate.git.program import ask_git, read_git


def current_branch(root: Path, env: Mapping[str, str]) -> str | None:
    """Return the branch that is checked out, None when detached or without git."""
    return ask_git(root, env, "symbolic-ref", "--short", "-q", "HEAD")


def why_no_branch(root: Path, env: Mapping[str, str]) -> str:
    """Return why `current_branch` knows none, in words."""
    try:
        read_git(root, env, "rev-parse", "--git-dir")
    except GitError as exc:
        if exc.returncode is None:
            return "git, which knows the branch, is not installed or does not answer"
        return f"{root} is in no git repository"
    return "git is on no branch here (its HEAD is detached)"


def current_commit(root: Path, env: Mapping[str, str]) -> str | None:
    """Return the full id of the commit that is checked out."""
    return ask_git(root, env, "rev-parse", "--verify", "-q", "HEAD")


def user_name(root: Path, env: Mapping[str, str]) -> str | None:
    """Return the name that git would put on a commit made here."""
    return ask_git(root, env, "config", "user.name")
