"""What a merge of two commits would hold, made by git and kept nowhere."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.errors import GitError
from ci_migrate.git.program import ask_git, read_git
from ci_migrate.git.tree import list_blobs, read_blobs

CONFLICTS = 1
"""Exit code of `git merge-tree` for a merge with conflicts."""
UNKNOWN_OPTION = 129
"""Exit code of a git older than 2.38, which cannot merge trees by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedFiles:
    """Some folders of a merge result."""

    files: Mapping[str, bytes]
    """Content by path from the working directory; files in conflict are not there."""
    conflicts: tuple[str, ...]
    """Paths below the folders on which both sides disagree; conflicts elsewhere do not matter here."""


def merge_files(
    root: Path, env: Mapping[str, str], ours: str, theirs: str, folders: Iterable[Path]
) -> MergedFiles:
    """Return what some folders hold after a merge of two commits; the repository is not written.

    Git 2.38 and newer follow renames; with an older one, each path is merged by itself.
    Raises GitError when the commits have no common ancestor here.
    """
    folders = tuple(folders)
    base = ask_git(root, env, "merge-base", ours, theirs)
    if base is None:
        raise GitError(
            f"git finds no common ancestor of {ours[:12]} and {theirs[:12]} here",
            next_step="The checkout is shallow, or the histories are unrelated: `git fetch --unshallow`, in a"
            " workflow `fetch-depth: 0` at the checkout.",
        )
    with tempfile.TemporaryDirectory() as spare:
        merged = {**env, **_spare_objects(root, env, spare)}
        try:
            options = ("--write-tree", "-z", "--name-only", "--no-messages")
            answer = read_git(root, merged, "merge-tree", *options, ours, theirs, fine=CONFLICTS)
        except GitError as exc:
            if exc.returncode != UNKNOWN_OPTION:
                raise
            return _merge_by_path(root, env, (base, ours, theirs), folders)
        tree, *named = (os.fsdecode(part) for part in answer.split(b"\0") if part)
        blobs = list_blobs(root, merged, tree, folders)
        prefix = ask_git(root, env, "rev-parse", "--show-prefix") or "."
        conflicts = {Path(os.path.relpath(path, prefix)).as_posix() for path in named}
        inside = {path for path in conflicts if _is_below(root / path, folders)}
        clean = {path: blob for path, blob in blobs.items() if path not in inside}
        return _with_contents(root, merged, clean, inside)


def _spare_objects(root: Path, env: Mapping[str, str], folder: str) -> dict[str, str]:
    """Return the variables that make git put what it writes elsewhere: a look must leave nothing."""
    objects = ask_git(root, env, "rev-parse", "--git-path", "objects") or ".git/objects"
    known = [str(root / objects), env.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "")]
    return {
        "GIT_OBJECT_DIRECTORY": folder,
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(filter(None, known)),
    }


def _merge_by_path(
    root: Path, env: Mapping[str, str], commits: tuple[str, str, str], folders: tuple[Path, ...]
) -> MergedFiles:
    base, ours, theirs = (list_blobs(root, env, commit, folders) for commit in commits)
    merged: dict[str, str] = {}
    conflicts: set[str] = set()
    for path in base.keys() | ours.keys() | theirs.keys():
        before, mine, other = base.get(path), ours.get(path), theirs.get(path)
        chosen = other if mine == before else mine
        if mine != before and other not in {before, mine}:
            conflicts.add(path)
        elif chosen is not None:
            merged[path] = chosen
    return _with_contents(root, env, merged, conflicts)


def _with_contents(
    root: Path, env: Mapping[str, str], blobs: Mapping[str, str], conflicts: set[str]
) -> MergedFiles:
    contents = read_blobs(root, env, blobs.values())
    files = {path: contents[blob] for path, blob in sorted(blobs.items())}
    return MergedFiles(files=files, conflicts=tuple(sorted(conflicts)))


def _is_below(path: Path, folders: tuple[Path, ...]) -> bool:
    whole = Path(os.path.normpath(path))
    return any(whole.is_relative_to(Path(os.path.normpath(folder))) for folder in folders)
