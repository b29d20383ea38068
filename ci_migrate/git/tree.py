"""Files of a tree that is not checked out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ci_migrate.errors import GitError
from ci_migrate.git.program import read_git
from ci_migrate.redact import shell_words


def resolve_commit(root: Path, env: Mapping[str, str], ref: str) -> str:
    """Return the full id of the commit that a ref names.

    Raises GitError, with the fetch that is missing as the next step.
    """
    try:
        # After `--end-of-options` a ref that begins with `-` is no option.
        arguments = ("rev-parse", "--verify", "-q", "--end-of-options", f"{ref}^{{commit}}")
        return read_git(root, env, *arguments).decode().strip()
    except GitError as exc:
        remote, _, branch = ref.partition("/")
        fetch = shell_words("git", "fetch", *((remote, branch) if branch else ("origin", ref)))
        raise GitError(
            f"git knows no commit {ref!r} here",
            next_step=f"Fetch it first: {fetch}; in a workflow, `fetch-depth: 0` at the checkout.",
        ) from exc


def read_prefix(root: Path, env: Mapping[str, str]) -> str:
    """Return where a folder is in its repository, with `/` at the end; empty at the top. Raises GitError."""
    return read_git(root, env, "rev-parse", "--show-prefix").decode().rstrip("\n")


def shown_path(path: str, prefix: str) -> str:
    """Return a path of the repository as it is seen from the folder at `prefix`."""
    return Path(os.path.relpath(path, prefix or ".")).as_posix()


def repository_path(path: str, prefix: str) -> str:
    """Return a path seen from the folder at `prefix` as a path of the repository."""
    return Path(os.path.normpath(os.path.join(prefix, path))).as_posix()  # noqa: PTH118 - git's path


def list_blobs(
    root: Path, env: Mapping[str, str], tree: str, folders: Iterable[Path]
) -> dict[str, str]:
    """Return the ids of the regular files below some folders of a tree, by path from `root`.

    Raises GitError when a folder lies outside of the repository.
    """
    prefix = read_prefix(root, env)
    places = {_place_of(folder, root, prefix) for folder in folders}
    if not places:
        return {}
    names = () if "." in places else tuple(sorted(places))
    listing = read_git(root, env, "ls-tree", "-r", "-z", "--full-tree", tree, "--", *names)
    found = {}
    for entry in listing.split(b"\0"):
        kind, _, path = entry.partition(b"\t")
        mode, _, rest = kind.partition(b" ")
        if mode in {b"100644", b"100755"}:
            found[shown_path(os.fsdecode(path), prefix)] = rest.rpartition(b" ")[2].decode()
    return found


def read_blobs(root: Path, env: Mapping[str, str], ids: Iterable[str]) -> dict[str, bytes]:
    """Return the content of blobs by their ids, all by one process."""
    wanted = tuple(dict.fromkeys(ids))
    if not wanted:
        return {}
    data = read_git(root, env, "cat-file", "--batch", stdin="\n".join(wanted).encode() + b"\n")
    found, at = {}, 0
    for name in wanted:
        head, at = _line(data, at)
        size = int(head.rpartition(b" ")[2])
        found[name] = data[at : at + size]
        at += size + 1
    return found


def read_files(
    root: Path, env: Mapping[str, str], tree: str, folders: Iterable[Path]
) -> dict[str, bytes]:
    """Return the regular files below some folders of a tree, by path from `root`."""
    blobs = list_blobs(root, env, tree, folders)
    contents = read_blobs(root, env, blobs.values())
    return {path: contents[blob] for path, blob in blobs.items()}


def _line(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.index(b"\n", at)
    return data[at:end], end + 1


def _place_of(folder: Path, root: Path, prefix: str) -> str:
    below = os.path.relpath(folder, root)
    place = os.path.normpath(os.path.join(prefix, below))  # noqa: PTH118 - git's path, not the disk's
    if place.startswith("..") or Path(place).is_absolute():
        raise GitError(
            f"{folder} lies outside of the repository, so no commit can be read for it",
            next_step="Only revisions in the same repository can be compared between commits.",
        )
    return place
