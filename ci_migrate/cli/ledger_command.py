"""`ci-migrate ledger reconcile`."""

from __future__ import annotations

from pathlib import Path

import click

from ci_migrate.cli.options import with_selection
from ci_migrate.cli.world import current_world


@click.group("ledger", short_help="Compare the record of what ran with its copies.")
def ledger_command() -> None:
    """Compare the record of what ran with its copies beside the backups."""


@ledger_command.command("reconcile", short_help="Find and explain where the two differ.")
@with_selection
@click.option("--write", is_flag=True, help="Bring the ledger in line with the copies.")
def reconcile_command(
    environment: str | None, branch: str | None, config_path: Path | None, write: bool
) -> int:
    """Find and explain where an environment's ledger and its copies in the store differ.

    They do after a restore by hand: the ledger went back in time with its database, the copies did not.
    With `--write` lost runs are recorded again, and revisions that the database does not have any more are
    marked as undone, so that they no longer count as evidence. Exit code 3 when they differ and nothing was written.
    """
    from ci_migrate.database.engine import Database
    from ci_migrate.database.version_rows import read_version_rows
    from ci_migrate.environment_store import open_environment_store
    from ci_migrate.errors import ExitCode
    from ci_migrate.evidence.ledger_copy import read_copies
    from ci_migrate.evidence.reconcile import explain_fork, find_fork, gone_by_rows, heal_fork
    from ci_migrate.preflight import open_ledger
    from ci_migrate.report.console import open_console
    from ci_migrate.survey import read_files

    world = current_world(config_path)
    console = open_console(is_github=world.is_github)
    resolved = world.resolve_selected(environment, branch)
    history, database = read_files(resolved, world.env), Database(resolved.url, root=resolved.root)
    rows = read_version_rows(database, history.version_table, history.version_table_schema).rows
    ledger = open_ledger(resolved, database)
    copies = read_copies(open_environment_store(resolved, world.env), resolved.name)
    is_gone = gone_by_rows(ledger, history.graph, rows)
    fork = (heal_fork if write else find_fork)(ledger, copies, is_gone)
    lines = [*copies.problems, *explain_fork(fork)]
    if not fork:
        lines.append(f"{resolved.name}: the ledger and its {len(copies.runs)} copies agree")
    elif write:
        lines.append(f"{resolved.name}: {len(fork.lost)} runs recorded, {len(fork.undone)} undone")
    console.write_text("\n".join(lines))
    return int(ExitCode.BLOCKED) if fork and not write else 0
