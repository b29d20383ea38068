"""`ci-migrate check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ci_migrate.cli.options import with_config, with_json
from ci_migrate.cli.world import World, current_world, installed_versions
from ci_migrate.errors import CiMigrateError
from ci_migrate.stops import forget_stops, held_stops, taken_stops

if TYPE_CHECKING:
    from ci_migrate.check import CheckRequest
    from ci_migrate.config.loaded import Config
    from ci_migrate.models import Promotion
    from ci_migrate.report.send import Reporters


@click.command("check", short_help="Check the revisions of a branch or pull request.")
@with_config
@with_json
@click.option(
    "--base",
    metavar="REF",
    help="Compare with where this branch left REF, such as origin/main.  [default: told by the event]",
)
def check_command(config_path: Path | None, json_option: str | None, base: str | None) -> int:
    """Check the revisions by their files and git: their heads, and that none is rewritten.

    Needs no database. Exit code 3 when something is wrong, with an annotation at the file.
    """
    from ci_migrate.report.send import send_reports

    world = current_world(config_path)
    reporters = world.reporters(json_option, None)
    with held_stops():
        promotion = _check(world, reporters, base)
        code = int(send_reports(promotion, reporters).exit_code)
        forget_stops()
    return code


def _check(world: World, reporters: Reporters, base: str | None) -> Promotion:
    from ci_migrate.check import check
    from ci_migrate.debug import wants_debug
    from ci_migrate.github.rest import tokens_of
    from ci_migrate.models import Outcome
    from ci_migrate.redact import Redactor
    from ci_migrate.story.record import RunRecord

    event = world.event()
    record = RunRecord(
        environment=None,
        run=world.run_info(event.branch if event else None),
        root=world.cwd,
        observer=reporters.console,
        redactor=Redactor(tokens_of(world.env)),
        command="check",
        goal=Outcome.READY,
        versions=installed_versions(),
        stage_name="configuration",
        is_debug=wants_debug(world.env),
    )
    try:
        with taken_stops():
            config = world.load_config()
            request = _prepare(world, config, base)
            record.redactor, record.root = world.redactor(config), request.place.root
            record.stage_name = "history"
            check(request, record)
    except CiMigrateError as exc:
        record.fail(exc)
    return record.promotion()


def _prepare(world: World, config: Config, base: str | None) -> CheckRequest:
    from ci_migrate.base_history import hints_of
    from ci_migrate.check import CheckRequest
    from ci_migrate.config.resolve import resolve_migrations

    return CheckRequest(
        migrations=resolve_migrations(config, world.env),
        place=world.ledger_place(config),
        environments=tuple(world.known(config, name) for name in config.environments),
        hints=hints_of(world.event(), base),
        env=world.env,
    )
