"""Snapshots by commands of the user's own, for any system that has some: they take, prove, restore, delete.

What is started comes from the configuration alone. A manifest or an archive, which others may be able to write, only
ever gives values of variables.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ci_migrate.backup.backends.snapshot import why_unusable
from ci_migrate.backup.client_version import is_program
from ci_migrate.backup.command_environment import command_environment
from ci_migrate.backup.command_run import run_and_hear
from ci_migrate.backup.failure import last_lines
from ci_migrate.backup.request import (
    BackupOptions,
    BackupRequest,
    Origin,
    ProofRequest,
    RemovalRequest,
    RestoreRequest,
    say_nothing,
)
from ci_migrate.config.backup_settings import CommandSettings
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.errors import BackupError, BackupToolError, ProcessError
from ci_migrate.process import Completed
from ci_migrate.redact import Redactor, one_line

dialects = frozenset({"postgresql", "mysql", "sqlite"})

_LONGEST_LINE = 400
_LONGEST_ANSWER = 200
_AGAIN = "Try the command by hand, with the variables that the reference of backups names, then run this again."


def check_tools(request: BackupRequest) -> dict[str, str]:
    """Return the programs' names by what they do; raises BackupToolError when one cannot be started."""
    settings = _settings(request.options, request.name)
    found = {}
    for action in ("take", "verify", "restore", "delete"):
        argv = getattr(settings, action)
        if argv is not None:
            found[action] = Path(_argv(settings, action, argv, request.env)[0]).name
    return found


def take_snapshot(request: BackupRequest) -> str:
    """Return the one line that `take` prints; raises BackupError when it fails or prints anything else."""
    settings = _settings(request.options, request.name)
    said = _run(
        "take",
        settings.take,
        settings,
        request.origin,
        env=request.env,
        address=request.address,
        tell=request.tell,
    )
    lines = said.stdout.strip().splitlines()
    snapshot = lines[0].strip() if lines else ""
    reason = f"it printed {len(lines)} lines" if len(lines) > 1 else why_unusable(snapshot)
    if not reason and Redactor(settings.secrets).clean(snapshot) != snapshot:
        reason = "a secret is in it"
    if reason:
        raise BackupError(
            f"`backup.command.take` ended well, but what it printed is not the name of a snapshot: {reason}",
            next_step="Let it print one line to its standard output, the name by which the others find the snapshot;"
            " everything else belongs to its standard error.",
        )
    return snapshot


def verify_snapshot(request: ProofRequest, snapshot: str) -> str:
    """Prove by `verify` that the snapshot is there and whole: its exit code is 0."""
    settings = _settings(request.options, request.origin.backup)
    said = _run(
        "verify",
        settings.verify,
        settings,
        request.origin,
        env=request.env,
        snapshot=snapshot,
        tell=request.tell,
    )
    answer = _first_line(said.stdout, settings)
    return f"snapshot {snapshot} is good by `verify`" + (f" ({answer})" if answer else "")


def refuse_restore(request: RestoreRequest, snapshot: str) -> None:
    """Raise BackupError with what to do by hand where there is no command for it."""
    settings = _settings(request.options, request.origin.backup)
    if settings.restore is None:
        raise BackupError(
            f"{request.origin.backup} is the snapshot {snapshot}, and `backup.command` has no `restore` that"
            " could bring it back; nothing was changed",
            next_step=f"Bring the snapshot {snapshot} back by the means of the system that holds it, then let"
            f" `ci-migrate ledger reconcile --environment {request.origin.environment}` find what the ledger"
            " lost by that. Or add `backup.command.restore` and run this again.",
        )


def restore_snapshot(request: RestoreRequest, snapshot: str, target: DatabaseAddress) -> None:
    """Make the target what the snapshot holds, by `restore`; raises BackupError with what it said."""
    settings = _settings(request.options, request.origin.backup)
    _run(
        "restore",
        settings.restore or (),
        settings,
        request.origin,
        env=request.env,
        address=target,
        snapshot=snapshot,
        tell=request.tell,
        more={"CI_MIGRATE_TARGET": "environment" if request.replaces else "other"},
    )


def delete_snapshot(request: RemovalRequest, snapshot: str) -> None:
    """Remove the snapshot by `delete`; without one it is left to its system."""
    settings = _settings(request.options, request.origin.backup)
    if settings.delete is not None:
        _run(
            "delete", settings.delete, settings, request.origin, env=request.env, snapshot=snapshot
        )


def _settings(options: BackupOptions, backup: str) -> CommandSettings:
    if options.command is None:
        raise BackupError(
            f"{backup or 'the backup'} is a snapshot by commands of yours, and the configuration has none"
            " under `backup.command`",
            next_step="Name them there, also where another backend takes the backups by now.",
        )
    return options.command


def _run(
    action: str,
    argv: Sequence[str],
    settings: CommandSettings,
    origin: Origin,
    *,
    env: Mapping[str, str],
    snapshot: str = "",
    address: DatabaseAddress | None = None,
    tell: Callable[[str], None] = say_nothing,
    more: Mapping[str, str] | None = None,
) -> Completed:
    redactor = Redactor(_secrets(settings, address))
    values = {"CI_MIGRATE_ACTION": action, "CI_MIGRATE_SNAPSHOT": snapshot, **(more or {})}
    argv = _argv(settings, action, argv, env)
    with command_environment(origin, address, env=env, more=values) as variables:
        try:
            return run_and_hear(
                argv,
                env=variables,
                cwd=settings.root,
                timeout=settings.seconds or None,
                hear=lambda line: tell(one_line(redactor.clean(line), _LONGEST_LINE)),
            )
        except ProcessError as exc:
            said = last_lines(redactor.clean(exc.stderr), password="")
            about = f" for the snapshot {snapshot}" if snapshot else ""
            raise BackupError(
                f"`backup.command.{action}` failed{about}: {exc.message}"
                + (f":\n{said}" if said else ""),
                next_step=_AGAIN
                if exc.returncode is not None
                else f"Give it longer by `backup.command.timeout`, or look why it takes so long. {_AGAIN}",
            ) from exc


def _secrets(settings: CommandSettings, address: DatabaseAddress | None) -> tuple[str, ...]:
    return (*settings.secrets, address.hidden) if address and address.hidden else settings.secrets


def _argv(
    settings: CommandSettings, action: str, argv: Sequence[str], env: Mapping[str, str]
) -> list[str]:
    """Return the argv with the place of its program; raises BackupToolError when there is none."""
    name = argv[0]
    if "/" in name:
        path = settings.root / name
        program = str(path) if is_program(path) else None
    else:
        program = shutil.which(name, path=env.get("PATH", ""))
    if program is None:
        raise BackupToolError(
            f"`backup.command.{action}` cannot be started: there is no program {one_line(name)}"
            + (f" in {settings.root}" if "/" in name else " in PATH"),
            next_step="Name one that exists and may be executed (chmod +x); a path starts at the folder of"
            " the configuration.",
        )
    return [program, *argv[1:]]


def _first_line(text: str, settings: CommandSettings) -> str:
    lines = Redactor(settings.secrets).clean(text).strip().splitlines()
    return one_line(lines[0], _LONGEST_ANSWER) if lines else ""
