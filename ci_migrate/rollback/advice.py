"""The rollback advisor: what each way back from the last revision costs; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ci_migrate.backup.restore_advice import restore_by_us
from ci_migrate.backup_choice import choose_backup
from ci_migrate.config.environment import Environment
from ci_migrate.database.engine import Database
from ci_migrate.environment_store import open_environment_store
from ci_migrate.errors import CiMigrateError
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.pending_revision import PendingRevision
from ci_migrate.redact import shell_text, shell_words
from ci_migrate.restore.rows_now import tell_loss
from ci_migrate.revisions.drops import Drop
from ci_migrate.revisions.merge_command import merge_command
from ci_migrate.revisions.project import Project
from ci_migrate.revisions.way_back import WayBack
from ci_migrate.rollback.last_revision import Found
from ci_migrate.rollback.losses import count_losses, find_doubts
from ci_migrate.ways_back import Advice, Loss, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the advice is asked for; everything in it is only read."""

    environment: Environment
    env: Mapping[str, str]
    database: Database
    ledger: Ledger
    project: Project


def build_advice(place: Place, found: Found) -> Advice:
    """Return the three ways back with their price; counts rows in the database, changes nothing."""
    pending = found.pending
    return Advice(
        environment=place.environment.name,
        revision=pending.revision,
        message=pending.message,
        file=pending.file,
        applied_at=found.executed.finished_at,
        current=found.plan.current,
        target=found.plan.target,
        ways=(_downgrade(place, found), _restore(place, found), _forward_fix(place, found)),
    )


def _downgrade(place: Place, found: Found) -> Way:
    way, revision = found.way_back, found.pending.revision
    if way.problem:
        return Way(name="downgrade", possible=False, price=f"{revision} {way.problem}")
    losses, doubts = count_losses(place.database, way), find_doubts(way)
    notes = [*_notes(way, losses, doubts, found.pending)]
    took = found.executed.seconds
    if took is not None:
        notes.append(f"the upgrade took {took:.1f} s" if took >= 0.05 else "the upgrade was quick")
    return Way(
        name="downgrade",
        possible=True,
        price="; ".join(notes),
        losses=losses,
        doubts=doubts,
        command="ci-migrate rollback "
        + shell_words("--environment", place.environment.name, "--expect", revision),
    )


def _notes(
    way: WayBack, losses: tuple[Loss, ...], doubts: tuple[str, ...], pending: PendingRevision
) -> Iterator[str]:
    if losses:
        yield "destroys the data listed, and keeps what else was written since"
    elif not doubts:
        yield "its downgrade() drops no table and no column"
    yield from doubts
    if way.leaves_data:
        yield "its downgrade() does nothing: the data that upgrade() changed stays as it is"
    if way.restores_empty:
        names = ", ".join(_name(drop) for drop in way.restores_empty)
        yield f"what upgrade() dropped comes back empty: {names}"
    if not pending.content.atomic:
        yield f"not atomic: a failure leaves a part of it ({pending.content.why_not_atomic})"


def _restore(place: Place, found: Found) -> Way:
    backup, name = found.backup, place.environment.name
    if backup is None or not backup.location:
        reason = "the run that applied it took no backup to go back to"
        return Way(name="restore", possible=False, price=reason)
    try:
        store = open_environment_store(place.environment, place.env)
        manifest = choose_backup(store, name, backup.location)
    except CiMigrateError as exc:
        reason = f"the backup {backup.location} cannot be found from here: {exc.message}"
        return Way(name="restore", possible=False, price=reason)
    losses = tell_loss(place.database, place.ledger, manifest)
    return Way(
        name="restore",
        possible=True,
        price="; ".join([*losses, "the application has to be stopped"]),
        command=restore_by_us(name, manifest.name),
    )


def _forward_fix(place: Place, found: Found) -> Way:
    command = merge_command(place.project).replace(" merge", " revision", 1)
    return Way(
        name="forward-fix",
        possible=True,
        price="loses no data; a new revision has to be written, reviewed and promoted through every environment,"
        " and the fault stays until then",
        command=f"{command} -m {shell_text(f'mend {found.pending.revision}')}",
    )


def _name(drop: Drop) -> str:
    table = drop.table or f"line {drop.line}"
    return f"{table}.{drop.column}" if drop.column else table
