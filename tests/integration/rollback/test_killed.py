"""A rollback that is killed: the next run says what it finds, and nothing is taken back twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.promote.database import dialect_of, read_rows, read_tables
from tests.integration.promote.shop import gates, message
from tests.integration.rollback.place import Place, build_place
from tests.projects_builder import Project, find_revision
from tests.promotion import Ran

pytestmark = pytest.mark.newest
ADD_NAME, CREATE_ORDERS = "5c00753421f7", "b82e443fd109"
# env.py runs twice in a worker: for the probe, and for the work.
KILL = """
import os
os.environ["RUNS"] = os.environ.get("RUNS", "") + "{0} "
if os.environ.get("KILLED_AT") == "{0}" and os.environ["RUNS"] in ("end middle ", "end middle end "):
    for process in (os.getppid(), os.getpid()):
        os.kill(process, 9)
"""
MIDDLE = '    op.execute("CREATE TABLE traces (id INTEGER)")\n' + KILL.format("middle").replace(
    "\n", "\n    "
)


@pytest.fixture(
    params=["sqlite", *(pytest.param(k, marks=pytest.mark.slow) for k in ("postgres", "mariadb"))]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A database whose last revision can be killed in its downgrade, or right after it."""
    url = request.getfixturevalue(f"{request.param}_url")
    return build_place(tmp_path / "work", url, change=plant)


def plant(project: Project) -> None:
    """Let the places where it can be killed be there from the beginning."""
    file, env = find_revision(project, ADD_NAME), project.path / "migrations/env.py"
    head = "def downgrade() -> None:\n"
    file.write_text(file.read_text().replace(head, f"{head}{MIDDLE.rstrip()}\n"))
    env.write_text(env.read_text() + KILL.format("end"))


def kill(place: Place, where: str) -> None:
    """Let a rollback be killed, with its worker."""
    ran = replace(place, env={**place.env, "KILLED_AT": where}).roll_back()
    assert (ran.exit_code, ran.result) == (-9, {}), ran.output


def rows(place: Place) -> list[str]:
    return read_rows(place.url, place.project.situation)


def is_cut_off(ran: Ran, done: int) -> bool:
    words = f"was cut off: {done} of its 1 revisions are taken out of the database"
    return any(words in text for text in ran.result["warnings"])


def test_in_its_middle(place: Place) -> None:
    kill(place, "middle")
    assert rows(place) == [ADD_NAME]
    if dialect_of(place.url) == "postgresql":
        assert "traces" not in read_tables(place.url)
        again = place.roll_back()
    else:
        assert "traces" in read_tables(place.url)
        blocked = place.roll_back()
        assert is_cut_off(blocked, 0), blocked.output
        assert gates(blocked)["unfinished"] == "failed"
        assert "CREATE TABLE traces" in message(blocked, "unfinished")
        assert f"--undone {ADD_NAME}" in blocked.output
        assert gates(place.run("promote"))["unfinished"] == "failed"
        shown = place.run("recover", "--confirm", "dev")
        assert "in       CREATE TABLE traces" in shown.output, shown.output
        assert f"{ADD_NAME} is half taken back" in shown.output
        undone = place.run("recover", "--confirm", "dev", "--undo")
        assert undone.outcome == "recovered", undone.output
        assert "traces" not in read_tables(place.url)
        assert place.run("promote").outcome == "nothing-to-do"
        again = place.roll_back()
    assert again.outcome == "rolled-back", again.output
    assert is_cut_off(again, 0) is (dialect_of(place.url) == "postgresql")
    assert rows(place) == [CREATE_ORDERS]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_what_was_dropped_comes_back_by_the_backup_only(place: Place) -> None:
    place.edit(
        ADD_NAME, 'op.execute("CREATE TABLE traces (id INTEGER)")', 'op.drop_table("orders")'
    )
    kill(place, "middle")
    assert "orders" not in read_tables(place.url)
    refused = place.run("recover", "--confirm", "dev", "--finish")
    assert "a downgrade is not finished by statements" in refused.output
    refused = place.run("recover", "--confirm", "dev", "--undo")
    assert (refused.outcome, refused.exit_code) == ("blocked", 3), refused.output
    command = "ci-migrate backup restore --environment dev dev-20"
    [line] = [line for line in refused.output.splitlines() if command in line]
    done = place.run("backup restore", line.split()[-1], "--confirm", "dev")
    assert done.outcome == "restored", done.output
    assert "orders" in read_tables(place.url)


def test_when_all_was_done(place: Place) -> None:
    kill(place, "end")
    assert rows(place) == [CREATE_ORDERS]
    held = place.run("promote")
    assert is_cut_off(held, 1), held.output
    assert gates(held)["held"] == "failed", "it is held like one that came to its end"
    runs = place.run("history").result
    assert [(run["command"], run["outcome"]) for run in runs] == [
        ("promote", "promoted"),
        ("rollback", "interrupted"),
    ]
    assert [r["outcome"] for r in runs[-1]["revisions"]] == ["executed"]
