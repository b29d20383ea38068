"""`ci-migrate rollback`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ci_migrate.cli.confirm import ask_for_name, check_confirmation
from ci_migrate.cli.options import EXIT_CODES, with_json, with_selection, with_undone
from ci_migrate.cli.run import Prepared, basics, run_selected
from ci_migrate.errors import UsageError
from ci_migrate.models import Promotion

if TYPE_CHECKING:
    from ci_migrate.ways_back import Advice


@click.command(
    "rollback", short_help="Take the last revision back, by its downgrade.", epilog=EXIT_CODES
)
@with_selection
@with_json
@click.option(
    "--expect",
    metavar="REVISION",
    envvar="CI_MIGRATE_EXPECT",
    help="Take this revision back, and only if it is the one that ran last.",
)
@click.option(
    "--confirm",
    metavar="NAME",
    envvar="CI_MIGRATE_CONFIRM",
    help="The environment's name once more, in place of typing it at a terminal.",
)
@click.option(
    "--advise", is_flag=True, help="Show the ways back and what each costs; change nothing."
)
@click.option("--steps", metavar="COUNT", type=int, default=1, help="Only 1, and that by itself.")
@click.option(
    "--open-pr",
    is_flag=True,
    help="Push the branch that takes the code back, and open its pull request.",
)
@with_undone
def rollback_command(
    environment: str | None,
    branch: str | None,
    config_path: Path | None,
    json_option: str | None,
    expect: str | None,
    confirm: str | None,
    advise: bool,
    steps: int,
    undone: tuple[str, ...],
    open_pr: bool,
) -> int:
    """Take back the revision that ran last in an environment, by its downgrade.

    Plans, passes the gates, tells what the downgrade destroys, has it confirmed, takes a backup and proves it,
    downgrades, verifies from a fresh connection, records and reports. Exactly one revision.
    """
    _refuse_more(steps)
    if advise:
        from ci_migrate.cli.advise import show_advice

        return show_advice(environment, branch, config_path, json_option, expect)
    return run_selected(
        partial(_rollback, expect=expect, confirm=confirm, undone=undone, open_pr=open_pr),
        environment=environment,
        branch=branch,
        config_path=config_path,
        json_option=json_option,
        deploys=True,
        command="rollback",
        is_strict=True,
    )


def _refuse_more(steps: int) -> None:
    if steps != 1:
        raise UsageError(
            f"--steps {steps}: a rollback takes back one revision",
            next_step="Each revision destroys data of its own, and needs its own look, backup and confirmation:"
            " run this once for each.",
        )


def _rollback(
    prepared: Prepared,
    *,
    expect: str | None,
    confirm: str | None,
    undone: tuple[str, ...],
    open_pr: bool,
) -> Promotion:
    from ci_migrate.rollback.rollback import RollbackRequest, rollback

    name = prepared.environment.name
    expected = ", or --expect with the revision that you mean"
    check_confirmation(name, confirm, is_named=expect is not None, or_else=expected)

    def confirmed(advice: Advice) -> None:
        from ci_migrate.report.advice_text import advice_lines

        prepared.reporters.console.write_lines(advice_lines(advice))
        if confirm is None and expect is None:
            ask_for_name(name, f"take back {advice.revision}")

    return rollback(
        RollbackRequest(
            **basics(prepared),
            expect=expect,
            confirm=confirmed,
            undone=undone,
            open_pr=open_pr,
        )
    )
