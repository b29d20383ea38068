"""How many objects may come before Python looks for garbage while revisions run."""

from __future__ import annotations

import gc

SELDOM = 1_000_000
"""About 120 MB of what revisions leave."""


class GarbageThreshold:
    """Many while revisions only use Alembic's operations, and Python's own number for every other.

    What Alembic and SQLAlchemy leave is memory alone. What other code leaves can be an open connection, which
    Python closes when it finds it. After a last plain revision it stays high until the worker ends.
    """

    def __init__(self) -> None:
        self._usual: tuple[int, int, int] | None = None
        """What there was before; None while that is in force."""

    def set_for(self, *, is_plain: bool) -> None:
        """Set it for the revision that is about to run."""
        if is_plain and self._usual is None:
            gc.collect()  # what others have left until now
            self._usual = gc.get_threshold()
            gc.set_threshold(SELDOM, *self._usual[1:])
        elif not is_plain and self._usual is not None:
            gc.set_threshold(*self._usual)
            self._usual = None
