"""What a revision does that is to run, told by its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_migrate.errors import ProjectError
from ci_migrate.models import PendingRevision, Revision
from ci_migrate.revisions.atomic import describe_atomicity
from ci_migrate.revisions.content import content_hashes
from ci_migrate.revisions.reader import read_source

if TYPE_CHECKING:
    from pathlib import Path

    from ci_migrate.revisions.surroundings import Surroundings


def describe_pending(
    revision: Revision,
    root: Path,
    dialect: str,
    around: Surroundings | None = None,
    direction: str = "upgrade",
) -> PendingRevision:
    """Read the file of a revision, which `root` and `revision.file` name.

    `around` finds the modules of the repository that it uses; they count in its hash.
    A file that is no valid Python has no content hash; `find_broken_sources` says what is wrong with it.
    """
    source, atomic, reason = "", False, "its file cannot be read"
    hashes: tuple[str, ...] = ("",)
    try:
        if revision.file is not None:
            source = read_source(root / revision.file, revision.file)
            hashes = content_hashes(source, revision.file, around)
            atomic, reason = describe_atomicity(source, dialect, revision.file, direction)
    except ProjectError as exc:
        reason = exc.message
    return PendingRevision(
        revision=revision.id,
        message=revision.message,
        file=revision.file,
        parents=revision.parents,
        content_hash=hashes[0],
        former_hashes=hashes[1:],
        source=source,
        atomic=atomic,
        why_not_atomic="" if atomic else reason,
    )
