"""`ci-migrate config check` and `ci-migrate config schema`."""

from __future__ import annotations

from pathlib import Path

import click

from ci_migrate.cli.options import with_config
from ci_migrate.cli.world import current_world


@click.group("config")
def config_command() -> None:
    """Check the configuration, or print its JSON Schema."""


@config_command.command("check")
@with_config
def check_command(config_path: Path | None) -> int:
    """Read the configuration and show every problem in it; no variable has to be set."""
    from ci_migrate.config.select import list_globs

    config = current_world(config_path).load_config()
    for name, section in config.environments.items():
        branches = ", ".join(list_globs(section.branches)) or "no branch"
        before = f", after {section.promote_from}" if section.promote_from else ""
        click.echo(f"{name}: {branches}{before}")
    click.echo(f"{config.path.name}: correct, {len(config.environments)} environments")
    return 0


@config_command.command("schema")
def schema_command() -> int:
    """Print the JSON Schema of ci-migrate.yml, for editors."""
    from ci_migrate.config.schema import render_schema

    click.echo(render_schema(), nl=False)
    return 0
