"""What a revision does that is to run, told by its source."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ci_migrate.errors import ProjectError
from ci_migrate.models import Revision
from ci_migrate.pending_revision import Content, PendingRevision
from ci_migrate.revisions.atomic import describe_atomicity
from ci_migrate.revisions.content import content_hashes
from ci_migrate.revisions.reader import read_source

if TYPE_CHECKING:
    from collections.abc import Callable
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

    `around` finds the modules of the repository that it uses; they count in its hash. What a text says is read
    later, by whoever asks for it, unless there are such modules: their files may be others by then.
    A file that is no valid Python has no content hash; `survey.problems_of` says what is wrong with it.
    """
    source = ""
    try:
        if revision.file is not None:
            source = read_source(root / revision.file, revision.file)
    except ProjectError as exc:
        unread = Content(content_hash="", atomic=False, why_not_atomic=exc.message)
        return _pending(revision, "", lambda: unread)
    pending = _pending(
        revision,
        source,
        partial(_read_content, source, revision.file, dialect, around, direction),
        plain_is_atomic=dialect.startswith("postgresql"),
    )
    if around is not None and around.may_have_helpers(source):
        pending.read_now()
    return pending


def _pending(
    revision: Revision,
    source: str,
    read_content: Callable[[], Content],
    *,
    plain_is_atomic: bool = False,
) -> PendingRevision:
    return PendingRevision(
        revision=revision.id,
        message=revision.message,
        file=revision.file,
        parents=revision.parents,
        source=source,
        read_content=read_content,
        plain_is_atomic=plain_is_atomic,
    )


def _read_content(
    source: str, file: str | None, dialect: str, around: Surroundings | None, direction: str
) -> Content:
    hashes: tuple[str, ...] = ("",)
    atomic, reason = False, "its file cannot be read"
    try:
        if file is not None:
            hashes = content_hashes(source, file, around)
            atomic, reason = describe_atomicity(source, dialect, file, direction)
    except ProjectError as exc:
        reason = exc.message
    return Content(
        content_hash=hashes[0],
        former_hashes=hashes[1:],
        atomic=atomic,
        why_not_atomic="" if atomic else reason,
    )
