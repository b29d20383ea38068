"""Standard input, output and error, which whoever starts us may have closed."""

from __future__ import annotations

import os
import sys


def open_standard_streams() -> None:
    """Put the null device in the place of those that are closed.

    Otherwise the next file that is opened, a database say, gets their number, and what a library prints goes there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free: this one.
            os.open(os.devnull, os.O_RDWR)
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
