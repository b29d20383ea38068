"""MariaDB and SQLite come back to the byte from an upgrade that damages data."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.promote.database import query
from tests.integration.restore.asking import restore, say
from tests.projects_builder import Project, copy_project
from tests.projects_changes import add_revision
from tests.promotion import promote
from tests.servers.mariadb import MariadbServer

pytestmark = pytest.mark.newest
HERE = Path(__file__).parent
DAMAGE_MARIADB = (
    "SET FOREIGN_KEY_CHECKS = 0",
    "DROP TABLE `we ``ird \"t' ü; drop -- %s`",
    "DROP TABLE houses, measures",
    "DELETE FROM people",
    "ALTER TABLE people DROP COLUMN extra, MODIFY name varchar(9) COLLATE utf8mb4_bin",
    "ALTER TABLE kept DROP SYSTEM VERSIONING",
    "UPDATE kept SET price = 0",
    "DROP FUNCTION doubled",
    "CREATE FUNCTION later() RETURNS int DETERMINISTIC RETURN 1",
    "DROP VIEW `over`",
    "CREATE OR REPLACE VIEW seen AS SELECT 1 AS one",
    "DROP EVENT nightly",
    "CREATE EVENT later ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
    "SELECT SETVAL(numbers, 9000)",
    "CREATE TABLE after_it (id int PRIMARY KEY)",
    "ALTER DATABASE CHARACTER SET latin1",
)
DAMAGE_SQLITE = (
    'DROP TABLE "we ""ird \'t; drop -- %s"',
    "DELETE FROM people",
    "ALTER TABLE people DROP COLUMN raw",
    "DROP VIEW seen",
    "DROP TRIGGER loud",
    "DROP TABLE words",
    "DELETE FROM sqlite_sequence",
    "PRAGMA user_version = 78",
    "CREATE TABLE after_it (id INT)",
)


def damage(project: Project, url: str, statements: Sequence[str]) -> str:
    """Promote a revision that does all this, and return the name of the backup that was taken before."""
    # Unlike `op.execute` it takes every sign as it is.
    body = "\n".join(f"run({one.replace('%', '%%')!r})" for one in statements)
    upgrade = f"run = op.get_bind().exec_driver_sql\n{body}"
    if url.startswith("sqlite"):
        upgrade = upgrade.replace("%%", "%")
    add_revision(project, "badc0ffee000", upgrade=upgrade)
    bad = promote(project, url)
    assert bad.outcome == "promoted", bad.output
    return Path(bad.result["backup"]["location"]).name


def take_back(project: Project, url: str, backup: str) -> None:
    """Restore that backup, and see that the restore has compared what it says."""
    ran = restore(project, url, "--confirm", "dev", backup)
    assert (ran.exit_code, ran.outcome) == (0, "restored"), ran.output
    assert " and their rows" in ran.output
    assert query(url, "SELECT version_num FROM alembic_version") == [(project.situation.heads[0],)]


@pytest.mark.slow
def test_mariadb_comes_back_to_the_byte(
    mariadb: MariadbServer, mariadb_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    assert promote(project, mariadb_url).outcome == "promoted"
    name = mariadb_url.partition("?")[0].rpartition("/")[2]
    client = [
        "mariadb",
        "--no-defaults",
        f"--socket={mariadb.socket}",
        "--user=root",
        "--default-character-set=utf8mb4",
        name,
    ]
    subprocess.run(client, input=(HERE / "rich_mariadb.sql").read_bytes(), check=True)
    before = dump_mariadb(mariadb, name)
    assert "INSERT INTO `kept` (`id`, `price`, row_start, row_end)" in before, "with its history"
    backup = damage(project, mariadb_url, DAMAGE_MARIADB)
    assert dump_mariadb(mariadb, name) != before
    take_back(project, mariadb_url, backup)
    assert dump_mariadb(mariadb, name).splitlines() == before.splitlines()


def dump_mariadb(server: MariadbServer, name: str) -> str:
    """Return schema and data as mariadb-dump writes them, but for the ledger."""
    command = [
        "mariadb-dump",
        "--no-defaults",
        f"--socket={server.socket}",
        "--user=root",
        "--routines",
        "--events",
        "--triggers",
        "--hex-blob",
        "--dump-history",
        "--skip-extended-insert",
        "--skip-dump-date",
        "--default-character-set=utf8mb4",
        f"--ignore-table={name}.ci_migrate_ledger",
        "--databases",  # with the character set of the database itself
        name,
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return done.stdout


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_sqlite_comes_back_to_the_byte(mode: str, sqlite_url: str, tmp_path: Path) -> None:
    project = copy_project("linear", tmp_path / "work")
    assert promote(project, sqlite_url).outcome == "promoted"
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.executescript((HERE / "rich_sqlite.sql").read_text("utf-8"))
        # What a reader still needs stays in the WAL.
        reader = sqlite3.connect(path)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM people").fetchone()
        if mode == "wal":
            connection.execute("INSERT INTO people (id, name) VALUES (3, 'in the WAL')")
        connection.commit()
        assert (mode == "wal") == Path(f"{path}-wal").exists()
        code, output = say(project, sqlite_url, "backup", "take")
        assert code == 0, output
        reader.close()
    before = read_sqlite(path)
    backup = damage(project, sqlite_url, DAMAGE_SQLITE)
    assert read_sqlite(path) != before
    take_back(project, sqlite_url, backup)
    assert read_sqlite(path) == before


def read_sqlite(path: Path) -> dict[str, str]:
    """Return what is in a file: each definition, the rows of each table with their types, and its own numbers."""
    with closing(sqlite3.connect(path)) as connection:
        found = {
            f"{row[0]} {row[1]}": str(row)
            for row in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
            if "ci_migrate_ledger" not in row[2]
        }
        for number in ("user_version", "application_id", "encoding", "journal_mode"):
            found[number] = str(connection.execute(f"PRAGMA {number}").fetchone())
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'ci_migrate_ledger'"
        ).fetchall():
            quoted = name.replace('"', '""')
            rows = connection.execute(f'SELECT * FROM "{quoted}"').fetchall()
            kept = sorted(repr(row) for row in rows if "ci_migrate_ledger" not in repr(row))
            found[f"rows {name}"] = hashlib.sha256("\n".join(kept).encode()).hexdigest()
    return found
