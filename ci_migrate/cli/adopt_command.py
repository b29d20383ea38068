"""`ci-migrate adopt`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from ci_migrate.cli.options import EXIT_CODES, with_json, with_selection
from ci_migrate.cli.run import Prepared, basics, run_selected
from ci_migrate.models import Promotion


@click.command(
    "adopt", short_help="Take over a database that has no version row yet.", epilog=EXIT_CODES
)
@with_selection
@with_json
@click.option(
    "--revision",
    metavar="REVISION",
    help="Which one is meant, where several revisions build the same schema.",
)
@click.option("--dry-run", is_flag=True, help="Compare, but stamp nothing.")
def adopt_command(
    environment: str | None,
    branch: str | None,
    config_path: Path | None,
    json_option: str | None,
    revision: str | None,
    dry_run: bool,
) -> int:
    """Stamp a database with the revision that builds exactly its schema.

    Builds the history once on a scratch database and compares the catalogs after each revision. Where none
    matches it shows what differs from the nearest, and stamps nothing: exit code 3.
    """
    return run_selected(
        partial(_adopt, revision=revision, dry_run=dry_run),
        command="adopt",
        environment=environment,
        branch=branch,
        config_path=config_path,
        json_option=json_option,
        deploys=not dry_run,
    )


def _adopt(prepared: Prepared, *, revision: str | None, dry_run: bool) -> Promotion:
    from ci_migrate.recovery.adopt import AdoptRequest, adopt

    return adopt(
        AdoptRequest(
            **basics(prepared),
            revision=revision,
            is_dry_run=dry_run,
        )
    )
