"""A ledger that cannot be read or written: what the server says, and what to grant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ci_migrate.errors import CiMigrateError, DatabaseFailedError, LedgerError

_DENIED = "42501"
"""PostgreSQL's state: insufficient privilege."""


@contextmanager
def as_ledger_error(
    verb: str, missing_grant: Callable[[], tuple[str, str] | None]
) -> Iterator[None]:
    """Raise LedgerError in the place of a DatabaseFailedError; `missing_grant` is asked where a right was missing."""
    try:
        yield
    except DatabaseFailedError as exc:
        missing = None
        if _is_denied(exc):
            with suppress(CiMigrateError):
                missing = missing_grant()
        raise LedgerError(
            f"cannot {verb} the ledger: {exc.message}",
            next_step=f"Let an administrator run: {missing[1]}"
            if missing
            else "The role needs to create and write its table: grant that, name an existing schema"
            " in `ledger.schema`, or another database in `ledger.url`.",
        ) from exc


def _is_denied(error: BaseException | None) -> bool:
    while error is not None:
        if _DENIED in (getattr(error, "sqlstate", None), getattr(error, "pgcode", None)):
            return True
        error = error.__cause__
    return False
