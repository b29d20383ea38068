"""The rollback advisor: what each way back from the last revision costs; changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ci_migrate.backup.restore_advice import restore_command
from ci_migrate.config.environment import Environment
from ci_migrate.database.engine import Database
from ci_migrate.database.row_counts import count_rows
from ci_migrate.last_revision import Found
from ci_migrate.models import PendingRevision
from ci_migrate.revisions.drops import Drop
from ci_migrate.revisions.way_back import WayBack
from ci_migrate.ways_back import Advice, Loss, Way


def build_advice(environment: Environment, database: Database, found: Found) -> Advice:
    """Return the three ways back with their price; counts rows in the database, changes nothing."""
    pending = found.pending
    return Advice(
        environment=environment.name,
        revision=pending.revision,
        message=pending.message,
        file=pending.file,
        applied_at=found.executed.finished_at,
        current=found.plan.current,
        target=found.plan.target,
        ways=(
            _downgrade(environment, database, found),
            _restore(database, found),
            _forward_fix(found),
        ),
    )


def _downgrade(environment: Environment, database: Database, found: Found) -> Way:
    way, revision = found.way_back, found.pending.revision
    if way.problem:
        return Way(name="downgrade", possible=False, price=f"{revision} {way.problem}")
    losses = tuple(_count(database, way.destroys))
    notes = list(_notes(way, losses, found.pending))
    took = found.executed.seconds
    if took is not None:
        notes.append(f"the upgrade took {took:.1f} s")
    return Way(
        name="downgrade",
        possible=True,
        price="; ".join(notes),
        losses=losses,
        command=f"ci-migrate rollback --environment {environment.name} --expect {revision}",
    )


def _notes(way: WayBack, losses: tuple[Loss, ...], pending: PendingRevision) -> Iterator[str]:
    unnamed = sum(1 for drop in way.destroys if drop.table is None)
    if losses:
        yield "destroys the data listed, and keeps what else was written since"
    elif not unnamed:
        yield "its downgrade() drops no table and no column"
    if unnamed:
        yield f"{unnamed} of its drops name nothing that the text tells: read them before"
    if way.leaves_data:
        yield "its downgrade() does nothing: the data that upgrade() changed stays as it is"
    if way.restores_empty:
        names = ", ".join(_name(drop) for drop in way.restores_empty)
        yield f"what upgrade() dropped comes back empty: {names}"
    if not pending.atomic:
        yield f"not atomic: a failure leaves a part of it ({pending.why_not_atomic})"


def _restore(database: Database, found: Found) -> Way:
    backup, run = found.backup, found.run
    if backup is None or not backup.location:
        return Way(
            name="restore",
            possible=False,
            price="the run that applied it took no backup to go back to",
        )
    revisions = [row["revision"] for row in run["revisions"] if row["outcome"] == "executed"]
    also = (
        f"; takes back {len(revisions)} revisions: {', '.join(revisions)}" if revisions[1:] else ""
    )
    return Way(
        name="restore",
        possible=True,
        price=f"loses everything that was written to any table since {run['started_at']}{also}; the"
        " application has to be stopped",
        command=restore_command(backup, database.address),
    )


def _forward_fix(found: Found) -> Way:
    return Way(
        name="forward-fix",
        possible=True,
        price="loses no data; a new revision has to be written, reviewed and promoted through every environment,"
        " and the fault stays until then",
        command=f'alembic revision -m "mend {found.pending.revision}"',
    )


def _count(database: Database, drops: Iterable[Drop]) -> Iterator[Loss]:
    seen = set()
    for drop in drops:
        if drop.table is None or (drop.table, drop.column) in seen:
            continue
        seen.add((drop.table, drop.column))
        rows = count_rows(database, drop.table, drop.column)
        yield Loss(table=drop.table, column=drop.column, rows=rows)


def _name(drop: Drop) -> str:
    table = drop.table or f"line {drop.line}"
    return f"{table}.{drop.column}" if drop.column else table
