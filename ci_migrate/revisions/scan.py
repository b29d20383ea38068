"""All revision files of a project, read as text."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ci_migrate.revisions.problem import Problem
from ci_migrate.revisions.reader import REVISION_FILE, read_revision
from ci_migrate.revisions.way_out import leads_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ci_migrate.models import Revision
    from ci_migrate.revisions.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the revision files of a project say."""

    revisions: tuple[Revision, ...]
    """In the order of folders and file names; an id may be there twice."""
    problems: tuple[Problem, ...] = ()
    """Files that Alembic could not load either."""
    unreadable: tuple[str, ...] = ()
    """Reasons why the files do not show the whole history; empty when they do."""
    uncounted: tuple[str, ...] = ()
    """Those of `unreadable` for which `revisions` may lack some; for the others labels alone are unknown."""


def read_history(project: Project) -> History:
    """Read every revision file of the project; never raises.

    Files are the ones that Alembic would load: its name filter, its settings for subfolders, and a
    file that is reached by two ways counts once. Links to folders are not followed.
    """
    revisions: list[Revision] = []
    problems: list[Problem] = []
    unreadable, uncounted = list(project.unreadable), list(project.unreadable)
    for path, shown, fault in _list_files(project):
        if fault is not None:
            problems.append(fault)
            continue
        parsed = read_revision(path, shown)
        if parsed.revision:
            revisions.append(parsed.revision)
        if parsed.problem:
            problems.append(parsed.problem)
        if parsed.unreadable:
            unreadable.append(parsed.unreadable)
            uncounted += [] if parsed.revision else [parsed.unreadable]
    compiled = _compiled_only(project, bool(revisions)) if project.sourceless else []
    return History(
        revisions=tuple(revisions),
        problems=tuple(problems),
        unreadable=(*unreadable, *compiled),
        uncounted=(*uncounted, *compiled),
    )


def _list_files(project: Project) -> Iterator[tuple[str, str, Problem | None]]:
    """Yield path, shown path and why it is not read, in Alembic's order, each file once."""
    seen: set[str] = set()
    for folder, files in _list_folders(project):
        real = os.path.realpath(folder)
        shown = _shown_folder(folder, project.root)
        is_outside = leads_out(Path(folder), project.root)
        for entry in files:
            path = os.path.join(real, entry.name)  # noqa: PTH118 - once per file of thousands
            if entry.is_symlink():
                path = os.path.realpath(path)
            if path in seen or not REVISION_FILE.match(os.path.basename(path)):  # noqa: PTH119
                continue
            seen.add(path)
            is_out = is_outside or (
                entry.is_symlink() and leads_out(Path(entry.path), project.root)
            )
            yield path, shown + entry.name, _find_fault(shown + entry.name, entry, is_out=is_out)


def _list_folders(project: Project) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Yield the folders of revision files with their entries that are not folders, sorted."""
    todo = [str(path) for path in reversed(project.version_locations)]
    while todo:
        folder = todo.pop()
        try:
            with os.scandir(folder) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue  # Alembic skips a version location that does not exist, too
        yield folder, [entry for entry in ordered if not _is(entry.is_dir)]
        if project.recursive:
            todo += [
                entry.path
                for entry in reversed(ordered)
                if entry.is_dir(follow_symlinks=False) and not entry.name.endswith("__pycache__")
            ]


def _find_fault(shown: str, entry: os.DirEntry[str], *, is_out: bool) -> Problem | None:
    if not _is(entry.is_file):  # a broken link, or a pipe that would block
        return Problem(
            message=f"{shown} is not a readable file",
            file=shown,
            next_step="Remove it from the versions folder; Alembic cannot load it either.",
        )
    if is_out:
        return Problem(
            message=f"{shown} leads out of the repository by a symbolic link",
            file=shown,
            next_step="Put the file itself there: what it leads to is in no commit, and can be anything.",
        )
    return None


def _is(kind: Callable[[], bool]) -> bool:
    """Return whether an entry is of a kind; a link that leads in a circle is of none."""
    try:
        return kind()
    except OSError:
        return False


def _shown_folder(folder: str, root: Path) -> str:
    path = Path(os.path.normpath(folder))
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return "" if shown == Path() else shown.as_posix() + "/"


def _compiled_only(project: Project, has_source: bool) -> list[str]:
    """Return a reason when revisions exist as compiled files without their source."""
    for folder, files in _list_folders(project):
        compiled = {entry.name for entry in files if entry.name.endswith((".pyc", ".pyo"))}
        sources = {entry.name.partition(".")[0] for entry in files if entry.name.endswith(".py")}
        cache = Path(folder, "__pycache__")
        compiled |= {path.name for path in cache.iterdir()} if cache.is_dir() else set()
        lost = sorted(name for name in compiled if name.partition(".")[0] not in sources)
        lost = [name for name in lost if not name.startswith("__init__")]
        if lost:
            return [f"{len(lost)} revisions have no source file, for example {lost[0]}"]
    return [] if has_source else ["sourceless is set, and there is no source file"]
