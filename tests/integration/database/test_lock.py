"""One run at a time: between processes, on each database, also when the holder is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ci_migrate.database.lock import find_holder, hold_lock
from ci_migrate.database.lock_statements import MARK, mysql_statements
from ci_migrate.errors import DatabaseUnreachableError, LockNotAcquiredError
from tests.integration.database.drivers import open_database
from tests.projects_builder import copy_project
from tests.promotion import promote

HOLD = """
import sys
from pathlib import Path
from ci_migrate.database.engine import Database
from ci_migrate.database.lock import hold_lock
from ci_migrate.database.lock_statements import MARK, mysql_statements
database = Database(sys.argv[1], root=Path("/"), name="ci-migrate of Ada")
with hold_lock(database, owner="ci-migrate of Ada", wait=0, tell=print):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until it is told to stop."""
    command = [sys.executable, "-c", HOLD, url]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def take(url: str, wait: float, told: list[str]) -> float:
    """Take the lock and give it back; return the seconds it took."""
    started = time.monotonic()
    with hold_lock(open_database(url), owner="me", wait=wait, tell=told.append) as lock:
        assert lock.is_held()
    return time.monotonic() - started


def test_the_second_waits_names_the_holder_and_gives_up(database_url: str) -> None:
    told: list[str] = []
    with holder(database_url), pytest.raises(LockNotAcquiredError) as error:
        take(database_url, 0.6, told)
    assert "another run holds the lock of this database" in error.value.message
    assert len(told) == 1
    assert told[0].startswith("waiting for the lock, held by ")
    assert "ci-migrate of Ada, since 20" in told[0]
    assert "ci-migrate of Ada, since 20" in error.value.message


def test_a_lock_is_free_when_its_holder_is_killed(database_url: str) -> None:
    with holder(database_url) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert take(database_url, 10, []) < 10


def test_a_holder_that_shows_its_name_late_is_named(mariadb_url: str) -> None:
    """The name of a holder is shown by a second session, which needs a moment to connect."""
    database, told = open_database(mariadb_url), list[str]()
    with database.session() as locked, database.session() as sign:
        number = locked.run(lambda c: c.exec_driver_sql("SELECT CONNECTION_ID()").scalar())
        locked.run(lambda c: c.exec_driver_sql(mysql_statements().take).close())
        shown = f"/* {MARK} {number}: Ada */ SELECT SLEEP(3)"
        timer = threading.Timer(0.5, lambda: sign.run(lambda c: c.exec_driver_sql(shown).close()))
        timer.start()
        with pytest.raises(LockNotAcquiredError, match=r"\(Ada\)"):
            take(mariadb_url, 0.1, told)
        timer.join()
    assert told == ["waiting for the lock, held by Ada"]


def test_a_holder_that_the_server_hides_is_not_said_to_have_just_begun(
    mariadb_url: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("mariadb").url_of_role(mariadb_url, "no process", "ALL")
    told = list[str]()
    with holder(mariadb_url), pytest.raises(LockNotAcquiredError) as error:
        take(url, 0.1, told)
    assert "of another user: this one needs PROCESS to see whose run it is" in told[0]
    assert "needs PROCESS" in error.value.message


def test_the_second_goes_on_as_soon_as_the_first_ends(database_url: str) -> None:
    told: list[str] = []
    with holder(database_url) as process:
        assert process.stdin is not None
        timer = threading.Timer(0.8, process.stdin.close)
        timer.start()
        assert 0.5 < take(database_url, 30, told) < 10
        timer.join()
    assert len(told) == 1


@pytest.mark.slow_on("mariadb")
def test_promote_ends_with_8_and_says_who_holds_it(database_url: str, tmp_path: Path) -> None:
    project = copy_project("linear", tmp_path / "work")
    with holder(database_url):
        ran = promote(project, database_url, lock_wait=1)
    assert (ran.outcome, ran.exit_code) == ("failed", 8), ran.output
    assert (ran.result["error"]["kind"], ran.result["error"]["stage"]) == ("lock", "lock")
    assert "waiting for the lock, held by" in ran.output
    assert "ci-migrate of Ada, since 20" in ran.result["error"]["message"]
    assert "lock_wait" in ran.result["error"]["next"]
    assert ran.result["backup"] is None


def test_a_lock_is_lost_with_its_session(postgres_url: str) -> None:
    """Also when the driver connects anew: the new session holds nothing."""
    database = open_database(postgres_url)
    with hold_lock(database, owner="me", wait=1, tell=print) as lock:
        assert lock.is_held()
        database.run(
            lambda c: c.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            ).close()
        )
        assert [lock.is_held() for _ in range(3)] == [False, False, False]


def test_to_ask_for_the_lock_holds_up_no_other(postgres_url: str) -> None:
    """A look into pg_locks stops the whole lock table of the server, in which an upgrade may have thousands."""
    database = open_database(postgres_url)
    with hold_lock(database, owner="me", wait=1, tell=print) as lock:
        assert lock.is_held()
        asked = database.run(
            lambda c: c.exec_driver_sql(
                "SELECT query FROM pg_stat_activity WHERE query LIKE '%%ci-migrate lock%%'"
                " AND pid <> pg_backend_pid()"
            ).scalar()
        )
    assert "current_setting" in asked
    assert "pg_locks" not in asked


def test_a_lock_file_is_removed_and_never_through_a_link(sqlite_url: str, tmp_path: Path) -> None:
    lock_file = tmp_path / "database.sqlite.ci-migrate.lock"
    take(sqlite_url, 0, [])
    assert not lock_file.exists()

    target = tmp_path / "precious"
    target.write_text("content", encoding="utf-8")
    lock_file.symlink_to(target)
    with pytest.raises(DatabaseUnreachableError, match="lock file"):
        take(sqlite_url, 0, [])
    assert target.read_text("utf-8") == "content"
    assert lock_file.is_symlink()


def test_a_lock_file_that_a_killed_run_left_is_no_lock(sqlite_url: str, tmp_path: Path) -> None:
    lock_file = tmp_path / "database.sqlite.ci-migrate.lock"
    with holder(sqlite_url) as process:
        process.kill()
        process.wait()
    assert lock_file.exists()
    take(sqlite_url, 0, [])
    assert not lock_file.exists()


def test_two_spellings_of_a_sqlite_file_are_one_lock(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "database.sqlite").touch()
    (tmp_path / "link.sqlite").symlink_to("database.sqlite")
    with holder(sqlite_url), pytest.raises(LockNotAcquiredError):
        take(f"sqlite:///{tmp_path / 'link.sqlite'}", 0, [])


NO_FILES: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "folder": lambda path: path.mkdir(),
    "link": lambda path: path.symlink_to("elsewhere"),
}


@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_file_is_no_lock(sqlite_url: str, what: str) -> None:
    NO_FILES[what](Path(sqlite_url.partition("///")[2] + ".ci-migrate.lock"))
    assert find_holder(open_database(sqlite_url)) == ""
    with pytest.raises(DatabaseUnreachableError) as error:
        take(sqlite_url, 0.1, [])
    assert "Remove what is there" in str(error.value.next_step)
