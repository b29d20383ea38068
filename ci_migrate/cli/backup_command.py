"""`ci-migrate backup take|list|verify|prune`; `restore` has a file of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ci_migrate.cli.json_option import require_writable, write_json
from ci_migrate.cli.options import with_json, with_selection
from ci_migrate.cli.restore_command import restore_command
from ci_migrate.cli.world import (
    current_world,
    installed_versions,
    utc_now,
)


@click.group("backup", short_help="Take, list, verify, restore or prune backups.")
def backup_command() -> None:
    """Take, list, verify, restore or prune the backups of an environment."""


@backup_command.command("take", short_help="Take a backup now, and prove it.")
@with_selection
@with_json
def take_command(
    environment: str | None, branch: str | None, config_path: Path | None, json_option: str | None
) -> int:
    """Take a backup of an environment's database now and prove it, as `promote` does before an upgrade.

    Waits for the lock of the database, so that no migration is under way.
    """
    from ci_migrate.report.backup_text import backup_facts, backup_line
    from ci_migrate.report.console import open_console
    from ci_migrate.story.frame import RunRequest
    from ci_migrate.take import take_now

    require_writable(json_option)
    world = current_world(config_path)
    resolved = world.resolve_selected(environment, branch)
    console = open_console(world.env, sys.stderr if json_option == "-" else sys.stdout)
    manifest = take_now(
        RunRequest(
            environment=resolved,
            run=world.run_info(branch),
            env=world.env,
            versions=installed_versions(),
            observer=console,
            redactor=world.redactor(world.load_config(), *resolved.secrets),
            now=utc_now,
        )
    )
    console.write_lines([backup_line(manifest)])
    if json_option is not None:
        write_json(backup_facts(manifest), json_option)
    return 0


@backup_command.command("list", short_help="Show the backups of an environment.")
@with_selection
@with_json
def list_command(
    environment: str | None, branch: str | None, config_path: Path | None, json_option: str | None
) -> int:
    """Show the backups of an environment, newest last: place, time, version rows, size, proof, and their run."""
    from ci_migrate.backup.inventory import take_inventory
    from ci_migrate.environment_store import open_environment_store
    from ci_migrate.report.backup_text import backup_facts, backup_lines
    from ci_migrate.report.console import open_console

    world = current_world(config_path)
    resolved = world.resolve_selected(environment, branch)
    store = open_environment_store(resolved, world.env)
    found = take_inventory(store, resolved.name)
    if json_option is not None:
        write_json([backup_facts(manifest) for manifest in found.backups], json_option)
    if json_option != "-":
        empty = f"{resolved.name}: there is no backup in {store.location}"
        lines = [*backup_lines(found.backups)] or [empty]
        lines += [f"not usable: {problem}" for problem in found.problems]
        open_console(world.env).write_lines(lines)
    return 0


@backup_command.command("verify", short_help="Prove that backups can be read and are whole.")
@with_selection
@click.argument("backup", required=False)
@click.option("--all", "every", is_flag=True, help="Verify every backup of the environment.")
def verify_command(
    environment: str | None,
    branch: str | None,
    config_path: Path | None,
    backup: str | None,
    every: bool,
) -> int:
    """Prove a BACKUP: the one named, or the newest. Its bytes, its key, and what it holds are looked at.

    Exit code 4 when one cannot be used.
    """
    from ci_migrate.backup_proof import prove_backups
    from ci_migrate.errors import ExitCode
    from ci_migrate.report.console import open_console

    world = current_world(config_path)
    resolved = world.resolve_selected(environment, branch)
    console = open_console(world.env)
    failures = 0
    for told in prove_backups(resolved, world.env, backup, every=every, now=utc_now):
        failures += not told.is_good
        console.write_lines([f"{'good' if told.is_good else 'BAD '}  {told.name}: {told.text}"])
    return int(ExitCode.BACKUP_FAILED) if failures else 0


@backup_command.command("prune", short_help="Remove old backups.")
@with_selection
@click.option(
    "--keep", metavar="COUNT", type=click.IntRange(min=1), help="Backups to keep, the newest."
)
@click.option(
    "--keep-days", metavar="DAYS", type=click.IntRange(min=1), help="Age at which they may go."
)
@click.option("--dry-run", is_flag=True, help="Only show which would go.")
def prune_command(
    environment: str | None,
    branch: str | None,
    config_path: Path | None,
    keep: int | None,
    keep_days: int | None,
    dry_run: bool,
) -> int:
    """Remove the backups that neither `keep` nor `keep_days` keeps.

    The newest ones are read again first: the newest that is whole always stays.
    """
    from ci_migrate.backup_proof import prune_environment
    from ci_migrate.report.console import open_console

    world = current_world(config_path)
    resolved = world.resolve_selected(environment, branch)
    pruned = prune_environment(
        resolved, world.env, keep=keep, keep_days=keep_days, now=utc_now(), dry_run=dry_run
    )
    verb = "would be removed" if dry_run else "removed"
    lines = [f"BAD   {told}" for told in pruned.spoilt]
    lines += [f"{verb}: {place}" for place in pruned.places]
    if not pruned.places:
        lines.append(f"{resolved.name}: nothing to remove")
    open_console(world.env).write_lines(lines)
    return 0


backup_command.add_command(restore_command)
