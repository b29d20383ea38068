"""What is seen of an upgrade or downgrade: every event of the worker, taken into one report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ci_migrate.errors import (
    CiMigrateError,
    DowngradeError,
    LockTimeoutError,
    LostLockError,
    ToldError,
    UpgradeError,
    Where,
    WrongDatabaseError,
)
from ci_migrate.foreseen import LockSeen
from ci_migrate.migrations import Event
from ci_migrate.models import Remains
from ci_migrate.observer import Observer
from ci_migrate.pending_revision import PendingRevision
from ci_migrate.remains import find_remains
from ci_migrate.upgrade.probe import other_schema, project_failure, rows_changed

_LOCK_PARTS = ("revision", "table", "mode", "seconds")


@dataclass(kw_only=True)
class UpgradeReport:
    """What was seen of an upgrade or downgrade, as far as it went."""

    direction: str = "upgrade"
    done: dict[str, float] = field(default_factory=dict)
    """Seconds per revision that ran to its end, in order; not yet proved to be committed."""
    running: str | None = None
    executed: list[str] = field(default_factory=list)
    """Statements of the revision that is running, or failed."""
    swallowed: list[str] = field(default_factory=list)
    """Warnings of revisions that ended well although statements of theirs failed."""
    begun: str | None = None
    """The statement that may be running, where it would outlive this run."""
    remains: dict[str, Remains] = field(default_factory=dict)
    """What revisions have done that lasts, those that ended well too."""
    statements: dict[str, int] = field(default_factory=dict)
    """How many statements each revision ran."""
    locks: list[LockSeen] = field(default_factory=list)
    """What a rehearsal saw of locks, each with its revision."""
    by_worker: bool = False
    """Whether the worker runs the revisions, and so tells of each."""
    is_refused: bool = False
    """Whether a version row was not as Alembic expected it when it was to be written."""
    given_up: str = ""
    """Why a statement was cancelled by the run itself; empty when it was not."""
    is_connected: bool = False
    """Whether env.py has come to the place where the revisions begin."""
    server_id: int | None = None
    still_running: tuple[int, ...] = ()
    """Sessions for which the server goes on although their client has ended."""
    committed: set[str] = field(default_factory=set)
    """Revisions that failed after they had, or may have, committed something themselves."""
    failure: ToldError | None = None

    @property
    def error(self) -> type[UpgradeError]:
        """The kind of failure that a revision's own code makes."""
        return DowngradeError if self.direction == "downgrade" else UpgradeError

    def as_seen(
        self, pending: Iterable[PendingRevision], dialect: str
    ) -> dict[str, PendingRevision]:
        """Return the pending revisions by id; one that was seen to do something that lasts is not atomic.

        On PostgreSQL also one whose text may do so: there a driver's own commit is not seen until its end or error.
        """
        lasting = self.committed | self.remains.keys()
        is_doubtful = dialect == "postgresql"
        return {
            item.revision: item.with_atomic(
                atomic=item.revision not in lasting and (item.content.atomic or not is_doubtful)
            )
            for item in pending
        }

    def could_have_run(self, revision: str) -> bool:
        """Return whether a revision that is in the database by now may be there by this run.

        A worker that was killed, or whose connection broke, may have committed the one that was running.
        """
        if not self.by_worker or revision in self.done:
            return True
        return revision == self.running and not self.is_refused

    def take_beside(self, statements: Iterable[str]) -> None:
        """Note what other sessions of the project ran when they were stopped; what they did before is not known."""
        found = "; ".join(dict.fromkeys(statements))
        if found and self.running is not None:
            self.committed.add(self.running)
            self.begun = f"{self.begun}; {found}" if self.begun else found
            _note_remains(self)

    def start_again(self, pending: Iterable[str]) -> None:
        """Forget the failure, and what is pending again."""
        self.failure = self.running = self.begun = self.server_id = None
        self.is_connected = self.is_refused = False
        self.given_up, self.still_running = "", ()
        self.executed.clear()
        for revision in pending:
            self.done.pop(revision, None)
            self.committed.discard(revision)
            self.remains.pop(revision, None)


def take_event(
    event: Event, report: UpgradeReport, messages: Mapping[str, str], observer: Observer
) -> None:
    """Take one event into the report; `messages` are those of the pending revisions by id."""
    kind = event["event"]
    if kind == "connected":
        report.is_connected, report.server_id = True, event["server_id"]
    elif kind == "statement_begins":
        report.begun = event["statement"]
        _note_remains(report)
    elif kind in {"statement", "lock"}:
        _note_work(event, report)
    elif kind == "revision_started":
        _start_revision(event["revision"], report, messages, observer)
    elif kind == "revision_done":
        _end_revision(event, report, observer)
    elif kind == "swallowed":
        report.swallowed.append(_describe_swallowed(event))
    elif kind == "revision_failed":
        report.failure = _revision_failure(event, report)
        if event["committed"]:
            report.committed.add(event["revision"])
        report.begun = None
        _note_remains(report)
    elif kind in {"refused", "stopped", "failed", "ran"}:
        report.failure = report.failure or _failure_at_the_end(event, report)


def _note_work(event: Event, report: UpgradeReport) -> None:
    if event["event"] == "lock":
        report.locks.append(LockSeen(**{name: event[name] for name in _LOCK_PARTS}))
        return
    report.begun = None
    report.executed.append(event["statement"])
    if report.running is not None:
        report.statements[report.running] = report.statements.get(report.running, 0) + 1


def _start_revision(
    revision: str, report: UpgradeReport, messages: Mapping[str, str], observer: Observer
) -> None:
    report.running = revision
    report.executed.clear()
    number = len(report.done.keys() & messages.keys()) + 1
    observer.revision_started(revision, messages.get(revision, ""), number, len(messages))


def _end_revision(event: Event, report: UpgradeReport, observer: Observer) -> None:
    _note_remains(report)
    report.done[event["revision"]] = event["seconds"]
    report.running = None
    observer.revision_ended(event["revision"], event["seconds"])


def _note_remains(report: UpgradeReport) -> None:
    """Keep what the running revision has done, if it was seen to do something that lasts."""
    revision = report.running
    is_seen = report.begun is not None or revision in (*report.remains, *report.committed)
    if revision is None or not is_seen:
        return
    remains = find_remains(revision, report.executed, report.begun)
    report.remains.pop(revision, None)
    if remains.executed or remains.begun:
        report.remains[revision] = remains


def _failure_at_the_end(event: Event, report: UpgradeReport) -> CiMigrateError | None:
    kind = event["event"]
    if kind == "refused":
        return _refusal(event)
    if kind == "stopped":
        error = LockTimeoutError if report.given_up else LostLockError
        return error(f"{event['reason']}; no further revision was begun")
    if kind == "failed":
        report.is_refused = event["type"] == "CommandError"
        return _late_failure(event, report) or project_failure(event)
    if event["finished"]:
        return None
    return report.error(
        "env.py ended without running the migrations to their end, and without an error",
        next_step="Look for an `except` or a condition in env.py that hides what happened.",
    )


def _refusal(event: Event) -> CiMigrateError:
    if event["other_schema"]:
        return other_schema(event["other_schema"])
    if event["same_database"]:
        return rows_changed(tuple(event["expected"]), tuple(event["rows"]))
    return WrongDatabaseError(
        f"env.py opened {event['database']} when asked to upgrade, unlike in its probe; nothing was run",
        next_step="Look in env.py for what chooses the database: it must choose the same one each time.",
    )


def _describe_swallowed(event: Event) -> str:
    count = event["count"]
    many = f"{count} of its statements" if count > 1 else "one of its statements"
    return (
        f"{event['revision']} ended well although {many} failed: it caught the errors itself. See whether"
        f" the database is as you want it. The first was {' '.join(event['first'].split())}"
    )


def _revision_failure(event: Event, report: UpgradeReport) -> UpgradeError:
    statement = event["statement"]
    error = LockTimeoutError if event["is_lock_timeout"] else report.error
    return error(
        f"{event['type']}: {event['message']}",
        where=Where(
            revision=event["revision"],
            file=event["file"],
            line=event["line"],
            statement=statement,
            executed=tuple(report.executed),
        ),
    )


def _late_failure(event: Event, report: UpgradeReport) -> UpgradeError | None:
    """Return the failure of a commit or version row, after a revision's own code had ended well."""
    revision = report.running or (list(report.done)[-1] if report.done else None)
    if revision is None:
        return None
    return report.error(
        f"when the transaction was to be completed: {event['type']}: {event['message']}",
        where=Where(
            revision=revision, statement=event["statement"], executed=tuple(report.executed)
        ),
    )
