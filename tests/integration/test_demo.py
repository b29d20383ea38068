"""`make demo`, run as a newcomer does: it holds itself to its own story, so its exit code says most."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.newest

DEMO = Path(__file__).resolve().parents[2] / "demo" / "run.py"
LONGEST_OUTPUT = 195
"""Lines; more is not read."""


def test_the_demo_tells_its_story_and_keeps_its_files(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, str(DEMO)],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path), "CI": "true", "GITHUB_ACTIONS": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (folder,) = tmp_path.glob("ci-migrate-demo-*")
    assert f"rm-r{folder}" in "".join(done.stdout.split())  # a long line is folded
    assert len(done.stdout.splitlines()) <= LONGEST_OUTPUT
    for line in (
        "production: BLOCKED by order",
        "production: PROMOTED to b92d6f4e1a08, 3 revisions",
        "production: NOTHING TO DO",
        "UNIQUE constraint failed: customers.email",
        'flask --app shop:create_app db merge -m "merge heads" d04b7e83c6f1 e6a95c1f7b30',
        "added by Orders team on ",
    ):
        assert line in done.stdout, line
    check_reports(folder / "reports")


def check_reports(folder: Path) -> None:
    """Look into the files that the demo kept."""
    titles = [message["text"] for message in json.loads((folder / "slack.json").read_text("utf-8"))]
    assert [title.split(",")[0].split(" to ")[0] for title in titles] == [
        "dev: PROMOTED",
        "production: BLOCKED by order; the database was not touched",
        "staging: PROMOTED",
        "production: PROMOTED",
        "dev: FAILED at stage upgrade",
        "dev: PROMOTED",
        "dev: BLOCKED by heads; the database was not touched",
        "dev: PROMOTED",
    ]
    assert titles[4] in (folder / "slack.txt").read_text("utf-8")
    assert "staging: PROMOTED" in (folder / "job-summary.md").read_text("utf-8")
    assert "outcome" in (folder / "step-outputs.txt").read_text("utf-8")
    assert "Running upgrade" in (folder / "log.txt").read_text("utf-8")
