"""What the commands share that try revisions on a scratch database before they write a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_migrate.cli.json_option import require_writable
from ci_migrate.cli.world import World, utc_now
from ci_migrate.errors import CiMigrateError

if TYPE_CHECKING:
    from ci_migrate.config.loaded import Config
    from ci_migrate.rehearsal.trial import TrialRequest
    from ci_migrate.report.console import Console


@dataclass(frozen=True, kw_only=True)
class TrialSetup:
    """A request for a trial, and where it is told."""

    request: TrialRequest
    console: Console


@contextmanager
def set_up_trial(
    world: World, config: Config, name: str | None, json_option: str | None
) -> Iterator[TrialSetup]:
    """Yield a trial like the environment `name`, by default the first; failures leave without its secrets.

    Raises ConfigError and ProjectError.
    """
    from ci_migrate.rehearsal.trial import TrialRequest
    from ci_migrate.report.console import open_console
    from ci_migrate.survey import read_files

    require_writable(json_option)
    environment = world.resolve(config, name or next(iter(config.environments)), tells_slack=False)
    redactor = world.redactor(config, *environment.secrets)
    stream = sys.stderr if json_option == "-" else sys.stdout
    console = open_console(world.env, stream)
    try:
        yield TrialSetup(
            request=TrialRequest(
                environment=environment,
                history=read_files(environment, world.env),
                run_id=world.run_info(None).run_id,
                env=world.env,
                observer=console,
                redactor=redactor,
                now=utc_now,
            ),
            console=console,
        )
    except CiMigrateError as exc:
        exc.message = redactor.clean(exc.message)
        exc.next_step = redactor.clean(exc.next_step) if exc.next_step else None
        raise
