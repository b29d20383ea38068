"""What only who looks for the cause of a failure wants to see: where in the code it came about."""

from __future__ import annotations

import traceback
from collections.abc import Mapping

VARIABLE = "CI_MIGRATE_DEBUG"
RUNNER_VARIABLE = "RUNNER_DEBUG"
"""GitHub sets it where a job is run again with debug logging."""


def wants_debug(env: Mapping[str, str]) -> bool:
    """Return whether tracebacks are asked for, by `--debug` or by a variable that is `1`."""
    return "1" in (env.get(VARIABLE), env.get(RUNNER_VARIABLE))


def format_error(error: BaseException) -> str:
    """Return where an error came about, and what led to it: places and kinds, no messages and no code.

    A message of the project's own may hold anything, and there is nobody yet who knows all secrets.
    """
    lines = ["Traceback (most recent call last), without messages:"]
    told: BaseException | None = error
    while told is not None:
        frames = traceback.extract_tb(told.__traceback__)
        lines += [f'  File "{at.filename}", line {at.lineno}, in {at.name}' for at in frames]
        lines.append(f"{type(told).__module__}.{type(told).__qualname__}")
        told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
        lines += ["which came of:"] if told is not None else []
    return "\n".join(lines)
