"""Who may restore, with which key, and into which database."""

from __future__ import annotations

import json
from pathlib import Path

import pyrage
import pytest

from tests.integration.promote.database import query, read_tables, run_statements
from tests.integration.restore.asking import restore, say
from tests.projects_builder import Project, copy_project
from tests.promotion import promote, type_at_terminal
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.newest
ROW = "INSERT INTO users (email, full_name) VALUES ('ada@example.com', 'Ada')"
PEOPLE = "SELECT id, email, full_name FROM users ORDER BY id"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return copy_project("linear", tmp_path / "work")


def test_the_name_is_typed_at_a_terminal(project: Project, sqlite_url: str) -> None:
    assert promote(project, sqlite_url).outcome == "promoted"
    run_statements(sqlite_url, ["CREATE TABLE later (id integer)"])
    argv = ("backup", "restore", "--environment", "dev")
    for typed, code in (("prod", 3), ("\x04", 3), ("dev", 0)):
        done, output = type_at_terminal(project.path, typed, *argv, env={"CIM_URL": sqlite_url})
        assert done == code, output
        assert "Type dev to replace its database" in output
        assert ("later" in read_tables(sqlite_url)) is (code != 0)


@pytest.mark.parametrize("event", ["push", "pull_request", "schedule", "workflow_dispatch"])
def test_only_a_person_starts_a_restore(
    event: str, project: Project, sqlite_url: str, tmp_path: Path
) -> None:
    assert promote(project, sqlite_url).outcome == "promoted"
    run_statements(sqlite_url, ["CREATE TABLE later (id integer)"])
    file = tmp_path / "event.json"
    file.write_text(json.dumps({"ref": "refs/heads/main"}), "utf-8")
    ran = restore(
        project,
        sqlite_url,
        *("--confirm", "dev"),
        GITHUB_ACTIONS="true",
        GITHUB_EVENT_NAME=event,
        GITHUB_EVENT_PATH=str(file),
        GITHUB_REF="refs/heads/main",
    )
    if event == "workflow_dispatch":
        assert (ran.exit_code, ran.outcome) == (0, "restored"), ran.output
        return
    assert ran.exit_code == 2, ran.output
    assert event in ran.output
    assert "later" in read_tables(sqlite_url)


@pytest.mark.parametrize("place", ["variable", "file"])
def test_an_encrypted_backup_needs_its_identity_before_anything_is_done(
    place: str, project: Project, sqlite_url: str
) -> None:
    identity = pyrage.x25519.Identity.generate()
    key = project.path / "key.txt"
    backup = {"encrypt_to": str(identity.to_public())}
    backup |= {"identity_env": "AGE_KEY"} if place == "variable" else {"identity_file": "key.txt"}
    key.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    assert promote(project, sqlite_url, backup=backup).outcome == "promoted"
    run_statements(sqlite_url, ["CREATE TABLE later (id integer)"])
    taken = len(list((project.path / ".ci-migrate/backups").glob("*.age")))

    wrong = {"AGE_KEY": key.read_text()}
    code, output = say(project, sqlite_url, "backup", "verify", **wrong)
    assert (code, "BAD " in output) == (4, True), output
    for env in ({}, wrong) if place == "variable" else (wrong,):
        ran = restore(project, sqlite_url, "--confirm", "dev", **env)
        assert (ran.exit_code, ran.outcome) == (4, "failed"), ran.output
        assert ran.result["error"]["stage"] == "prove"
        assert len(list((project.path / ".ci-migrate/backups").glob("*.age"))) == taken
    if place == "variable":
        code, output = say(project, sqlite_url, "backup", "verify")
        assert (code, "not decrypted, no identity was given" in output) == (0, True), output

    key.write_text(f"# made today\n{identity}\n")
    right = {"AGE_KEY": key.read_text()}
    code, output = say(project, sqlite_url, "backup", "verify", **right)
    assert (code, "), decrypted, checksums re-read" in output) == (0, True), output
    ran = restore(project, sqlite_url, "--confirm", "dev", **right)
    assert (ran.exit_code, ran.outcome) == (0, "restored"), ran.output
    assert "later" not in read_tables(sqlite_url)
    assert str(identity) not in ran.output


@pytest.mark.slow_on("mariadb")
@pytest.mark.parametrize("kind", ["postgres", "mariadb", "sqlite"])
def test_another_database_takes_it(
    kind: str, project: Project, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    assert promote(project, url).outcome == "promoted"
    run_statements(url, [ROW])
    assert say(project, url, "backup", "take")[0] == 0
    other = f"sqlite:///{tmp_path}/other.db"
    if kind != "sqlite":
        server: PostgresServer | MariadbServer = request.getfixturevalue(kind)
        other = server.create_database()
    before = read_tables(url)
    ran = restore(project, url, "--into", "${OTHER}", OTHER=other)
    assert (ran.exit_code, ran.outcome) == (0, "restored"), ran.output
    assert query(other, PEOPLE) == query(url, PEOPLE) != []
    assert read_tables(url) == before
    assert "version rows" in ran.output
    assert restore(project, url, "--into", other).exit_code == 2, "it is not empty any more"


@pytest.mark.slow
def test_owners_that_the_other_server_lacks_are_left_out(
    postgres: PostgresServer, postgres_url: str, project: Project
) -> None:
    assert promote(project, postgres_url).outcome == "promoted"
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    role = f"lacking_{name}"[:60]
    postgres.run_sql(f"CREATE ROLE {role}; ALTER TABLE users OWNER TO {role}", name)
    assert say(project, postgres_url, "backup", "take")[0] == 0
    postgres.run_sql(f"REASSIGN OWNED BY {role} TO postgres; DROP ROLE {role}", name)
    ran = restore(project, postgres_url, "--into", postgres.create_database())
    assert ran.exit_code != 0, ran.output
    assert role in ran.output
    other = postgres.create_database()
    ran = restore(project, postgres_url, "--into", other, "--no-owner")
    assert (ran.exit_code, ran.outcome) == (0, "restored"), ran.output
    assert query(other, PEOPLE) == query(postgres_url, PEOPLE)
