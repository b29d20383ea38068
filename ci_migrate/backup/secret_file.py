"""A temporary file with a password, for clients that must not see it in their arguments."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ci_migrate.backup.failure import failed_file
from ci_migrate.stops import held_stops


@contextmanager
def secret_file(text: str, *, suffix: str, env: Mapping[str, str]) -> Iterator[Path]:
    """Yield the path of a file (mode 0600) that holds the text and is gone afterwards.

    It lies in `RUNNER_TEMP` where that is set, so that a killed run leaves nothing after its job.
    """
    place = env.get("RUNNER_TEMP") or env.get("TMPDIR") or None
    if place is not None and not Path(place).is_dir():
        place = None
    path = None
    try:
        descriptor, name = tempfile.mkstemp(prefix="ci-migrate-", suffix=suffix, dir=place)
        path = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as exc:
        if path is not None:
            path.unlink(missing_ok=True)
        raise failed_file(exc, doing="writing the password file", path=Path(place or ".")) from exc
    try:
        yield path
    finally:
        with held_stops():
            path.unlink(missing_ok=True)
