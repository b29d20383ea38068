"""The schema of the result describes what real runs write, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ci_migrate import errors
from ci_migrate.errors import CiMigrateError
from ci_migrate.models import GateOutcome, Outcome
from tests.contract.documents import REFERENCE
from tests.projects_builder import copy_project
from tests.promotion import promote, run_tool, write_config

SCHEMA: dict[str, Any] = json.loads((REFERENCE / "result.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_it_is_a_schema_in_which_nothing_is_optional_or_open() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    objects = [SCHEMA, *SCHEMA["$defs"].values()]
    for part in objects:
        if part["type"] == "object":
            assert part["additionalProperties"] is False
            assert set(part["required"]) == set(part["properties"])


def test_its_lists_of_words_are_those_of_the_code() -> None:
    found = [v for v in vars(errors).values() if isinstance(v, type)]
    kinds = {v.kind for v in found if issubclass(v, CiMigrateError)}
    assert set(SCHEMA["$defs"]["error"]["properties"]["kind"]["enum"]) == {*kinds, "bug"}
    assert set(SCHEMA["properties"]["outcome"]["enum"]) == {o.value for o in Outcome}
    gates = SCHEMA["$defs"]["gate"]["properties"]["outcome"]["enum"]
    assert set(gates) == {outcome.value for outcome in GateOutcome}


def check(result: dict[str, Any], outcome: str) -> None:
    """Assert that a result is valid and ended as expected."""
    assert [error.message for error in VALIDATOR.iter_errors(result)] == []
    assert list(result) == list(SCHEMA["properties"])
    assert result["outcome"] == outcome


# project, outcome on SQLite
RUNS = [
    ("linear", "promoted"),
    ("two_heads", "blocked"),
    ("wrong_database", "failed"),
    ("failing_second", "partial"),
]


@pytest.mark.parametrize(("name", "outcome"), RUNS)
def test_a_promotion_is_valid(name: str, outcome: str, tmp_path: Path, sqlite_url: str) -> None:
    project = copy_project(name, tmp_path / "work")
    ran = promote(project, sqlite_url)
    check(ran.result, outcome)
    assert (ran.result["error"] is None) is (outcome == "promoted")
    assert (ran.result["backup"] is None) is (outcome == "blocked")


def test_a_second_promotion_is_valid(tmp_path: Path, sqlite_url: str) -> None:
    project = copy_project("linear", tmp_path / "work")
    promote(project, sqlite_url)
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
        ("linear", ["--static"], "nothing-to-do"),
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
