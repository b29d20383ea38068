"""A recovery that is killed: the next one says what is left, and does not run over it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.promote.database import query, read_tables
from tests.integration.rollback.place import Place, build_place
from tests.projects_changes import add_revision, delete_revision

pytestmark = pytest.mark.newest
HEAD, LOST = "5c00753421f7", "aaaaaaaaaa01"
UPGRADE = """
op.create_table("coupons", sa.Column("id", sa.Integer(), primary_key=True))
"""
DOWNGRADE = """
import os
op.execute("CREATE TABLE traces (id INTEGER)")
if os.environ.get("KILLED"):
    for process in (os.getppid(), os.getpid()):
        os.kill(process, 9)
op.drop_table("coupons")
op.drop_table("traces")
"""


@pytest.fixture(
    params=["sqlite", *(pytest.param(k, marks=pytest.mark.slow) for k in ("mariadb", "postgres"))]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A database whose last revision has no file any more, and can be killed in its downgrade."""
    url = request.getfixturevalue(f"{request.param}_url")
    place = build_place(tmp_path / "work", url)
    add_revision(place.project, LOST, upgrade=UPGRADE, downgrade=DOWNGRADE)
    assert place.run("promote").outcome == "promoted"
    delete_revision(place.project, LOST)
    killed = replace(place, env={**place.env, "KILLED": "1"})
    assert killed.run("recover", "--confirm", "dev").exit_code == -9
    return place


@pytest.mark.slow
def test_the_next_one_says_what_is_left(place: Place) -> None:
    if place.url.startswith("postgresql"):
        assert "traces" not in read_tables(place.url)
    else:
        assert "traces" in read_tables(place.url)
        shown = place.run("recover", "--confirm", "dev")
        assert (shown.outcome, shown.exit_code) == ("blocked", 3), shown.output
        assert f"half done   {LOST}" in shown.output
        assert "in       CREATE TABLE traces" in shown.output
        assert f"{LOST} is half taken back" in shown.output
        assert "ci-migrate backup restore --environment dev dev-20" in shown.output
        undone = place.run("recover", "--confirm", "dev", "--undo")
        assert "1 statement of aaaaaaaaaa01 undone" in undone.output
        assert "recovered first" in undone.output
        assert undone.outcome == "blocked", "the revision is whole again, and still lost"
        assert "traces" not in read_tables(place.url)
    done = place.run("recover", "--confirm", "dev")
    assert done.outcome in {"recovered", "nothing-to-do"}, done.output
    assert query(place.url, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert "coupons" not in read_tables(place.url)
