"""The fixtures are what they say: their own tools, on SQLite, do what situation.json tells."""

from __future__ import annotations

import importlib.metadata
import sqlite3
from pathlib import Path

import pytest

from tests.projects_builder import (
    PROJECTS,
    PlainResult,
    Situation,
    copy_project,
    list_projects,
    read_situation,
)
from tests.projects_plain import upgrade_plainly

NAMES = list_projects()
ON_SQLITE = [
    pytest.param(name, marks=[] if read_situation(name).plain_sqlalchemy_1 else pytest.mark.newest)
    for name in NAMES
    if "sqlite" in read_situation(name).dialects
]
OUTCOMES = {"promoted", "nothing-to-do", "blocked", "failed", "partial", "unverified"}
MIGRATIONS_KEYS = {
    "config", "name", "flask_app", "directory", "url_env", "env", "x", "path", "setup", "heads",
    "version_table", "version_table_schema", "versions", "command",
}  # fmt: skip


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def is_new_enough(situation: Situation) -> bool:
    return all(
        numbers(importlib.metadata.version(package)) >= numbers(lowest)
        for package, lowest in situation.minimum.items()
    )


def expected_here(situation: Situation) -> PlainResult:
    is_first = importlib.metadata.version("sqlalchemy").startswith("1.")
    return (is_first and situation.plain_sqlalchemy_1) or situation.plain


def read_database(file: Path, version_table: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return version rows and the names of all other tables."""
    connection = sqlite3.connect(file)
    try:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
        names = {row[0] for row in connection.execute(tables)}
        versions = f"SELECT version_num FROM {version_table}"
        rows = [row[0] for row in connection.execute(versions)] if version_table in names else []
    finally:
        connection.close()
    return tuple(sorted(rows)), tuple(sorted(names - {version_table}))


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_SQLITE)
def test_own_tool_does_what_the_situation_says(name: str, tmp_path: Path) -> None:
    situation = read_situation(name)
    if not is_new_enough(situation):
        pytest.skip(f"{name} needs {situation.minimum}")
    database = tmp_path / "data.db"
    expected = expected_here(situation)
    project = copy_project(name, tmp_path / "project")

    # the percent sign is what a URL with an escaped password has
    done = upgrade_plainly(project, f"sqlite:///{database}?timeout=%35")

    assert done.returncode == expected.exit, done.stdout[-3000:]
    assert expected.says in done.stdout
    rows, tables = read_database(database, situation.version_table)
    assert rows == tuple(sorted(expected.rows))
    if expected.tables is not None:
        assert tables == tuple(sorted(expected.tables))


@pytest.mark.newest
@pytest.mark.parametrize("name", NAMES)
def test_situation_is_complete(name: str) -> None:
    situation = read_situation(name)

    assert set(situation.migrations) <= MIGRATIONS_KEYS
    assert situation.shows.endswith(".")
    assert set(situation.outcome) == set(situation.dialects)
    assert set(situation.dialects) <= {"sqlite", "postgresql", "mariadb"}
    assert set(situation.outcome.values()) <= OUTCOMES
    assert (situation.kind is not None) == any(
        outcome != "promoted" for outcome in situation.outcome.values()
    )


def test_readme_has_a_line_for_every_project() -> None:
    text = (PROJECTS / "README.md").read_text(encoding="utf-8")
    lines = text.partition("## Made by functions")[0].splitlines()
    listed = {line.split("`")[1]: line for line in lines if line.startswith("| `")}

    assert sorted(listed) == NAMES
    for name, line in listed.items():
        assert read_situation(name).shows in line
