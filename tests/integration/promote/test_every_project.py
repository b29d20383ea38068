"""Each project under tests/projects, promoted on each database it is for, ends as its situation says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.promote.database import (
    dialect_of,
    expected_outcome,
    prepare,
    read_rows,
    read_tables,
    skip_unsupported,
)
from tests.projects_builder import copy_project, list_projects, read_situation
from tests.promotion import promote

EXIT_CODES = {
    "promoted": {0},
    "nothing-to-do": {0},
    "blocked": {3},
    "failed": {2, 4, 5},
    "partial": {6},
    "unverified": {7},
}


@pytest.mark.parametrize("name", list_projects())
def test_project_ends_as_its_situation_says(name: str, database_url: str, tmp_path: Path) -> None:
    situation, dialect = read_situation(name), dialect_of(database_url)
    skip_unsupported(situation, dialect)
    project = copy_project(name, tmp_path / "work")
    prepare(database_url, situation, dialect)
    ran = promote(project, database_url)
    expected = expected_outcome(situation, dialect)
    assert ran.outcome == expected, ran.output
    assert ran.exit_code in EXIT_CODES[expected], ran.output
    if expected == "promoted":
        rows = read_rows(database_url, situation)
        assert sorted(rows) == sorted(situation.rows)
        assert set(situation.tables) <= read_tables(database_url)
        assert [gate["outcome"] for gate in ran.result["gates"]].count("failed") == 0
        assert ran.result["backup"]["bytes"] > 0
        again = promote(project, database_url)
        assert again.outcome == "nothing-to-do", again.output
        assert again.exit_code == 0
    else:
        assert ran.result["error"]["kind"] == situation.kind, ran.output
