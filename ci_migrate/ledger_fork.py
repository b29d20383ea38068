"""An environment's ledger compared with its copies, and both brought to say the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_migrate.config.environment import Environment
from ci_migrate.database.engine import Database
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.environment_store import open_environment_store
from ci_migrate.errors import BackupError
from ci_migrate.evidence.ledger_copy import RunCopies, read_copies
from ci_migrate.evidence.reconcile import Fork, copy_missing, find_fork, gone_by_rows, heal_fork
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.models import NOT_TAKEN
from ci_migrate.preflight import open_ledger
from ci_migrate.survey import read_files
from ci_migrate.untold import not_text

if TYPE_CHECKING:
    from ci_migrate.backup.stores.protocol import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What came out of a comparison."""

    fork: Fork
    """How they differed."""
    copies: int
    """Runs that have a usable copy."""
    problems: tuple[str, ...]
    """Copies that cannot be used, and why."""


def reconcile(environment: Environment, env: Mapping[str, str], *, write: bool) -> Reconciled:
    """Compare the ledger of an environment with its copies; with `write` bring both in line.

    Where the configuration takes no backups no run has to have a copy. Raises LedgerError, BackupError, and
    ProjectError where the files do not tell in which table the version rows are.
    """
    history = read_files(environment, env)
    if "current" in history.untold:
        raise not_text(history.unreadable)
    database = Database(environment.url, root=environment.root)
    rows = read_version_rows(database, history.version_table, history.version_table_schema).rows
    ledger, store = open_ledger(environment, database), open_environment_store(environment, env)
    copies = read_copies(store, environment.record_name)
    is_gone = gone_by_rows(ledger, history.graph, rows)
    fork = find_fork(ledger, copies, is_gone)
    keeps_copies = environment.backup.backend != NOT_TAKEN.backend
    if not keeps_copies:
        fork = dataclasses.replace(fork, uncopied=())
    if write:
        undone = heal_fork(ledger, copies, is_gone, is_inside=not environment.ledger_url).undone
        fork = dataclasses.replace(fork, undone=undone)
        if keeps_copies:
            _write_copies(ledger, copies, store)
    return Reconciled(fork=fork, copies=len(copies.runs), problems=copies.problems)


def _write_copies(ledger: Ledger, copies: RunCopies, store: Store) -> None:
    try:
        copy_missing(ledger, copies, store)
    except BackupError as exc:
        raise BackupError(
            f"{exc.message}; the ledger was brought in line, but not all of its copies were written",
            next_step="Remove the cause, then run this again.",
        ) from exc
