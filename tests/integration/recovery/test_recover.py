"""`recover`: revisions whose files went away, in real repositories and databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.promote.database import read_tables, run_statements
from tests.integration.recovery.lost import (
    HEAD,
    ONE,
    THREE,
    TWO,
    apply,
    build,
    recover,
    rows,
)
from tests.integration.rollback.place import Place, build_place
from tests.projects_builder import commit, run_git
from tests.projects_changes import add_revision, delete_revision
from tests.promotion import Ran

pytestmark = pytest.mark.newest


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    return build(tmp_path, request.getfixturevalue(f"{request.param}_url"))


@pytest.mark.slow_on("postgres", "mariadb")
@pytest.mark.parametrize("database", ["sqlite", "postgres", "mariadb"])
def test_lost_revisions_are_taken_back_and_the_branch_is_promoted(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    place = build(tmp_path, request.getfixturevalue(f"{database}_url"))
    apply(place, (ONE, HEAD), (TWO, ONE))
    add_revision(place.project, THREE, after=HEAD)
    blocked = place.run("promote")
    assert (blocked.outcome, TWO in blocked.output) == ("blocked", True)
    dry = place.run("recover", "--dry-run")
    assert (dry.outcome, dry.exit_code, rows(place)) == ("ready", 0, [TWO]), dry.output
    assert "from the ledger" in dry.output
    assert f'    | op.drop_table("table_{TWO}")' in dry.output.replace("|     op", "| op")
    ran = recover(place)
    assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
    assert rows(place) == [THREE]
    tables = read_tables(place.url)
    assert f"table_{THREE}" in tables
    assert not {f"table_{ONE}", f"table_{TWO}"} & tables
    commands = [item["command"] for item in place.run("history").result]
    assert commands == ["promote", "promote", "recover", "promote"]
    assert "recovered first" in ran.output
    assert all(run["backup"] for run in place.run("history").result[1:])


@pytest.mark.slow
def test_two_lost_heads_beside_a_known_one(place: Place) -> None:
    config = place.project.path / "ci-migrate.yml"
    named = f'"migrations": {{"heads": ["{ONE}", "{TWO}", "{THREE}"],'
    config.write_text(config.read_text().replace('"migrations": {', named))
    apply(place, (ONE, HEAD), (TWO, HEAD), (THREE, HEAD))
    add_revision(place.project, THREE, after=HEAD)
    assert rows(place) == [ONE, TWO, THREE]
    ran = recover(place)
    assert (ran.outcome, rows(place)) == ("recovered", [THREE]), ran.output


def test_a_staging_branch_that_was_reset(place: Place) -> None:
    add_revision(place.project, ONE)
    commit(place.project, "one")
    assert place.run("promote").outcome == "promoted"
    run_git(place.project, "reset", "-q", "--hard", "HEAD~1")
    add_revision(place.project, TWO)
    commit(place.project, "rebased")
    schema = "ci_migrate." if place.url.startswith("postgresql") else ""
    run_statements(place.url, [f"DROP TABLE {schema}ci_migrate_ledger"])
    dry = place.run("recover", "--dry-run")
    assert "its text is from git, commit" in dry.output, dry.output
    ran = recover(place)
    assert (ran.outcome, rows(place)) == ("promoted", [TWO]), ran.output


@pytest.mark.parametrize("helper", [False, True])
def test_of_several_versions_in_git_that_which_ran_is_taken(
    tmp_path: Path, either_url: str, helper: bool
) -> None:
    place = build(tmp_path, either_url)
    naming = place.project.path / "naming.py"
    naming.write_text("def name():\n    return 'made'\n", "utf-8")
    table = "name()" if helper else "'made'"
    upgrade = f"{'from naming import name; ' if helper else ''}op.create_table({table}, sa.Column('id', sa.Integer()))"
    file = add_revision(place.project, ONE, upgrade=upgrade, downgrade='op.drop_table("made")')
    commit(place.project, "one")
    ran_at = run_git(place.project, "rev-parse", "--short=12", "HEAD")
    assert place.run("promote").outcome == "promoted"
    # Edited after it ran, then the helper too, then gone: the newest version is not the one that ran.
    file.write_text(file.read_text("utf-8").replace('drop_table("made")', 'drop_table("m")'))
    naming.write_text("def name():\n    return 'another'\n", "utf-8")
    commit(place.project, "edit")
    delete_revision(place.project, ONE)
    commit(place.project, "gone")
    schema = "" if either_url.startswith("sqlite") else "ci_migrate."
    run_statements(place.url, [f"UPDATE {schema}ci_migrate_ledger SET source = NULL"])
    dry = place.run("recover", "--dry-run")
    assert f"its text is from git, commit {ran_at}" in dry.output, dry.output
    assert "not quite" not in dry.output
    ran = recover(place)
    assert (ran.exit_code, rows(place)) == (0, [HEAD]), ran.output
    assert "made" not in read_tables(place.url)


def test_the_file_is_written_back_instead(place: Place) -> None:
    text = add_revision(place.project, ONE).read_text()
    commit(place.project, "one")
    assert place.run("promote").outcome == "promoted"
    delete_revision(place.project, ONE)
    commit(place.project, "gone")
    dry = place.run("recover", "--restore-file", "--dry-run")
    assert run_git(place.project, "status", "--porcelain") == "", dry.output
    assert (dry.outcome, "1 file would be written" in dry.output) == ("ready", True), dry.output
    ran = place.run("recover", "--restore-file")
    assert (ran.outcome, ran.exit_code) == ("recovered", 0), ran.output
    assert "1 file written" in ran.output
    assert "take back" not in ran.output
    assert "NOTHING TO DO" not in ran.output
    [file] = place.project.path.rglob(f"{ONE}*.py")
    assert file.read_text() == text
    assert place.run("promote").outcome == "nothing-to-do"


def test_what_cannot_be_taken_back_is_left_and_told(place: Place) -> None:
    add_revision(place.project, ONE, upgrade='op.create_table("t", sa.Column("id", sa.Integer()))')
    assert place.run("promote").outcome == "promoted"
    delete_revision(place.project, ONE)
    ran = recover(place)
    assert (ran.outcome, ran.exit_code, rows(place)) == ("blocked", 3, [ONE]), ran.output
    assert "--restore-file" in ran.output
    check_restore(place, ran)
    assert f"down_revision = '{HEAD}'" in ran.output, "the text of a stub"


def check_restore(place: Place, refused: Ran) -> None:
    """Assert that the command which was offered brings back a database that the files explain."""
    [offer] = [line for line in refused.output.splitlines() if "backup restore" in line]
    assert offer.split()[:-1] == ["ci-migrate", "backup", "restore", "--environment", "dev"]
    done = place.run("backup restore", offer.split()[-1], "--confirm", "dev")
    assert done.outcome == "restored", done.output
    assert rows(place) == [HEAD]


@pytest.mark.slow
def test_what_nobody_has_the_text_of(place: Place) -> None:
    add_revision(place.project, ONE)
    assert place.run("promote").outcome == "promoted"
    delete_revision(place.project, ONE)
    run_statements(place.url, ["UPDATE alembic_version SET version_num = 'dddddddddd04'"])
    ran = recover(place)
    assert (ran.exit_code, rows(place)) == (3, ["dddddddddd04"]), ran.output
    assert "neither the ledger nor git has the text of dddddddddd04" in ran.output
    check_restore(place, ran)


@pytest.mark.slow
def test_a_lost_revision_below_one_that_has_its_file(place: Place) -> None:
    add_revision(place.project, ONE)
    add_revision(place.project, TWO, after=ONE)
    assert place.run("promote").outcome == "promoted"
    delete_revision(place.project, ONE)
    ran = recover(place)
    assert (ran.exit_code, rows(place)) == (3, [TWO]), ran.output
    assert f"{TWO} has a file and is built on {ONE}" in ran.output
    assert place.run("recover", "--restore-file").exit_code == 0
    assert place.run("promote").outcome == "nothing-to-do"


@pytest.mark.slow
def test_a_downgrade_that_fails_is_no_recovery(place: Place) -> None:
    apply(place, (ONE, HEAD))
    run_statements(place.url, [f"DROP TABLE table_{ONE}"])
    ran = recover(place)
    assert ran.outcome in {"failed", "partial"}, ran.output
    assert rows(place) == [ONE]


@pytest.mark.slow
def test_nothing_is_lost_and_nobody_confirms(place: Place) -> None:
    assert recover(place).outcome == "nothing-to-do"
    ran = place.run("recover")
    assert (ran.exit_code, "has to be confirmed" in ran.output) == (2, True), ran.output


PLUGIN, LAST = "7cfc83d19c1f", "49fd58caa99f"


@pytest.mark.slow
def test_several_folders_of_revisions(tmp_path: Path, either_url: str) -> None:
    place = build_place(
        tmp_path / "shop",
        either_url,
        "several_locations",
        backup={"directory": str(tmp_path / "b")},
    )
    commit(place.project, "configure")
    plugins = place.file(PLUGIN).parent
    file = add_revision(place.project, ONE, after=LAST, folder=plugins)
    assert place.run("promote").outcome == "promoted"
    back = place.roll_back("--expect", ONE)
    assert (back.outcome, rows(place)) == ("rolled-back", [LAST]), back.output
    assert place.run("promote", "--reapply").outcome == "promoted"
    file.unlink()
    recovered = recover(place)
    assert (recovered.outcome, rows(place)) == ("recovered", [LAST]), recovered.output

    add_revision(place.project, ONE, after=PLUGIN, folder=plugins)
    config = place.project.path / "ci-migrate.yml"
    config.write_text(
        config.read_text().replace(
            '"migrations": {', f'"migrations": {{"heads": ["{ONE}", "{LAST}"]'
        )
    )
    assert place.run("promote").outcome == "promoted"
    text = place.file(ONE).read_text()
    place.file(ONE).unlink()
    assert place.run("recover", "--restore-file").exit_code == 0
    assert place.file(ONE).parent == plugins, "beside the revision that it follows"
    assert place.file(ONE).read_text() == text
