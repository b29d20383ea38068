"""The command that brings a backup back: a shell reads it as it is meant, and no password is in it."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ci_migrate.backup.restore_advice import restore_command
from ci_migrate.database.address import DatabaseAddress
from tests.unit.report.samples import BACKUP

ADDRESS = DatabaseAddress(
    dialect="postgresql", database="sh'op $x", host="db.example", port=5433, user="a b", password="hunter22"
)  # fmt: skip
ARCHIVE = replace(BACKUP, location="/backups/it's $(here)/x.dump")


def commands(text: str) -> list[list[str]]:
    """Split a command line as a shell does, at `&&` first."""
    words: list[list[str]] = [[]]
    for word in shlex.split(text):
        if word == "&&":
            words.append([])
        else:
            words[-1].append(word)
    return words


def test_postgresql() -> None:
    where = ["-h", "db.example", "-p", "5433", "-U", "a b"]
    assert commands(restore_command(ARCHIVE, ADDRESS, "dev")) == [
        ["dropdb", *where, "--if-exists", "--force", "sh'op $x"],
        ["pg_restore", *where, "--exit-on-error", "--create", "-d", "postgres", ARCHIVE.location],
    ]


def test_postgresql_connects_to_another_database_than_the_one_it_makes() -> None:
    address = replace(ADDRESS, database="postgres")
    assert commands(restore_command(ARCHIVE, address, "dev"))[1][-2] == "template1"


def test_mariadb() -> None:
    address = replace(
        ADDRESS, dialect="mysql", host="", port=None, socket="/run/my sql", database="a`b"
    )
    assert commands(restore_command(ARCHIVE, address, "dev")) == [
        ["mariadb", "-S", "/run/my sql", "-u", "a b", "-p", "-e", "DROP DATABASE `a``b`; CREATE DATABASE `a``b`"],
        ["mariadb", "-S", "/run/my sql", "-u", "a b", "-p", "a`b", "<", ARCHIVE.location],
    ]  # fmt: skip


def test_mariadb_gets_its_character_set_back() -> None:
    address = replace(ADDRESS, dialect="mysql", database="shop")
    backup = replace(ARCHIVE, properties={"character_set": "latin1", "collation": "latin1_bin"})
    told = restore_command(backup, address, "dev")
    assert "CREATE DATABASE `shop` CHARACTER SET latin1 COLLATE latin1_bin" in told
    hostile = replace(ARCHIVE, properties={"character_set": "x; DROP", "collation": "latin1_bin"})
    assert "CREATE DATABASE `shop`'" in restore_command(hostile, address, "dev")


def test_mariadb_asks_for_no_password_where_the_url_has_none() -> None:
    address = replace(ADDRESS, dialect="mysql", password="")
    assert all(
        "-p" not in command for command in commands(restore_command(ARCHIVE, address, "dev"))
    )


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
def test_no_password_is_in_it(dialect: str) -> None:
    assert "hunter22" not in restore_command(ARCHIVE, replace(ADDRESS, dialect=dialect), "dev")


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
def test_without_an_archive_there_is_none(dialect: str) -> None:
    backup = replace(BACKUP, location="")
    assert restore_command(backup, replace(ADDRESS, dialect=dialect), "dev") == ""


def test_the_command_for_sqlite_really_restores(tmp_path: Path) -> None:
    database, archive = tmp_path / "it's the.db", tmp_path / "back up.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE kept (id INTEGER)")
    connection.close()
    shutil.copyfile(database, archive)
    # a journal of the newer content must not be played back onto the older file
    newer = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA journal_mode = WAL');"
        "c.execute('CREATE TABLE lost (id INTEGER)'); c.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", newer, str(database)], check=True)
    assert Path(f"{database}-wal").stat().st_size > 0
    address = DatabaseAddress(dialect="sqlite", database=str(database))
    subprocess.run(
        restore_command(replace(BACKUP, location=str(archive)), address, "dev"),
        shell=True,
        check=True,
    )
    restored = sqlite3.connect(database)
    assert [row[0] for row in restored.execute("SELECT name FROM sqlite_master")] == ["kept"]
    restored.close()


def test_an_archive_in_a_bucket_is_fetched_and_decrypted_first() -> None:
    backup = replace(BACKUP, location="s3://acme/it's/x.dump.tar.age")
    assert commands(restore_command(backup, ADDRESS, "dev"))[:4] == [
        ["aws", "s3", "cp", "s3://acme/it's/x.dump.tar.age", "x.dump.tar.age"],
        ["age", "-d", "-i", "KEY_FILE", "-o", "x.dump.tar", "x.dump.tar.age"],
        ["mkdir", "x.dump"],
        ["tar", "-xf", "x.dump.tar", "-C", "x.dump"],
    ]
    azure = commands(restore_command(replace(BACKUP, location="az://box/a/x.sql"), ADDRESS, "dev"))[
        0
    ]
    assert azure == [
        "az",
        "storage",
        "blob",
        "download",
        "-c",
        "box",
        "-n",
        "a/x.sql",
        "-f",
        "x.sql",
    ]


def test_a_snapshot_is_brought_back_by_us() -> None:
    backup = replace(BACKUP, backend="command", location="s3://b/p/dev-1.snapshot")
    assert commands(restore_command(backup, ADDRESS, "dev")) == [
        ["ci-migrate", "backup", "restore", "--environment", "dev", "dev-1"]
    ]
