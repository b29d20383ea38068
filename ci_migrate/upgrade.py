"""Probe and upgrade: what the worker says, turned into values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ci_migrate.errors import (
    CiMigrateError,
    InterruptedRunError,
    LockTimeoutError,
    ProbeError,
    UpgradeError,
    Where,
    WorkerError,
    WrongDatabaseError,
)
from ci_migrate.migrations import Event, Worker
from ci_migrate.models import Plan
from ci_migrate.observer import Observer


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What the project's env.py did when it ran with nothing to do."""

    rows: tuple[str, ...]
    pending: tuple[str, ...]
    """What Alembic itself would run, in its order."""
    same_database: bool
    database: str
    version_table: str
    version_table_schema: str | None
    external_transaction: bool


@dataclass(kw_only=True)
class UpgradeReport:
    """What was seen of an upgrade, as far as it went."""

    done: dict[str, float] = field(default_factory=dict)
    """Seconds per revision that ran to its end, in order; not yet proved to be committed."""
    running: str | None = None
    executed: list[str] = field(default_factory=list)
    """Statements of the revision that is running, or failed."""
    swallowed: list[str] = field(default_factory=list)
    """Warnings of revisions that ended well although statements of theirs failed."""
    server_id: int | None = None
    failure: CiMigrateError | None = None


def load_and_probe(worker: Worker, challenge: Mapping[str, str]) -> Probe:
    """Load the project, run its env.py without a step, and return what it configured.

    Raises ProbeError when it fails, configures nothing or more than one database.
    """
    for event in worker.events("loaded", "failed"):
        if event["event"] == "failed":
            raise project_failure(event)
    worker.send(do="probe", challenge=dict(challenge))
    found: list[Event] = []
    for event in worker.events("probe_ended", "failed"):
        if event["event"] == "probed":
            found.append(event)
        elif event["event"] == "failed":
            raise project_failure(event)
    if not found:
        raise ProbeError(
            "env.py never called context.run_migrations",
            next_step="Its online part must call context.configure(connection=…) and then"
            " context.run_migrations(); what it prints is above.",
        )
    if len(found) > 1:
        names = ", ".join(str(event["database"]) for event in found)
        raise ProbeError(
            f"env.py configures {len(found)} databases ({names}); ci-migrate promotes one for now",
            next_step="Give each database an environment of its own, with an alembic.ini section or"
            " -x argument that makes env.py run that one only.",
        )
    return _probe_of(found[0])


def check_probe(probe: Probe, plan: Plan, database: str, table: str, schema: str | None) -> None:
    """Raise when the project would work on anything else than what was planned.

    WrongDatabaseError for another database; ProbeError for another version table or other rows.
    """
    if not probe.same_database:
        raise WrongDatabaseError(
            f"env.py opened {probe.database}, but this environment is {database}; nothing was run",
            next_step="Make the project take its URL from the environment: name the variable it reads in"
            " `migrations.url_env`, or pass it on with `migrations.env` or `migrations.x`.",
        )
    if (probe.version_table, probe.version_table_schema) != (table, schema):
        found = ".".join(filter(None, (probe.version_table_schema, probe.version_table)))
        planned = ".".join(filter(None, (schema, table)))
        raise ProbeError(
            f"env.py uses the version table {found}, but the plan was made from {planned}",
            next_step=f"Add `version_table: {probe.version_table}`"
            + (
                f" and `version_table_schema: {probe.version_table_schema}`"
                if probe.version_table_schema
                else ""
            )
            + " to `migrations` in the configuration.",
        )
    if probe.rows != plan.current:
        raise ProbeError(
            f"the version rows changed between plan ({_list(plan.current)}) and probe"
            f" ({_list(probe.rows)})",
            next_step="Something else migrates this database, or importing the project does.",
        )
    differing = {item.revision for item in plan.pending} ^ set(probe.pending)
    if differing:
        raise ProbeError(
            "Alembic would run other revisions than were planned from the files; in one only:"
            f" {_list(sorted(differing)[:10])}",
            next_step="env.py or a setting made by code chooses the revisions: name their folders in"
            " `migrations.versions`.",
        )


def run_upgrade(
    worker: Worker,
    plan: Plan,
    challenge: Mapping[str, str],
    *,
    report: UpgradeReport,
    observer: Observer,
    cancel: Callable[[int], object],
) -> None:
    """Run the pending revisions in one Alembic run and fill in the report, also with their failure.

    When this process is told to stop, `cancel` gets the number of env.py's session on the server, then
    the worker is interrupted so that it rolls back.
    """
    messages = {pending.revision: pending.message for pending in plan.pending}
    worker.send(do="upgrade", challenge=dict(challenge), expected=list(plan.current))
    try:
        for event in worker.events("ran", "failed"):
            if event["event"] == "swallowed":
                report.swallowed.append(_describe_swallowed(event))
            _take(event, report, messages, observer)
    except WorkerError as exc:
        report.failure = report.failure or exc
    except InterruptedRunError as exc:
        report.failure = exc
        if report.server_id is not None:
            cancel(report.server_id)
        worker.interrupt()
    if report.failure is not None and report.failure.where == Where():
        report.failure.where = Where(revision=report.running, executed=tuple(report.executed))


def _take(
    event: Event, report: UpgradeReport, messages: Mapping[str, str], observer: Observer
) -> None:
    kind = event["event"]
    if kind == "connected":
        report.server_id = event["server_id"]
    elif kind == "statement":
        report.executed.append(event["statement"])
    elif kind == "revision_started":
        report.running = event["revision"]
        report.executed.clear()
        number = len(report.done) + 1
        observer.revision_started(
            event["revision"], messages.get(event["revision"], ""), number, len(messages)
        )
    elif kind == "revision_done":
        report.done[event["revision"]] = event["seconds"]
        report.running = None
        observer.revision_ended(event["revision"], event["seconds"])
    elif kind == "refused":
        report.failure = ProbeError(
            f"env.py opened {event['database']} with the version rows {_list(event['rows'])} when asked"
            " to upgrade, unlike in its probe; nothing was run",
        )
    elif kind == "stopped":
        report.failure = UpgradeError(event["reason"])
    elif kind == "revision_failed":
        report.failure = _revision_failure(event, report)
    elif kind == "failed" and report.failure is None:
        report.failure = _late_failure(event, report) or project_failure(event)
    elif kind == "ran" and not event["finished"] and report.failure is None:
        report.failure = UpgradeError(
            "env.py ended without running the migrations to their end, and without an error",
            next_step="Look for an `except` or a condition in env.py that hides what happened.",
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
    error = LockTimeoutError if event["is_lock_timeout"] else UpgradeError
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
    return UpgradeError(
        f"when the transaction was to be completed: {event['type']}: {event['message']}",
        where=Where(
            revision=revision, statement=event["statement"], executed=tuple(report.executed)
        ),
    )


def project_failure(event: Event) -> CiMigrateError:
    """Return what the worker could not load or run, with a hint where the kind of error is known."""
    hints = {
        "MissingGreenlet": "env.py is synchronous but the URL names an async driver: use one of the two.",
        "InvalidRequestError": "An async env.py needs a URL with an async driver, such as"
        " postgresql+asyncpg://.",
        "ModuleNotFoundError": "Run ci-migrate with the project's Python, and name folders to import from"
        " in `migrations.path`.",
    }
    what = "the project could not be loaded" if event["stage"] == "load" else "env.py failed"
    error: CiMigrateError = ProbeError(
        f"{what}: {event['type']}: {event['message']}",
        next_step=hints.get(event["type"], "What the project printed is above."),
        where=Where(file=event["file"], line=event["line"], statement=event["statement"]),
    )
    return error


def _probe_of(event: Mapping[str, Any]) -> Probe:
    return Probe(
        rows=tuple(event["rows"]),
        pending=tuple(event["pending"]),
        same_database=event["same_database"],
        database=event["database"],
        version_table=event["version_table"],
        version_table_schema=event["version_table_schema"],
        external_transaction=event["external_transaction"],
    )


def _list(rows: tuple[str, ...] | list[str]) -> str:
    return ", ".join(rows) or "none"
