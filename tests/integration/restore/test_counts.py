"""The rows that a manifest tells are those of its archive, and a restore is held to them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ci_migrate.database.engine import Database
from ci_migrate.database.source import Extent, watched_source
from tests.integration.promote.database import query, run_statements
from tests.integration.restore.asking import restore, say
from tests.integration.restore.clients import path_with, path_without
from tests.projects_builder import Project, copy_project
from tests.promotion import promote
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.newest
ROW = "INSERT INTO users (email, full_name) VALUES ('{0}@example.com', 'person {0}')"


def build(url: str, tmp_path: Path, **backup: Any) -> Project:
    """Return a promoted project with 20 users in its database."""
    project = copy_project("linear", tmp_path / "work")
    ran = promote(project, url, backup={"backend": "auto", **backup})
    assert ran.outcome == "promoted", ran.output
    run_statements(url, [ROW.format(number) for number in range(20)])
    if url.startswith("mysql"):
        time.sleep(
            1.1
        )  # MariaDB notes writes by the second: what is dumped in the same one may be newer
    return project


def take(project: Project, url: str, **env: str) -> dict[str, Any]:
    """Take a backup and return its manifest."""
    code, output = say(project, url, "backup", "take", **env)
    assert code == 0, output
    manifests = sorted((project.path / ".ci-migrate/backups").glob("dev-*Z-????????.json"))
    newest = max(manifests, key=lambda path: path.stat().st_mtime_ns)
    found: dict[str, Any] = json.loads(newest.read_text("utf-8"))
    return found


def rows_of(manifest: dict[str, Any]) -> dict[str, int | None]:
    return {table["name"]: table["rows"] for table in manifest["tables"]}


@pytest.mark.slow_on("mariadb")
def test_every_backup_tells_its_rows_and_a_restore_finds_them(
    database_url: str, tmp_path: Path
) -> None:
    project = build(database_url, tmp_path)
    manifest = take(project, database_url)
    rows = rows_of(manifest)
    assert rows["users"] == query(database_url, "SELECT count(*) FROM users")[0][0]
    assert None not in rows.values(), rows
    ran = restore(project, database_url, "--confirm", "dev")
    assert (ran.exit_code, ran.outcome) == (0, "restored"), ran.output
    assert f"{len(rows)} tables and their rows as in the manifest" in ran.output


def test_a_restore_that_brings_back_fewer_rows_is_not_verified(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    project = build(postgres_url, tmp_path)
    path = path_without(postgres, "--exclude-table-data=users", tmp_path)
    take(project, postgres_url, PATH=path)
    ran = restore(project, postgres_url, "--confirm", "dev")
    assert (ran.exit_code, ran.outcome) == (7, "unverified"), ran.output
    assert "public.users has 0 rows instead of 21" in ran.result["error"]["message"]


@pytest.mark.slow
def test_a_restore_without_indexes_and_constraints_is_not_verified(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    project = build(postgres_url, tmp_path)
    path = path_without(postgres, "--section=pre-data --section=data", tmp_path)
    take(project, postgres_url, PATH=path)
    ran = restore(project, postgres_url, "--confirm", "dev")
    assert (ran.exit_code, ran.outcome) == (7, "unverified"), ran.output
    assert "constraints" in ran.result["error"]["message"]
    assert "public.users" in ran.result["error"]["message"]


@pytest.mark.slow
def test_a_restore_without_functions_and_events_is_not_verified(
    mariadb_url: str, tmp_path: Path
) -> None:
    project = build(mariadb_url, tmp_path)
    statements = ["CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 1",
                  "CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1"]  # fmt: skip
    run_statements(mariadb_url, statements)
    script = 'first=$1; shift; exec $real "$first" $(printf "%s\\n" "$@" | grep -v -e --routines -e --events)'
    take(project, mariadb_url, PATH=path_with(tmp_path, "mariadb-dump", script))
    ran = restore(project, mariadb_url, "--confirm", "dev")
    assert (ran.exit_code, ran.outcome) == (7, "unverified"), ran.output
    assert "1 of the events and 1 of the functions of" in ran.result["error"]["message"]


@pytest.mark.slow
def test_a_restore_without_views_is_not_verified(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    project = build(postgres_url, tmp_path)
    run_statements(postgres_url, ["CREATE VIEW seen AS SELECT 1 AS one"])
    path = path_without(postgres, "--exclude-table=seen", tmp_path)
    take(project, postgres_url, PATH=path)
    ran = restore(project, postgres_url, "--confirm", "dev")
    assert (ran.exit_code, ran.outcome) == (7, "unverified"), ran.output
    assert "of the views of" in ran.result["error"]["message"]


@pytest.mark.slow
def test_version_rows_that_did_not_come_back_are_found_in_another_database_too(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    project = build(postgres_url, tmp_path, count_rows="none")
    path = path_without(postgres, "--exclude-table-data=alembic_version", tmp_path)
    take(project, postgres_url, PATH=path)
    ran = restore(project, postgres_url, "--into", postgres.create_database())
    assert (ran.exit_code, ran.outcome) == (7, "unverified"), ran.output
    assert "version rows are none" in ran.result["error"]["message"]


@pytest.mark.slow
def test_what_was_not_counted_is_said(postgres_url: str, tmp_path: Path) -> None:
    project = build(postgres_url, tmp_path, count_rows="none")
    assert set(rows_of(take(project, postgres_url)).values()) == {None}
    ran = restore(project, postgres_url, "--confirm", "dev")
    assert (ran.exit_code, ran.outcome) == (0, "restored"), ran.output
    assert "rows not counted" in ran.output


@pytest.mark.parametrize("extent", ["small", "rows", "everything"])
def test_counting_leaves_no_lock_that_pg_dump_could_wait_behind(
    postgres_url: str, tmp_path: Path, extent: Extent
) -> None:
    """Else: ALTER TABLE waits for us, pg_dump waits for that, and we wait for pg_dump."""
    run_statements(postgres_url, ["CREATE TABLE users (id int)"])
    with watched_source(Database(postgres_url, root=tmp_path), extent) as source:
        assert source.before.rows == {("public", "users"): 0}
        held = "SELECT count(*) FROM pg_locks WHERE relation = 'users'::regclass"
        assert query(postgres_url, held) == [(0,)]
        run_statements(postgres_url, ["INSERT INTO users VALUES (1)"])
        assert source.exact_rows() == {("public", "users"): 0}


@pytest.mark.parametrize("kind", ["mariadb", "sqlite"])
def test_rows_written_while_a_dump_is_made_are_not_told(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    run_statements(url, ["CREATE TABLE users (id int)", "CREATE TABLE quiet (id int)"])
    with watched_source(Database(url, root=tmp_path), "small") as source:
        run_statements(url, ["INSERT INTO users VALUES (1)"])
        assert (None, "users") not in source.exact_rows()


@pytest.mark.slow_on("mariadb")
@pytest.mark.parametrize("kind", ["mariadb", "sqlite"])
def test_what_a_restore_takes_away_is_counted_where_no_server_keeps_count(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    project = build(url, tmp_path)
    take(project, url)
    ran = restore(project, url, "--confirm", "nothing")
    assert "every table that was counted then has as many rows now" in ran.output, ran.output
    run_statements(url, [ROW.format(number) for number in range(100, 112)])
    ran = restore(project, url, "--confirm", "nothing")
    assert "users has 12 rows more" in ran.output, ran.output
    run_statements(url, ["DELETE FROM users"])
    ran = restore(project, url, "--confirm", "nothing")
    assert "users has 21 rows fewer" in ran.output, ran.output
