"""A ledger and its copies beside the backups say the same again, whichever of the two has lost something."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.integration.promote.database import run_statements
from tests.integration.restore.asking import history, restore, say
from tests.projects_builder import Project, copy_project
from tests.projects_changes import add_revision
from tests.promotion import Ran, promote

pytestmark = pytest.mark.newest
REVISIONS = ("add000000001", "add000000002", "add000000003", "add000000004")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return copy_project("linear", tmp_path / "work")


def grow(project: Project, url: str, count: int) -> list[Ran]:
    """Promote once for each of so many new revisions, and return the runs."""
    runs, parent = [], project.situation.heads[0]
    for revision in REVISIONS[:count]:
        add_revision(project, revision, after=parent)
        parent = revision
        runs.append(promote(project, url))
        assert runs[-1].outcome == "promoted", runs[-1].output
    return runs


def copy_of(project: Project, ran: Ran) -> Path:
    """Return the file beside the backups that tells of a run."""
    (file,) = [
        file
        for file in (project.path / ".ci-migrate/backups").glob("*.run.json")
        if json.loads(file.read_text("utf-8"))["rows"][0]["run_id"] == ran.result["run"]["id"]
    ]
    return file


def change_run(file: Path, **values: Any) -> None:
    """Change the row of the run in a copy."""
    content = json.loads(file.read_text("utf-8"))
    content["rows"][0].update(values)
    file.write_text(json.dumps(content), "utf-8")


def shown(runs: list[dict[str, Any]]) -> list[Any]:
    """Return of each run what a copy must know, too; only the ledger has numbers, only the copy the sources."""
    common = ("run_id", "outcome", "started_at", "finished_at", "seconds", "to_rows", "backup")
    revisions = ("revision", "outcome", "finished_at", "seconds", "content_hash", "parents")
    return [
        [
            [run[name] for name in common],
            [[row[name] for name in revisions] for row in run["revisions"]],
        ]
        for run in runs
    ]


@pytest.mark.slow
def test_what_a_restore_by_hand_forgot(project: Project, sqlite_url: str) -> None:
    promote(project, sqlite_url)
    (bad,) = grow(project, sqlite_url, 1)
    shutil.copy(bad.result["backup"]["location"], sqlite_url.removeprefix("sqlite:///"))

    assert len(history(project, sqlite_url)) == 1
    assert len(history(project, sqlite_url, "--from", "store")) == 2
    code, output = say(project, sqlite_url, "ledger", "reconcile")
    assert (code, "only the store knows" in output) == (3, True), output
    code, output = say(project, sqlite_url, "ledger", "reconcile", "--write")
    assert code == 0, output
    runs = history(project, sqlite_url)
    assert [row["outcome"] for row in runs[1]["revisions"]] == ["undone"]
    assert say(project, sqlite_url, "ledger", "reconcile")[0] == 0


def test_without_the_version_table_nothing_is_called_undone(
    project: Project, sqlite_url: str
) -> None:
    grow(project, sqlite_url, 1)
    env_py = project.path / "migrations/env.py"
    text = env_py.read_text("utf-8").replace(
        "context.configure(", "context.configure(version_table=str('alembic_version'), "
    )
    env_py.write_text(text, "utf-8")
    code, output = say(project, sqlite_url, "ledger", "reconcile", "--write")
    assert (code, "`migrations.version_table`" in output) == (2, True), output
    (run, *_) = reversed(history(project, sqlite_url))
    assert {row["outcome"] for row in run["revisions"]} == {"executed"}


def test_copies_that_cannot_be_written_are_told_with_what_was_done(
    project: Project, sqlite_url: str
) -> None:
    _, bad = grow(project, sqlite_url, 2)
    file = copy_of(project, bad)
    file.unlink()
    file.mkdir()
    (file / "in the way").touch()
    code, output = say(project, sqlite_url, "ledger", "reconcile", "--write")
    assert code == 4, output
    assert "the ledger was brought in line" in output
    assert "Nothing was changed" not in output


HALF = 'op.create_table("half", sa.Column("id", sa.Integer()))\n'


def test_a_half_applied_revision_stays_known_when_the_ledger_alone_is_lost(
    project: Project, sqlite_url: str
) -> None:
    promote(project, sqlite_url)
    add_revision(project, REVISIONS[0], upgrade=HALF + "op.execute('nonsense')")
    assert promote(project, sqlite_url).outcome == "partial"
    run_statements(sqlite_url, ["DROP TABLE ci_migrate_ledger"])
    assert say(project, sqlite_url, "ledger", "reconcile", "--write")[0] == 0
    ran = promote(project, sqlite_url)
    assert (ran.exit_code, "gate     unfinished" in ran.output) == (3, True), ran.output


def test_a_half_applied_revision_that_a_restore_by_hand_took_away_blocks_nothing(
    project: Project, sqlite_url: str
) -> None:
    promote(project, sqlite_url)
    head = project.situation.heads[0]
    file = add_revision(project, REVISIONS[0], after=head, upgrade=HALF + "op.execute('nonsense')")
    bad = promote(project, sqlite_url)
    assert bad.outcome == "partial", bad.output
    shutil.copy(bad.result["backup"]["location"], sqlite_url.removeprefix("sqlite:///"))
    code, output = say(project, sqlite_url, "ledger", "reconcile", "--write")
    assert (code, "1 run recorded" in output) == (0, True), output
    assert [run["outcome"] for run in history(project, sqlite_url)] == ["promoted", "partial"]
    assert say(project, sqlite_url, "ledger", "reconcile")[0] == 0

    file.write_text(file.read_text("utf-8").replace("op.execute('nonsense')", "pass"), "utf-8")
    ran = promote(project, sqlite_url)
    assert ran.outcome == "promoted", ran.output
    assert "restore its backup first" not in ran.output


def test_every_other_difference_is_told_and_gone_after_writing(
    project: Project, sqlite_url: str
) -> None:
    uncopied, stale, behind, lost = grow(project, sqlite_url, 4)
    before = history(project, sqlite_url)
    copy_of(project, uncopied).unlink()
    change_run(copy_of(project, stale), outcome="started", finished_at=None)
    begun = "outcome = CASE kind WHEN 'run' THEN 'started' ELSE 'planned' END, finished_at = NULL"
    for ran, change in (
        (behind, f"UPDATE ci_migrate_ledger SET {begun}"),
        (lost, "DELETE FROM ci_migrate_ledger"),
    ):
        run_statements(sqlite_url, [f"{change} WHERE run_id = '{ran.result['run']['id']}'"])
    assert history(project, sqlite_url) != before

    code, output = say(project, sqlite_url, "ledger", "reconcile")
    assert code == 3, output
    for told in (
        f"only the ledger knows run {uncopied.result['run']['id']}",
        f"the store says that run {stale.result['run']['id']} has begun",
        "ended promoted; the ledger says otherwise",
        "only the store knows the promote of",
    ):
        assert output.count(told) == 1, output
    code, output = say(project, sqlite_url, "ledger", "reconcile", "--write")
    assert (code, "2 runs recorded, 0 revisions undone, 2 copies written" in output) == (0, True), (
        output
    )

    code, output = say(project, sqlite_url, "ledger", "reconcile")
    assert (code, "the ledger and its 4 copies agree" in output) == (0, True), output
    assert history(project, sqlite_url) == before
    assert shown(history(project, sqlite_url, "--from", "store")) == shown(before)


def test_a_restore_saves_first_what_only_the_ledger_knows(
    project: Project, sqlite_url: str
) -> None:
    _, bad = grow(project, sqlite_url, 2)
    copy_of(project, bad).unlink()
    ran = restore(
        project, sqlite_url, "--confirm", "dev", Path(bad.result["backup"]["location"]).stem
    )
    assert ran.outcome == "restored", ran.output
    runs = history(project, sqlite_url)
    assert [run["outcome"] for run in runs] == ["promoted", "promoted", "restored"]
    assert [row["outcome"] for row in runs[1]["revisions"]] == ["undone"]


@pytest.mark.slow
def test_without_backups_no_copy_is_missing(project: Project, sqlite_url: str) -> None:
    assert promote(project, sqlite_url, backup="none").outcome == "promoted"
    code, output = say(project, sqlite_url, "ledger", "reconcile")
    assert (code, "its 0 copies agree" in output) == (0, True), output
    code, output = say(project, sqlite_url, "ledger", "reconcile", "--write")
    assert code == 0, output
    assert not list(project.path.rglob("*.run.json"))
