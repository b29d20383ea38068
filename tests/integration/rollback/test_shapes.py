"""Rollbacks in histories that are not a line: merges, several heads, dependencies, a command of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.promote.database import read_rows
from tests.integration.rollback.place import Place, build_place
from tests.projects_builder import PROJECTS


def rows(place: Place) -> list[str]:
    return read_rows(place.url, place.project.situation)


@pytest.mark.slow
@pytest.mark.newest
def test_a_merge_goes_back_to_the_rows_of_its_parents(either_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", either_url, "merged_heads")
    assert place.roll_back("--expect", "a15e8df60486").outcome == "rolled-back"
    merge = place.roll_back("--expect", "a383aa18bcaa")
    assert merge.outcome == "rolled-back", merge.output
    assert rows(place) == ["06714476ebb8", "5662a9432426"]
    # One run applied both parents: none of them came after the other.
    refused = place.roll_back()
    assert refused.exit_code == 3
    assert "2 heads were applied by the same run" in refused.result["error"]["message"]
    assert place.roll_back("--expect", "5662a9432426").outcome == "rolled-back"
    assert rows(place) == ["06714476ebb8"]


@pytest.mark.slow
def test_what_a_dependency_needs_stays(either_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", either_url, "labels_and_depends_on")
    assert rows(place) == ["a93a71e47e9b", "b06e0ab4df7a"]
    refused = place.roll_back("--expect", "2b1f6a8399a2")
    assert refused.exit_code == 3
    assert place.roll_back("--expect", "a93a71e47e9b").outcome == "rolled-back"
    # Its branch goes on below a head that depends on it: Alembic keeps no row for it.
    assert rows(place) == ["b06e0ab4df7a"]
    assert place.roll_back("--expect", "b06e0ab4df7a").outcome == "rolled-back"
    assert rows(place) == ["2b1f6a8399a2", "bd2f25a43741"]


@pytest.mark.slow
def test_one_row_that_stands_for_two_heads(either_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", either_url, "depends_on_single_row")
    assert rows(place) == ["9a6621e59e0c"]
    assert place.roll_back("--expect", "9a6621e59e0c").outcome == "rolled-back"
    assert rows(place) == ["1d5b81114cc8", "96cd67389f6a"]


@pytest.mark.slow
def test_a_project_with_a_command_of_its_own(either_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", either_url, "own_command")
    done = place.roll_back()
    assert done.outcome == "rolled-back", done.output
    assert rows(place) == done.result["to"] != ["eab73e74da39"]
    assert "the project's own command ended with exit code 0" in done.output


@pytest.mark.slow
@pytest.mark.parametrize("name", ["flask_factory", "version_table_at_run_time"])
def test_projects_of_other_kinds(name: str, either_url: str, tmp_path: Path) -> None:
    assert (PROJECTS / name).exists()
    place = build_place(tmp_path / "work", either_url, name)
    done = place.roll_back()
    assert done.outcome == "rolled-back", done.output
    assert rows(place) == done.result["to"] == done.result["reached"]
