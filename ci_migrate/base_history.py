"""The revisions of an earlier commit against the files of today: what a branch or a push rewrites."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.errors import GitError, ProjectError
from ci_migrate.git.base import Hints
from ci_migrate.git.program import read_git
from ci_migrate.git.tree import list_blobs, read_blobs
from ci_migrate.github.event import GitHubEvent
from ci_migrate.models import Revision
from ci_migrate.revisions.content import content_hashes
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.project import Project
from ci_migrate.revisions.reader import REVISION_FILE, read_revision_bytes, read_source
from ci_migrate.revisions.rewrite import KnownRevision, Rewrite, find_rewrites
from ci_migrate.revisions.surroundings import Read, Surroundings, read_disk
from ci_migrate.revisions.syntax import decode_source
from ci_migrate.survey import History, surroundings_of


def hints_of(event: GitHubEvent | None, asked: str | None = None) -> Hints:
    """Return what an event says about the commit before; `asked` is a ref that the user names."""
    if event is None:
        return Hints(asked=asked)
    return Hints(
        asked=asked,
        merge_commit=event.sha if event.ref.startswith("refs/pull/") else None,
        base_commit=event.before,
        base_branch=event.base_branch or event.default_branch,
        branch=event.branch,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """The revision files of a commit, by their paths from the project's root, and the modules around them."""

    files: Mapping[str, bytes]
    around: Surroundings
    code_changed: bool
    """Whether other Python files than revisions are not what they were."""


def find_rewrites_since(history: History, env: Mapping[str, str], commit: str) -> list[Rewrite]:
    """Return the revisions of a commit that are gone or something else now; raises GitError.

    Revisions that the commit does not have are new, and of no interest here.
    """
    return find_rewrites_of(history, _read_then(history, env, commit))


def find_rewrites_of(history: History, then: Then) -> list[Rewrite]:
    """Return the revisions that are gone or something else now."""
    project = history.project
    now = surroundings_of(project)
    disk = read_disk(project.root)
    known = []
    for path, data in sorted(then.files.items()):
        # Nearly all files are what they were; only the others are parsed.
        is_same = disk(path) == data
        if is_same and not (then.code_changed and now.may_have_helpers(data.decode("latin-1"))):
            continue
        item = _read_known(path, data, then.around)
        if item is not None:
            known.append(item)
    return find_rewrites(
        known,
        history.graph,
        lambda revision: _read(project, revision),
        now,
        lambda _: then.around,
    )


def surroundings_at(project: Project, env: Mapping[str, str], commit: str) -> Surroundings | None:
    """Return the modules around the revisions as a commit has them; None when no commit is known."""
    return surroundings_of(project, _read_at(project, env, commit)) if commit else None


def _read_then(history: History, env: Mapping[str, str], commit: str) -> Then:
    project, root = history.project, history.project.root
    names = ("diff", "--name-only", "--no-renames", "--relative", "-z", commit, "--", ".")
    paths = [os.fsdecode(path) for path in read_git(root, env, *names).split(b"\0") if path]
    gone = find_gone(project, paths)
    folders = {*project.version_locations, *((root / path).parent for path in gone)}
    blobs = {
        path: blob
        for path, blob in list_blobs(root, env, commit, folders).items()
        if path in gone or is_revision_file(project, path)
    }
    contents = read_blobs(root, env, blobs.values())
    files = {path: contents[blob] for path, blob in blobs.items()}
    return Then(
        files=leave_out_foreign(files, gone, history.graph),
        around=surroundings_of(project, _read_at(project, env, commit)),
        code_changed=any(
            path.endswith(".py") and not is_revision_file(project, path) for path in paths
        ),
    )


def find_gone(project: Project, changed: Iterable[str]) -> set[str]:
    """Return the paths of changed files that are gone, and may have been revisions in a folder that was moved."""
    return {
        path
        for path in changed
        if REVISION_FILE.match(Path(path).name)
        and not is_revision_file(project, path)
        and not path.startswith("../")
        and not (project.root / path).exists()
    }


def leave_out_foreign(files: Mapping[str, bytes], gone: set[str], graph: Graph) -> dict[str, bytes]:
    """Return the files without those of `gone` that were no revisions of this project.

    Its own are what its other revisions follow, or follows them.
    """
    parsed = {path: read_revision_bytes(files[path], path).revision for path in gone & files.keys()}
    strange = {path: revision for path, revision in parsed.items() if revision is not None}
    if not strange:
        return {path: data for path, data in files.items() if path not in gone}
    there = (
        read_revision_bytes(data, path).revision for path, data in files.items() if path not in gone
    )
    known: set[str] = set()
    for revision in (*graph.revisions.values(), *filter(None, there)):
        known |= {revision.id, *revision.parents}
    while own := [path for path, rev in strange.items() if known & {rev.id, *rev.parents}]:
        for path in own:
            revision = strange.pop(path)
            known |= {revision.id, *revision.parents}
    foreign = strange.keys() | {path for path, revision in parsed.items() if revision is None}
    return {path: data for path, data in files.items() if path not in foreign}


def _read_at(project: Project, env: Mapping[str, str], commit: str) -> Read:
    """Return a reader of Python files as a commit has them; the commit is listed once, when it is needed."""
    listed: dict[str, str] = {}

    def read(path: str) -> bytes | None:
        if not listed:
            listed.update(_list_code(project, env, commit))
        blob = listed.get(Path(path).as_posix())
        return read_blobs(project.root, env, [blob])[blob] if blob else None

    return read


def _list_code(project: Project, env: Mapping[str, str], commit: str) -> dict[str, str]:
    found: dict[str, str] = {"": ""}
    for folder in dict.fromkeys(project.import_path):
        with suppress(GitError):  # outside of the repository
            found |= list_blobs(project.root, env, commit, [folder])
    return {path: blob for path, blob in found.items() if path.endswith(".py") or not path}


def _read_known(path: str, data: bytes, around: Surroundings) -> KnownRevision | None:
    """Return a revision of the commit; None for a file that declares none that can be read as text."""
    parsed = read_revision_bytes(data, path)
    if parsed.revision is None:
        return None
    source, digest = "", ""
    with suppress(ProjectError):  # a file that was broken then may be mended now
        source = decode_source(data, path)
        digest = content_hashes(source, path, around)[0]
    return KnownRevision(
        revision=parsed.revision.id,
        message=parsed.revision.message,
        parents=parsed.revision.parents,
        content_hash=digest,
        source=source,
        file=path,
    )


def _read(project: Project, revision: Revision) -> str:
    file = revision.file or ""
    return read_source(project.root / file, file)


def is_revision_file(project: Project, path: str) -> bool:
    """Return whether Alembic would load a file: by its name, and in subfolders only where it is told so."""
    whole = project.root / path
    if not REVISION_FILE.match(whole.name) or "__pycache__" in whole.parts:
        return False
    if project.recursive:
        return any(whole.is_relative_to(folder) for folder in project.version_locations)
    return whole.parent in project.version_locations
