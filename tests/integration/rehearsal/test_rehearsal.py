"""Backups proved by a restore, and rehearsals: what blocks, what is told, and what stays untouched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.promote.database import query, read_tables, run_statements
from tests.projects_builder import Project, copy_project
from tests.projects_changes import add_revision
from tests.promotion import Ran, promote

pytestmark = pytest.mark.newest
KINDS = ["postgres", "mariadb", "sqlite"]
SLOW_FUNCTION = (
    "CREATE FUNCTION pg_sleep_of(text) RETURNS text IMMUTABLE LANGUAGE sql"
    " AS $$ SELECT $1 || pg_sleep(0.5)::text $$"
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return copy_project("linear", tmp_path / "linear")


def rehearse(project: Project, url: str, kind: str, **settings: Any) -> Ran:
    """Promote with a rehearsal, on the tests' own server where there is one."""
    server = {} if kind == "sqlite" else {"scratch_url": url}
    return promote(project, url, **{"rehearse": True, **server, **settings})


def gate(ran: Ran) -> Mapping[str, Any]:
    return next(item for item in ran.result["gates"] if item["name"] == "rehearsal")


@pytest.mark.slow_on("mariadb")
@pytest.mark.parametrize("kind", KINDS)
def test_the_revisions_run_on_a_restored_copy_first(
    kind: str, project: Project, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    ran = rehearse(project, url, kind)
    assert ran.outcome == "promoted", ran.output
    assert gate(ran)["outcome"] == "passed"
    add_revision(project, "aa11aa11aa11", upgrade='op.execute("DELETE FROM orders")')
    again = rehearse(project, url, kind)
    assert again.outcome == "promoted", again.output
    assert "rows and sequences equal" in again.result["backup"]["verified"]
    rehearsal = again.result["rehearsal"]
    assert [item["revision"] for item in rehearsal["revisions"]] == ["aa11aa11aa11"]
    assert rehearsal["revisions"][0]["statements"] == 1
    assert rehearsal["outcome"] == "passed"
    assert again.result["forecast"]["source"] == "the rehearsal"
    (told,) = (line for line in again.output.splitlines() if "aa11aa11aa11: 1 statement, " in line)
    assert ", really " in told
    # The tests' own MariaDB has no performance_schema.
    assert ("locks: unknown" in told) is (kind != "postgres"), told


def test_a_revision_that_fails_on_the_copy_blocks_and_leaves_the_database_alone(
    project: Project, mariadb_url: str
) -> None:
    assert promote(project, mariadb_url).outcome == "promoted"
    # On MariaDB the first statement of the two would last: only a rehearsal keeps it out of the database.
    statements = (
        'op.execute("CREATE TABLE half (id INT)"); op.execute("INSERT INTO nowhere VALUES (1)")'
    )
    add_revision(project, "bb22bb22bb22", upgrade=statements)
    ran = rehearse(project, mariadb_url, "mariadb")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert gate(ran)["outcome"] == "failed"
    assert "bb22bb22bb22" in gate(ran)["message"]
    assert "nowhere" in gate(ran)["message"]
    assert ran.result["rehearsal"]["outcome"] == "failed"
    assert "bb22bb22bb22: 1 statement, did not end; locks: " in ran.output
    assert query(mariadb_url, "SHOW TABLES LIKE 'half'") == []
    assert query(mariadb_url, "SHOW DATABASES LIKE 'ci\\_migrate\\_scratch%%'") == []


def test_a_project_that_opens_its_own_database_is_caught_before_a_statement(
    project: Project, postgres_url: str
) -> None:
    assert promote(project, postgres_url).outcome == "promoted"
    add_revision(project, "cc33cc33cc33")
    env = project.path / "migrations/env.py"
    text = env.read_text("utf-8").replace(
        "config = context.config\n",
        f"config = context.config\nconfig.set_main_option('sqlalchemy.url', {postgres_url.replace('%', '%%')!r})\n",
        1,
    )
    env.write_text(text, "utf-8")
    ran = rehearse(project, postgres_url, "postgres")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "env.py opened" in gate(ran)["message"]
    assert query(postgres_url, "SELECT to_regclass('table_cc33cc33cc33')") == [(None,)]
    env.write_text(text.replace("config.set_main_option('sqlalchemy.url'", "str('"), "utf-8")


@pytest.mark.slow
def test_the_locks_of_a_revision_are_those_that_the_server_documents(
    project: Project, postgres_url: str
) -> None:
    assert promote(project, postgres_url).outcome == "promoted"
    add_revision(
        project,
        "dd44dd44dd44",
        upgrade='op.add_column("orders", sa.Column("note", sa.Text()))'
        '; op.execute("SELECT pg_sleep(0.3)")',
    )
    add_revision(
        project,
        "ee55ee55ee55",
        after="dd44dd44dd44",
        upgrade='op.create_index("by_mail", "users", ["email"]); op.execute("SELECT pg_sleep(0.2)")',
    )
    add_revision(
        project,
        "ff66ff66ff66",
        after="ee55ee55ee55",
        upgrade="with op.get_context().autocommit_block(): op.execute("
        '"CREATE INDEX CONCURRENTLY slowly ON users (pg_sleep_of(email))")',
    )
    run_statements(postgres_url, [SLOW_FUNCTION])
    ran = rehearse(project, postgres_url, "postgres")
    assert ran.outcome == "promoted", ran.output
    seen = {
        item["revision"]: {lock["table"]: (lock["mode"], lock["seconds"]) for lock in item["locks"]}
        for item in ran.result["rehearsal"]["revisions"]
    }
    mode, seconds = seen["dd44dd44dd44"]["public.orders"]
    assert mode == "AccessExclusiveLock"
    assert seconds >= 0.5, "held until the transaction of both ended, not its own statement"
    assert seen["ee55ee55ee55"]["public.users"][0] == "ShareLock"
    assert seen["ff66ff66ff66"]["public.users"][0] == "ShareUpdateExclusiveLock"
    assert "ACCESS EXCLUSIVE on public.orders" in ran.output


@pytest.mark.slow
def test_a_private_mariadb_shows_the_locks_of_a_revision(
    project: Project, mariadb_url: str
) -> None:
    assert promote(project, mariadb_url).outcome == "promoted"
    add_revision(
        project,
        "ab88ab88ab88",
        upgrade='op.execute("UPDATE orders SET id = id"); op.execute("SELECT SLEEP(0.3)")',
    )
    ran = promote(project, mariadb_url, rehearse=True)
    assert ran.outcome == "promoted", ran.output
    (locks,) = (item["locks"] for item in ran.result["rehearsal"]["revisions"])
    (orders,) = (lock for lock in locks if lock["table"].endswith("orders"))
    assert orders["mode"] == "SHARED_WRITE"
    assert orders["seconds"] >= 0.25
    assert "SHARED WRITE on " in ran.output


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_round_trip_finds_a_downgrade_that_does_not_lead_back(
    kind: str, project: Project, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    ran = rehearse(project, url, kind, rehearse="round_trip")
    assert ran.outcome == "promoted", ran.output
    assert ran.result["rehearsal"]["round_trip"] is True
    add_revision(
        project, "aa77aa77aa77", upgrade='op.create_table("kept", sa.Column("id", sa.Integer()))'
    )
    again = rehearse(project, url, kind, rehearse="round_trip")
    assert (again.outcome, again.exit_code) == ("blocked", 3), again.output
    assert "kept differ from before" in gate(again)["message"]
    assert "kept" not in read_tables(url)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_round_trip_finds_an_upgrade_that_makes_another_schema_the_second_time(
    kind: str, project: Project, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    assert promote(project, url).outcome == "promoted"
    # The first run leaves something beside the database, as a helper with a cache does.
    once = project.path / "once"
    add_revision(
        project,
        "ab99ab99ab99",
        upgrade=f"import pathlib\nseen = pathlib.Path({str(once)!r})\n"
        'op.create_table("kept", sa.Column("id", sa.Integer()),'
        ' *([sa.Column("more", sa.Integer())] if seen.exists() else []))\nseen.touch()',
        downgrade='op.drop_table("kept")',
    )
    ran = rehearse(project, url, kind, rehearse="round_trip")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "the second upgrade made another schema than the first" in gate(ran)["message"]
    assert "kept" in gate(ran)["message"]
    assert "kept" not in read_tables(url)
