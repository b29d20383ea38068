"""The command that brings a backup back, pasted into a shell: the database is again what it was."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from ci_migrate.backup.restore_advice import restore_command
from ci_migrate.database.engine import Database
from ci_migrate.models import Backup
from tests.integration.promote.database import run_statements
from tests.projects_builder import copy_project
from tests.promotion import environment, promote

pytestmark = pytest.mark.newest


def ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(url, poolclass=NullPool, future=True)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement))]


def paste(command: str, folder: Path) -> None:
    subprocess.run(["sh", "-c", command], cwd=folder, env=environment(), check=True)


@pytest.mark.slow
def test_mariadb(mariadb_url: str, tmp_path: Path) -> None:
    name = sa.engine.make_url(mariadb_url).database
    run_statements(
        mariadb_url, [f"ALTER DATABASE `{name}` CHARACTER SET latin1 COLLATE latin1_bin"]
    )
    ran = promote(copy_project("failing_second", tmp_path / "work"), mariadb_url)
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    command = ran.result["error"]["next"].splitlines()[-1]
    assert f"         {command}\n" in ran.output
    paste(command, tmp_path)
    assert ask(mariadb_url, "SELECT @@character_set_database, @@collation_database") == [
        ("latin1", "latin1_bin")
    ]
    assert ask(mariadb_url, "SHOW TABLES") == []


def test_postgresql(postgres_url: str, tmp_path: Path) -> None:
    name = sa.engine.make_url(postgres_url).database
    run_statements(
        postgres_url,
        [f"ALTER DATABASE {name} SET work_mem = '5432kB'", f"REVOKE ALL ON DATABASE {name} FROM PUBLIC"],
    )  # fmt: skip
    before = ask(postgres_url, f"SELECT datacl::text FROM pg_database WHERE datname = '{name}'")
    ran = promote(copy_project("linear", tmp_path / "work"), postgres_url)
    address = Database(postgres_url, root=tmp_path).address
    paste(restore_command(Backup(**ran.result["backup"]), address, "dev"), tmp_path)
    assert ask(postgres_url, "SHOW work_mem") == [("5432kB",)]
    rights = f"SELECT datacl::text FROM pg_database WHERE datname = '{name}'"
    assert ask(postgres_url, rights) == before
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    assert ask(postgres_url, tables) == []
