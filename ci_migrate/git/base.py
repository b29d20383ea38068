"""The commit with which the working directory is compared: where a branch began, or what it was before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.errors import GitError
from ci_migrate.git.program import ask_git, read_git

FETCH_SECONDS = 120.0
_FULL_ID = re.compile(r"[0-9a-f]{40,64}")
_ZEROS = re.compile(r"0+")
_FETCH = "In a workflow, give the checkout `fetch-depth: 0`; elsewhere, run `git fetch origin`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What is known of the event; every part may be missing."""

    asked: str | None = None
    """A ref that the user names."""
    merge_commit: str | None = None
    """The merge that GitHub made of a pull request; a checkout may have another commit as its HEAD."""
    base_commit: str | None = None
    """The commit before a push, or the base of a merge group; zeros for a new branch."""
    base_branch: str | None = None
    """The branch of a pull request's base, or the default branch."""
    branch: str | None = None
    """The branch that is checked out, where git itself does not say it."""
    may_fetch: bool = True
    """Whether what is missing may be asked from the remote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A commit to compare with."""

    commit: str
    how: str
    """What it is, as the end of "compared with"."""


def find_base(root: Path, env: Mapping[str, str], hints: Hints) -> Base | None:
    """Return the commit to compare with; missing objects are fetched, no ref and no file changes.

    None when nothing came before, or nobody says what did. Raises GitError when git does not have it.
    """
    have = _have if hints.may_fetch else _is_here
    if hints.asked:
        return _fork_point(root, env, hints.asked)
    merged = read_merged(root, env, hints)
    if merged and have(root, env, merged):
        return Base(commit=merged, how=f"the base of this pull request, {merged[:12]}")
    before = hints.base_commit or ""
    if is_commit(before) and have(root, env, before):
        return Base(commit=before, how=f"what this branch was before, {before[:12]}")
    if not hints.may_fetch:
        return None
    if is_commit(before):
        raise GitError(
            f"git does not have {before[:12]} here, which this branch was before", next_step=_FETCH
        )
    return _find_beginning(root, env, hints)


def _find_beginning(root: Path, env: Mapping[str, str], hints: Hints) -> Base | None:
    """Return where the branch left the one it goes to, or the default branch."""
    here = hints.branch or ask_git(root, env, "symbolic-ref", "--short", "-q", "HEAD")
    for branch in filter(None, [hints.base_branch, _default_branch(root, env)]):
        if branch != here:  # on the branch itself everything is its own beginning
            return _fork_point(root, env, _remote_name(root, env, branch))
    return None


def is_commit(text: str) -> bool:
    """Return whether a text is the full id of a commit; zeros stand for none."""
    return bool(_FULL_ID.fullmatch(text)) and not _ZEROS.fullmatch(text)


def read_head(root: Path, env: Mapping[str, str]) -> str:
    """Return the full id of the commit that is checked out; raises GitError."""
    return read_git(root, env, "rev-parse", "--verify", "HEAD").decode().strip()


def _fork_point(root: Path, env: Mapping[str, str], ref: str) -> Base:
    """Return the last commit that HEAD and a ref share; a shallow checkout is completed for it."""
    tip = ask_git(root, env, "rev-parse", "--verify", "-q", "--end-of-options", f"{ref}^{{commit}}")
    if tip is None and ref.startswith("origin/"):
        _fetch(root, env, ref.removeprefix("origin/"))
        tip = ask_git(root, env, "rev-parse", "--verify", "-q", "FETCH_HEAD^{commit}")
    common = ask_git(root, env, "merge-base", tip, "HEAD") if tip else None
    if tip and common is None and _is_shallow(root, env):
        _fetch(root, env, "--unshallow", "origin")
        common = ask_git(root, env, "merge-base", tip, "HEAD")
    if tip is None or common is None:
        what = f"git knows no commit {ref!r} here" if tip is None else f"nothing leads to {ref!r}"
        raise GitError(
            f"{what}, so it cannot be told where this branch began",
            next_step=_FETCH,
        )
    return Base(commit=common, how=f"where this branch left {ref}, {common[:12]}")


def read_merged(root: Path, env: Mapping[str, str], hints: Hints) -> str | None:
    """Return the base of the pull request whose merge by GitHub is checked out; None for every other HEAD.

    Read from the object itself: a shallow checkout hides its parents elsewhere.
    """
    if not hints.merge_commit or hints.merge_commit != read_head(root, env):
        return None
    header = (ask_git(root, env, "cat-file", "-p", "HEAD") or "").split("\n\n", 1)[0]
    parents = re.findall(r"(?m)^parent ([0-9a-f]+)$", header)
    return parents[0] if len(parents) == 2 else None


def _have(root: Path, env: Mapping[str, str], commit: str) -> bool:
    """Return whether a commit with its files is here, after a try to fetch it."""
    if _is_here(root, env, commit):
        return True
    depth = ("--depth=1",) if _is_shallow(root, env) else ()
    _fetch(root, env, *depth, "origin", commit)
    return _is_here(root, env, commit)


def _is_here(root: Path, env: Mapping[str, str], commit: str) -> bool:
    return ask_git(root, env, "rev-parse", "--verify", "-q", f"{commit}^{{tree}}") is not None


def _is_shallow(root: Path, env: Mapping[str, str]) -> bool:
    return ask_git(root, env, "rev-parse", "--is-shallow-repository") == "true"


def _fetch(root: Path, env: Mapping[str, str], *arguments: str) -> bool:
    """Fetch objects and no ref; a checkout without a login at hand, or without a remote, fails quickly."""
    where = arguments if "origin" in arguments else ("origin", *arguments)
    try:
        read_git(root, env, "fetch", "--quiet", "--no-tags", *where, timeout=FETCH_SECONDS)
    except GitError:
        return False
    return True


def _default_branch(root: Path, env: Mapping[str, str]) -> str | None:
    found = ask_git(root, env, "symbolic-ref", "--short", "-q", "refs/remotes/origin/HEAD")
    return found.removeprefix("origin/") if found else None


def _remote_name(root: Path, env: Mapping[str, str], branch: str) -> str:
    """Return a branch as it is at the remote, or the local one where there is no remote."""
    return f"origin/{branch}" if ask_git(root, env, "remote") else branch
