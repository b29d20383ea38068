"""The probe: env.py runs without a step, and shows what it would work on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ci_migrate.errors import (
    CiMigrateError,
    ProbeError,
    RowsChangedError,
    Where,
    WrongDatabaseError,
)
from ci_migrate.migrations import Event, Worker
from ci_migrate.models import Plan

TELL_EVERY_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What the project's env.py did when it ran with nothing to do."""

    rows: tuple[str, ...]
    pending: tuple[str, ...]
    """What Alembic itself would run, in its order."""
    same_database: bool
    other_schema: str
    """The schema of PostgreSQL that it works in, where it is not that of our connection; else empty."""
    database: str
    version_table: str
    version_table_schema: str | None
    external_transaction: bool
    autocommit: bool
    """Whether each statement of its connection is committed by itself."""


class Patience:
    """How long the project may be silent before anything is run, and what is said meanwhile."""

    def __init__(
        self, seconds: float, tell: Callable[[str], object], *, is_loaded: bool = False
    ) -> None:
        """`seconds` is 0 for any time; `tell` hears every 15 seconds that the project is waited for.

        `is_loaded` where the project was imported before, and only env.py runs once more.
        """
        self._limit = seconds or math.inf
        self._tell = tell
        self._is_loaded = is_loaded
        self.is_over = False
        self._started = self._told = time.monotonic()

    def look(self) -> None:
        """Raise ProbeError when the time is over."""
        now = time.monotonic()
        waited = now - self._started
        if waited >= self._limit:
            self.is_over = True
            what = (
                "env.py had not come to the first revision"
                if self._is_loaded
                else "the project was still being imported, or env.py still running,"
            )
            raise ProbeError(
                f"{what} after {waited:.0f} s; nothing was run",
                next_step="It waits for something: what it printed last is above. If it needs more time, raise"
                " `probe_timeout`.",
            )
        if now - self._told >= TELL_EVERY_SECONDS:
            self._told = now
            loading = "" if self._is_loaded else "the project to be imported and "
            self._tell(f"still waiting for {loading}env.py to run, {waited:.0f} s")


def probe_project(
    worker: Worker,
    challenge: Mapping[str, str],
    patience: Patience,
    plan: Plan | None = None,
) -> Probe:
    """Let the worker run env.py without a step as soon as the project is imported, and return what it configured.

    Raises ProbeError when it fails, takes too long, configures nothing or more than one database.
    """
    worker.send(do="probe", challenge=dict(challenge))
    if plan is not None:
        plan.find_not_atomic()  # the upgrade will ask, and the project takes its time
    found: list[Event] = []
    for event in worker.events("probe_ended", "failed", while_silent=patience.look):
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


def check_place(probe: Probe, database: str) -> None:
    """Raise WrongDatabaseError when env.py opened another database, or another schema of it."""
    if not probe.same_database:
        raise WrongDatabaseError(
            f"env.py opened {probe.database}, but this environment is {database}; nothing was run",
            next_step="Make the project take its URL from the environment: name the variable it reads in"
            " `migrations.url_env`, or pass it on with `migrations.env` or `migrations.x`.",
        )
    if probe.other_schema:
        raise other_schema(probe.other_schema)


def check_probe(probe: Probe, plan: Plan, database: str, table: str, schema: str | None) -> None:
    """Raise when the project would work on anything else than what was planned.

    WrongDatabaseError for another database; ProbeError for another version table or other rows.
    """
    check_place(probe, database)
    if (probe.version_table, probe.version_table_schema) != (table, schema):
        found = ".".join(filter(None, (probe.version_table_schema, probe.version_table)))
        planned = ".".join(filter(None, (schema, table)))
        raise ProbeError(
            f"env.py uses the version table {found}, but the plan was made from {planned}",
            next_step=f"Add `version_table: {probe.version_table}`"
            + (
                f""" and `version_table_schema: {probe.version_table_schema or '""'}`"""
                if probe.version_table_schema != schema
                else ""
            )
            + " to `migrations` in the configuration.",
        )
    if probe.rows != plan.current:
        raise rows_changed(plan.current, probe.rows)
    if plan.direction != "upgrade":
        return
    differing = {item.revision for item in plan.pending} ^ set(probe.pending)
    if differing:
        raise ProbeError(
            "Alembic would run other revisions than were planned from the files; in one only:"
            f" {name_rows(sorted(differing)[:10])}",
            next_step="env.py or a setting made by code chooses the revisions: name their folders in"
            " `migrations.versions`.",
        )


def other_schema(found: str) -> WrongDatabaseError:
    """Return the failure of a project that works in another schema than the environment's URL leads to."""
    return WrongDatabaseError(
        f"env.py works in the schema {found}, and the URL of this environment leads to another one; nothing was run",
        next_step="Say it in both places: let context.configure name `version_table_schema`, or let the URL lead"
        f" there, by the role's search_path or by `?options=-csearch_path%3D{found}`.",
    )


def project_failure(event: Event) -> CiMigrateError:
    """Return what the worker could not load or run, with a hint where the kind of error is known."""
    hints = {
        "MissingGreenlet": "env.py is synchronous but the URL names an async driver: use one of the two.",
        "InvalidRequestError": "An async env.py needs a URL with an async driver, such as"
        " postgresql+asyncpg://.",
        "NoAppException": "Name the application in `migrations.flask_app`, as FLASK_APP does (module:function), and"
        " a folder that its package lies in, such as `src`, in `migrations.path`.",
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
        other_schema=event["other_schema"],
        database=event["database"],
        version_table=event["version_table"],
        version_table_schema=event["version_table_schema"],
        external_transaction=event["external_transaction"],
        autocommit=event["autocommit"],
    )


def rows_changed(planned: tuple[str, ...], found: tuple[str, ...]) -> RowsChangedError:
    """Return the failure of a plan that does not fit the database any more."""
    error = RowsChangedError(
        f"the version rows changed after the plan was made: from {name_rows(planned)} to {name_rows(found)}",
        next_step="Something else migrates this database: see to it that it does not, then start this again.",
    )
    error.found = found
    return error


def name_rows(rows: tuple[str, ...] | list[str]) -> str:
    """Return version rows for a message."""
    return ", ".join(rows) or "none"
