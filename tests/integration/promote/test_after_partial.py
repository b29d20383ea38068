"""The run after one that left the database partly changed says so, and names the backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects_builder import copy_project
from tests.promotion import promote

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
