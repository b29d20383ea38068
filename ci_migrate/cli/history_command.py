"""`ci-migrate history`."""

from __future__ import annotations

from pathlib import Path

import click

from ci_migrate.cli.options import with_json, with_selection
from ci_migrate.cli.world import current_world, write_json


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
def history_command(
    environment: str | None,
    branch: str | None,
    config_path: Path | None,
    json_option: str | None,
    limit: int,
) -> int:
    """Show what ran in an environment, from its ledger, newest last."""
    from ci_migrate.database.engine import Database
    from ci_migrate.errors import UsageError
    from ci_migrate.preflight import open_ledger
    from ci_migrate.report.console import open_console
    from ci_migrate.report.status_text import history_lines

    world = current_world(config_path)
    config = world.load_config()
    selection = world.select(config, environment, branch, deploys=False)
    if selection.environment is None:
        raise UsageError(selection.reason, next_step="Name an environment with --environment.")
    resolved = world.resolve(config, selection.environment, tells_slack=False)
    ledger = open_ledger(resolved, Database(resolved.url, root=resolved.root))
    runs = ledger.runs(newest=limit)
    if json_option is not None:
        write_json(runs, json_option)
    if json_option != "-":
        lines = list(history_lines(runs)) or [f"{resolved.name}: nothing has run here yet"]
        open_console(is_github=world.is_github).write_text("\n".join(lines))
    return 0
