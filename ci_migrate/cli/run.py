"""The frame of the commands that make a promotion: select, resolve, run, report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from ci_migrate.cli.world import World, current_world, installed_versions, utc_now
from ci_migrate.errors import ToldError, UsageError
from ci_migrate.models import Failure, Outcome, Promotion, RunInfo
from ci_migrate.stops import forget_stops, held_stops, taken_stops

if TYPE_CHECKING:
    from datetime import datetime

    from ci_migrate.config.environment import Environment
    from ci_migrate.config.loaded import Config
    from ci_migrate.evidence.sources import Before
    from ci_migrate.observer import Observer
    from ci_migrate.redact import Redactor
    from ci_migrate.report.send import Reporters


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A selected environment with everything a run of it needs."""

    world: World
    environment: Environment
    before: Before | None
    others: tuple[Before, ...]
    """The other environments of the configuration."""
    run: RunInfo
    reporters: Reporters
    redactor: Redactor


class Basics(TypedDict):
    """The fields of `RunRequest`, which every story is given."""

    environment: Environment
    run: RunInfo
    env: Mapping[str, str]
    versions: Mapping[str, str]
    observer: Observer
    redactor: Redactor
    now: Callable[[], datetime]


def basics(prepared: Prepared) -> Basics:
    """Return what a story on a selected environment is given, whichever it is."""
    return {
        "environment": prepared.environment,
        "run": prepared.run,
        "env": prepared.world.env,
        "versions": installed_versions(),
        "observer": prepared.reporters.console,
        "redactor": prepared.redactor,
        "now": utc_now,
    }


def run_selected(
    work: Callable[[Prepared], Promotion],
    *,
    environment: str | None,
    branch: str | None,
    config_path: Path | None,
    json_option: str | None,
    deploys: bool,
    command: str,
    is_strict: bool = False,
) -> int:
    """Select an environment, run `work` on it, send all reports, and return the exit code.

    Stops are held except where something keeps what they interrupt: a report is always sent. Work that `deploys`
    changes a database: Slack hears of it, and a stranger's event may not. `is_strict`: nor a foreign branch.
    """
    from ci_migrate.redact import Redactor

    world = current_world(config_path)
    reporters, redactor = world.reporters(json_option, None), Redactor()
    with held_stops():
        try:
            with taken_stops():
                config = world.load_config()
                selection = world.select(config, environment, branch, deploys=deploys)
                environment, branch = selection.environment or environment, selection.branch
                run = world.run_info(branch)
            if selection.environment is None:
                promotion = _nothing_selected(run, selection.reason, command)
            else:
                prepared = _prepare(world, config, selection.environment, run, json_option, deploys)
                reporters, redactor = prepared.reporters, prepared.redactor
                _heed(selection.warning, reporters, is_strict=is_strict and world.is_github)
                promotion = work(prepared)
        except ToldError as exc:
            _show_traceback(world, exc, reporters, redactor)
            promotion = _failed_before(world, exc, redactor, environment, branch, command)
        return _finish(promotion, reporters)


def _finish(promotion: Promotion, reporters: Reporters) -> int:
    from ci_migrate.report.send import send_reports

    code = int(send_reports(promotion, reporters).exit_code)
    forget_stops()
    return code


def _heed(warning: str | None, reporters: Reporters, *, is_strict: bool) -> None:
    if warning and is_strict:
        raise UsageError(
            warning,
            next_step="Run this on a branch of the environment: its files are the ones that ran.",
        )
    if warning:
        reporters.console.warn(warning)


def _prepare(
    world: World,
    config: Config,
    name: str,
    run: RunInfo,
    json_option: str | None,
    deploys: bool,
) -> Prepared:
    environment = world.resolve(config, name, tells_slack=deploys)
    before = world.before(config, environment)
    others = tuple(
        world.known(config, other, name) for other in config.environments if other != name
    )
    redactor = world.redactor(config, *environment.secrets)
    reporters = world.reporters(json_option, environment.slack_webhook)
    if world.is_action:
        _mask(redactor, reporters)
    return Prepared(
        world=world,
        environment=environment,
        before=before,
        others=others,
        run=run,
        reporters=reporters,
        redactor=redactor,
    )


def _mask(redactor: Redactor, reporters: Reporters) -> None:
    """Tell the runner every spelling of every secret, for the steps after this one too.

    Only in the action: in a step of the user's own, output may go on to a file or another program, and
    these lines would carry the secrets there.
    """
    from ci_migrate.github.commands import add_mask

    for spelling in redactor.spellings:
        if command := add_mask(spelling):
            reporters.console.write_command(command)


def _nothing_selected(run: RunInfo, reason: str, command: str) -> Promotion:
    return Promotion(
        outcome=Outcome.NOTHING_TO_DO,
        command=command,
        environment=None,
        run=run,
        warnings=(reason,),
        versions=installed_versions(),
    )


def _show_traceback(
    world: World, error: ToldError, reporters: Reporters, redactor: Redactor
) -> None:
    from ci_migrate.debug import format_error, wants_debug

    if wants_debug(world.env):
        reporters.console.warn(redactor.clean(format_error(error)))


def _failed_before(
    world: World,
    error: ToldError,
    redactor: Redactor,
    environment: str | None,
    branch: str | None,
    command: str,
) -> Promotion:
    failure = Failure(
        stage="configuration",
        kind=error.kind,
        message=redactor.clean(error.message),
        exit_code=error.exit_code,
        file=Path(error.where.file).name if error.where.file else None,
        line=error.where.line,
        next=redactor.clean(error.next_step) if error.next_step else None,
    )
    return Promotion(
        outcome=Outcome.FAILED,
        command=command,
        environment=environment,
        run=world.run_info(branch),
        failure=failure,
        versions=installed_versions(),
    )
