"""SQLite: WAL, busy and missing databases."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from ci_migrate.backup.take import take_backup
from ci_migrate.database.url import address_of
from ci_migrate.errors import BackupError
from tests.integration.backup.backup_samples import SqliteSample, make_request

pytestmark = pytest.mark.newest

SAMPLE = SqliteSample()


@pytest.fixture
def source(tmp_path):
    """Return the path of a database with a strange name."""
    folder = tmp_path / "a %20 b?c#d"
    folder.mkdir()
    return folder / "dätä base.db"


def request_for(source: Path | str, tmp_path: Path, **changes):
    url = make_url("sqlite://").set(database=str(source))
    return make_request(SAMPLE, "sqlite://", tmp_path / "out", address=address_of(url), **changes)


def test_wal_database_with_rows_that_are_only_in_the_log(source, tmp_path):
    writer = sqlite3.connect(source, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE t (i int)")
    writer.execute("INSERT INTO t VALUES (42)")
    assert Path(f"{source}-wal").stat().st_size > 0
    writer.execute("BEGIN")
    writer.execute("INSERT INTO t VALUES (43)")  # not committed, not in the backup
    request = request_for(source, tmp_path, tables=((None, "t"),))
    archive = Path(take_backup(request, "auto").location)
    writer.close()
    assert [path.suffix for path in sorted(archive.parent.iterdir())] == [".json", ".sqlite"]
    copy = sqlite3.connect(archive)
    assert copy.execute("SELECT i FROM t").fetchall() == [(42,)]
    assert copy.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    copy.close()


@pytest.mark.parametrize("kind", ["missing", "zero bytes", "no tables"])
def test_empty_database_is_a_valid_backup(source, tmp_path, kind):
    if kind == "zero bytes":
        source.touch()
    if kind == "no tables":
        database = sqlite3.connect(source)
        database.executescript("CREATE TABLE t (i); DROP TABLE t;")
        database.close()
    backup = take_backup(request_for(source, tmp_path, tables=()), "auto")
    assert Path(backup.location).read_bytes().startswith(b"SQLite format 3\0")
    assert backup.bytes >= 512
    assert source.exists() == (kind != "missing")
    if kind == "zero bytes":
        assert source.stat().st_size == 0


def test_database_in_a_folder_that_does_not_exist(tmp_path):
    source = tmp_path / "none" / "x.db"
    take_backup(request_for(source, tmp_path, tables=()), "auto")
    assert not source.parent.exists()


def test_writers_do_not_tear_the_copy(source, tmp_path):
    setup = sqlite3.connect(source)
    setup.execute("PRAGMA journal_mode=WAL")
    setup.execute("CREATE TABLE t (i int, pad text)")
    setup.executemany("INSERT INTO t VALUES (?, ?)", [(i, "x" * 4000) for i in range(6000)])
    setup.commit()
    setup.close()
    stop = threading.Event()
    written = []

    def write() -> None:
        writer = sqlite3.connect(source, isolation_level=None)
        while not stop.is_set():
            writer.execute("BEGIN")
            writer.execute("INSERT INTO t VALUES (-1, '')")
            writer.execute("INSERT INTO t VALUES (-2, '')")
            writer.execute("COMMIT")
            written.append(1)
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    while not written:
        time.sleep(0.01)
    try:
        backup = take_backup(request_for(source, tmp_path, tables=((None, "t"),)), "auto")
    finally:
        stop.set()
        thread.join()
    copy = sqlite3.connect(backup.location)
    ones, twos = copy.execute("SELECT sum(i = -1), sum(i = -2) FROM t").fetchone()
    copy.close()
    assert ones == twos > 0


def test_waits_for_a_database_that_is_locked_for_a_while(source, tmp_path):
    writer = sqlite3.connect(source, isolation_level=None, check_same_thread=False)
    writer.execute("CREATE TABLE t (i int)")
    writer.execute("BEGIN EXCLUSIVE")
    writer.execute("INSERT INTO t VALUES (1)")
    timer = threading.Timer(1.5, lambda: writer.execute("COMMIT"))
    timer.start()
    backup = take_backup(request_for(source, tmp_path, tables=((None, "t"),)), "auto")
    timer.join()
    writer.close()
    copy = sqlite3.connect(backup.location)
    assert copy.execute("SELECT * FROM t").fetchall() == [(1,)]
    copy.close()


def test_journal_of_a_crashed_writer_is_rolled_back(source, tmp_path):
    """A copy of the file with its hot journal is what a killed process leaves."""
    writer = sqlite3.connect(tmp_path / "live.db", isolation_level=None)
    writer.execute("PRAGMA cache_size=1")
    writer.execute("CREATE TABLE t (i int, pad text)")
    writer.executemany("INSERT INTO t VALUES (?, ?)", [(1, "x" * 2000)] * 50)
    writer.execute("BEGIN")
    writer.execute("UPDATE t SET i = 2")
    source.write_bytes((tmp_path / "live.db").read_bytes())
    Path(f"{source}-journal").write_bytes((tmp_path / "live.db-journal").read_bytes())
    writer.execute("ROLLBACK")
    writer.close()
    backup = take_backup(request_for(source, tmp_path, tables=((None, "t"),)), "auto")
    copy = sqlite3.connect(backup.location)
    assert copy.execute("SELECT DISTINCT i FROM t").fetchall() == [(1,)]
    copy.close()


def test_file_that_is_no_database(source, tmp_path):
    source.write_bytes(b"this is not a database" * 100)
    with pytest.raises(BackupError, match="not a database") as caught:
        take_backup(request_for(source, tmp_path, tables=()), "auto")
    assert "encrypted" in caught.value.next_step
    assert list((tmp_path / "out").iterdir()) == []


def test_damaged_database_is_found_by_the_integrity_check(source, tmp_path):
    database = sqlite3.connect(source)
    database.execute("PRAGMA page_size=4096")
    database.execute("CREATE TABLE t (i int, pad text)")
    database.execute("CREATE INDEX x ON t (pad)")
    database.executemany("INSERT INTO t VALUES (?, ?)", [(i, f"{i:0500}") for i in range(500)])
    database.commit()
    database.close()
    content = bytearray(source.read_bytes())
    content[4096 * 20 : 4096 * 21] = b"\xa5" * 4096
    source.write_bytes(content)
    with pytest.raises(BackupError, match="not a usable backup"):
        take_backup(request_for(source, tmp_path, tables=((None, "t"),)), "auto")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["", ":memory:"])
def test_memory_is_refused(tmp_path, name):
    with pytest.raises(BackupError, match="in-memory"):
        take_backup(request_for(name, tmp_path), "auto")
    assert not (tmp_path / "out").exists()
