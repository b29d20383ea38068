"""Has what cannot be taken back confirmed: typed at a terminal, by an option elsewhere."""

from __future__ import annotations

import sys

import click

from ci_migrate.errors import BlockedError, UsageError


def check_confirmation(
    environment: str, confirmed: str | None, *, is_named: bool = False, or_else: str = ""
) -> None:
    """Raise UsageError when nobody can be asked and no option confirms, or one names something else.

    `confirmed` is the name that `--confirm` gives; `is_named` says that another option names exactly what is
    to be done, and `or_else` which one that could be.
    """
    if confirmed is not None and confirmed != environment:
        raise UsageError(
            f"--confirm says {confirmed!r}, but the environment is {environment!r}; nothing was done",
            next_step="Give the name of the environment that you mean, in both.",
        )
    if confirmed is None and not is_named and not sys.stdin.isatty():
        raise UsageError(
            "this has to be confirmed, and there is no terminal to ask at",
            next_step=f"Give --confirm {environment}{or_else}.",
        )


def ask_for_name(environment: str, what: str) -> None:
    """Have the name of the environment typed; raises BlockedError when it is not."""
    try:
        typed = click.prompt(
            f"Type {environment} to {what}", default="", show_default=False, err=True
        ).strip()
    except click.Abort as exc:  # the end of the input
        raise BlockedError("not confirmed: nothing was typed; nothing was changed") from exc
    if typed != environment:
        raise BlockedError(f"not confirmed: {typed!r} is not {environment!r}; nothing was changed")
