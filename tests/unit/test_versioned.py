"""Which MariaDB takes the history of its tables from a dump."""

from __future__ import annotations

import pytest

from ci_migrate.database.versioned import dumps_history


@pytest.mark.parametrize(
    ("version", "does"),
    [
        ("10.11.19-MariaDB-0+deb12u1", True),
        ("11.4.2-MariaDB", True),
        ("10.6.18-MariaDB", False),
        ("10.10.1-MariaDB", False),
        ("8.0.36", False),
        ("11.0.0", False),
        ("", False),
    ],
)
def test_by_version(version: str, does: bool) -> None:
    assert dumps_history(version) is does
