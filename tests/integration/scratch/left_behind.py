"""A run that is killed while it has a scratch database: `URL PLACE SCRATCH_URL`; tells where, then waits."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ci_migrate.scratch.open import open_scratch
from tests.integration.scratch.asking import ask

if __name__ == "__main__":
    url, place, scratch_url = sys.argv[1:]
    with open_scratch(ask(url, Path(place), scratch_url=scratch_url or None)) as scratch:
        print(scratch.url, flush=True)
        time.sleep(600)
