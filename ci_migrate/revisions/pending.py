"""What a pending revision does, told by its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_migrate.errors import ProjectError
from ci_migrate.models import PendingRevision, Revision
from ci_migrate.revisions.atomic import describe_atomicity
from ci_migrate.revisions.content import content_hash
from ci_migrate.revisions.reader import read_source

if TYPE_CHECKING:
    from pathlib import Path


def describe_pending(revision: Revision, root: Path, dialect: str) -> PendingRevision:
    """Read the file of a revision, which `root` and `revision.file` name.

    A file that is no valid Python has no content hash; `find_broken_sources` says what is wrong with it.
    """
    source, digest, atomic, reason = "", "", False, "its file cannot be read"
    try:
        if revision.file is not None:
            source = read_source(root / revision.file, revision.file)
            digest = content_hash(source, revision.file)
            atomic, reason = describe_atomicity(source, dialect, revision.file)
    except ProjectError as exc:
        reason = exc.message
    return PendingRevision(
        revision=revision.id,
        message=revision.message,
        file=revision.file,
        parents=revision.parents,
        content_hash=digest,
        source=source,
        atomic=atomic,
        why_not_atomic="" if atomic else reason,
    )
