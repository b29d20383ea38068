"""The record of what ran, on real databases: begun, finished, settled, asked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from ci_migrate.database.ledger_table import ledger_table
from ci_migrate.errors import LedgerError
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.models import Outcome, Plan, Promotion
from ci_migrate.pending_revision import PendingRevision
from ci_migrate.revisions.content import content_hash
from tests.integration.database.drivers import open_database
from tests.projects_builder import copy_project
from tests.promotion import promote
from tests.unit.report.samples import BACKUP, HOSTILE, RUN, make_pending, make_promotion

NOW = "2026-11-01T12:00:05+00:00"
PENDING = (make_pending("aaaa", "create users", source="x = 1\n"), make_pending("bbbb", HOSTILE))
PLAN = Plan(current=("base",), target=("bbbb",), pending=PENDING)


def open_ledger(url: str, environment: str = "dev", schema: str = "ci_migrate") -> Ledger:
    return Ledger(open_database(url), schema=schema, environment=environment)


def start(ledger: Ledger, run_id: str = "run-1", plan: Plan = PLAN) -> Promotion:
    run = replace(RUN, run_id=run_id, actor=HOSTILE.replace("\x00", ""))
    ledger.start_run(run, plan, BACKUP, {"alembic": "1.13"})
    return make_promotion(Outcome.PROMOTED, run=run, pending=plan.pending)


def outcomes(ledger: Ledger) -> list[tuple[str, list[str]]]:
    return [
        (run["outcome"], [row["outcome"] for row in run["revisions"]]) for run in ledger.runs(50)
    ]


def test_a_ledger_that_is_not_there_has_no_answers_and_is_not_created(database_url: str) -> None:
    ledger = open_ledger(database_url)
    assert not ledger.exists()
    assert (ledger.evidence(), ledger.unfinished_runs(), ledger.runs(5)) == ({}, (), [])
    assert not ledger.exists()
    if "sqlite" in database_url:
        assert not Path(str(sa.engine.make_url(database_url).database)).exists()


def test_from_begun_to_finished(database_url: str) -> None:
    plan = replace(
        PLAN, pending=tuple(replace(p, message=p.message.replace("\x00", "")) for p in PENDING)
    )
    ledger = open_ledger(database_url)
    promotion = start(ledger, plan=plan)
    assert outcomes(ledger) == [("started", ["planned", "planned"])]
    assert ledger.evidence() == {}, "what has only begun is no proof"

    ledger.finish_run(promotion, {"aaaa", "bbbb"}, NOW)
    assert outcomes(ledger) == [("promoted", ["executed", "executed"])]
    assert ledger.evidence()["aaaa"].finished_at == NOW
    assert ledger.unfinished_runs() == ()
    (run,) = ledger.runs(1)
    assert run["actor"] == promotion.run.actor, "every letter is kept"
    assert run["revisions"][1]["message"] == plan.pending[1].message


def test_what_a_failed_run_executed_is_proof_and_the_rest_is_not(database_url: str) -> None:
    ledger = open_ledger(database_url)
    plan = replace(PLAN, pending=(PENDING[0], make_pending("bbbb")))
    promotion = replace(start(ledger, plan=plan), outcome=Outcome.PARTIAL)
    ledger.finish_run(promotion, {"aaaa"}, NOW)
    assert outcomes(ledger) == [("partial", ["executed", "not-executed"])]
    assert set(ledger.evidence()) == {"aaaa"}


def test_a_run_that_was_cut_off_is_settled_by_what_is_there(database_url: str) -> None:
    ledger = open_ledger(database_url)
    plan = replace(PLAN, pending=(PENDING[0], make_pending("bbbb")))
    start(ledger, plan=plan)
    (unfinished,) = ledger.unfinished_runs()
    assert unfinished.planned == ("aaaa", "bbbb")
    ledger.settle_run(unfinished, {"aaaa", "something older"}, NOW)
    assert outcomes(ledger) == [("interrupted", ["executed", "not-executed"])]
    assert set(ledger.evidence()) == {"aaaa"}
    assert ledger.unfinished_runs() == ()


SOURCE = """
revision = "aaaa"
down_revision = "base"


def upgrade():
    pass
"""


def hashes(ledger: Ledger) -> list[str | None]:
    return [row["content_hash"] for run in ledger.runs(1) for row in run["revisions"]]


def make_unread(revision: str, source: str) -> PendingRevision:
    """Return a pending revision of which nobody has asked what its text says."""
    return make_pending(revision, source=source, content_hash=content_hash(source))


def test_what_nobody_has_read_has_its_hash_at_the_end(database_url: str) -> None:
    ledger, item = open_ledger(database_url), make_unread("aaaa", SOURCE)
    plan = replace(PLAN, pending=(item, replace(PENDING[1], message="")))
    plan.pending[1].read_now()
    promotion = start(ledger, plan=plan)
    assert hashes(ledger) == [None, "h"]
    ledger.finish_run(promotion, {"aaaa", "bbbb"}, NOW)
    assert hashes(ledger) == [content_hash(SOURCE), "h"]
    assert ledger.evidence()["aaaa"].content_hash == content_hash(SOURCE)


@pytest.mark.parametrize(
    ("source", "expected"), [(SOURCE, content_hash(SOURCE)), ("def (", ""), ("", "")]
)
def test_the_source_of_a_run_that_was_cut_off_tells_its_hash(
    database_url: str, source: str, expected: str
) -> None:
    ledger = open_ledger(database_url)
    item = make_pending("aaaa", source=source)
    start(ledger, plan=replace(PLAN, pending=(item,)))
    assert hashes(ledger) == [None]
    (unfinished,) = ledger.unfinished_runs()
    ledger.settle_run(unfinished, {"aaaa"}, NOW)
    assert hashes(ledger) == [expected]
    assert ledger.evidence()["aaaa"].content_hash == expected


def add_downgrade(url: str, revision: str) -> None:
    """Write what a rollback will write: the revision was executed downwards."""
    schema = "ci_migrate" if "postgresql" in url else None
    row = {
        "run_id": "back", "kind": "revision", "environment": "dev", "command": "rollback",
        "outcome": "executed", "started_at": NOW, "revision": revision, "direction": "downgrade",
    }  # fmt: skip
    insert = ledger_table(schema).insert().values(row)
    open_database(url).run_in_transaction(lambda connection: connection.execute(insert))


def test_what_was_rolled_back_is_no_proof_until_it_ran_again(database_url: str) -> None:
    ledger = open_ledger(database_url)
    plan = replace(PLAN, pending=(PENDING[0],))
    ledger.finish_run(start(ledger, "one", plan), {"aaaa"}, NOW)
    add_downgrade(database_url, "aaaa")
    assert ledger.evidence() == {}
    ledger.finish_run(start(ledger, "two", plan), {"aaaa"}, NOW)
    assert set(ledger.evidence()) == {"aaaa"}


def test_the_newest_content_counts(sqlite_url: str) -> None:
    ledger = open_ledger(sqlite_url)
    for run_id, content in (("one", "old"), ("two", "new")):
        plan = replace(PLAN, pending=(make_pending("aaaa", content_hash=content),))
        ledger.finish_run(start(ledger, run_id, plan), {"aaaa"}, NOW)
    assert ledger.evidence()["aaaa"].content_hash == "new"


def test_environments_of_one_ledger_do_not_see_each_other(sqlite_url: str) -> None:
    dev, staging = open_ledger(sqlite_url), open_ledger(sqlite_url, "staging")
    plan = replace(PLAN, pending=(PENDING[0],))
    dev.finish_run(start(dev, "one", plan), {"aaaa"}, NOW)
    start(dev, "two", plan)
    assert (staging.evidence(), staging.unfinished_runs(), staging.runs(5)) == ({}, (), [])


def test_only_the_newest_runs_are_shown_oldest_first(sqlite_url: str) -> None:
    ledger = open_ledger(sqlite_url)
    plan = replace(PLAN, pending=(PENDING[0],))
    for number in range(5):
        ledger.finish_run(start(ledger, f"run-{number}", plan), {"aaaa"}, NOW)
    assert [run["run_id"] for run in ledger.runs(2)] == ["run-3", "run-4"]


def test_a_source_larger_than_a_text_column_is_kept(mariadb_url: str) -> None:
    ledger = open_ledger(mariadb_url)
    start(ledger, plan=replace(PLAN, pending=(make_pending("aaaa", source="é😀" * 40_000),)))
    query = "SELECT CHAR_LENGTH(source) FROM ci_migrate_ledger WHERE revision = 'aaaa'"
    length = open_database(mariadb_url).run(lambda c: c.exec_driver_sql(query).scalar())
    assert length == 80_000


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_a_role_that_may_not_write_it_is_told_so(kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    server = request.getfixturevalue(kind)
    start(open_ledger(url), plan=replace(PLAN, pending=(PENDING[0],)))
    name = str(sa.engine.make_url(url).database)
    role = f"ledger reader {name}"
    server.create_role(role, "hunter22hunter22")
    if kind == "postgres":
        server.run_sql(f'GRANT USAGE ON SCHEMA ci_migrate TO "{role}"', name)
        server.run_sql(f'GRANT SELECT ON ALL TABLES IN SCHEMA ci_migrate TO "{role}"', name)
    else:
        server.run_sql(f"GRANT SELECT ON `{name}`.* TO `{role}`@`%`")
    ledger = open_ledger(server.tcp_url(name, role=role, password="hunter22hunter22"))
    assert len(ledger.unfinished_runs()) == 1, (
        "reading is enough for the environment that comes after"
    )
    with pytest.raises(LedgerError, match="cannot write the ledger") as error:
        start(ledger, "two", replace(PLAN, pending=(PENDING[0],)))
    assert "denied" in error.value.message
    grant = "GRANT INSERT, UPDATE ON ci_migrate.ci_migrate_ledger TO"
    assert (grant if kind == "postgres" else "ledger.schema") in (error.value.next_step or "")


def test_a_role_that_may_not_even_read_is_told_what_to_grant(
    postgres_url: str, request: pytest.FixtureRequest
) -> None:
    start(open_ledger(postgres_url))
    server = request.getfixturevalue("postgres")
    name = str(sa.engine.make_url(postgres_url).database)
    server.create_role("stranger", "hunter22hunter22")
    url = server.tcp_url(name, role="stranger", password="hunter22hunter22")
    with pytest.raises(LedgerError, match="cannot read the ledger") as error:
        open_ledger(url).runs(1)
    assert (error.value.next_step or "").startswith(
        "Let an administrator run: GRANT USAGE ON SCHEMA ci_migrate TO stranger; GRANT SELECT, INSERT, UPDATE ON"
    )


def test_autogenerate_of_the_project_does_not_see_it_on_postgresql(
    postgres_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    assert promote(project, postgres_url, backup="none").outcome == "promoted"
    assert open_ledger(postgres_url).exists()

    def differences(connection: Any) -> set[str]:
        context = MigrationContext.configure(connection)
        found = compare_metadata(context, sa.MetaData())
        return {item[1].name for item in found if item[0] == "remove_table"}

    assert open_database(postgres_url).run(differences) == set(project.situation.tables)


def test_texts_have_room_for_megabytes_on_mariadb(mariadb_url: str) -> None:
    open_ledger(mariadb_url).start_run(RUN, PLAN, BACKUP, {})
    kinds = open_database(mariadb_url).run(
        lambda c: c.exec_driver_sql(
            "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = DATABASE()"
            " AND table_name = 'ci_migrate_ledger' AND column_name IN ('source', 'detail', 'message')"
        ).fetchall()
    )
    assert [kind for (kind,) in kinds] == ["mediumtext"]


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_its_table_takes_every_letter_on_mariadb(mariadb_url: str, dialect: str) -> None:
    """Also where the database's own character set is a small one."""
    database = open_database(dialect + mariadb_url[mariadb_url.index("+") :])
    name = sa.engine.make_url(mariadb_url).database
    database.run(lambda c: c.exec_driver_sql(f"ALTER DATABASE {name} CHARACTER SET latin1"))
    Ledger(database, schema="x", environment="dev").start_run(RUN, PLAN, BACKUP, {})
    asked = f"SELECT table_collation FROM information_schema.tables WHERE table_schema = '{name}'"
    found = database.run(lambda c: c.exec_driver_sql(asked).scalar())
    assert str(found).startswith("utf8mb4")


def test_no_other_database_loads_what_is_for_mysql() -> None:
    program = (
        "import sys; from ci_migrate.database.ledger_table import ledger_table; ledger_table(None);"
        " sys.exit(any('dialects.mysql' in name for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
