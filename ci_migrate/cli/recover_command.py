"""`ci-migrate recover`."""

from __future__ import annotations

import uuid
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ci_migrate.cli.confirm import ask_for_name, check_confirmation
from ci_migrate.cli.options import EXIT_CODES, with_json, with_selection, with_undone
from ci_migrate.cli.run import Prepared, basics, run_selected
from ci_migrate.models import Outcome, Promotion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_migrate.recovery.orphans import Orphans


@click.command(
    "recover",
    short_help="Bring a database back to what the revision files explain.",
    epilog=EXIT_CODES,
)
@with_selection
@with_json
@click.option("--dry-run", is_flag=True, help="Show what is lost and the plan; change nothing.")
@click.option(
    "--restore-file",
    is_flag=True,
    help="Write the lost files into the work tree; change no database.",
)
@click.option("--undo", is_flag=True, help="Undo what is in of a half-applied revision.")
@click.option("--finish", is_flag=True, help="Run what is missing of a half-applied revision.")
@with_undone
@click.option(
    "--confirm",
    metavar="NAME",
    envvar="CI_MIGRATE_CONFIRM",
    help="The environment's name once more, in place of typing it at a terminal.",
)
def recover_command(
    environment: str | None,
    branch: str | None,
    config_path: Path | None,
    json_option: str | None,
    dry_run: bool,
    restore_file: bool,
    undo: bool,
    finish: bool,
    undone: tuple[str, ...],
    confirm: str | None,
) -> int:
    """Take back revisions that a database has and no file declares, then promote again.

    Their text comes from the ledger, else from the history of all git refs; it is shown, a backup is taken and
    proved, and their own downgrade() runs from a temporary folder. A revision that ended in the middle is
    shown statement by statement.
    """
    work = (
        _restore_file
        if restore_file
        else partial(_recover, undo=undo, finish=finish, undone=undone, confirm=confirm)
    )
    return run_selected(
        partial(work, dry_run=dry_run),
        environment=environment,
        branch=branch,
        config_path=config_path,
        json_option=json_option,
        deploys=not (dry_run or restore_file),
        command="recover",
    )


def _recover(
    prepared: Prepared,
    *,
    dry_run: bool,
    undo: bool,
    finish: bool,
    undone: tuple[str, ...],
    confirm: str | None,
) -> Promotion:
    from ci_migrate.recovery.recover import RecoverRequest, recover
    from ci_migrate.recovery.text import half_applied_lines, missing_lines, orphan_lines

    name = prepared.environment.name
    if not dry_run:
        check_confirmation(name, confirm)

    def write(lines: Iterable[str]) -> None:
        prepared.reporters.console.write_lines(map(prepared.redactor.clean, lines))

    def ask(what: str) -> None:
        if confirm is None:
            ask_for_name(name, what)

    recovered = recover(
        RecoverRequest(
            **basics(prepared),
            show=lambda orphans: write(orphan_lines(orphans)),
            confirm=lambda: ask("take these revisions back"),
            show_half=lambda half: write(half_applied_lines(half)),
            show_missing=lambda statements: write(missing_lines(statements)),
            confirm_undo=lambda half: ask(f"{'finish' if finish else 'undo'} {half.revision}"),
            is_dry_run=dry_run,
            undo=undo,
            finish=finish,
            undone=undone,
        )
    )
    if recovered.outcome is not Outcome.RECOVERED:
        return recovered
    return _promote(prepared, recovered, _describe(recovered, finish=finish))


def _describe(recovered: Promotion, *, finish: bool) -> str:
    names = ", ".join(item.revision for item in recovered.applied)
    if not names:
        return "what was half done was undone"
    return f"{names} was {'finished' if finish else 'taken back'}"


def _promote(prepared: Prepared, recovered: Promotion, done: str) -> Promotion:
    """Promote the recovered database, as a run of its own, and tell of both."""
    from ci_migrate.cli.promote_command import promote_prepared

    again = replace(prepared, run=replace(prepared.run, run_id=str(uuid.uuid4())))
    promoted = promote_prepared(again, undone=(), reapply=False, overrides={})
    if promoted.outcome is Outcome.NOTHING_TO_DO:
        return recovered
    backup = recovered.backup.location if recovered.backup else "none"
    told = f"recovered first: {done}; the backup from before that is {backup}"
    prepared.reporters.console.warn(told)
    told_all = replace(promoted, warnings=(told, *recovered.warnings, *promoted.warnings))
    failure = promoted.failure
    if promoted.outcome is not Outcome.FAILED or failure is None:
        return told_all
    # This command has changed the database, though not by the run that failed.
    after = replace(failure, next=f"What was recovered stays so. {failure.next or ''}".strip())
    return replace(told_all, outcome=Outcome.PARTIAL, failure=after)


def _restore_file(prepared: Prepared, *, dry_run: bool) -> Promotion:
    from ci_migrate.recovery.restore_file import RestoreFileRequest, restore_file
    from ci_migrate.recovery.text import orphan_lines

    def shown(orphans: Orphans) -> None:
        lines = orphan_lines(orphans, with_plan=False)
        prepared.reporters.console.write_lines(map(prepared.redactor.clean, lines))

    return restore_file(RestoreFileRequest(**basics(prepared), show=shown, is_dry_run=dry_run))
