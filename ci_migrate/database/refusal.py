"""A server that refuses a connection because it has too many: it is alive."""

from __future__ import annotations

_FULL = frozenset({1040, 1203, 1226})
"""Error numbers of MariaDB and MySQL: too many connections, of all or of this user."""
_FULL_CLASS = "53"
"""Class of PostgreSQL's states: it lacks the means, such as a free connection."""
_WORDS = ("too many connections", "remaining connection slots", "too many clients")
"""What libpq passes on of a refusal has no state."""


def is_refusal(error: BaseException) -> bool:
    """Return whether an error, or one that led to it, is a full server's answer."""
    found: BaseException | None = error
    while found is not None:
        state = getattr(found, "sqlstate", None) or getattr(found, "pgcode", None) or ""
        first = found.args[0] if found.args else None
        if isinstance(first, dict):  # pg8000
            state = first.get("C", "")
        if str(state).startswith(_FULL_CLASS) or (isinstance(first, int) and first in _FULL):
            return True
        if any(words in str(found) for words in _WORDS):
            return True
        found = found.__cause__
    return False
