"""When Python looks for garbage while revisions run."""

from __future__ import annotations

import gc

SELDOM = 1_000_000
"""Objects that may come before it looks; about 120 MB of them."""


class GarbageCollection:
    """Lets Python look seldom while revisions only use Alembic's operations, and as it does by itself for all others.

    What Alembic and SQLAlchemy leave is memory alone. What other code leaves can be an open connection, which
    Python closes when it finds it.
    """

    def __init__(self) -> None:
        self._usual = gc.get_threshold()
        self._is_seldom = False

    def suit(self, *, is_plain: bool) -> None:
        """Make it fit the revision that is about to run."""
        if is_plain == self._is_seldom:
            return
        if is_plain:
            gc.collect()  # what others have left until now
            self._usual = gc.get_threshold()  # the project may have set its own
        gc.set_threshold(*((SELDOM, *self._usual[1:]) if is_plain else self._usual))
        self._is_seldom = is_plain
