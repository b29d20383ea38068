"""Exit codes are unique, used, and documented."""

from __future__ import annotations

import re

from ci_migrate import errors
from ci_migrate.cli.options import EXIT_CODES
from ci_migrate.errors import CiMigrateError, ExitCode, InterruptedRunError
from tests.contract.source import ROOT

PAGE = ROOT / "docs" / "reference" / "exit-codes.md"


def documented() -> dict[int, str]:
    """Return the rows of the page's table: code and meaning."""
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {int(code): meaning.strip() for code, meaning in rows}


def test_every_code_is_documented_and_no_other():
    assert sorted(documented()) == sorted(ExitCode)


def test_the_help_lists_every_code():
    assert [int(code) for code in re.findall(r"(?m)^  (\d+) ", EXIT_CODES)] == sorted(ExitCode)


def test_codes_and_their_meanings_are_unique():
    # An IntEnum silently makes a second name of the same number an alias.
    assert len(ExitCode.__members__) == len(set(ExitCode))
    assert len(set(documented().values())) == len(ExitCode)


def test_the_numbers_stay():
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "BUG": 1,
        "USAGE": 2,
        "BLOCKED": 3,
        "BACKUP_FAILED": 4,
        "UPGRADE_FAILED": 5,
        "UPGRADE_PARTIAL": 6,
        "NOT_VERIFIED": 7,
        "LOCK_NOT_ACQUIRED": 8,
        "INTERRUPTED": 130,
    }


def test_every_failure_says_what_it_is_and_how_it_ends():
    failures = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, (CiMigrateError, InterruptedRunError))
    ]
    assert len(failures) > 10
    kinds = [failure.kind for failure in failures]
    assert len(set(kinds)) == len(kinds), "a kind belongs to one class"
    for failure in failures:
        assert failure.__name__.endswith("Error")
        assert failure.__doc__
        assert failure.__doc__.splitlines()[0].endswith(".")
        assert failure.exit_code is not ExitCode.OK


def test_other_codes_are_reserved():
    assert "All other codes are reserved" in PAGE.read_text(encoding="utf-8")
