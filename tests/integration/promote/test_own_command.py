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
