"""`recover`: revisions that follow another one since they ran."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.promote.database import query, read_tables, run_statements
from tests.integration.recovery.lost import (
    HEAD,
    ONE,
    THREE,
    TWO,
    build,
    recover,
    reparent_file,
    rows,
)
from tests.integration.rollback.place import Place
from tests.projects_changes import add_revision, delete_revision

pytestmark = pytest.mark.newest


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    return build(tmp_path, request.getfixturevalue(f"{request.param}_url"))


@contextmanager
def allowed(place: Place, revision: str) -> Iterator[None]:
    """Let the configuration allow what the file of a revision says."""
    config = place.project.path / "ci-migrate.yml"
    plain = config.read_text()
    allow = f'"migrations": {{"allow_edit": [{{"revision": "{revision}", "reason": "meant"}}],'
    config.write_text(plain.replace('"migrations": {', allow))
    yield
    config.write_text(plain)


def test_a_rebased_branch_whose_revision_kept_its_id(place: Place) -> None:
    """Nothing is pending for text alone: what the file now wants below it would never run."""
    file = add_revision(place.project, ONE)
    assert place.run("promote").outcome == "promoted"
    add_revision(place.project, TWO, after=HEAD)
    reparent_file(file, HEAD, TWO)
    blocked = place.run("promote")
    told = f"By the file of {ONE}, {TWO} comes before {ONE}, and would never run here"
    assert (blocked.outcome, told in blocked.output) == ("blocked", True), blocked.output
    with allowed(place, ONE):
        assert place.run("promote").outcome == "blocked", "else the other one would never run"
    run_statements(place.url, [f"INSERT INTO table_{ONE} (id) VALUES (1), (2)"])
    dry = place.run("recover", "--dry-run")
    assert (dry.outcome, rows(place)) == ("ready", [ONE]), dry.output
    assert f"moved       {ONE}" in dry.output
    assert f"its file says by now: after {TWO}" in dry.output
    destroyed = f"the downgrade of {ONE} destroys the table table_{ONE}: 2 rows"
    assert destroyed in dry.output
    nobody = place.run("recover", "--confirm", "prod")
    assert (nobody.exit_code, query(place.url, f"SELECT count(*) FROM table_{ONE}")) == (2, [(2,)])
    ran = recover(place)
    assert (ran.outcome, rows(place)) == ("promoted", [ONE]), ran.output
    assert destroyed in ran.result["warnings"], "in every report"
    assert {f"table_{ONE}", f"table_{TWO}"} <= read_tables(place.url)
    assert place.run("promote").outcome == "nothing-to-do"


@pytest.mark.slow_on("postgres")
def test_a_lost_revision_below_one_that_was_reparented(place: Place) -> None:
    add_revision(place.project, ONE)
    file = add_revision(place.project, TWO, after=ONE)
    text = file.read_text()
    assert place.run("promote").outcome == "promoted"
    delete_revision(place.project, ONE)
    reparent_file(file, ONE, HEAD)
    assert place.run("promote").outcome == "blocked"
    dry = place.run("recover", "--restore-file", "--dry-run")
    assert f"{TWO} was re-parented: it ran with down_revision {ONE}" in dry.output
    ran = recover(place)
    assert (ran.outcome, rows(place)) == ("promoted", [TWO]), ran.output
    assert f"table_{ONE}" not in read_tables(place.url)
    assert f"table_{TWO}" in read_tables(place.url)
    assert file.read_text() != text


def test_two_revisions_that_changed_places(place: Place) -> None:
    """By text alone one of them is pending, and would run a second time."""
    one, two = add_revision(place.project, ONE), add_revision(place.project, TWO, after=ONE)
    assert place.run("promote").outcome == "promoted"
    reparent_file(one, HEAD, TWO)
    reparent_file(two, ONE, HEAD)
    with allowed(place, TWO):
        config = place.project.path / "ci-migrate.yml"
        both = f'"allow_edit": [{{"revision": "{ONE}", "reason": "meant"}},'
        config.write_text(config.read_text().replace('"allow_edit": [', both))
        blocked = place.run("promote")
        told = f"{ONE} is not before {TWO}, and would run a second time"
        assert (blocked.outcome, told in blocked.output) == ("blocked", True), blocked.output
    ran = recover(place)
    assert (ran.outcome, rows(place)) == ("promoted", [ONE]), ran.output
    assert f"{TWO}, {ONE}" in ran.output
    assert place.run("promote").outcome == "nothing-to-do"


@pytest.mark.slow
def test_a_revision_that_no_longer_follows_what_it_ran_on(place: Place) -> None:
    add_revision(place.project, ONE)
    two = add_revision(place.project, TWO, after=ONE)
    assert place.run("promote").outcome == "promoted"
    reparent_file(two, ONE, HEAD)
    dry = place.run("recover", "--dry-run")
    assert f"plan        take back {TWO}, by" in dry.output, dry.output
    assert f"then the database is at {ONE}" in dry.output


@pytest.mark.slow
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_squashed_history_that_is_allowed_is_left(place: Place) -> None:
    add_revision(place.project, ONE)
    two = add_revision(place.project, TWO, after=ONE)
    assert place.run("promote").outcome == "promoted"
    delete_revision(place.project, ONE)
    add_revision(place.project, THREE, after=HEAD)
    reparent_file(two, ONE, THREE)
    with allowed(place, TWO):
        assert place.run("promote").outcome == "nothing-to-do"
        assert recover(place).outcome == "nothing-to-do"
    assert rows(place) == [TWO]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_moved_revision_that_cannot_be_taken_back(place: Place) -> None:
    file = add_revision(
        place.project, ONE, upgrade='op.create_table("t", sa.Column("id", sa.Integer()))'
    )
    assert place.run("promote").outcome == "promoted"
    add_revision(place.project, TWO, after=HEAD)
    reparent_file(file, HEAD, TWO)
    ran = recover(place)
    assert (ran.outcome, rows(place)) == ("blocked", [ONE]), ran.output
    assert f"say again what ran here: {ONE} (down_revision {HEAD})" in ran.output
