"""Each project under tests/projects, promoted on each database that matters to it, ends as its situation says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.promote.database import (
    dialect_of,
    expected_outcome,
    prepare,
    read_rows,
    read_tables,
    skip_unsupported,
)
from tests.projects_builder import Situation, copy_project, list_projects, read_situation
from tests.promotion import promote

EXIT_CODES = {
    "promoted": {0},
    "nothing-to-do": {0},
    "blocked": {3},
    "failed": {2, 4, 5},
    "partial": {6},
    "unverified": {7},
}
ON_SERVERS = {
    "autocommit_block",
    "depends_on_single_row",
    "factory_creates_tables",
    "failing_per_revision",
    "flask_factory",
    "linear",
    "own_command",
    "per_revision_transactions",
    "sql_before_configure",
    "versions_at_run_time",
    "wrong_database",
}
"""What goes through other code on a server, though its outcome is the same."""
AGAIN = {"linear", "depends_on_single_row", "custom_version_table", "expand_contract"}
"""Whose version rows could make a second promotion find something to do."""
SERVER_ONLY = {
    "autocommit_block",
    "env_creates_schema",
    "heroku_url",
    "long_id",
    "version_table_schema",
}
QUICK = {
    "mariadb": {"failing_third", "flask_factory"},
    "postgres": SERVER_ONLY
    | {
        "async_env",
        "failing_third",
        "flask_factory",
        "linear",
        "shared_version_table",
        "wrong_database",
    },
}
"""What `make test` runs on a server; `make test-slow` runs all."""
SAME_ON_THE_OLDEST = {"failing_python", "failing_second", "migration_exits", "url_in_pieces"}
"""What would show nothing else with other versions of SQLAlchemy and Alembic."""


def matters_on_servers(situation: Situation) -> bool:
    """Return whether PostgreSQL and MariaDB show something that SQLite does not."""
    return bool(
        len(set(situation.outcome.values())) > 1
        or "sqlite" not in situation.dialects
        or situation.schemes
        or situation.prepare
        or situation.environment
        or situation.name in ON_SERVERS
    )


def matters_on_the_oldest(situation: Situation, dialect: str) -> bool:
    """Return whether other versions of SQLAlchemy and Alembic could show something else."""
    if situation.name in SAME_ON_THE_OLDEST:
        return False
    is_only = dialect == situation.dialects[0]
    return is_only or bool(situation.schemes) or situation.name in ON_SERVERS


def cases() -> Iterator[Any]:
    """Yield (project, kind of database): SQLite for all, the servers where they differ."""
    for name in list_projects():
        situation = read_situation(name)
        for dialect in situation.dialects:
            if dialect == "sqlite" or matters_on_servers(situation):
                kind = "postgres" if dialect == "postgresql" else dialect
                marks = [] if matters_on_the_oldest(situation, dialect) else [pytest.mark.newest]
                if name not in QUICK.get(kind, {name}):
                    marks.append(pytest.mark.slow)
                yield pytest.param(name, kind, id=f"{name}-{kind}", marks=marks)


@pytest.mark.parametrize(("name", "database_url"), list(cases()), indirect=["database_url"])
def test_project_ends_as_its_situation_says(name: str, database_url: str, tmp_path: Path) -> None:
    situation, dialect = read_situation(name), dialect_of(database_url)
    skip_unsupported(situation, dialect)
    project = copy_project(name, tmp_path / "work")
    prepare(database_url, situation, dialect)
    ran = promote(project, database_url)
    expected = expected_outcome(situation, dialect)
    assert ran.outcome == expected, ran.output
    assert ran.exit_code in EXIT_CODES[expected], ran.output
    if expected != "promoted":
        assert ran.result["error"]["kind"] == situation.kind, ran.output
        return
    assert read_rows(database_url, situation) == sorted(situation.rows)
    assert set(situation.tables) <= read_tables(database_url)
    assert [gate["outcome"] for gate in ran.result["gates"]].count("failed") == 0
    assert ran.result["backup"]["bytes"] > 0
    if name in AGAIN:
        again = promote(project, database_url)
        assert (again.outcome, again.exit_code) == ("nothing-to-do", 0), again.output
