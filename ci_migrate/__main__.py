"""`python -m ci_migrate`, the entry of the GitHub Action."""

from __future__ import annotations

import os
import sys

# `python -m` puts the working directory first, so that a file of the user's called like one of our imports
# would run in this process, before any backup.
if sys.path and sys.path[0] in {"", os.getcwd()}:  # noqa: PTH109 pathlib could be the user's
    del sys.path[0]

from ci_migrate.cli.main import entry

if __name__ == "__main__":
    entry()
