"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
EXIT_CODES = """\b
Exit codes:
  0    done, ready or nothing to do
  1    a bug in ci-migrate
  2    wrong usage, configuration or project
  3    blocked by a gate
  4    no verified backup
  5    the upgrade failed, the database is unchanged
  6    the upgrade failed, the database was changed
  7    applied, but not verified
  8    the lock was not acquired
  130  interrupted
"""


def with_config(command: F) -> F:
    """Add `--config`."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        envvar="CI_MIGRATE_CONFIG",
        help="The configuration file.  [default: ci-migrate.yml]",
    )(command)


def with_selection(command: F) -> F:
    """Add `--environment`, `--branch` and `--config`."""
    command = with_config(command)
    command = click.option(
        "--branch", metavar="BRANCH", help="Choose the environment that has this branch."
    )(command)
    return click.option(
        "--environment",
        metavar="NAME",
        envvar="CI_MIGRATE_ENVIRONMENT",
        help="Choose the environment by name.  [default: that of the pushed branch, else of the one checked out]",
    )(command)


def with_json(command: F) -> F:
    """Add `--json [FILE]`."""
    return click.option(
        "--json",
        "json_option",
        metavar="FILE",
        is_flag=False,
        flag_value="-",
        help="Write the result as JSON to FILE, or to stdout without one (text then goes to stderr).",
    )(command)


def with_reapply(command: F) -> F:
    """Add `--reapply`."""
    return click.option(
        "--reapply",
        is_flag=True,
        help="Let a revision that was rolled back here run again although its file is as it was.",
    )(command)


def with_undone(command: F) -> F:
    """Add `--undone REVISION`."""
    return click.option(
        "--undone",
        metavar="REVISION",
        multiple=True,
        envvar="CI_MIGRATE_UNDONE",
        help="Say that nothing is left of what an earlier run left half done of a revision.",
    )(command)
