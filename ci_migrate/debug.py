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
    """Return the traceback of an error and of what led to it; secrets and row data are still in it."""
    return "".join(traceback.format_exception(error)).rstrip()
