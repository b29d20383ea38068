"""`prove: restore` finds what reading an archive back does not, and is exact while others write."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests.integration.promote.database import query, read_tables, run_statements
from tests.integration.promote.shop import build_shop
from tests.integration.restore.asking import restore, say
from tests.integration.restore.clients import path_with, path_without
from tests.projects_builder import copy_project, run_git
from tests.projects_changes import add_revision
from tests.promotion import Ran, promote, run_tool, write_config
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.newest

PROVED = {"backup": {"prove": "restore"}}


def test_an_archive_without_some_rows_is_found_and_does_not_stay(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "linear")
    assert promote(project, postgres_url).outcome == "promoted"
    add_revision(project, "aa11aa11aa11")
    path = path_without(postgres, "--exclude-table-data=users", tmp_path)
    backups = project.path / ".ci-migrate/backups"
    before = sorted(backups.iterdir())

    def run(backup: str) -> Ran:
        settings = {"url": postgres_url, "scratch_url": postgres_url, "backup": {"prove": backup}}
        write_config(project, {"dev": settings})
        return run_tool(project.path, "promote", "--environment", "dev", env={"PATH": path})

    ran = run("restore")
    assert (ran.outcome, ran.exit_code) == ("failed", 4), ran.output
    assert "public.users has 0 rows instead of 1" in ran.result["error"]["message"]
    assert sorted(backups.iterdir()) == before
    assert query(postgres_url, "SELECT to_regclass('table_aa11aa11aa11')") == [(None,)]
    assert run("list").outcome == "promoted", "the fault shows by a restore only"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        ("^INSERT INTO .users.", "users has 0 rows instead of 1"),
        ("SETVAL(", "the sequence numbers is at 1 instead of 1,001"),
        ("^INSERT INTO .alembic_version.", "its version rows are none instead of "),
    ],
)
def test_a_dump_of_mariadb_that_lacks_something_is_found(
    left_out: str, message: str, mariadb_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "linear")
    assert promote(project, mariadb_url).outcome == "promoted"
    run_statements(mariadb_url, ["CREATE SEQUENCE numbers", "SELECT NEXTVAL(numbers)"])
    add_revision(project, "aa11aa11aa11")
    # With its data in one line each, as grep likes it; the file ends well all the same.
    script = f"$real \"$@\" | sed -z 's/VALUES\\n/VALUES /g' | grep -av '{left_out}'"
    path = path_with(tmp_path, "mariadb-dump", script)
    settings = {"url": mariadb_url, "scratch_url": mariadb_url, **PROVED}
    write_config(project, {"dev": settings})
    ran = run_tool(project.path, "promote", "--environment", "dev", env={"PATH": path})
    assert (ran.outcome, ran.exit_code) == ("failed", 4), ran.output
    assert message in ran.result["error"]["message"]
    assert "table_aa11aa11aa11" not in read_tables(mariadb_url)


@pytest.mark.slow
def test_a_dump_of_mariadb_is_of_one_moment_while_others_write(
    mariadb: MariadbServer, mariadb_url: str, tmp_path: Path
) -> None:
    """Each transaction writes to two tables; a dump that saw only one of the writes would be of two moments."""
    project = copy_project("linear", tmp_path / "linear")
    assert promote(project, mariadb_url).outcome == "promoted"
    filler = "x" * 2000
    run_statements(
        mariadb_url,
        [
            "CREATE TABLE a_first (id int AUTO_INCREMENT PRIMARY KEY, filler text)",
            "CREATE TABLE z_last (id int AUTO_INCREMENT PRIMARY KEY, filler text)",
            *(f"INSERT INTO {table} (filler) SELECT '{filler}' FROM seq_1_to_20000"
              for table in ("a_first", "z_last")),
        ],
    )  # fmt: skip
    over, written = threading.Event(), []

    def write() -> None:
        engine = sa.create_engine(mariadb_url)
        while not over.is_set():
            with engine.begin() as connection:
                for table in ("a_first", "z_last"):
                    connection.exec_driver_sql(f"INSERT INTO {table} (filler) VALUES ('{filler}')")
            written.append(1)
        engine.dispose()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        code, output = say(project, mariadb_url, "backup", "take")
    finally:
        over.set()
        thread.join()
    assert code == 0, output
    assert len(written) > 100
    other = mariadb.create_database()
    ran = restore(project, mariadb_url, "--into", other)
    assert ran.outcome == "restored", ran.output
    counts = query(other, "SELECT (SELECT COUNT(*) FROM a_first), (SELECT COUNT(*) FROM z_last)")[0]
    assert counts[0] == counts[1] > 20_000
    assert counts[0] < 20_000 + len(written)


@pytest.mark.slow
def test_the_comparison_is_exact_while_others_write(postgres_url: str, tmp_path: Path) -> None:
    project = copy_project("linear", tmp_path / "linear")
    assert promote(project, postgres_url).outcome == "promoted"
    add_revision(project, "aa11aa11aa11")
    over = threading.Event()
    written = []

    def write() -> None:
        url = postgres_url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(url, autocommit=True) as connection:
            while not over.is_set():
                mail = f"{len(written)}@example.com"
                connection.execute("INSERT INTO users (email, full_name) VALUES (%s, 'N')", (mail,))
                written.append(mail)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        ran = promote(project, postgres_url, scratch_url=postgres_url, **PROVED)
    finally:
        over.set()
        thread.join()
    assert ran.outcome == "promoted", ran.output
    assert len(written) > 100
    assert "rows and sequences equal" in ran.result["backup"]["verified"]
    assert "written meanwhile" not in ran.result["backup"]["verified"]


def test_the_plan_of_the_next_environment_has_a_forecast(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={"rehearse": True})
    assert shop.promote("dev").outcome == "promoted"
    run_git(shop.project, "checkout", "-q", "-B", "staging")
    plan = shop.run("plan")
    assert plan.outcome == "ready", plan.output
    heads = [item["revision"] for item in plan.result["pending"]]
    forecast = plan.result["forecast"]
    assert [item["revision"] for item in forecast["revisions"]] == heads
    assert forecast["source"].startswith("dev, ")
    assert forecast["seconds"] > 0
    assert "(by dev, " in plan.output
    assert all(item["statements"] > 0 for item in forecast["revisions"])
