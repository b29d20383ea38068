"""The option `--json`: where its text goes, and what is said when that cannot be written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click


def write_json(value: Any, option: str) -> None:
    """Write JSON to the file of a `--json` option, `-` being stdout; raises UsageError."""
    from ci_migrate.report.json_text import render_json

    text = render_json(value)
    if option == "-":
        click.echo(text, nl=False)
        return
    with _as_usage_error(option):
        Path(option).write_text(text, encoding="utf-8")


def require_writable(option: str | None) -> None:
    """Refuse a `--json` option whose file cannot be written, before the work is done; raises UsageError."""
    if option is None or option == "-":
        return
    path = Path(option)
    with _as_usage_error(option):
        is_new = not path.exists()
        with path.open("a", encoding="utf-8"):
            pass
        if is_new:  # a command that fails writes none
            path.unlink()


@contextmanager
def _as_usage_error(option: str) -> Iterator[None]:
    from ci_migrate.errors import UsageError

    try:
        yield
    except (OSError, ValueError) as exc:
        raise UsageError(
            f"the file of --json, {option}, cannot be written: {getattr(exc, 'strerror', None) or exc}",
            next_step="Name a file in a folder that is there and that this user may write.",
        ) from exc


def json_target(option: str | None) -> Path | TextIO | None:
    """Return where the JSON goes; None when none is asked for."""
    if option is None:
        return None
    return sys.stdout if option == "-" else Path(option)
