"""`ci-migrate backup restore`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from ci_migrate.cli.confirm import ask_for_name, check_confirmation
from ci_migrate.cli.options import EXIT_CODES, with_json, with_selection
from ci_migrate.cli.run import Prepared, basics, run_selected
from ci_migrate.errors import UsageError
from ci_migrate.models import Promotion
from ci_migrate.redact import one_line


@click.command("restore", short_help="Bring a backup back.", epilog=EXIT_CODES)
@with_selection
@with_json
@click.argument("backup", required=False)
@click.option("--confirm", metavar="NAME", help="Confirm with the environment's name, as in CI.")
@click.option(
    "--into",
    metavar="URL",
    help="Load into this empty database instead; ${NAME} is read from the environment.",
)
@click.option("--no-owner", is_flag=True, help="With --into: leave owners and grants out.")
def restore_command(
    environment: str | None,
    branch: str | None,
    config_path: Path | None,
    json_option: str | None,
    backup: str | None,
    confirm: str | None,
    into: str | None,
    no_owner: bool,
) -> int:
    """Bring a BACKUP back into its environment's database: the one named, or the newest.

    Tells what will be lost, asks for the environment's name, takes a backup of the present state, replaces
    everything in the database, compares it with the manifest, and records again what the ledger had lost.
    """
    work = (
        partial(_restore, backup=backup, confirm=confirm)
        if into is None
        else partial(_restore_into, backup=backup, into=into, keep_owner=not no_owner)
    )
    return run_selected(
        work,
        environment=environment,
        branch=branch,
        config_path=config_path,
        json_option=json_option,
        deploys=True,
        command="restore",
    )


def _restore(prepared: Prepared, *, backup: str | None, confirm: str | None) -> Promotion:
    from ci_migrate.restore.restore import RestoreRun, restore

    _refuse_automation(prepared)
    name = prepared.environment.name
    return restore(
        RestoreRun(
            **basics(prepared),
            wanted=backup,
            confirm=lambda: _confirm(name, confirm),
        )
    )


def _restore_into(
    prepared: Prepared, *, backup: str | None, into: str, keep_owner: bool
) -> Promotion:
    from ci_migrate.config.expand import MissingVariableError, TemplateError, expand_text
    from ci_migrate.redact import secrets_of_url
    from ci_migrate.restore.into import RestoreIntoRun, restore_into

    try:
        url = expand_text(into, prepared.world.env).text.strip()
    except MissingVariableError as exc:
        raise UsageError(f"--into: the variable {exc.name} is not set") from exc
    except TemplateError as exc:
        raise UsageError(f"--into: {exc}") from exc
    redactor = prepared.redactor.knowing(secrets_of_url(url))
    return restore_into(
        RestoreIntoRun(
            **basics(replace(prepared, redactor=redactor)),
            wanted=backup,
            into=url,
            keep_owner=keep_owner,
        )
    )


def _refuse_automation(prepared: Prepared) -> None:
    """Raise UsageError for an event that no person started: a push must never take a database back."""
    event = prepared.world.event()
    if event is not None and event.name != "workflow_dispatch":
        raise UsageError(
            f"a restore is never started by the event {one_line(event.name, 40)}",
            next_step="Start it by workflow_dispatch, or by hand.",
        )


def _confirm(name: str, confirm: str | None) -> None:
    check_confirmation(name, confirm)
    if confirm is None:
        ask_for_name(name, "replace its database")
