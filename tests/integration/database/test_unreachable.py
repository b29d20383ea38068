"""A database that cannot be reached: one message, exit 3, and no password in it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from ci_migrate.database.url import spell_url
from ci_migrate.errors import DatabaseUnreachableError, ExitCode
from tests.integration.database.drivers import DRIVERS, make_url, open_database
from tests.projects_builder import copy_project
from tests.promotion import environment, promote, run_tool, tool, write_config
from tests.servers.private_server import find_free_port

SERVER_DRIVERS = [name for name, kind in DRIVERS.items() if kind != "sqlite"]
PASSWORD = "p%40@ /+$'\"üß:#"


def spoil(url: str, what: str) -> str:
    """Return a URL with a wrong port, password, role or database."""
    parsed = sa.engine.make_url(url)
    changes = {
        "port": {"port": find_free_port()},
        "password": {"password": PASSWORD},
        "role": {"username": "nobody", "password": PASSWORD},
        "database": {"database": "no_such_database"},
        "host": {"host": "127.0.0.1", "port": 1, "password": PASSWORD},
    }
    return spell_url(parsed.set(**changes[what]))  # type: ignore[arg-type]


@pytest.mark.parametrize("what", ["port", "password", "role", "database"])
@pytest.mark.parametrize("driver", SERVER_DRIVERS)
def test_the_message_names_the_place_and_no_password(
    what: str, driver: str, request: pytest.FixtureRequest
) -> None:
    url = spoil(make_url(request, driver, tcp=True), what)
    database = open_database(url)
    with pytest.raises(DatabaseUnreachableError) as error:
        database.run(lambda connection: connection)
    told = f"{error.value.message} {error.value.next_step}"
    assert error.value.exit_code is ExitCode.BLOCKED
    assert f"cannot connect to {database.address.database} on 127.0.0.1: " in told
    for secret in (PASSWORD, quote(PASSWORD, safe=""), str(sa.engine.make_url(url).password)):
        assert secret not in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("what", ["port", "password"])
def test_promote_ends_with_3_as_the_gate_connection(
    what: str, postgres_url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    del postgres_url
    driver = "psycopg2" if sa.__version__.startswith("1.") else "psycopg"
    url = spoil(make_url(request, driver, tcp=True), what)
    project = copy_project("linear", tmp_path / "work")
    ran = promote(project, url)
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    (gate,) = (gate for gate in ran.result["gates"] if gate["outcome"] == "failed")
    assert gate["name"] == "connection"
    assert "127.0.0.1" in gate["message"]
    for secret in (PASSWORD, quote(PASSWORD, safe=""), url):
        assert secret not in ran.output + str(ran.result)
    assert not (project.path / ".ci-migrate").exists()


def test_a_read_only_role_is_told_what_to_grant(
    postgres_url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """And the statement really helps."""
    postgres = request.getfixturevalue("postgres")
    name = str(sa.engine.make_url(postgres_url).database)
    role = f"reader of {name}"
    postgres.create_role(role, PASSWORD)
    postgres.run_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC", name)
    url = postgres.tcp_url(name, role=role, password=PASSWORD)
    project = copy_project("linear", tmp_path / "work")

    for step in ("public", "ledger"):
        ran = promote(project, url, backup="none")
        assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
        (gate,) = (gate for gate in ran.result["gates"] if gate["outcome"] == "failed")
        assert gate["name"] == "connection"
        assert ("schema public" in gate["message"]) == (step == "public")
        lines = gate["next"].replace("Let an administrator run: ", "").splitlines()
        postgres.run_sql(lines[0], name)
    ran = promote(project, url, backup="none")
    assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output


def test_a_ledger_goes_into_a_schema_that_exists(
    postgres_url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    from tests.promotion import run_tool, write_config

    postgres = request.getfixturevalue("postgres")
    name = str(sa.engine.make_url(postgres_url).database)
    role = f"writer of {name}"
    postgres.create_role(role, PASSWORD)
    postgres.run_sql(
        f'CREATE SCHEMA "Audit %"; GRANT ALL ON SCHEMA "Audit %", public TO "{role}"', name
    )
    project = copy_project("linear", tmp_path / "work")
    environments = {"dev": {"url": "${CIM_URL}", "backup": "none"}}
    write_config(project, environments, ledger={"schema": "Audit %"})
    url = postgres.tcp_url(name, role=role, password=PASSWORD)
    ran = run_tool(project.path, "promote", "--environment", "dev", env={"CIM_URL": url})
    assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
    count = postgres.run_sql('SELECT count(*) FROM "Audit %".ci_migrate_ledger', name)
    assert count.strip() == "4"


@pytest.mark.parametrize("command", ["plan", "promote"])
def test_a_sqlite_file_in_a_folder_that_does_not_exist_is_unreachable(
    command: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    place = tmp_path / "missing" / "app.db"
    write_config(project, {"dev": {"url": f"sqlite:///{place}"}})
    ran = run_tool(project.path, command, "--environment", "dev")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    (gate,) = (gate for gate in ran.result["gates"] if gate["outcome"] == "failed")
    assert gate["name"] == "connection"
    assert str(place) in gate["message"]
    assert "folder" in gate["next"]
    status = subprocess.run(
        [*tool(), "status"], cwd=project.path, env=environment(), capture_output=True, text=True
    )
    assert "cannot be asked" in status.stdout
    assert not place.parent.exists()


def test_a_plan_does_not_say_that_nothing_is_pending_when_it_could_not_look(tmp_path: Path) -> None:
    project = copy_project("linear", tmp_path / "work")
    write_config(project, {"dev": {"url": f"sqlite:///{tmp_path / 'missing' / 'app.db'}"}})
    ran = run_tool(project.path, "plan", "--environment", "dev")
    lines = dict(line.split(maxsplit=1) for line in ran.output.splitlines() if " " in line)
    assert lines["current"] == lines["pending"] == "not known, the database was not asked"


def test_a_role_that_may_not_read_the_version_rows_is_told_what_to_ask_for(
    postgres_url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    postgres = request.getfixturevalue("postgres")
    name = str(sa.engine.make_url(postgres_url).database)
    postgres.create_role(f"stranger of {name}", PASSWORD)
    postgres.run_sql("CREATE TABLE alembic_version (version_num varchar(32))", name)
    url = postgres.tcp_url(name, role=f"stranger of {name}", password=PASSWORD)
    ran = promote(copy_project("linear", tmp_path / "work"), url)
    assert "permission denied for table alembic_version" in ran.result["error"]["message"]
    assert "alembic_version" in ran.result["error"]["next"]
    plan = run_tool(tmp_path / "work", "plan", "--environment", "dev", env={"CIM_URL": url})
    assert plan.exit_code == ran.exit_code
    assert "alembic_version" in plan.result["error"]["next"], plan.output
