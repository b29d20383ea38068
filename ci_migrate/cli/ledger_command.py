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
    With `--write` lost runs and endings are recorded again, revisions that the database does not have any more are
    marked as undone, so that they no longer count as evidence, and missing copies are written.
    Exit code 3 when they differ and nothing was written.
    """
    from ci_migrate.errors import ExitCode
    from ci_migrate.evidence.reconcile import explain_fork
    from ci_migrate.ledger_fork import reconcile
    from ci_migrate.report.console import open_console
    from ci_migrate.words import counted

    world = current_world(config_path)
    console = open_console(world.env)
    resolved = world.resolve_selected(environment, branch)
    found = reconcile(resolved, world.env, write=write)
    fork = found.fork
    lines = [*found.problems, *explain_fork(fork)]
    if not fork:
        copies = counted(found.copies, "copy", "copies")
        lines.append(f"{resolved.name}: the ledger and its {copies} agree")
    elif write:
        recorded = counted(len(fork.lost) + len(fork.behind), "run")
        copied = counted(len(fork.uncopied) + len(fork.stale), "copy", "copies")
        undone = counted(len(fork.undone), "revision")
        lines.append(f"{resolved.name}: {recorded} recorded, {undone} undone, {copied} written")
    console.write_lines(lines)
    return int(ExitCode.BLOCKED) if fork and not write else 0
