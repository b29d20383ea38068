"""`ci-migrate promote`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

from ci_migrate.cli.options import EXIT_CODES, with_json, with_reapply, with_selection, with_undone
from ci_migrate.cli.overrides import read_overrides, with_overrides
from ci_migrate.cli.run import Prepared, basics, run_selected
from ci_migrate.models import Promotion


@click.command(
    "promote", short_help="Bring a database to the revisions of its branch.", epilog=EXIT_CODES
)
@with_selection
@with_json
@with_overrides
@with_undone
@with_reapply
def promote_command(
    environment: str | None,
    branch: str | None,
    config_path: Path | None,
    json_option: str | None,
    overridden: tuple[str, ...],
    reasons: tuple[str, ...],
    undone: tuple[str, ...],
    reapply: bool,
) -> int:
    """Bring an environment's database to the revisions of its branch.

    Plans, passes the gates, takes a backup and proves it, upgrades, verifies from a fresh connection,
    records and reports. With nothing pending none of the project's code runs.
    """
    return run_selected(
        partial(
            promote_prepared,
            undone=undone,
            reapply=reapply,
            overrides=read_overrides(overridden, reasons),
        ),
        environment=environment,
        branch=branch,
        config_path=config_path,
        json_option=json_option,
        deploys=True,
        command="promote",
    )


def promote_prepared(
    prepared: Prepared, *, undone: tuple[str, ...], reapply: bool, overrides: Mapping[str, str]
) -> Promotion:
    """Promote a selected environment, and return the record of it."""
    from ci_migrate.promote import PromoteRequest, promote

    return promote(
        PromoteRequest(
            **basics(prepared),
            before=prepared.before,
            undone=undone,
            overrides=overrides,
            others=prepared.others,
            reapply=reapply,
        )
    )
