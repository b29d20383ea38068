"""The options of a backup as arguments of pg_dump, and what a given pg_dump cannot do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ci_migrate.backup.client_version import version_numbers
from ci_migrate.backup.postgres_client import PostgresClient
from ci_migrate.backup.request import BackupOptions
from ci_migrate.errors import BackupToolError, ProcessError
from ci_migrate.process import run_command

DIRECTORY = "directory"
"""The format that is a folder of files, stored as one tar."""

FIRST_WITH_METHODS = 16
"""pg_dump that knows other methods of compression than gzip."""


def dump_arguments(options: BackupOptions, version: str) -> list[str]:
    """Return the arguments for a pg_dump of this version; `check_compression` comes before."""
    arguments = []
    if options.compress:
        arguments.append(f"--compress={_compression(options.compress, version)}")
    arguments += [f"--exclude-schema={_quote(name)}" for name in options.exclude_schemas]
    arguments += [f"--exclude-table={_pattern(name)}" for name in options.exclude_tables]
    return arguments


def choose_client(
    clients: Sequence[PostgresClient], options: BackupOptions, env: Mapping[str, str]
) -> PostgresClient:
    """Return the first client that can compress as the options say; raises BackupToolError when none can."""
    *others, last = clients
    for client in others:
        try:
            check_compression(options, client.version, client.directory, env)
        except BackupToolError:
            continue
        return client
    check_compression(options, last.version, last.directory, env)
    return last


def check_compression(
    options: BackupOptions, version: str, directory: Path, env: Mapping[str, str]
) -> None:
    """Raise BackupToolError when this pg_dump cannot compress as the options say; connects to nothing."""
    method = options.compress.partition(":")[0]
    if method in {"", "none", "gzip"}:
        return
    numbers = version_numbers(version)
    can = bool(numbers) and numbers[0] >= FIRST_WITH_METHODS
    if can:
        # Only trying tells how it was built; it looks at this before it connects, and there is no such server.
        argv = [str(directory / "pg_dump"), f"--compress={method}", "--host=/nonexistent"]
        try:
            run_command([*argv, "--no-password"], env={**env, "LC_ALL": "C"}, timeout=20)
        except ProcessError as exc:
            can = "support compression" not in exc.stderr
    if not can:
        raise BackupToolError(
            f"pg_dump {version} in {directory} cannot compress with {method}",
            next_step="Take `gzip` in backup.compress, or put the directory of a pg_dump of version 16 or newer that"
            f" was built with {method} into PATH.",
        )


def leaves_out(options: BackupOptions, schema: str | None, name: str) -> bool:
    """Return whether a table is left out of the archive."""
    return schema in options.exclude_schemas or any(
        excluded in {name, f"{schema}.{name}"} for excluded in options.exclude_tables
    )


def _compression(text: str, version: str) -> str:
    method, _, level = text.partition(":")
    numbers = version_numbers(version)
    if numbers and numbers[0] < FIRST_WITH_METHODS:
        return "0" if method == "none" else (level or "6")
    return text


def _pattern(table: str) -> str:
    schema, dot, name = table.partition(".")
    return f"{_quote(schema)}.{_quote(name)}" if dot else f"*.{_quote(table)}"


def _quote(name: str) -> str:
    """Return a name as a pattern that means this name only."""
    return '"' + name.replace('"', '""') + '"'
