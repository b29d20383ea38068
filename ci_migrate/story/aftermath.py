"""After an upgrade that failed: whether the database changed, and what to do next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ci_migrate.database.catalog import Snapshot
from ci_migrate.models import Failure
from ci_migrate.pending_revision import PendingRevision
from ci_migrate.remains import MAYBE, is_concurrent_build, is_reading

OWN_COMMAND = (
    "Version rows and schema are as this run found them. Rows that the command has committed are seen by nobody here:"
    " look for them if it may have. Once the cause is gone, start the run again."
)
"""After a command of the project's own that has changed nothing to be seen."""
OWN_COMMAND_CHANGED = (
    "The database is not as this run found it, and what the command did after the last version row is seen by nobody"
    " here: look at the database before you start anything again"
)
"""After one that has."""
_OTHERS = " Somebody else has migrated it while this run did: see to it that nothing else does."
_LOOK = "See what of it is in, and whether it can surely be undone or finished: ci-migrate recover --dry-run."


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a database holds at one moment, as far as it can be told apart cheaply."""

    rows: tuple[str, ...]
    snapshot: Snapshot


def is_changed(
    before: State, after: State, failure: Failure, pending: Mapping[str, PendingRevision]
) -> bool:
    """Return whether the failed run may have left something in the database.

    Version rows and schema tell most. A revision that is not atomic may also have left rows of data, which
    nothing shows: it counts as changed as soon as it executed a statement that writes.
    """
    if before != after:
        return True
    return may_have_left_rows(failure.revision, failure.executed, pending)


def may_have_left_rows(
    revision: str | None, executed: tuple[str, ...], pending: Mapping[str, PendingRevision]
) -> bool:
    """Return whether a revision that is not atomic failed after a statement that writes."""
    failed = pending.get(revision or "")
    if failed is None or failed.content.atomic:
        return False
    return any(not is_reading(statement) for statement in executed)


def is_undone(
    failure: Failure,
    pending: Mapping[str, PendingRevision],
    *,
    moved: bool,
    present: Collection[str],
) -> bool:
    """Return whether nothing is left of a revision that failed, although others of its run are in.

    Where the version rows did not move, what has changed may be its work, on another connection.
    """
    failed = pending.get(failure.revision or "")
    return failed is not None and failed.content.atomic and moved and failed.revision not in present


def advise(
    *,
    changed: bool,
    moved: bool,
    rows: tuple[str, ...],
    failure: Failure,
    pending: Mapping[str, PendingRevision],
    restore: str,
    tables: tuple[str, ...],
    invalid: tuple[str, ...] = (),
    direction: str = "upgrade",
    present: Collection[str] = (),
    by_others: bool = False,
) -> str:
    """Return the next step after a failed upgrade or downgrade, in words and commands.

    `moved` says whether the version rows are other ones. `restore` is the command that brings the backup back,
    `tables` the names of what changed, `invalid` those of indexes that a failed concurrent build has left, `present`
    the revisions that the version rows say are in. `by_others` when somebody else was seen to migrate meanwhile.
    """
    if direction == "downgrade":
        return _advise_downgrade(changed, failure, restore=restore, tables=tables) + _drop(invalid)
    if not changed:
        return _advise_unchanged(failure)
    failed = pending.get(failure.revision or "")
    at = ", ".join(rows) or "base"
    if failure.revision in present and (failed is None or failed.content.atomic or not by_others):
        # It ended between its version row and the next revision; or somebody else had run it, too.
        return _whole(at) + (_OTHERS if by_others else "")
    has_written = may_have_left_rows(failure.revision, failure.executed, pending)
    if failed is None or failed.content.atomic or not (has_written or invalid):
        if tables and not moved:
            return _advise_beside(failure, at, restore=restore, tables=tables)
        return _advise_whole(failure, at)
    if invalid and all(map(_leaves_an_index_at_most, failure.executed)):
        return _advise_indexes(failure, at, invalid)
    return _advise_half(failure, at, restore=restore, tables=tables) + _drop(invalid)


def _leaves_an_index_at_most(statement: str) -> bool:
    """Return whether a statement reads, or is a concurrent build that was cut off."""
    return is_reading(statement) or (is_concurrent_build(statement) and statement.endswith(MAYBE))


def _advise_unchanged(failure: Failure) -> str:
    if failure.kind != "upgrade":
        return "The database is as it was. Once the cause is gone, start the run again."
    return (
        f"The database is as this run found it. Correct {_name(failure)}, try it in the first"
        " environment, and push again."
    )


def _advise_whole(failure: Failure, at: str) -> str:
    if failure.kind != "upgrade":
        return _whole(at)
    return (
        f"The database is at {at}, whole; nothing of {failure.revision} is in it. Correct"
        f" {_name(failure)} and push again: the promotion goes on from there."
    )


def _advise_beside(failure: Failure, at: str, *, restore: str, tables: tuple[str, ...]) -> str:
    back = "Bring the backup back" if restore else "Undo that by hand"
    return (
        f"The version row says {at} as before, but the database has changed in this run: {', '.join(tables[:20])}."
        f" Something worked beside the transaction of the revisions, such as a connection of {_name(failure)}'s own,"
        f" and a second run would stumble over it. {back}, then correct it and push again"
        + (f":\n{restore}" if restore else ".")
    )


def _whole(at: str) -> str:
    return f"The database is at {at}, whole. Start the run again: it goes on from there."


def _advise_half(failure: Failure, at: str, *, restore: str, tables: tuple[str, ...]) -> str:
    changed = f" Tables that changed in this run: {', '.join(tables[:20])}." if tables else ""
    then = f"correct {_name(failure)}" if failure.kind == "upgrade" else "start the run again"
    undo = "Undo the statements listed above by hand" if not restore else "Bring the backup back"
    return (
        f"The version row says {at}, but parts of {failure.revision} are in the database.{changed}"
        f" A second run would stumble over them. {_LOOK} {undo} otherwise, then {then}"
        + (f":\n{restore}" if restore else ".")
    )


def _advise_downgrade(
    changed: bool, failure: Failure, *, restore: str, tables: tuple[str, ...]
) -> str:
    others = "The other ways back and what they cost: ci-migrate rollback --advise"
    if not changed:
        return (
            f"The database is as this run found it, with {failure.revision or 'the revision'} in it. Correct the"
            f" downgrade() of {_name(failure)} if it is at fault, or run this again once the cause is gone."
            f" {others}"
        )
    listed = f" Tables that changed in this run: {', '.join(tables[:20])}." if tables else ""
    undo = "Bring the backup back" if restore else "Undo the statements listed above by hand"
    return (
        f"Parts of {failure.revision or 'the revision'} are gone from the database, others are still in it."
        f"{listed} A second run would stumble over that. {_LOOK} {undo} otherwise, then decide anew."
        f" {others}" + (f"\n{restore}" if restore else "")
    )


def _advise_indexes(failure: Failure, at: str, invalid: tuple[str, ...]) -> str:
    return (
        f"The database is at {at}; all that is left of {failure.revision} is an index whose concurrent build"
        f" did not end. It serves no query, slows every write, and is in the way of a second build.{_drop(invalid)}"
    )


def _drop(invalid: tuple[str, ...]) -> str:
    commands = "".join(f"\nDROP INDEX CONCURRENTLY {name};" for name in invalid)
    return f" Remove what is invalid, then start the run again:{commands}" if invalid else ""


def _name(failure: Failure) -> str:
    name = failure.revision or "the revision"
    return f"{name} ({failure.file})" if failure.file else name
