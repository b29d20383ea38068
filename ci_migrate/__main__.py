"""`python -m ci_migrate` and `ci-migrate`: the first lines that run."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

# `python -m` puts the working directory first, so that a file of the user's called like one of our imports
# would run in this process, before any backup.
if sys.path and sys.path[0] in {"", os.getcwd()}:  # noqa: PTH109 pathlib could be the user's
    del sys.path[0]

from ci_migrate.standard_streams import open_standard_streams
from ci_migrate.stops import listen_for_stops


def start() -> NoReturn:
    """Run the command line and exit."""
    open_standard_streams()
    # What is loaded stays: looking through it again and again takes a tenth of a short run.
    gc.set_threshold(50_000)
    # Before what takes long to import: from here on a stop has its exit code.
    listen_for_stops()
    from ci_migrate.cli.main import entry

    entry()


if __name__ == "__main__":
    start()
