"""`ci-migrate plan`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ci_migrate.cli.options import with_json, with_reapply, with_selection, with_undone
from ci_migrate.cli.overrides import read_overrides, with_overrides
from ci_migrate.cli.run import Prepared, run_selected
from ci_migrate.models import Outcome, Promotion
from ci_migrate.stops import taken_stops

if TYPE_CHECKING:
    from ci_migrate.story.record import RunRecord


@click.command("plan", short_help="Show what promote would do; changes nothing.")
@with_selection
@with_json
@with_overrides
@with_undone
@with_reapply
@click.option("--static", is_flag=True, help="Read the revision files only; ask no database.")
def plan_command(
    environment: str | None,
    branch: str | None,
    config_path: Path | None,
    json_option: str | None,
    overridden: tuple[str, ...],
    reasons: tuple[str, ...],
    undone: tuple[str, ...],
    reapply: bool,
    static: bool,
) -> int:
    """Show what `promote` would do, and whether its gates would let it; changes nothing.

    Exit code 3 when a gate would block.
    """
    return run_selected(
        partial(
            _plan,
            static=static,
            undone=undone,
            reapply=reapply,
            overrides=read_overrides(overridden, reasons),
        ),
        environment=environment,
        branch=branch,
        config_path=config_path,
        json_option=json_option,
        deploys=False,
        command="plan",
    )


def _plan(
    prepared: Prepared,
    *,
    static: bool,
    undone: tuple[str, ...],
    reapply: bool,
    overrides: Mapping[str, str],
) -> Promotion:
    from ci_migrate.cli.world import utc_now
    from ci_migrate.preview import preview, preview_files
    from ci_migrate.report.plan_text import plan_lines

    environment, record = prepared.environment, _open_record(prepared)
    with taken_stops():
        if static:
            preview_files(environment, prepared.world.env, record)
        else:
            preview(
                environment,
                prepared.before,
                prepared.world.env,
                record,
                now=utc_now(),
                undone=undone,
                reapply=reapply,
                overrides=overrides,
                others=prepared.others,
            )
    promotion = record.promotion()
    prepared.reporters.console.write_lines(plan_lines(promotion))
    return promotion


def _open_record(prepared: Prepared) -> RunRecord:
    from ci_migrate.cli.world import installed_versions
    from ci_migrate.debug import wants_debug
    from ci_migrate.story.record import RunRecord

    environment = prepared.environment
    return RunRecord(
        command="plan",
        goal=Outcome.READY,
        environment=environment.name,
        run=prepared.run,
        root=environment.root,
        observer=prepared.reporters.console,
        redactor=prepared.redactor,
        versions=installed_versions(),
        stage_name="plan",
        is_debug=wants_debug(prepared.world.env),
    )
