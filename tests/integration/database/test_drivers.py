"""The parent's connections through every driver: work, transactions, lock, ledger, snapshot."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ci_migrate.database.catalog import list_tables, read_server_version, take_snapshot
from ci_migrate.database.challenge import answer_challenge
from ci_migrate.database.identity import publish_challenge
from ci_migrate.database.lock import hold_lock
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.models import Outcome, Plan
from tests.integration.database.drivers import DRIVERS, make_url, open_database
from tests.projects_builder import copy_project
from tests.promotion import promote, run_tool, write_config
from tests.unit.report.samples import PENDING, make_promotion

if TYPE_CHECKING:
    import sqlalchemy as sa


class BoomError(Exception):
    """A failure in the middle of a transaction."""


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("driver", DRIVERS)
def test_everything_the_parent_does(
    driver: str, tcp: bool, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    database = open_database(make_url(request, driver, tcp=tcp))
    plan = Plan(current=(), target=("bbbb2222",), pending=PENDING)

    def create(connection: sa.engine.Connection) -> None:
        connection.exec_driver_sql(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"
        )
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('bbbb2222')")

    def fail(connection: sa.engine.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('lost')")
        raise BoomError

    assert read_version_rows(database, "alembic_version", None).table_exists is False
    with hold_lock(database, owner="me", wait=5, tell=print) as lock:
        assert lock.is_held()
        database.run(create)
        with pytest.raises(BoomError):
            database.run_in_transaction(fail)
        assert read_version_rows(database, "alembic_version", None).rows == ("bbbb2222",)
        assert list_tables(database)[0][1] == "alembic_version"
        assert take_snapshot(database, without=()).facts
        assert read_server_version(database)[1] >= 3
        ledger = Ledger(database, schema="ci_migrate", environment="dev")
        promotion = make_promotion(Outcome.PROMOTED)
        ledger.start_run(promotion.run, plan, None, {})
        ledger.finish_run(
            promotion, {"aaaa1111", "bbbb2222"}, datetime.now(timezone.utc).isoformat()
        )
        assert set(ledger.evidence()) == {"aaaa1111", "bbbb2222"}
        with database.session() as session:
            challenge = publish_challenge(database, session)
            assert database.run(lambda connection: answer_challenge(connection, challenge))


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_a_connection_has_our_name(driver: str, request: pytest.FixtureRequest) -> None:
    database = open_database(make_url(request, driver), name="ci-migrate run 7")
    shown = database.run(lambda c: c.exec_driver_sql("SHOW application_name").scalar())
    assert shown == "ci-migrate run 7"


BLOCKED = ("psycopg", "psycopg2", "pg8000")
BLOCK = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
"""


@pytest.fixture
def only_async(tmp_path: Path) -> dict[str, str]:
    """Variables under which a Python has no synchronous driver for PostgreSQL."""
    folder = tmp_path / "blocked"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BLOCK, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    env = {"PYTHONPATH": path}
    for name in ("psycopg", "psycopg2"):
        done = subprocess.run(
            [sys.executable, "-c", f"import {name}"], env=env, capture_output=True
        )
        assert b"ModuleNotFoundError" in done.stderr, "the block works"
    return env


@pytest.mark.parametrize("scheme", ["postgresql+asyncpg", "postgresql"])
def test_promote_with_only_an_async_driver(
    scheme: str, postgres_url: str, tmp_path: Path, only_async: dict[str, str]
) -> None:
    project = copy_project("async_env", tmp_path / "work")
    url = scheme + "://" + postgres_url.partition("://")[2]
    migrations = dict(project.situation.migrations)
    write_config(project, {"dev": {"url": "${CIM_URL}"}}, migrations=migrations)
    ran = run_tool(
        project.path, "promote", "--environment", "dev", env={**only_async, "CIM_URL": url}
    )
    assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
    assert ran.result["backup"]["backend"] == "postgres"
    again = run_tool(
        project.path, "promote", "--environment", "dev", env={**only_async, "CIM_URL": url}
    )
    assert again.outcome == "nothing-to-do", again.output


def test_without_any_driver_it_says_which_to_install(
    postgres_url: str, tmp_path: Path, only_async: dict[str, str]
) -> None:
    block = Path(only_async["PYTHONPATH"].split(os.pathsep)[0]) / "sitecustomize.py"
    block.write_text(BLOCK.replace("'pg8000'", "'pg8000', 'asyncpg'"), encoding="utf-8")
    project = copy_project("linear", tmp_path / "work")
    write_config(project, {"dev": {"url": "${CIM_URL}"}})
    url = "postgresql://" + postgres_url.partition("://")[2]
    ran = run_tool(
        project.path, "promote", "--environment", "dev", env={**only_async, "CIM_URL": url}
    )
    assert ran.exit_code == 2, ran.output
    assert "no driver for 'postgresql' is installed" in ran.output
    assert "psycopg[binary]" in ran.output


def test_promote_through_aiosqlite(sqlite_url: str, tmp_path: Path) -> None:
    project = copy_project("async_env", tmp_path / "work")
    ran = promote(project, sqlite_url.replace("sqlite:", "sqlite+aiosqlite:"))
    assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
