"""A project's own command that does not work at all."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.projects_builder import Project, copy_project
from tests.promotion import promote

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
