"""`--override GATE --reason TEXT`: passing over a gate that failed, on record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ci_migrate.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


class _Line(click.types.StringParamType):
    """A text that is one line of a variable: by itself click would make an option of each word."""

    envvar_list_splitter = "\n"


def with_overrides(command: F) -> F:
    """Add `--override` and `--reason`."""
    command = click.option(
        "--reason",
        "reasons",
        metavar="TEXT",
        type=_Line(),
        envvar="CI_MIGRATE_REASON",
        multiple=True,
        help="Why the gate is overridden; one for all, or one for each in their order.",
    )(command)
    return click.option(
        "--override",
        "overridden",
        metavar="GATE",
        envvar="CI_MIGRATE_OVERRIDE",
        multiple=True,
        help="Go on although this gate fails; needs --reason, and is told in every report and in the ledger.",
    )(command)


def read_overrides(overridden: tuple[str, ...], reasons: tuple[str, ...]) -> dict[str, str]:
    """Return the reasons by gate; raises UsageError for a gate that must not be passed over, or no reason."""
    from ci_migrate.gates.check import GATES, OVERRIDABLE

    names = ", ".join(name for name in GATES if name in OVERRIDABLE)
    for gate in overridden:
        if gate not in OVERRIDABLE:
            what = "cannot be overridden" if gate in GATES else "is no gate"
            raise UsageError(f"{gate} {what}", next_step=f"These can be overridden: {names}.")
    given = tuple(reason.strip() for reason in reasons)
    if len(given) == 1:
        given *= len(overridden)
    if len(given) != len(overridden) or not all(given):
        raise UsageError(
            f"--override was given {len(overridden)} times, --reason {len(reasons)} times",
            next_step='Say why: --override GATE --reason "…", with one reason for all or one for each.',
        )
    return dict(zip(overridden, given, strict=True))
