"""Where the history of a branch did not have a file yet, and how a branch goes back there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ci_migrate.git.checkout import user_name
from ci_migrate.git.fetch import show_token
from ci_migrate.git.program import ask_git, read_git

ROLES = ("AUTHOR", "COMMITTER")
PUSH_SECONDS = 120.0


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


def push_files_of(
    root: Path,
    env: Mapping[str, str],
    *,
    commit: str,
    branch: str,
    name: str,
    message: str,
    token: str | None,
) -> None:
    """Push a branch `name` to origin: one commit on top of `branch` whose files are those of `commit`.

    Nothing of the work tree is touched. `token` is for a GitHub that asks who pushes; it travels in a variable, not as
    an argument. Raises GitError.
    """
    tip = ask_git(root, env, "rev-parse", "--verify", "-q", f"refs/remotes/origin/{branch}")
    parent = tip or ask_git(root, env, "rev-parse", "--verify", "-q", "HEAD") or "HEAD"
    person = {"NAME": user_name(root, env) or "ci-migrate", "EMAIL": "ci-migrate@localhost"}
    signed = {
        **{f"GIT_{role}_{key}": value for role in ROLES for key, value in person.items()},
        **env,
        **show_token(env, env.get("GITHUB_SERVER_URL", ""), token),
    }
    made = read_git(root, signed, "commit-tree", f"{commit}^{{tree}}", "-p", parent, "-m", message)
    ref = f"{made.decode().strip()}:refs/heads/{name}"
    read_git(root, signed, "push", "--quiet", "origin", ref, timeout=PUSH_SECONDS)
