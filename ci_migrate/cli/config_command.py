"""`ci-migrate config check` and `ci-migrate config schema`."""

from __future__ import annotations

from pathlib import Path

import click

from ci_migrate.cli.options import with_config
from ci_migrate.cli.world import current_world
from ci_migrate.words import counted


@click.group("config", short_help="Check the configuration, or print its schema.")
def config_command() -> None:
    """Check the configuration, or print its JSON Schema."""


@config_command.command("check", short_help="Show every problem in the configuration.")
@with_config
def check_command(config_path: Path | None) -> int:
    """Read the configuration and show every problem in it; no variable has to be set."""
    from ci_migrate.config.select import list_globs
    from ci_migrate.redact import mask_known_forms
    from ci_migrate.report.console import open_console

    world = current_world(config_path)
    config, lines = world.load_config(), []
    for name, section in config.environments.items():
        branches = ", ".join(list_globs(section.branches))
        pushed = f"a push to {branches}" if branches else "by name only"
        before = f", promoted from {section.promote_from}" if section.promote_from else ""
        lines.append(mask_known_forms(f"{name}: {pushed}{before}"))
    count = len(config.environments)
    lines.append(f"{config.path}: correct, {counted(count, 'environment')}")
    open_console(world.env).write_lines(lines)
    return 0


@config_command.command("schema")
def schema_command() -> int:
    """Print the JSON Schema of ci-migrate.yml, for editors."""
    from ci_migrate.config.schema import render_schema

    click.echo(render_schema(), nl=False)
    return 0
