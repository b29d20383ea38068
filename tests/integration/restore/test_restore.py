"""A database that was damaged is brought back by `backup restore`, and its ledger with it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.promote.database import query, read_tables, run_statements
from tests.integration.restore.asking import history, restore, say
from tests.projects_builder import Project, copy_project
from tests.projects_changes import add_revision
from tests.promotion import promote
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.newest
DAMAGE = (
    'op.execute("DELETE FROM users")\n'
    'op.create_table("junk", sa.Column("id", sa.Integer(), primary_key=True))'
)


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> tuple[Project, str]:
    """A promoted project with rows, and the URL of its database."""
    project = copy_project("linear", tmp_path / "work")
    ran = promote(project, database_url)
    assert ran.outcome == "promoted", ran.output
    row = "INSERT INTO users (email, full_name) VALUES ('{0}@example.com', 'person {0}')"
    run_statements(database_url, [row.format(number) for number in range(20)])
    return project, database_url


def people(url: str) -> list[tuple[object, ...]]:
    """Return the rows that the tests damage."""
    return query(url, "SELECT id, email, full_name FROM users ORDER BY id")


@pytest.mark.slow_on("mariadb", "sqlite")
def test_a_bad_release_is_taken_back(shop: tuple[Project, str]) -> None:
    project, url = shop
    before, tables = people(url), read_tables(url)
    add_revision(project, "badc0ffee000", upgrade=DAMAGE)
    bad = promote(project, url)
    assert bad.outcome == "promoted", bad.output
    assert people(url) == []

    ran = restore(project, url, "--confirm", "dev", Path(bad.result["backup"]["location"]).name)
    assert (ran.exit_code, ran.outcome) == (0, "restored"), ran.output
    assert people(url) == before
    assert read_tables(url) == tables
    assert "badc0ffee000" in ran.output  # what is undone was told before
    assert ran.result["from"] == ["badc0ffee000"]
    assert ran.result["backup"]["location"] != bad.result["backup"]["location"]

    runs = history(project, url)
    assert [(run["command"], run["outcome"]) for run in runs] == [
        ("promote", "promoted"), ("promote", "promoted"), ("restore", "restored"),
    ]  # fmt: skip
    assert [row["outcome"] for row in runs[1]["revisions"]] == ["undone"]
    assert {row["outcome"] for row in runs[0]["revisions"]} == {"executed"}
    assert say(project, url, "ledger", "reconcile")[0] == 0

    again = promote(project, url)
    assert again.outcome == "promoted", again.output
    assert [item["revision"] for item in again.result["applied"]] == ["badc0ffee000"]


@pytest.mark.slow
def test_a_restore_once_more_does_not_bring_back_what_the_first_took_away(
    sqlite_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    assert promote(project, sqlite_url).outcome == "promoted"
    assert say(project, sqlite_url, "backup", "take")[0] == 0
    good = read_tables(sqlite_url)
    run_statements(sqlite_url, ["CREATE TABLE junk (id INTEGER)"])
    assert restore(project, sqlite_url, "--confirm", "dev").exit_code == 0
    assert read_tables(sqlite_url) == good

    ran = restore(project, sqlite_url, "--confirm", "dev")
    assert ran.exit_code == 0, ran.output
    assert read_tables(sqlite_url) == good
    _, listed = say(project, sqlite_url, "backup", "list")
    assert listed.count("before its restore") == 2


@pytest.mark.parametrize("arguments", [(), ("--confirm", "production")])
def test_nothing_happens_without_the_name(
    sqlite_url: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    project = copy_project("linear", tmp_path / "work")
    assert promote(project, sqlite_url).outcome == "promoted"
    run_statements(sqlite_url, ["CREATE TABLE later (id integer)"])
    ran = restore(project, sqlite_url, *arguments)
    assert (ran.exit_code, ran.outcome) == (2, "failed"), ran.output
    assert "later" in read_tables(sqlite_url)


@pytest.mark.slow
def test_a_backup_goes_into_an_empty_database_only(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    assert promote(project, postgres_url).outcome == "promoted"
    code, output = say(project, postgres_url, "backup", "take")
    assert code == 0, output
    other = postgres.create_database()
    ran = restore(project, postgres_url, "--into", other)
    assert (ran.exit_code, ran.outcome) == (0, "restored"), ran.output
    assert people(other) == people(postgres_url)
    assert restore(project, postgres_url, "--into", other).exit_code == 2


def test_what_cannot_be_restored_leaves_postgres_as_it_was(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    assert promote(project, postgres_url).outcome == "promoted"
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    role = f"gone_{name}"[:60]
    postgres.run_sql(f"CREATE ROLE {role}; ALTER TABLE users OWNER TO {role}", name)
    assert say(project, postgres_url, "backup", "take")[0] == 0
    postgres.run_sql(
        f"REASSIGN OWNED BY {role} TO postgres; DROP ROLE {role};"
        "INSERT INTO users (email, full_name) VALUES ('later@example.com', 'later')",
        name,
    )
    before = _dump(postgres, name)
    ran = restore(project, postgres_url, "--confirm", "dev")
    assert (ran.exit_code, ran.outcome) == (5, "failed"), ran.output
    assert role in ran.result["error"]["message"]
    assert _dump(postgres, name) == before


def _dump(postgres: PostgresServer, name: str) -> str:
    done = subprocess.run(
        [postgres.bindir / "pg_dump", "--exclude-schema=ci_migrate", name],
        env={**os.environ, "PGHOST": str(postgres.socket_dir), "PGUSER": "postgres"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    return "\n".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestrict")))


@pytest.mark.slow
def test_mariadb_is_healed_after_half_a_revision(mariadb_url: str, tmp_path: Path) -> None:
    project = copy_project("linear", tmp_path / "work")
    assert promote(project, mariadb_url).outcome == "promoted"
    run_statements(
        mariadb_url,
        [
            "CREATE VIEW names AS SELECT full_name FROM users",
            "CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN 2 * n",
            "CREATE SEQUENCE numbers START WITH 7",
            # The name is given: MariaDB 10.11.18 cannot read back the one that it would make of this table's.
            (
                "CREATE TABLE `odd``name` (id INT PRIMARY KEY,"
                " CONSTRAINT circle FOREIGN KEY (id) REFERENCES `odd``name` (id))"
            ),
        ],
    )
    wedge = add_revision(project, "badc0ffee000", upgrade=DAMAGE + '\nop.execute("NONSENSE")')
    half = promote(project, mariadb_url)
    assert half.outcome == "partial", half.output
    ran = restore(project, mariadb_url, "--confirm", "dev")
    assert (ran.exit_code, ran.outcome) == (0, "restored"), ran.output
    assert "junk" not in read_tables(mariadb_url)
    assert query(mariadb_url, "SELECT twice(21)") == [(42,)]
    wedge.write_text(wedge.read_text("utf-8").replace('op.execute("NONSENSE")', "pass"), "utf-8")
    healed = promote(project, mariadb_url)
    assert healed.outcome == "promoted", healed.output


@pytest.mark.slow
def test_backups_are_listed_verified_and_pruned(sqlite_url: str, tmp_path: Path) -> None:
    project = copy_project("linear", tmp_path / "work")
    assert promote(project, sqlite_url).outcome == "promoted"
    for _ in range(2):
        assert say(project, sqlite_url, "backup", "take")[0] == 0
    code, listed = say(project, sqlite_url, "backup", "list")
    assert (code, listed.count("integrity_check ok")) == (0, 3), listed
    newest = max(
        (project.path / ".ci-migrate/backups").glob("*.sqlite"), key=lambda f: f.stat().st_mtime
    )
    with newest.open("r+b") as file:
        file.write(b"broken")
    code, told = say(project, sqlite_url, "backup", "verify", "--all")
    assert (code, told.count("good "), told.count("BAD ")) == (4, 2, 1), told
    assert say(project, sqlite_url, "backup", "verify", newest.name)[0] == 4
    code, output = say(project, sqlite_url, "backup", "prune")
    assert (code, "--keep" in output) == (2, True), output
    code, output = say(project, sqlite_url, "backup", "prune", "--keep", "1", "--dry-run")
    assert (code, output.count("BAD "), output.count("would be removed")) == (0, 1, 1), output
    assert say(project, sqlite_url, "backup", "prune", "--keep", "1")[0] == 0
    # The newest is spoilt and stays to be looked at; the newest whole one stays beside it.
    left = (project.path / ".ci-migrate/backups").glob("*.sqlite")
    assert len({newest, *left}) == 2
    assert say(project, sqlite_url, "backup", "verify", "--all")[1].count("good ") == 1
