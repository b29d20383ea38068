"""The run after one that left the database partly changed says so, and names the backup."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.integration.promote.database import run_statements
from tests.projects_builder import copy_project, find_revision
from tests.projects_changes import add_revision, render_revision
from tests.promotion import promote, run_tool, write_config

pytestmark = pytest.mark.newest


def test_the_next_run_recalls_what_is_half_applied(sqlite_url: str, tmp_path: Path) -> None:
    project = copy_project("failing_second", tmp_path / "work")
    first = promote(project, sqlite_url)
    assert (first.outcome, first.exit_code) == ("partial", 6), first.output
    second = promote(project, sqlite_url)
    recalled = [text for text in second.result["warnings"] if "partly changed" in text]
    assert len(recalled) == 1, second.output
    assert first.result["backup"]["location"] in recalled[0]
    assert "nowhere" not in second.output
    half = first.result["error"]["revision"]
    asked = {"CIM_URL": sqlite_url}
    told = run_tool(project.path, "history", "--environment", "dev", env=asked)
    assert f"    half done    {half}" in told.output
    told = run_tool(project.path, "status", env=asked)
    assert f"    unfinished: {half}; promote blocks on it" in told.output
    assert told.result[0]["unfinished"] == [half]


def test_a_backup_that_there_was_not_is_not_to_be_restored(sqlite_url: str, tmp_path: Path) -> None:
    project = copy_project("failing_second", tmp_path / "work")
    assert promote(project, sqlite_url, backup="none").outcome == "partial"
    ran = promote(project, sqlite_url, backup="none")
    assert "mend it by hand first: it had no backup" in ran.output
    assert "restore its backup" not in ran.output


def test_a_run_that_is_not_verified_tells_what_the_next_one_blocks_on(
    sqlite_url: str, tmp_path: Path
) -> None:
    project = copy_project("sql_before_configure", tmp_path / "work")
    first = promote(project, sqlite_url)
    assert first.outcome == "unverified", first.output
    assert "of 5281f9d7f5d2 there ran: CREATE TABLE invoices" in first.result["error"]["message"]
    assert first.result["backup"]["location"] in first.result["error"]["next"]
    second = promote(project, sqlite_url)
    assert (second.outcome, second.exit_code) == ("blocked", 3), second.output


def test_a_revision_that_was_rolled_back_has_nothing_left(
    postgres_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    upgrade = "op.execute('CREATE TABLE z3 (a int)'); raise KeyError('no')"
    add_revision(project, "aaaaaaaaaa01", upgrade=upgrade)
    ran = promote(project, postgres_url, backup="none", transaction="per_revision")
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    assert "nothing of aaaaaaaaaa01 is in it" in ran.result["error"]["next"]
    assert ran.result["error"]["executed"] == ["CREATE TABLE z3 (a int)"]
    assert "already executed" not in ran.output.lower()


def test_the_next_run_leaves_open_whether_what_an_import_made_is_wanted(
    sqlite_url: str, tmp_path: Path
) -> None:
    project = copy_project("factory_creates_tables", tmp_path / "work")
    assert promote(project, sqlite_url).exit_code == 6
    told = [text for text in promote(project, sqlite_url).result["warnings"] if "partly" in text]
    assert ["Unless that is meant to stay, restore its backup" in text for text in told] == [True]


def test_a_runner_that_works_on_another_database_is_told_where_to_look(
    sqlite_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    elsewhere = f"import sqlite3; sqlite3.connect({str(tmp_path / 'other.db')!r}).close()"
    command = {"upgrade": [sys.executable, "-c", elsewhere], "downgrade": ["false"]}
    write_config(project, {"dev": {"url": sqlite_url}}, migrations={"command": command})
    ran = run_tool(project.path, "promote", "--environment", "dev")
    assert (ran.outcome, ran.exit_code) == ("unverified", 7), ran.output
    assert "`migrations.url_env` and `migrations.env`" in ran.result["error"]["next"]


def test_a_database_that_was_not_read_is_not_called_empty(tmp_path: Path) -> None:
    project = copy_project("linear", tmp_path / "work")
    summary = tmp_path / "summary.md"
    url = f"sqlite:///{tmp_path}/nowhere/shop.db"
    write_config(project, {"dev": {"url": url, "branches": ["main"]}})
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    ran = run_tool(project.path, "promote", "--environment", "dev", env=env)
    assert ran.exit_code != 0, ran.output
    assert "| Version |" not in summary.read_text("utf-8")


def test_a_history_that_begins_with_another_schema_is_told_of_it(
    database_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    first = find_revision(project, "8f67280c2894")
    lacking = 'op.add_column("metrics", sa.Column("step", sa.Integer()))'
    text = render_revision("8f67280c2894", parents=None, message="add step", upgrade=lacking)
    first.write_text(text, "utf-8")
    ran = promote(project, database_url)
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert "expects tables that no revision makes" in ran.result["error"]["next"]
    run_statements(database_url, ["CREATE TABLE bills (id INTEGER)"])
    ran = promote(project, database_url)
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert "expects tables" not in ran.result["error"]["next"]
