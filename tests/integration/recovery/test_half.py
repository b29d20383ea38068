"""`recover`: revisions that ended in the middle."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.promote.database import query, read_tables, run_statements
from tests.integration.recovery.lost import (
    HALF,
    HEAD,
    ONE,
    TWO,
    apply,
    build,
    recover,
    rows,
)
from tests.integration.rollback.place import Place
from tests.projects_changes import add_revision, delete_revision

pytestmark = pytest.mark.newest


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    return build(tmp_path, request.getfixturevalue(f"{request.param}_url"))


@pytest.mark.slow_on("mariadb")
@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_a_half_applied_revision_is_undone(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    place = build(tmp_path, request.getfixturevalue(f"{database}_url"))
    file = add_revision(place.project, ONE, upgrade=HALF.format(""))
    partial = place.run("promote")
    assert (partial.outcome, "ci-migrate recover --dry-run" in partial.output) == ("partial", True)
    shown = recover(place)
    assert shown.exit_code == 3, shown.output
    for words in ("in       CREATE TABLE coupons", "undone by: DROP", "ci-migrate recover --undo"):
        assert words in shown.output
    assert "coupons" in read_tables(place.url)
    file.write_text(file.read_text().replace('raise RuntimeError("in the middle")', "pass"))
    dry = place.run("recover", "--undo", "--dry-run")
    assert (dry.outcome, rows(place)) == ("ready", [HEAD]), dry.output
    assert f"READY to be recovered to {HEAD}" in dry.output
    assert "coupons" in read_tables(place.url)
    ran = recover(place, "--undo")
    assert (ran.outcome, rows(place)) == ("promoted", [ONE]), ran.output
    assert "coupons" in read_tables(place.url)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_promotion_that_fails_after_the_undoing_is_not_called_unchanged(place: Place) -> None:
    file = add_revision(place.project, ONE, upgrade=HALF.format(""))
    assert place.run("promote").outcome == "partial"
    file.write_text(
        file.read_text().replace("def upgrade():", "def upgrade():\n    raise ValueError()")
    )
    ran = recover(place, "--undo")
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    assert "What was recovered stays so." in ran.result["error"]["next"]
    assert "coupons" not in read_tables(place.url)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_half_applied_revision_without_its_file_is_undone(place: Place) -> None:
    add_revision(place.project, ONE, upgrade=HALF.format(""))
    assert place.run("promote").outcome == "partial"
    delete_revision(place.project, ONE)
    shown = recover(place)
    assert (shown.exit_code, "in       CREATE TABLE coupons" in shown.output) == (3, True)
    assert "--finish" not in shown.output
    assert recover(place, "--finish").exit_code == 3
    ran = recover(place, "--undo")
    assert ran.outcome in {"recovered", "nothing-to-do"}, ran.output
    assert "coupons" not in read_tables(place.url)
    assert recover(place).outcome == "nothing-to-do"


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_column_with_values_is_not_undone(place: Place) -> None:
    add_revision(place.project, ONE, upgrade=HALF.format(""))
    assert place.run("promote").outcome == "partial"
    run_statements(place.url, ["UPDATE users SET coupon = 7"])
    ran = recover(place, "--undo")
    assert (ran.exit_code, "the column users.coupon has values" in ran.output) == (3, True), (
        ran.output
    )
    assert query(place.url, "SELECT DISTINCT coupon FROM users") == [(7,)]


@pytest.mark.slow
def test_what_postgres_keeps_of_a_revision_that_left_its_transaction(
    tmp_path: Path, postgres_url: str
) -> None:
    place = build(tmp_path, postgres_url)
    half = (
        'op.add_column("users", sa.Column("nick", sa.Text()))\n'
        'op.create_index("ix_nick", "users", ["nick"])\n'
        "with op.get_context().autocommit_block():\n    op.execute('SELECT 1')\n"
        'raise RuntimeError("in the middle")'
    )
    file = add_revision(place.project, ONE, upgrade=half)
    assert place.run("promote").outcome == "partial"
    file.write_text(file.read_text().replace('raise RuntimeError("in the middle")', "pass"))
    ran = recover(place, "--undo")
    assert (ran.outcome, rows(place)) == ("promoted", [ONE]), ran.output


@pytest.mark.slow_on("mariadb")
@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_a_half_applied_revision_is_finished(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    place = build(tmp_path, request.getfixturevalue(f"{database}_url"))
    file = add_revision(place.project, ONE, upgrade=HALF.format(""))
    assert place.run("promote").outcome == "partial"
    text = file.read_text()
    failing = 'raise RuntimeError("in the middle")'
    file.write_text(text.replace(failing, 'op.execute("DELETE FROM users")'))
    refused = recover(place, "--finish")
    assert (refused.exit_code, rows(place)) == (3, [HEAD]), refused.output
    assert "what is missing writes rows" in refused.output
    file.write_text(text.replace(failing, 'op.create_index("ix_last", "users", ["coupon"])'))
    dry = place.run("recover", "--finish", "--dry-run")
    assert (dry.outcome, rows(place)) == ("ready", [HEAD]), dry.output
    assert "not in   CREATE INDEX ix_last" in dry.output
    assert f"READY to be recovered to {ONE}" in dry.output
    ran = recover(place, "--finish")
    assert (ran.outcome, ran.exit_code, rows(place)) == ("recovered", 0, [ONE]), ran.output
    assert "not in   CREATE INDEX ix_last" in ran.output
    assert f"{ONE} is complete" in ran.output
    assert [item["revision"] for item in ran.result["applied"]] == [ONE]
    assert place.run("promote").outcome == "nothing-to-do"


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_rows_that_were_written_are_never_undone(place: Place) -> None:
    write = 'op.execute("UPDATE users SET full_name = email")\n'
    add_revision(place.project, ONE, upgrade=HALF.format(write))
    assert place.run("promote").outcome == "partial"
    ran = recover(place, "--undo")
    assert ran.exit_code == 3, ran.output
    assert "unknown  UPDATE users" in ran.output
    assert "cannot surely be undone" in ran.output
    assert "coupons" in read_tables(place.url), "never in part"


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_a_half_applied_revision_on_a_lost_one_comes_first(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    """Else the recovery is the newest run, and nobody knows of the other any more."""
    place = build(tmp_path, request.getfixturevalue(f"{database}_url"))
    add_revision(place.project, ONE)
    assert place.run("promote").outcome == "promoted"
    add_revision(place.project, TWO, after=ONE, upgrade=HALF.format(""))
    partial = place.run("promote")
    assert (partial.outcome, "ci-migrate recover --dry-run" in partial.output) == ("partial", True)
    delete_revision(place.project, TWO)
    delete_revision(place.project, ONE)
    shown = recover(place)
    assert (shown.exit_code, rows(place)) == (3, [ONE]), shown.output
    assert "in       CREATE TABLE coupons" in shown.output
    assert f"ci-migrate recover --undone {TWO}" in shown.output
    assert "--finish" not in shown.output
    assert recover(place, "--finish").exit_code == 3
    undone = recover(place, "--undo")
    assert "recovered first: what was half done was undone" in undone.output
    assert "coupons" not in read_tables(place.url)
    ran = recover(place)
    assert (ran.outcome, rows(place)) == ("recovered", [HEAD]), ran.output


@pytest.mark.slow
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_what_was_undone_by_hand_is_no_obstacle(place: Place) -> None:
    apply(place, (ONE, HEAD))
    add_revision(place.project, ONE)
    write = 'op.execute("UPDATE users SET full_name = email")\n'
    add_revision(place.project, TWO, after=ONE, upgrade=HALF.format(write))
    assert place.run("promote").outcome == "partial"
    delete_revision(place.project, TWO)
    delete_revision(place.project, ONE)
    assert recover(place).exit_code == 3
    ran = recover(place, "--undone", TWO)
    assert (ran.outcome, rows(place)) == ("recovered", [HEAD]), ran.output


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_what_by_its_file_follows_another_one_is_not_finished(place: Place) -> None:
    file = add_revision(place.project, ONE, upgrade=HALF.format(""))
    assert place.run("promote").outcome == "partial"
    add_revision(place.project, TWO, after=HEAD)
    text = file.read_text().replace('raise RuntimeError("in the middle")', "pass")
    file.write_text(text.replace(HEAD, TWO))
    ran = recover(place, "--finish")
    assert (ran.exit_code, rows(place)) == (3, [HEAD]), ran.output
    assert f"by its file {TWO} comes before it, and has not run here" in ran.output
