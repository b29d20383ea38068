"""Earlier states of a branch, and the branch that brings one of them back."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ci_migrate.errors import GitError
from ci_migrate.git.checkout import user_name
from ci_migrate.git.fetch import fetch_refs, show_token
from ci_migrate.git.program import ask_git, read_git

ROLES = ("AUTHOR", "COMMITTER")
PUSH_SECONDS = 120.0


def commits_before_changes(
    root: Path, env: Mapping[str, str], folders: Iterable[Path]
) -> Iterator[str]:
    """Yield the commits of this branch right before each change of some folders, the newest first.

    Merges are seen as the branch sees them: a file comes with the merge that brought it.
    """
    names = [str(folder) for folder in folders]
    found = ask_git(root, env, "log", "--first-parent", "-m", "--format=%P", "--", *names)
    for line in (found or "").splitlines():
        if parents := line.split():
            yield parents[0]


def count_commits_since(root: Path, env: Mapping[str, str], commit: str) -> int | None:
    """Return how many commits this branch has made since; merged ones count as one."""
    answer = ask_git(root, env, "rev-list", "--count", "--first-parent", f"{commit}..HEAD")
    return int(answer) if answer else None


def has_file(root: Path, env: Mapping[str, str], file: str) -> bool:
    """Return whether the commit that is checked out has a file, named from `root`."""
    return ask_git(root, env, "cat-file", "-t", f"HEAD:./{file}") == "blob"


def has_origin(root: Path, env: Mapping[str, str]) -> bool:
    """Return whether the repository knows a remote called origin."""
    return ask_git(root, env, "remote", "get-url", "origin") is not None


def find_tip(root: Path, env: Mapping[str, str], branch: str) -> str:
    """Return the last commit of a branch that origin is known to have, else the one that is checked out."""
    tip = ask_git(root, env, "rev-parse", "--verify", "-q", f"refs/remotes/origin/{branch}")
    return tip or ask_git(root, env, "rev-parse", "--verify", "-q", "HEAD") or "HEAD"


def tree_without(root: Path, env: Mapping[str, str], commit: str, file: str) -> str:
    """Return the tree of a commit without one file, named from `root`; raises GitError."""
    with tempfile.TemporaryDirectory(prefix="ci-migrate-") as folder:
        aside = {**env, "GIT_INDEX_FILE": os.path.join(folder, "index")}  # noqa: PTH118 - a variable
        read_git(root, aside, "read-tree", commit)
        read_git(root, aside, "update-index", "--force-remove", "--", file)
        return read_git(root, aside, "write-tree").decode().strip()


def push_tree(
    root: Path,
    env: Mapping[str, str],
    *,
    tree: str,
    parent: str,
    name: str,
    message: str,
    token: str | None,
) -> None:
    """Push a branch `name` to origin: one commit on top of `parent` whose files are those of `tree`.

    A branch of that name that is there goes on from what it has, or stays when it has these files already. Nothing of
    the work tree is touched. `token` is for a GitHub that asks who pushes; it travels in a variable, not as an
    argument. Raises GitError.
    """
    server = env.get("GITHUB_SERVER_URL", "")
    person = {"NAME": user_name(root, env) or "ci-migrate", "EMAIL": "ci-migrate@localhost"}
    signed = {
        **{f"GIT_{role}_{key}": value for role in ROLES for key, value in person.items()},
        **env,
        **show_token(env, server, token),
    }
    ref = f"refs/heads/{name}"
    there = read_git(root, signed, "ls-remote", "origin", ref, timeout=PUSH_SECONDS).split()
    parents = ["-p", parent]
    if there:
        fetch_refs(root, env, (ref,), server_url=server, token=token)
        before = there[0].decode()
        if ask_git(root, env, "rev-parse", f"{before}^{{tree}}") == tree:
            return
        parents = ["-p", before, "-p", parent]
    made = read_git(root, signed, "commit-tree", tree, *parents, "-m", message).decode().strip()
    read_git(root, signed, "push", "--quiet", "origin", f"{made}:{ref}", timeout=PUSH_SECONDS)


def tree_of(root: Path, env: Mapping[str, str], commit: str) -> str:
    """Return the tree of a commit; raises GitError."""
    tree = ask_git(root, env, "rev-parse", "--verify", "-q", f"{commit}^{{tree}}")
    if tree is None:
        raise GitError(f"git knows no commit {commit} here")
    return tree
