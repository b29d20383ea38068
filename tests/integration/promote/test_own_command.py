"""A project's own command that does not work at all."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.promote.database import run_statements
from tests.projects_builder import Project, copy_project
from tests.promotion import promote, run_tool, write_config

pytestmark = pytest.mark.newest


def with_command(project: Project, *command: str) -> Project:
    migrations = {**project.situation.migrations, "command": {"upgrade": list(command)}}
    return replace(project, situation=replace(project.situation, migrations=migrations))


def test_a_program_that_does_not_exist_is_a_failure_and_no_bug(
    sqlite_url: str, tmp_path: Path
) -> None:
    project = with_command(copy_project("own_command", tmp_path / "work"), "no-such-program", "up")
    ran = promote(project, sqlite_url)
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert "no-such-program" in ran.result["error"]["message"]
    assert "migrations.command" in ran.result["error"]["next"]


def test_a_command_that_does_nothing_is_not_verified(sqlite_url: str, tmp_path: Path) -> None:
    project = with_command(copy_project("own_command", tmp_path / "work"), "true")
    ran = promote(project, sqlite_url)
    assert (ran.outcome, ran.exit_code) == ("unverified", 7), ran.output


def test_a_backup_that_there_is_not_is_not_offered(sqlite_url: str, tmp_path: Path) -> None:
    file = sqlite_url.partition("///")[2]
    work = f"import sqlite3; sqlite3.connect({file!r}).execute('CREATE TABLE t (a)'); exit(4)"
    project = with_command(
        copy_project("own_command", tmp_path / "work"), sys.executable, "-c", work
    )
    ran = promote(project, sqlite_url, backup="none")
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    assert ran.result["error"]["next"].endswith(
        "look at the database before you start anything again."
    )


def test_an_import_that_migrates_is_told_of_the_own_command_and_works_with_it(
    sqlite_url: str, tmp_path: Path
) -> None:
    project = copy_project("factory_upgrades", tmp_path / "work")
    ran = promote(project, sqlite_url)
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    assert "not at its target" not in ran.output
    assert "`migrations.command`" in ran.result["error"]["next"]
    assert promote(project, sqlite_url).outcome == "nothing-to-do"

    again = with_command(project, "flask", "--app", "shop:create_app", "db", "upgrade")
    ran = promote(again, f"sqlite:///{tmp_path}/second.db")
    assert ran.outcome == "promoted", ran.output


BOOTSTRAPS_EMPTY = """
import os, sqlite3, sys
connection = sqlite3.connect(os.environ["DATABASE_URL"].removeprefix("sqlite:///"))
if connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'alembic_%'").fetchall():
    sys.exit("no such table: users")
connection.executescript(
    "CREATE TABLE users (id INTEGER); CREATE TABLE alembic_version (version_num VARCHAR(32));"
    " INSERT INTO alembic_version VALUES ('5c00753421f7')"
)
"""


def test_a_command_that_begins_with_an_empty_database_is_told_of_the_ledger(
    sqlite_url: str, tmp_path: Path
) -> None:
    project = with_command(
        copy_project("linear", tmp_path / "work"), sys.executable, "-c", BOOTSTRAPS_EMPTY
    )
    ran = promote(project, sqlite_url)
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert "`ledger.url`) and drop that table" in ran.result["error"]["next"]
    run_statements(sqlite_url, ["DROP TABLE ci_migrate_ledger"])
    write_config(
        project,
        {"dev": {"url": "${CIM_URL}", "branches": ["main"]}},
        ledger={"url": f"sqlite:///{tmp_path}/ledger.db"},
    )
    ran = run_tool(project.path, "promote", "--environment", "dev", env={"CIM_URL": sqlite_url})
    assert ran.outcome == "promoted", ran.output


TAKES_ARGUMENT = """
import os, runpy, sys
os.environ["SHOP_DATABASE"] = sys.argv.pop(1)
runpy.run_path("manage.py", run_name="__main__")
"""


def test_a_shell_hands_the_url_over_as_one_argument(tmp_path: Path) -> None:
    shell = 'exec python takes_argument.py "$DATABASE_URL" db upgrade'
    project = with_command(copy_project("own_command", tmp_path / "work"), "sh", "-c", shell)
    del project.situation.migrations["url_env"]
    (project.path / "takes_argument.py").write_text(TAKES_ARGUMENT, "utf-8")
    ran = promote(project, f"sqlite:///{tmp_path}/the $HOME of * shops.db")
    assert ran.outcome == "promoted", ran.output
