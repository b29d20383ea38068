"""`adopt`: a database that was made without revisions gets the one that builds exactly its schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_migrate.errors import ProofError
from ci_migrate.recovery.adopt import choose_candidate
from ci_migrate.recovery.candidates import Candidates
from ci_migrate.revisions.graph import Graph
from tests.integration.promote.database import query, read_tables, run_statements
from tests.projects_builder import Project, copy_project
from tests.projects_changes import add_revision
from tests.promotion import Ran, run_tool, write_config

pytestmark = pytest.mark.newest
SECOND, HEAD = "b82e443fd109", "5c00753421f7"
VERSION = "SELECT version_num FROM alembic_version"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = copy_project("linear", tmp_path / "shop")
    write_config(project, {"dev": {"url": "${CIM_URL}", "branches": ["main"], "backup": "none"}})
    return project


def run(project: Project, url: str, command: str, *arguments: str) -> Ran:
    return run_tool(project.path, command, "--environment", "dev", *arguments, env={"CIM_URL": url})


def make_legacy(project: Project, url: str, *statements: str) -> None:
    """Make the tables of the project's head, and lose what says so."""
    assert run(project, url, "promote").outcome == "promoted"
    run_statements(url, ["DROP TABLE alembic_version", *statements])
    if url.startswith("postgresql"):
        run_statements(url, ["DROP SCHEMA ci_migrate CASCADE"])
    else:
        run_statements(url, ["DROP TABLE ci_migrate_ledger"])


@pytest.mark.slow_on("postgres", "mariadb")
@pytest.mark.parametrize("database", ["sqlite", "postgres", "mariadb"])
def test_the_revision_that_builds_the_schema_is_stamped(
    project: Project, database: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{database}_url")
    make_legacy(project, url)
    dry = run(project, url, "adopt", "--dry-run")
    assert (dry.outcome, dry.exit_code) == ("ready", 0), dry.output
    assert "alembic_version" not in read_tables(url)
    ran = run(project, url, "adopt")
    assert (ran.outcome, ran.exit_code) == ("adopted", 0), ran.output
    assert query(url, VERSION) == [(HEAD,)]
    assert (ran.result["command"], ran.result["applied"], ran.result["backup"]) == (
        "adopt",
        [],
        None,
    )
    assert f"dev: ADOPTED at {HEAD}" in ran.output
    add_revision(project, "aaaaaaaaaa01")
    after = run(project, url, "promote")
    assert (after.outcome, query(url, VERSION)) == ("promoted", [("aaaaaaaaaa01",)]), after.output
    commands = [item["command"] for item in run(project, url, "history").result]
    assert commands == ["adopt", "promote"]


def test_an_earlier_revision_is_found(project: Project, either_url: str) -> None:
    make_legacy(project, either_url, "ALTER TABLE users DROP COLUMN display_name")
    assert run(project, either_url, "adopt").outcome == "adopted"
    assert query(either_url, VERSION) == [(SECOND,)]


def test_a_schema_that_no_revision_builds_is_shown_and_not_stamped(
    project: Project, either_url: str
) -> None:
    changed = ["ALTER TABLE users ADD COLUMN note TEXT"]
    if not either_url.startswith("sqlite"):  # which cannot change a column
        changed.append("ALTER TABLE orders ALTER COLUMN status DROP DEFAULT")
    make_legacy(project, either_url, *changed)
    ran = run(project, either_url, "adopt")
    assert (ran.exit_code, ran.result["error"]["kind"]) == (3, "proof"), ran.output
    assert f"compared with {HEAD}" in ran.output
    assert "column users.note is only in the database: text" in ran.output.lower()
    assert ("column orders.status is" in ran.output) is (len(changed) == 2)
    assert "alembic_version" not in read_tables(either_url)


@pytest.mark.slow
def test_a_revision_that_changes_only_data_is_asked_about(
    project: Project, either_url: str
) -> None:
    seed = "aaaaaaaaaa01"
    add_revision(project, seed, upgrade='op.execute("DELETE FROM orders")', message="empty it")
    make_legacy(project, either_url)
    ran = run(project, either_url, "adopt")
    assert ran.exit_code == 3, ran.output
    assert f"{HEAD} add users display name" in ran.output
    assert f"{seed} empty it" in ran.output
    wrong = run(project, either_url, "adopt", "--revision", SECOND)
    assert (wrong.exit_code, "display_name is only in the database" in wrong.output) == (3, True)
    assert run(project, either_url, "adopt", "--revision", seed).outcome == "adopted"
    assert query(either_url, VERSION) == [(seed,)]


@pytest.mark.slow
def test_what_cannot_be_adopted(project: Project, either_url: str) -> None:
    empty = run(project, either_url, "adopt")
    assert (empty.exit_code, "the database is empty" in empty.output) == (3, True), empty.output
    assert run(project, either_url, "promote").outcome == "promoted"
    known = run(project, either_url, "adopt")
    assert (known.exit_code, f"already has a version row: {HEAD}" in known.output) == (3, True)


@pytest.mark.slow
def test_a_history_that_stops_halfway_is_no_proof(project: Project, either_url: str) -> None:
    make_legacy(project, either_url)
    add_revision(project, "aaaaaaaaaa01", upgrade='raise RuntimeError("no")')
    ran = run(project, either_url, "adopt")
    assert ran.exit_code == 3, ran.output
    assert "could not be built" in ran.output
    assert run(project, either_url, "adopt", "--revision", HEAD).outcome == "adopted"


@pytest.mark.slow_on("postgres")
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.parametrize("named", [(), ("--revision", "aaaaaaaaaa01")])
def test_a_state_of_one_branch_of_a_history_is_found(
    database: str, named: tuple[str, ...], project: Project, request: pytest.FixtureRequest
) -> None:
    """Built in one order, the history passes only one of its two branches alone."""
    url = request.getfixturevalue(f"{database}_url")
    head = project.situation.heads[0]
    add_revision(project, "aaaaaaaaaa01", after=head)
    make_legacy(project, url)
    for other in ("bbbbbbbbbb02", "aaaaaaaaaa00"):  # sorted before and behind
        add_revision(project, other, after=head)
    add_revision(
        project,
        "cccccccccc03",
        after=("aaaaaaaaaa00", "aaaaaaaaaa01", "bbbbbbbbbb02"),
        upgrade="pass",
    )
    ran = run(project, url, "adopt", *named)
    assert (ran.outcome, ran.result["reached"]) == ("adopted", ["aaaaaaaaaa01"]), ran.output


def test_a_history_of_which_nothing_can_be_built_is_to_be_stamped_by_hand() -> None:
    with pytest.raises(ProofError, match="nothing of the history could be built") as caught:
        choose_candidate(Candidates(found=(), stopped=ProofError("no table")), Graph(()), None)
    assert str(caught.value.next_step).startswith("no table. A history that does not begin with an")
    assert "`alembic stamp`" in str(caught.value.next_step)
