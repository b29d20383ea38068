"""The command line that the inputs of the GitHub Action stand for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from ci_migrate.errors import UsageError


def action_arguments(env: Mapping[str, str]) -> list[str]:
    """Return argv, without the program, for the action's inputs in `CI_MIGRATE_*` variables.

    Raises UsageError when there is no command, or quotes in `args` are not closed.
    """
    command = env.get("CI_MIGRATE_COMMAND", "").split()
    if not command or command[0].startswith("-"):
        raise UsageError(
            f"the action's input `command` is {env.get('CI_MIGRATE_COMMAND', '')!r}",
            next_step="name one, for example `command: promote`, and give options in `args:`",
        )
    arguments = [*command]
    for option in ("environment", "config"):
        value = env.get(f"CI_MIGRATE_{option.upper()}", "").strip()
        if value:
            # One word, so that a value can never be taken for an option.
            arguments.append(f"--{option}={value}")
    return arguments + _split_args(env.get("CI_MIGRATE_ARGS", ""))


def _split_args(args: str) -> list[str]:
    try:
        return shlex.split(args)
    except ValueError as exc:
        raise UsageError(
            f"the action's input `args` cannot be split into words: {str(exc).lower()} in {args!r}",
            next_step="close the quote, or write a backslash before it",
        ) from exc
