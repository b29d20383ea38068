"""`ci-migrate history`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ci_migrate.cli.json_option import write_json
from ci_migrate.cli.options import with_json, with_selection
from ci_migrate.cli.world import current_world

if TYPE_CHECKING:
    from ci_migrate.config.environment import Environment
    from ci_migrate.report.console import Console


@click.command("history", short_help="Show what ran in an environment.")
@with_selection
@with_json
@click.option(
    "--limit",
    metavar="COUNT",
    type=click.IntRange(min=1),
    default=20,
    help="How many runs are shown, the newest.  [default: 20]",
)
@click.option(
    "--from",
    "source",
    type=click.Choice(["database", "store"]),
    default="database",
    help="Where the record is read: the ledger in the database, or its copies beside the backups.  [default: database]",
)
def history_command(
    environment: str | None,
    branch: str | None,
    config_path: Path | None,
    json_option: str | None,
    limit: int,
    source: str,
) -> int:
    """Show what ran in an environment, from its ledger, newest last."""
    from ci_migrate.report.console import open_console
    from ci_migrate.report.status_text import history_lines

    world = current_world(config_path)
    resolved = world.resolve_selected(environment, branch)
    if source == "store":
        console = open_console(world.env, sys.stderr)
        runs = _runs_of_store(resolved, world.env, limit, console)
    else:
        runs = _runs_of_ledger(resolved, limit)
    if json_option is not None:
        write_json(runs, json_option)
    if json_option != "-":
        lines = list(history_lines(runs)) or [f"{resolved.name}: nothing has run here yet"]
        open_console(world.env).write_lines(lines)
    return 0


def _runs_of_ledger(environment: Environment, limit: int) -> list[dict[str, Any]]:
    from ci_migrate.database.engine import Database
    from ci_migrate.preflight import open_ledger

    database = Database(environment.url, root=environment.root)
    return open_ledger(environment, database).runs(newest=limit)


def _runs_of_store(
    environment: Environment, env: Mapping[str, str], limit: int, console: Console
) -> list[dict[str, Any]]:
    from ci_migrate.environment_store import open_environment_store
    from ci_migrate.evidence.ledger_copy import history_rows, read_copies

    copies = read_copies(open_environment_store(environment, env), environment.record_name)
    for problem in copies.problems:
        console.warn(problem)
    return history_rows(copies)[-limit:]
