"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


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
    command = click.option(
        "--branch", metavar="BRANCH", help="Choose the environment that has this branch."
    )(command)
    command = click.option(
        "--environment",
        metavar="NAME",
        envvar="CI_MIGRATE_ENVIRONMENT",
        help="Choose the environment by name.  [default: that of the pushed branch, else of git's]",
    )(command)
    return with_config(command)


def with_json(command: F) -> F:
    """Add `--json [FILE]`."""
    return click.option(
        "--json",
        "json_option",
        metavar="FILE",
        is_flag=False,
        flag_value="-",
        help="Write the result as JSON to FILE; without FILE to stdout, people's text then to stderr.",
    )(command)
