"""A file that is gone from the work tree, found in the history of every ref."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.errors import GitError
from ci_migrate.git.program import read_git
from ci_migrate.redact import one_line

SEARCH_SECONDS = 120.0
MOST_COMMITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LostFile:
    """A version of a file that some commit added or changed."""

    path: str
    """From the root of the repository."""
    commit: str
    author: str
    date: str
    """`YYYY-MM-DD`."""
    content: bytes


def find_lost_files(root: Path, env: Mapping[str, str], words: str) -> Iterator[LostFile]:
    """Yield the versions of Python files that ever had a line with these words, the newest first.

    Looked at are all branches, remote ones and tags too, and what the reflog of this repository still has: a
    branch that was reset or rebased leaves its commits there. Raises GitError without a repository.
    """
    top = Path(os.fsdecode(read_git(root, env, "rev-parse", "--show-toplevel").rstrip(b"\n")))
    changed = list(_list_changes(top, env, f"-G{re.escape(words)}"))
    for path in dict.fromkeys(name for _, name in changed if name.endswith(".py")):
        for commit, name in _list_changes(top, env, "--", path):
            content = _read(top, env, commit.id, name)
            if content is not None:
                yield LostFile(
                    path=name,
                    commit=commit.id,
                    author=commit.author,
                    date=commit.date,
                    content=content,
                )


def is_known(root: Path, env: Mapping[str, str], words: str) -> bool:
    """Return whether any commit that is here ever had a line with these words; False without a repository."""
    which = ("log", "--all", "--reflog", "-n", "1", "--format=%H", f"-G{re.escape(words)}")
    try:
        return bool(read_git(root, env, *which, timeout=SEARCH_SECONDS).strip())
    except GitError:
        return False


@dataclass(frozen=True, slots=True)
class _Commit:
    id: str
    date: str
    author: str


def _list_changes(top: Path, env: Mapping[str, str], *which: str) -> Iterator[tuple[_Commit, str]]:
    """Yield the commits that added or changed files, the newest first, each with a file's path."""
    form = "--format=%x01%H%x02%as%x02%an%x02"
    options = ("--all", "--reflog", "--diff-filter=AMR", "-z", "--name-only", form)
    limit = ("-n", str(MOST_COMMITS))
    listing = read_git(top, env, "log", *options, *limit, *which, timeout=SEARCH_SECONDS)
    for entry in listing.decode("utf-8", "surrogateescape").split("\x01")[1:]:
        commit, date, author, names = entry.split("\x02", 3)
        for name in filter(None, re.split(r"[\0\n]+", names)):
            yield _Commit(commit, date, one_line(author, 80)), name


def _read(root: Path, env: Mapping[str, str], commit: str, name: str) -> bytes | None:
    try:
        return read_git(root, env, "cat-file", "blob", f"{commit}:{name}")
    except GitError:
        return None
