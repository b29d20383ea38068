"""Revisions that take the transaction into their own hands: what is lost or left beside it is seen and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.promote.database import query, read_tables
from tests.projects_builder import Project, copy_project, find_revision
from tests.projects_changes import add_revision
from tests.promotion import promote, run_tool

pytestmark = pytest.mark.faults
HEAD, ONE = "5c00753421f7", "aaaaaaaaaa01"
TABLE = 'op.create_table("tt", sa.Column("id", sa.Integer()))\n'
ROW = 'op.execute("INSERT INTO tt VALUES (1)")\n'
ROLLBACKS = {
    "statement": 'op.execute("ROLLBACK")',
    "driver": "op.get_bind().connection.rollback()",
    "sqlalchemy": "op.get_bind().get_transaction().rollback()",
    "swallowed": (
        "try:\n    op.execute('SELECT * FROM nope')\nexcept Exception:\n"
        "    op.get_bind().exec_driver_sql('ROLLBACK')"
    ),
}
HARMLESS = {
    "commit": 'op.execute("COMMIT")',
    "savepoint": (
        "try:\n    with op.get_bind().begin_nested():\n        op.execute('SELECT * FROM nope')\n"
        "except Exception:\n    pass"
    ),
    "named": "op.execute('SAVEPOINT s')\nop.execute('ROLLBACK TO SAVEPOINT s')",
    "block": "with op.get_context().autocommit_block():\n    op.execute('SELECT 1')",
}
BESIDE = """
engine = sa.create_engine(op.get_bind().engine.url)
with engine.begin() as own:
    own.exec_driver_sql("CREATE TABLE tt (id int)")
raise RuntimeError("in the middle")
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return copy_project("linear", tmp_path / "work")


@pytest.mark.parametrize("way", ROLLBACKS)
def test_a_rollback_takes_the_success_with_it(
    project: Project, postgres_url: str, way: str
) -> None:
    add_revision(project, ONE, upgrade=TABLE + ROLLBACKS[way])
    ran = promote(project, postgres_url, transaction="per_revision")
    assert ran.exit_code in {5, 6}, ran.output
    assert [row[0] for row in query(postgres_url, "SELECT * FROM alembic_version")] == [HEAD]
    assert ran.result["error"]["revision"] == ONE
    if way != "sqlalchemy":  # that one breaks Alembic's own transaction, which says so
        assert "rolled its transaction back" in ran.output
    assert "tt" not in read_tables(postgres_url)


COMMITS = {
    "bound": "bind = op.get_bind()\nbind.execute(sa.text({0!r}))\nbind.commit()",
    "session": (
        "from sqlalchemy.orm import Session\n"
        "with Session(op.get_bind(), join_transaction_mode='control_fully') as session:\n"
        "    session.execute(sa.text({0!r}))\n    session.commit()"
    ),
    "end": "op.execute({0!r})\nop.execute('end')",
    "driver": "op.execute({0!r})\nconnection = op.get_bind().connection\nconnection.commit()",
}
INSERT = "INSERT INTO users (email, full_name) VALUES ('a@b', 'A')"


ELSEWHERE = {
    "engine": "engine = op.get_bind().engine\nwith engine.begin() as own:\n    own.execute(sa.text({0!r}))",
    "session": (
        "from sqlalchemy.orm import Session\n"
        "with Session(sa.create_engine(op.get_bind().engine.url)) as session:\n"
        "    session.execute(sa.text({0!r}))\n    session.commit()"
    ),
}


@pytest.mark.parametrize("way", ELSEWHERE)
def test_rows_that_a_revision_wrote_over_another_connection_are_not_called_unchanged(
    project: Project, postgres_url: str, way: str
) -> None:
    assert promote(project, postgres_url).outcome == "promoted"
    before = query(postgres_url, "SELECT count(*) FROM users")[0][0]
    upgrade = ELSEWHERE[way].format(INSERT)
    add_revision(project, ONE, upgrade=upgrade + "\nraise RuntimeError('in the middle')")
    for code in (6, 3):
        ran = promote(project, postgres_url)
        assert ran.exit_code == code, ran.output
        assert query(postgres_url, "SELECT count(*) FROM users") == [(before + 1,)]


def test_reading_over_another_connection_leaves_nothing(
    project: Project, postgres_url: str
) -> None:
    assert promote(project, postgres_url).outcome == "promoted"
    upgrade = ELSEWHERE["engine"].format("SELECT count(*) FROM users")
    add_revision(project, ONE, upgrade=upgrade + "\nraise RuntimeError('in the middle')")
    ran = promote(project, postgres_url)
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output


def test_a_revision_that_drops_every_table_does_not_drop_the_record(
    project: Project, sqlite_url: str
) -> None:
    assert promote(project, sqlite_url).outcome == "promoted"
    drop = (
        "meta = sa.MetaData()\nmeta.reflect(bind=op.get_bind())\n"
        "for table in reversed(meta.sorted_tables):\n"
        "    if table.name != 'alembic_version':\n        op.drop_table(table.name)"
    )
    add_revision(project, ONE, upgrade=drop)
    ran = promote(project, sqlite_url)
    assert ran.outcome == "promoted", ran.output
    assert any("the ledger was gone" in text for text in ran.result["warnings"])
    told = run_tool(project.path, "history", "--environment", "dev", env={"CIM_URL": sqlite_url})
    assert [run["outcome"] for run in told.result] == ["promoted"]
    assert [item["outcome"] for item in told.result[0]["revisions"]] == ["executed"]


@pytest.mark.parametrize("way", COMMITS)
def test_what_a_revision_committed_itself_is_not_called_unchanged(
    project: Project, database_url: str, way: str
) -> None:
    if way == "end" and "mysql" in database_url:
        pytest.skip("no statement of MariaDB")
    assert promote(project, database_url).outcome == "promoted"
    before = query(database_url, "SELECT count(*) FROM users")[0][0]
    upgrade = COMMITS[way].format(INSERT)
    add_revision(project, ONE, upgrade=upgrade + "\nraise RuntimeError('in the middle')")
    ran = promote(project, database_url)
    assert query(database_url, "SELECT count(*) FROM users") == [(before + 1,)]
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    assert f"parts of {ONE} are in the database" in ran.result["error"]["next"]
    again = promote(project, database_url)
    assert (again.outcome, again.exit_code) == ("blocked", 3), again.output
    assert query(database_url, "SELECT count(*) FROM users") == [(before + 1,)]


@pytest.mark.parametrize("way", ["bound", "session"])
def test_a_commit_that_would_lose_the_version_row_is_told(
    project: Project, postgres_url: str, way: str
) -> None:
    assert promote(project, postgres_url).outcome == "promoted"
    before = query(postgres_url, "SELECT count(*) FROM users")[0][0]
    add_revision(project, ONE, upgrade=COMMITS[way].format(INSERT))
    for code in (6, 3, 3):
        ran = promote(project, postgres_url)
        assert ran.exit_code == code, ran.output
        assert query(postgres_url, "SELECT count(*) FROM users") == [(before + 1,)]
        assert "committed its transaction itself" in ran.output


@pytest.mark.parametrize("way", HARMLESS)
def test_what_ends_or_divides_a_transaction_without_loss_passes(
    project: Project, postgres_url: str, way: str
) -> None:
    add_revision(project, ONE, upgrade=TABLE + HARMLESS[way] + "\n" + ROW)
    ran = promote(project, postgres_url)
    assert ran.outcome == "promoted", ran.output
    assert query(postgres_url, "SELECT id FROM tt") == [(1,)]


@pytest.mark.parametrize("way", ["statement", "driver"])
@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_rows_that_a_revision_rolls_back_are_missed_elsewhere(
    project: Project, kind: str, way: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    assert promote(project, url).outcome == "promoted"
    people = query(url, "SELECT count(*) FROM users")
    row = "op.execute(\"INSERT INTO users (email, full_name) VALUES ('a@b', 'A')\")\n"
    add_revision(project, ONE, upgrade=row + ROLLBACKS[way])
    ran = promote(project, url)
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert "rolled its transaction back" in ran.output
    assert query(url, "SELECT count(*) FROM users") == people
    # The same without the rollback, and with one that comes before, is in order.
    file = find_revision(project, ONE)
    text = file.read_text("utf-8").replace(ROLLBACKS[way], "pass")
    if way == "driver":
        text = text.replace("    op.execute", f"    {ROLLBACKS[way]}\n    op.execute", 1)
    file.write_text(text, "utf-8")
    again = promote(project, url)
    assert again.outcome == "promoted", again.output
    assert query(url, "SELECT count(*) FROM users") == [(people[0][0] + 1,)]


@pytest.mark.parametrize(
    ("before", "is_lost"), [("", False), (ROW, True), (ROW + TABLE.replace("tt", "t2"), False)]
)
def test_on_mariadb_it_is_the_rows_that_are_lost(
    project: Project, mariadb_url: str, before: str, is_lost: bool
) -> None:
    add_revision(project, ONE, upgrade=TABLE + before + ROLLBACKS["statement"])
    ran = promote(project, mariadb_url)
    assert (ran.outcome, ran.exit_code) == (("partial", 6) if is_lost else ("promoted", 0)), (
        ran.output
    )
    assert len(query(mariadb_url, "SELECT id FROM tt")) == (1 if before and not is_lost else 0)


def test_what_an_own_connection_left_is_named(project: Project, database_url: str) -> None:
    assert promote(project, database_url).outcome == "promoted"
    add_revision(project, ONE, upgrade=BESIDE)
    ran = promote(project, database_url)
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    assert "tt" in read_tables(database_url)
    assert "whole" not in ran.result["error"]["next"]
    assert "tt" in ran.result["error"]["next"]


HELPER = """
from alembic import op
import sqlalchemy as sa


def add_columns(op_):
    op_.add_column("users", sa.Column("created_by", sa.Integer()))
    op_.execute("UPDATE nowhere SET x = 1")
"""


@pytest.mark.parametrize("place", ["top", "function", "hidden"])
@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_what_a_helper_in_another_file_left_is_not_called_whole(
    project: Project, kind: str, place: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    assert promote(project, url).outcome == "promoted"
    (project.path / "migration_helpers.py").write_text(HELPER, "utf-8")
    upgrade = "from migration_helpers import add_columns\nadd_columns(op)"
    if place == "hidden":  # what no reading of the text tells
        upgrade = "import importlib\ngetattr(importlib.import_module('migration_helpers'), 'add_columns')(op)"
    file = add_revision(project, ONE, upgrade=upgrade if place != "top" else "add_columns(op)")
    if place == "top":
        text = file.read_text("utf-8").replace(
            "import sqlalchemy", upgrade.splitlines()[0] + "\nimport sqlalchemy", 1
        )
        file.write_text(text, "utf-8")
    ran = promote(project, url)
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    assert "whole" not in ran.result["error"]["next"]
    assert f"parts of {ONE} are in the database" in ran.result["error"]["next"]
    again = promote(project, url)
    assert (again.outcome, again.exit_code) == ("blocked", 3), again.output
    assert "created_by" in again.output
