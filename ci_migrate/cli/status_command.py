"""`ci-migrate status`."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ci_migrate.cli.json_option import write_json
from ci_migrate.cli.options import with_config, with_json
from ci_migrate.cli.world import World, current_world

if TYPE_CHECKING:
    from ci_migrate.config.loaded import Config
    from ci_migrate.environment_status import EnvironmentStatus


@click.command("status", short_help="Show where every environment is.")
@click.option("--environment", metavar="NAME", help="Show only this environment.")
@with_config
@with_json
def status_command(
    config_path: Path | None, json_option: str | None, environment: str | None
) -> int:
    """Show where every environment is: its revision, what is pending, its last run."""
    from ci_migrate.report.console import open_console
    from ci_migrate.report.status_text import status_lines

    world = current_world(config_path)
    config = world.load_config()
    names = [environment] if environment else list(config.environments)
    found = [_ask(world, config, name) for name in names]
    if json_option is not None:
        write_json([asdict(status) for status in found], json_option)
    if json_option != "-":
        console = open_console(world.env)
        for status in found:
            console.write_lines(status_lines(status))
    return 0


def _ask(world: World, config: Config, name: str) -> EnvironmentStatus:
    from ci_migrate.environment_status import EnvironmentStatus
    from ci_migrate.errors import CiMigrateError, UsageError
    from ci_migrate.status import read_status

    redactor = world.redactor(config)
    try:
        environment = world.resolve(config, name, tells_slack=False)
        status = read_status(environment, world.env)
        return replace(status, ledger_problem=redactor.clean(status.ledger_problem))
    except UsageError:
        raise
    except CiMigrateError as exc:
        return EnvironmentStatus(name=name, problem=redactor.clean(exc.message))
