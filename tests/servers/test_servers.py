"""The servers of the tests are what the tests believe them to be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from tests.processes import has_ended
from tests.servers.slack import Answer, SlackServer

pytestmark = pytest.mark.newest

ROOT = Path(__file__).resolve().parents[2]
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*dev*"}}

STARTED_AND_KILLED = """
import os, signal
from tests.servers.postgres import PostgresServer, find_postgres
server = PostgresServer(find_postgres(os.environ), driver="psycopg")
print(server.socket_dir, (server.socket_dir / "data/postmaster.pid").read_text().split()[0], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def text(words: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": words}


def name_of(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def ask(url: str, sql: str) -> object:
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return connection.execute(sa.text(sql)).scalar()


@pytest.mark.postgres
def test_postgres_databases_are_copies_of_their_template(postgres):
    template = postgres.create_database()
    postgres.run_sql("CREATE TABLE t AS SELECT 42 AS n", database=name_of(template))
    assert ask(postgres.create_database(name_of(template)), "SELECT n FROM t") == 42
    with pytest.raises(sa.exc.ProgrammingError):
        ask(postgres.create_database(), "SELECT n FROM t")


@pytest.mark.postgres
def test_postgres_asks_for_the_password_on_tcp_only(postgres):
    name = name_of(postgres.create_database())
    assert ask(postgres.url(name), "SELECT current_user") == "postgres"
    assert ask(postgres.tcp_url(name), "SELECT current_user") == "tester"
    with pytest.raises(sa.exc.OperationalError, match="password authentication failed"):
        ask(postgres.tcp_url(name, password="another"), "SELECT 1")


@pytest.mark.postgres
def test_postgres_ends_with_a_killed_test_run(postgres):
    done = subprocess.run(
        [sys.executable, "-c", STARTED_AND_KILLED],
        cwd=ROOT,
        env={**os.environ, "CI_MIGRATE_PG_BINDIR": str(postgres.bindir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder, pid = done.stdout.split()
    deadline = time.monotonic() + 20
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(folder).exists()
    assert has_ended(int(pid))


@pytest.mark.mariadb
def test_mariadb_asks_for_the_password_on_tcp_only(mariadb):
    name = name_of(mariadb.create_database())
    assert ask(mariadb.url(name), "SELECT current_user()") == "root@localhost"
    assert ask(mariadb.tcp_url(name), "SELECT current_user()") == "tester@%"
    for wrong in ({"password": "another"}, {"role": "root", "password": ""}):
        with pytest.raises(sa.exc.OperationalError, match="Access denied"):
            ask(mariadb.tcp_url(name, **wrong), "SELECT 1")


def test_every_kind_of_database_starts_empty(database_url):
    assert ask(database_url, "SELECT 1") == 1
    engine = sa.create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []


def post(url: str, body: bytes) -> tuple[int, str]:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_slack_takes_a_message_and_remembers_it(slack):
    message = {"text": "dev: promoted", "blocks": [SECTION, {"type": "divider"}]}
    assert post(slack.url, json.dumps(message).encode()) == (200, "ok")
    assert slack.messages == [message]


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ({"blocks": [SECTION]}, "no_text"),
        ({"text": " "}, "no_text"),
        ({"text": "a", "blocks": [{"type": "headline"}]}, "invalid_blocks"),
        ({"text": "a", "blocks": [SECTION] * 51}, "invalid_blocks"),
        ({"text": "a", "blocks": [{"type": "header", "text": SECTION["text"]}]}, "invalid_blocks"),
        (
            {"text": "a", "blocks": [{"type": "section", "text": text("b" * 3001)}]},
            "invalid_blocks",
        ),
        ({"text": "a", "blocks": [{"type": "section", "text": text("")}]}, "invalid_blocks"),
        ({"text": "a", "blocks": [{"type": "context", "elements": []}]}, "invalid_blocks"),
        (
            {"text": "a", "blocks": [{"type": "section", "text": text("b" * 2900)}] * 5},
            "msg_blocks_too_long",
        ),
        ({"text": "a", "attachments": [{"blocks": [{"type": "x"}]}]}, "invalid_blocks"),
        ([], "invalid_payload"),
    ],
)
def test_slack_refuses_what_the_real_one_refuses(message, word):
    slack = SlackServer()
    try:
        assert post(slack.url, json.dumps(message).encode()) == (400, word)
        assert len(slack.problems) == 1
    finally:
        slack.stop()


def test_slack_can_be_down(slack):
    slack.answers += [
        Answer(status=500, body="rollup_error"),
        Answer(status=429, headers={"Retry-After": "1"}),
    ]
    assert post(slack.url, b"{}") == (500, "rollup_error")
    assert post(slack.url, b"{}")[0] == 429
    assert post(slack.url, b'{"text": "hello"}') == (200, "ok")


def test_an_unknown_webhook_is_not_found(slack):
    assert post(slack.url.replace("T00000000", "T1"), b'{"text": "hello"}') == (404, "no_service")
