"""A project's own command that does not work at all."""

from __future__ import annotations

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
