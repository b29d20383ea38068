"""Revision files in subfolders that nobody reads, where somebody may have meant them to be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ci_migrate.revisions.file_bytes import read_file_bytes
from ci_migrate.revisions.project import shown_path
from ci_migrate.revisions.reader import REVISION_FILE, read_revision_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ci_migrate.revisions.project import Project

MOST_NAMED = 3
DEEPEST = 3
"""Levels of subfolders that are looked into: by release and branch, by year, month and day."""


def notes_on_subfolders(project: Project, heads: Collection[str]) -> tuple[str, ...]:
    """Return a warning where the history goes on in subfolders of the folders that are read; `heads` are what was read.

    Revisions there that follow none of the heads, as in an archive of old ones, are nobody's concern.
    """
    if project.recursive or project.unreadable:
        return ()
    if next(_folders_below(project, heads), None) is None:
        return ()
    # What goes on there may go on further in others.
    unread = dict.fromkeys(_folders_below(project, ()))
    found = [shown_path(folder, project.root) for folder in unread]
    names = ", ".join(found[:MOST_NAMED]) + (" and others" if len(found) > MOST_NAMED else "")
    text = (
        f"revision files in subfolders are not read: {names}. Name those folders in `migrations.versions`, or set"
        " `recursive_version_locations = true` in Alembic's settings"
    )
    return (text,)


def _folders_below(project: Project, heads: Collection[str]) -> Iterator[Path]:
    wanted = {_bytes(head) for head in heads}
    for top in project.version_locations:
        for name, folders, files in os.walk(top):
            folder = Path(name)
            is_deepest = len(folder.relative_to(top).parts) == DEEPEST
            folders[:] = [] if is_deepest else sorted(filter(_may_be_meant, folders))
            is_read = folder in project.version_locations
            if not is_read and any(_goes_on(folder / file, wanted) for file in files):
                yield folder


def _may_be_meant(name: str) -> bool:
    return name != "__pycache__" and not name.startswith(".")


def _goes_on(file: Path, heads: Collection[bytes]) -> bool:
    """Return whether a file is a revision that follows one of the heads, or any revision where there is no head."""
    if not REVISION_FILE.match(file.name):
        return False
    try:
        data = read_file_bytes(file)
    except OSError:
        return False
    if heads and not any(head in data for head in heads):
        return False  # quicker than parsing a whole archive
    revision = read_revision_bytes(data, file.name).revision
    parents = set(map(_bytes, revision.parents)) if revision else set()
    return revision is not None and (not heads or not parents.isdisjoint(heads))


def _bytes(revision: str) -> bytes:
    """Return an id as it stands in a file; one that no file can hold by itself is in none."""
    return revision.encode("utf-8", "surrogatepass")
