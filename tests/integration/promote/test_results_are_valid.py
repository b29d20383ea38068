"""The schema of the result describes what real runs write, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.contract.documents import REFERENCE
from tests.projects_builder import copy_project
from tests.promotion import promote, run_tool, write_config

pytestmark = pytest.mark.newest
SCHEMA: dict[str, Any] = json.loads((REFERENCE / "result.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def check(result: dict[str, Any], outcome: str) -> None:
    """Assert that a result is valid and ended as expected."""
    assert [error.message for error in VALIDATOR.iter_errors(result)] == []
    assert list(result) == list(SCHEMA["properties"])
    assert result["outcome"] == outcome


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("two_heads", "blocked"), ("wrong_database", "failed"), ("failing_second", "partial")],
)
def test_a_promotion_that_does_not_get_through_is_valid(
    name: str, outcome: str, tmp_path: Path, sqlite_url: str
) -> None:
    project = copy_project(name, tmp_path / "work")
    ran = promote(project, sqlite_url)
    check(ran.result, outcome)
    assert ran.result["error"] is not None
    assert (ran.result["backup"] is None) is (outcome == "blocked")


def test_a_promotion_and_the_next_are_valid(tmp_path: Path, sqlite_url: str) -> None:
    project = copy_project("linear", tmp_path / "work")
    ran = promote(project, sqlite_url)
    check(ran.result, "promoted")
    assert ran.result["error"] is None
    assert ran.result["backup"] is not None
    check(promote(project, sqlite_url).result, "nothing-to-do")


def test_a_promotion_without_backup_is_valid(tmp_path: Path, sqlite_url: str) -> None:
    ran = promote(copy_project("linear", tmp_path / "work"), sqlite_url, backup="none")
    check(ran.result, "promoted")
    assert ran.result["backup"]["backend"] == "none"


def test_a_run_that_failed_before_it_began_is_valid(tmp_path: Path) -> None:
    project = copy_project("linear", tmp_path / "work")
    write_config(project, {"dev": {"url": "${NOT_SET}"}})
    check(run_tool(project.path, "promote", "--environment", "dev").result, "failed")


@pytest.mark.parametrize(
    ("name", "arguments", "outcome"),
    [
        ("linear", [], "ready"),
        ("linear", ["--static"], "ready"),
        ("two_heads", [], "blocked"),
    ],
)
def test_a_plan_is_valid(
    name: str, arguments: list[str], outcome: str, tmp_path: Path, sqlite_url: str
) -> None:
    project = copy_project(name, tmp_path / "work")
    write_config(project, {"dev": {"url": sqlite_url}})
    ran = run_tool(project.path, "plan", "--environment", "dev", *arguments)
    check(ran.result, outcome)
    assert ran.result["applied"] == []
