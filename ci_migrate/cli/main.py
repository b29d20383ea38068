"""The command line: assembles the commands, and is the only place that exits."""

from __future__ import annotations

import contextlib
import gc
import os
import platform
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

import click

from ci_migrate import __version__
from ci_migrate.cli.action import action_arguments
from ci_migrate.cli.action_report import is_action, report_early_failure
from ci_migrate.cli.adopt_command import adopt_command
from ci_migrate.cli.backup_command import backup_command
from ci_migrate.cli.check_command import check_command
from ci_migrate.cli.config_command import config_command
from ci_migrate.cli.heads_command import heads_command
from ci_migrate.cli.history_command import history_command
from ci_migrate.cli.ledger_command import ledger_command
from ci_migrate.cli.merge_command import merge_command
from ci_migrate.cli.options import EXIT_CODES
from ci_migrate.cli.plan_command import plan_command
from ci_migrate.cli.promote_command import promote_command
from ci_migrate.cli.rebase_command import rebase_command
from ci_migrate.cli.recover_command import recover_command
from ci_migrate.cli.rollback_command import rollback_command
from ci_migrate.cli.status_command import status_command
from ci_migrate.debug import VARIABLE, format_error, wants_debug
from ci_migrate.errors import ExitCode, ToldError
from ci_migrate.github.commands import neutralise
from ci_migrate.redact import Redactor, plain, secrets_of_url
from ci_migrate.stops import ignore_stops, taken_stops

FEW_LOOKS = 100_000
"""Objects between two looks for garbage; Python's own number is some hundreds."""
_SECRET_NAME = re.compile(r"(?i)passw|secret|token|webhook")


class Commands(click.Group):
    """Lists commands in the order in which a newcomer meets them."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names in the order in which they were added."""
        return list(self.commands)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
@click.version_option(__version__, prog_name="ci-migrate", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show where in the code a failure came about, too.")
def main(debug: bool) -> None:
    """Promote Alembic and Flask-Migrate revisions through your environments, safely."""
    if debug:
        os.environ[VARIABLE] = "1"


for _command in (
    promote_command,
    plan_command,
    rollback_command,
    check_command,
    status_command,
    history_command,
    heads_command,
    merge_command,
    rebase_command,
    adopt_command,
    recover_command,
    backup_command,
    ledger_command,
    config_command,
):
    main.add_command(_command)


def entry() -> NoReturn:
    """Run the command line and exit; what the exit codes mean is in docs/reference/exit-codes.md."""
    # A short life: to look for garbage among what was only just loaded finds none.
    gc.set_threshold(FEW_LOOKS)
    code = run(sys.argv[1:])
    ignore_stops()
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End this process at once: to take the objects of a long history apart one by one helps nobody."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # closed by who reads it
            stream.flush()
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; every failure has been told when it returns."""
    try:
        argv = list(arguments)
        if not argv and "CI_MIGRATE_COMMAND" in os.environ:
            argv = action_arguments(os.environ)
        with taken_stops():
            result = main.main(argv, prog_name="ci-migrate", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.ClickException as exc:
        _tell_usage(exc)
        return int(ExitCode.USAGE)
    except ToldError as exc:
        _tell(exc)
        return int(exc.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return int(ExitCode.INTERRUPTED)
    except Exception:  # noqa: BLE001 - the end of the program: a bug is told as one
        _tell_bug()
        return int(ExitCode.BUG)


def _tell_usage(error: click.ClickException) -> None:
    if not is_action(os.environ):
        _write(_usage_text(error))
        return
    command = os.environ["CI_MIGRATE_COMMAND"].strip()
    unknown = error.option_name if isinstance(error, click.NoSuchOption) else ""
    inputs = [name for name in ("environment", "config") if unknown == f"--{name}"]
    hint = f"; the input `{inputs[0]}` does not belong to `{command}`" if inputs else ""
    report_early_failure(
        error.format_message() + hint,
        _advise_usage(error, command),
        kind="usage",
        exit_code=int(ExitCode.USAGE),
        redactor=Redactor(_secrets_of(os.environ)),
    )


def _advise_usage(error: click.ClickException, command: str) -> str:
    """Return where it stands what a command takes; for an unknown one, which there are."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None and isinstance(context.command, click.Group):
        known = ", ".join(f"`{name}`" for name in context.command.commands)
        return f"Commands of `{context.command_path}`: {known}. See docs/reference/commands.md."
    return (
        f"See what `{command}` takes: docs/reference/commands.md, or `ci-migrate {command} --help`."
    )


def _usage_text(error: click.ClickException) -> str:
    """Return what click would show of a usage error; it may quote an argument that somebody else gave."""
    text = f"Error: {error.format_message()}"
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return text
    return f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n\n{text}"


def _tell(error: ToldError) -> None:
    if wants_debug(os.environ):
        _write(format_error(error))
    if is_action(os.environ):
        redactor = Redactor(_secrets_of(os.environ))
        report_early_failure(
            error.message,
            error.next_step,
            kind=error.kind,
            exit_code=int(error.exit_code),
            redactor=redactor,
        )
        return
    _write(f"error: {error.message}")
    if error.next_step:
        _write(error.next_step)


def _write(text: str) -> None:
    text = Redactor(_secrets_of(os.environ)).clean(text)
    on_github = os.environ.get("GITHUB_ACTIONS") == "true"
    click.echo(neutralise(text) if on_github else plain(text), err=True)


def _secrets_of(env: Mapping[str, str]) -> Iterator[str]:
    """Yield what may be secret in the variables, for what fails before the configuration is known."""
    for name, value in env.items():
        if "://" in value:
            yield from secrets_of_url(value)
        if _SECRET_NAME.search(name):
            yield value


def _tell_bug() -> None:
    _write(traceback.format_exc())
    click.echo(
        f"This is a bug in ci-migrate {__version__} (Python {platform.python_version()},"
        f" {platform.platform()}): please report it with the lines above.",
        err=True,
    )
