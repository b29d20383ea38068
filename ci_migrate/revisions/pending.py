"""What a pending revision does, told by its source."""

from __future__ import annotations

import tokenize
from pathlib import Path

from ci_migrate.errors import ProjectError
from ci_migrate.models import PendingRevision, Revision
from ci_migrate.revisions.atomic import describe_atomicity
from ci_migrate.revisions.content import content_hash


def describe_pending(revision: Revision, root: Path, dialect: str) -> PendingRevision:
    """Read the file of a revision; raise ProjectError, with its line, when it is not valid Python."""
    source = _read_source(revision, root)
    atomic, reason = describe_atomicity(source, dialect)
    return PendingRevision(
        revision=revision.id,
        message=revision.message,
        file=revision.file,
        parents=revision.parents,
        content_hash=content_hash(source, revision.file),
        source=source,
        atomic=atomic,
        why_not_atomic="" if atomic else reason,
    )


def _read_source(revision: Revision, root: Path) -> str:
    if revision.file is None:
        return ""
    try:
        with tokenize.open(root / revision.file) as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeDecodeError) as exc:
        raise ProjectError(f"{revision.file} cannot be read: {exc}") from exc
