"""What a server tells of strangers: its errors, notices, rows, names of sessions, tables and databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from tests.faults.hostile import STRANGER
from tests.faults.hostile_shop import ID, LINES, NAME, TABLE, HostileShop, build_hostile_shop
from tests.integration.promote.database import run_statements
from tests.servers.postgres import PostgresServer
from tests.servers.slack import SlackServer

pytestmark = pytest.mark.faults
DEV = ("--environment", "dev")
SURE = (*DEV, "--confirm", "dev")
NEXT = "##[next]no $(touch x)"
SAID = """
text = words.replace(chr(0), "").replace("'", "''").replace("%", "%%")
op.get_bind().exec_driver_sql(
    f"DO $do$ BEGIN RAISE WARNING USING MESSAGE = '{{text}}', DETAIL = '{{text}}';"
    f" RAISE EXCEPTION USING MESSAGE = '{{text}}', DETAIL = '{{text}}', HINT = '{{text}}'; END $do$"
)
"""
SYNTAX = """
op.get_bind().exec_driver_sql(words.replace(chr(0), "").replace("%", "%%"))
"""
WAITS = """
op.add_column("users", sa.Column("waits", sa.Integer()))
"""


@pytest.fixture
def shop(tmp_path: Path, postgres_url: str, slack: SlackServer) -> HostileShop:
    settings = {"lock_timeout": "6s", "lock_retries": 0, "gates": {"health": "warn"}}
    shop = build_hostile_shop(tmp_path, postgres_url, **settings)
    return replace(shop, slack=slack)


def test_what_has_gone_well(shop: HostileShop) -> None:
    for argv in (("status",), ("history", *DEV), ("plan", *DEV), ("backup", "list", *DEV)):
        assert shop.run(*argv).code == 0
        assert shop.run(*argv, "--json", "-").code == 0
    assert shop.run("rollback", *DEV, "--advise").code == 0
    assert shop.run("rollback", *SURE, "--json", "-").code == 0
    assert shop.run("backup", "restore", *SURE, "--json", "-").code == 0


@pytest.mark.parametrize("upgrade", [SAID, SYNTAX], ids=["raised", "syntax"])
def test_an_error_of_the_server(shop: HostileShop, upgrade: str) -> None:
    shop.add(NEXT, ID, upgrade)
    step = shop.run("promote", *DEV, "--json", "-")
    assert step.code == 5, step.output
    assert ("octocat" in step.result["error"]["message"]) == (upgrade == SAID)
    assert shop.run("history", *DEV).code == 0
    assert shop.run("history", *DEV, "--json", "-").code == 0
    assert shop.run("status").code == 0


def test_revisions_that_lost_their_files(shop: HostileShop) -> None:
    (applied,) = (shop.path / "migrations/versions").glob("*##*")
    applied.unlink()
    for argv in (("plan", *DEV), ("promote", *DEV)):
        assert shop.run(*argv).code == 3
    assert shop.run("recover", *DEV, "--dry-run").code == 0
    assert shop.run("recover", *SURE, "--json", "-").code == 0


def test_rows_and_tables_of_strangers(shop: HostileShop) -> None:
    row = "##[error]no\n::error::no\n'||'".replace("'", "''")
    run_statements(shop.url, [f"INSERT INTO alembic_version VALUES ('{row}')"])
    for argv in (("plan", *DEV), ("promote", *DEV), ("rollback", *SURE), ("recover", *SURE)):
        assert shop.run(*argv, "--json", "-").code == 3
    assert shop.run("status").code == 0
    assert shop.run("rollback", *DEV, "--advise").code in {0, 3}
    table = TABLE.replace('"', '""')
    run_statements(shop.url, ["DROP TABLE alembic_version", f'CREATE TABLE "{table}" (id int)'])
    run_statements(shop.url, ["DROP SCHEMA ci_migrate CASCADE"])
    assert shop.run("adopt", *DEV, "--json", "-").code == 3


@contextmanager
def stranger_at(url: str) -> Iterator[None]:
    """Hold a table in a session whose name and statement are a stranger's."""
    name = quote("##[error]no ::error::no <!channel>", safe="")
    engine = sa.create_engine(f"{url}&application_name={name}", poolclass=NullPool)
    with engine.begin() as connection:
        words = STRANGER.replace("*", "-").replace("\x00", "").replace("%", "%%")
        connection.exec_driver_sql(f"/* {words} */ LOCK TABLE users IN ACCESS SHARE MODE")
        yield


def test_a_session_in_the_way(shop: HostileShop) -> None:
    shop.add(NEXT, ID, WAITS)
    with stranger_at(shop.url):
        step = shop.promote()
    assert step.code == 5, step.output
    assert "app=# #[error]no" in step.output


@pytest.mark.parametrize("name", [NAME, LINES], ids=["one line", "lines"])
def test_a_database_that_is_not_there(
    shop: HostileShop, postgres: PostgresServer, name: str
) -> None:
    missing = replace(shop, env={"SHOP_URL": postgres.url(quote(name, safe=""))})
    for argv in (("promote", *DEV), ("plan", *DEV), ("rollback", *SURE), ("adopt", *DEV)):
        assert missing.run(*argv, "--json", "-").code in {2, 3, 5, 8}
    assert missing.run("history", *DEV).code in {2, 3, 5, 8}
    assert missing.run("status").code == 0
