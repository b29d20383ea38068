"""Backups by commands of the user's own: taken, proved, listed, restored and removed like any other."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.backup.backup_samples import VAULT, vault_environment
from tests.integration.promote.database import query, read_tables, run_statements
from tests.processes import has_ended
from tests.projects_builder import Project, copy_project
from tests.projects_changes import add_revision
from tests.promotion import Ran, environment, run_tool, say, tool, write_config
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.newest
COMMANDS = {name: [str(VAULT), name] for name in ("take", "verify", "restore", "delete")}
TOKEN = "tok/en-of+the cloud"


class Place:
    """A project with one environment, and a vault for its snapshots."""

    def __init__(self, folder: Path, url: str) -> None:
        self.project: Project = copy_project("linear", folder / "work")
        self.url, self.folder = url, folder
        self.variables = vault_environment(folder / "out") | {"CIM_URL": url, "TOKEN": TOKEN}

    @property
    def vault(self) -> list[str]:
        """Names of the snapshots, and what lies beside them."""
        return sorted(path.name for path in (self.folder / "out-vault").iterdir())

    @property
    def store(self) -> Path:
        return self.project.path / ".ci-migrate/backups"

    def configure(self, backup: dict[str, Any] | None = None, **more: Any) -> None:
        """Write the configuration; `backup` replaces keys of the commands' section."""
        command = {**COMMANDS, **(backup or {})}
        command = {key: value for key, value in command.items() if value is not None}
        settings = {"backend": "command", "command": command, **more.pop("settings", {})}
        write_config(self.project, {"dev": {"url": "${CIM_URL}", "backup": settings, **more}})

    def script(self, text: str) -> list[str]:
        """Return the argv of a script of the project."""
        path = self.project.path / "ops"
        path.mkdir(exist_ok=True)
        program = path / f"script-{len(list(path.iterdir()))}"
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        return [f"ops/{program.name}"]

    def run(self, command: str, *arguments: str) -> Ran:
        return run_tool(
            self.project.path, command, "--environment", "dev", *arguments, env=self.variables
        )

    def say(self, *arguments: str) -> tuple[int, str]:
        """Run a command that may have no JSON result."""
        argv = [*arguments, "--environment", "dev"]
        return say(self.project.path, *argv, env=self.variables)


@pytest.fixture
def place(sqlite_url: str, tmp_path: Path) -> Place:
    """Return a place on SQLite that is at its head."""
    place = Place(tmp_path, sqlite_url)
    place.configure()
    assert place.run("promote").outcome == "promoted"
    return place


def database(place: Place) -> bytes:
    return Path(place.url.removeprefix("sqlite:///")).read_bytes()


@pytest.mark.slow_on("mariadb", "sqlite")
def test_a_bad_release_is_taken_back(database_url: str, tmp_path: Path) -> None:
    place = Place(tmp_path, database_url)
    place.configure(settings={"keep": 2})
    first = place.run("promote")
    assert first.outcome == "promoted", first.output
    run_statements(
        database_url,
        [f"INSERT INTO users (email, full_name) VALUES ('{n}@e.com', 'x')" for n in range(9)],
    )
    rows, tables = query(database_url, "SELECT * FROM users ORDER BY id"), read_tables(database_url)
    add_revision(
        place.project,
        "badc0ffee000",
        upgrade='op.execute("DELETE FROM users")\nop.create_table("junk", sa.Column("id", sa.Integer()))',
    )
    bad = place.run("promote")
    assert bad.outcome == "promoted", bad.output
    backup = bad.result["backup"]
    name = Path(backup["location"]).stem
    assert backup["backend"] == "command"
    assert backup["verified"] == (
        f"snapshot {name} is good by `verify` (sum of the copy), checksum re-read"
    )
    assert Path(backup["location"]).read_text() == f"{name}\n"
    assert query(database_url, "SELECT * FROM users") == []

    code, output = place.say("backup", "list")
    assert code == 0, output
    assert f"command: snapshot {name} is good" in output
    code, output = place.say("backup", "verify")
    assert (code, "good" in output) == (0, True), output

    target = place.folder / "restored.json"
    code, output = place.say("backup", "restore", "--json", str(target), "--confirm", "dev", name)
    assert code == 0, output
    assert json.loads(target.read_text())["outcome"] == "restored"
    assert query(database_url, "SELECT * FROM users ORDER BY id") == rows
    assert read_tables(database_url) == tables
    code, output = place.say("ledger", "reconcile")
    assert code == 0, output

    again = place.run(
        "promote"
    )  # and the fourth backup lets the first two go, with their snapshots
    assert again.outcome == "promoted", again.output
    kept = sorted(path.stem for path in place.store.glob("*.snapshot"))
    assert len(kept) == 2
    assert [item for item in place.vault if "." not in item] == kept


FAILING_TAKES = {
    "echo making it; echo 'no such token: '$TOKEN >&2; exit 3": "exit code 3",
    "true": "it is empty",
    "echo one; echo two": "it printed 2 lines",
    'echo "snap $TOKEN"': "a secret is in it",
    "echo -rf": "begins with `-`",
    "sleep 60": "longer than 1 s",
}


@pytest.mark.slow
def test_a_take_that_fails_stops_the_run_before_anything(place: Place) -> None:
    add_revision(place.project, "1dd1dd1dd1dd")
    before, vault, store = database(place), place.vault, sorted(place.store.iterdir())
    for script, message in FAILING_TAKES.items():
        place.configure({"take": place.script(script), "timeout": "1s", "secrets": ["TOKEN"]})
        ran = place.run("promote")
        assert (ran.outcome, ran.exit_code) == ("failed", 4), ran.output
        assert ran.result["error"]["stage"] == "backup"
        assert message in ran.result["error"]["message"]
        assert ran.result["error"]["next"]
        assert TOKEN not in ran.output + json.dumps(ran.result)
        assert database(place) == before
        assert (place.vault, sorted(place.store.iterdir())) == (vault, store)


@pytest.mark.slow
def test_a_snapshot_that_is_not_proved_is_removed_again(place: Place) -> None:
    add_revision(place.project, "1dd1dd1dd1dd")
    place.configure({"verify": place.script("echo 'pages 7 to 9 differ' >&2; exit 1")})
    before, vault, store = database(place), place.vault, sorted(place.store.iterdir())
    ran = place.run("promote")
    assert (ran.outcome, ran.exit_code) == ("failed", 4), ran.output
    assert "`backup.command.verify` failed for the snapshot dev-" in ran.result["error"]["message"]
    assert "pages 7 to 9 differ" in ran.result["error"]["message"]
    assert database(place) == before
    assert (place.vault, sorted(place.store.iterdir())) == (vault, store)

    failing = place.script("echo 'the vault is closed' >&2; exit 9")
    place.configure({"verify": failing, "delete": failing})
    ran = place.run("promote")
    assert "its snapshot dev-" in ran.result["error"]["message"], ran.output
    assert "`backup.command.delete` failed" in ran.result["error"]["message"]
    assert len(place.vault) > len(vault)


@pytest.mark.slow
def test_a_program_that_is_missing_is_found_before_anything(place: Place) -> None:
    add_revision(place.project, "1dd1dd1dd1dd")
    vault = place.vault
    for action in COMMANDS:
        place.configure({action: ["ops/nowhere" if action == "take" else "no-such-program"]})
        ran = place.run("promote")
        assert (ran.exit_code, ran.result["error"]["kind"]) == (4, "backup-tool"), ran.output
        assert f"backup.command.{action}" in ran.result["error"]["message"]
        assert place.vault == vault


@pytest.mark.slow
def test_what_a_command_finds_in_its_environment(place: Place) -> None:
    seen = place.folder / "seen"
    seen.mkdir()
    tell = f"env >{seen}/$1; pwd >>{seen}/$1; exec {VAULT}"
    script = place.script(tell)
    place.configure({name: [*script, name] for name in COMMANDS}, settings={"keep": 1})
    place.variables |= {"CI_MIGRATE_GITHUB_TOKEN": "ours", "CI_MIGRATE_SNAPSHOT": "forged"}
    add_revision(place.project, "1dd1dd1dd1dd")
    ran = place.run("promote")
    assert ran.outcome == "promoted", ran.output
    code, output = place.say("backup", "restore", "--confirm", "dev")
    assert code == 0, output

    name = Path(ran.result["backup"]["location"]).stem
    file = place.url.removeprefix("sqlite:///")
    found = {path.name: path.read_text().splitlines() for path in seen.iterdir()}
    assert set(found) == set(COMMANDS)
    for action, lines in found.items():
        assert f"CI_MIGRATE_ACTION={action}" in lines
        assert "CI_MIGRATE_ENVIRONMENT=dev" in lines
        assert f"CI_MIGRATE_DATABASE_NAME={file}" in lines
        assert "CI_MIGRATE_DATABASE_KIND=sqlite" in lines
        assert f"TOKEN={TOKEN}" in lines
        assert lines[-1] == str(place.project.path)
        assert not [line for line in lines if "GITHUB_TOKEN" in line or "forged" in line]
    restored = found["restore"]
    assert f"CI_MIGRATE_SNAPSHOT={name}" in restored
    assert f"CI_MIGRATE_BACKUP={name}" in restored
    assert f"CI_MIGRATE_RUN_ID={ran.result['run']['id']}" in restored
    assert f"CI_MIGRATE_HEADS={' '.join(ran.result['from'])}" in restored
    assert f"CI_MIGRATE_DATABASE_URL={place.url}" in restored
    assert "CI_MIGRATE_TARGET=environment" in restored


@pytest.mark.slow
def test_a_restore_may_end_every_connection(postgres_url: str, tmp_path: Path) -> None:
    place = Place(tmp_path, postgres_url)
    others = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    end = f'psql -qAt -c "{others}" | grep -qv "^0"'
    place.configure({"restore": place.script(f"{end} && exec {VAULT}")})
    assert place.run("promote").outcome == "promoted"
    assert place.say("backup", "take")[0] == 0
    run_statements(postgres_url, ["DELETE FROM users"])
    code, output = place.say("backup", "restore", "--confirm", "dev")
    assert code == 0, output
    assert len(query(postgres_url, "SELECT * FROM users")) == 1


@pytest.mark.slow
def test_a_snapshot_is_brought_into_another_database(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    place = Place(tmp_path, postgres_url)
    seen = tmp_path / "seen"
    place.configure({"restore": place.script(f"env >{seen}; exec {VAULT}")})
    assert place.run("promote").outcome == "promoted"
    assert place.say("backup", "take")[0] == 0
    other = postgres.create_database()
    before = query(postgres_url, "SELECT * FROM users")
    code, output = place.say("backup", "restore", "--into", other)
    assert code == 0, output
    assert query(other, "SELECT * FROM users") == before != []
    lines = seen.read_text().splitlines()
    name = other.partition("?")[0].rpartition("/")[2]
    assert {"CI_MIGRATE_TARGET=other", f"CI_MIGRATE_DATABASE_NAME={name}"} <= set(lines)


@pytest.mark.slow
def test_without_a_restore_command_the_instructions_are_told(place: Place) -> None:
    place.configure({"restore": None})
    code, output = place.say("backup", "take")
    assert code == 0, output
    before, count = database(place), len(list(place.store.iterdir()))
    code, output = place.say("backup", "restore", "--confirm", "dev")
    assert code == 4, output
    assert "has no `restore`" in output
    assert "Bring the snapshot dev-" in output
    assert "ledger reconcile --environment dev" in output
    assert database(place) == before
    assert len(list(place.store.iterdir())) == count, "no further backup was taken"


@pytest.mark.slow
def test_a_restore_that_fails_says_where_the_state_of_before_is(place: Place) -> None:
    code, output = place.say("backup", "take")
    assert code == 0, output
    place.configure({"restore": place.script("echo 'no such volume' >&2; exit 5")})
    target = place.folder / "restored.json"
    code, output = place.say("backup", "restore", "--json", str(target), "--confirm", "dev")
    assert code == 6, output  # nobody has seen what the command did
    error = json.loads(target.read_text())["error"]
    assert "no such volume" in error["message"]
    assert "The state of before is in" in error["next"]


@pytest.mark.slow
@pytest.mark.slow_on("mariadb", "postgres")
def test_a_snapshot_can_be_restored_for_trial_and_rehearsed_on(
    database_url: str, tmp_path: Path
) -> None:
    place = Place(tmp_path, database_url)
    place.configure(rehearse=True)
    ran = place.run("promote")
    assert ran.outcome == "promoted", ran.output
    add_revision(place.project, "1dd1dd1dd1dd")
    ran = place.run("promote")
    assert ran.outcome == "promoted", ran.output
    assert "their rows and sequences equal" in ran.result["backup"]["verified"]
    assert ran.result["rehearsal"]["outcome"] == "passed"


@pytest.mark.slow
def test_rows_written_while_a_snapshot_is_taken_are_no_difference(
    postgres_url: str, tmp_path: Path
) -> None:
    place = Place(tmp_path, postgres_url)
    place.configure()
    assert place.run("promote").outcome == "promoted"
    write = "INSERT INTO users (email, full_name) VALUES ('late@e.com', 'x')"
    script = place.script(f'psql -qc "{write}"; exec {VAULT}')
    place.configure({"take": script}, settings={"prove": "restore"})
    add_revision(place.project, "1dd1dd1dd1dd")
    ran = place.run("promote")
    assert ran.outcome == "promoted", ran.output
    assert "but for the rows of public.users, written meanwhile" in ran.result["backup"]["verified"]


@pytest.mark.slow
def test_a_snapshot_without_rows_is_found_by_a_restore_and_does_not_stay(place: Place) -> None:
    run_statements(place.url, ["INSERT INTO users (email, full_name) VALUES ('a@e.com', 'x')"])
    # A snapshot system that forgets rows, which nothing but a restore shows.
    script = place.script(
        f"{VAULT} >/dev/null; python -c \"import sqlite3, os; d = sqlite3.connect(os.environ['VAULT'] + '/' "
        "+ os.environ['CI_MIGRATE_BACKUP']); d.execute('DELETE FROM users'); d.commit()\"; echo $CI_MIGRATE_BACKUP"
    )
    place.configure({"take": script, "verify": ["true"]}, settings={"prove": "restore"})
    add_revision(place.project, "1dd1dd1dd1dd")
    vault, store = place.vault, sorted(place.store.iterdir())
    ran = place.run("promote")
    assert (ran.outcome, ran.exit_code) == ("failed", 4), ran.output
    assert "users has 0 rows instead of 2" in ran.result["error"]["message"]
    assert (place.vault, sorted(place.store.iterdir())) == (vault, store)


@pytest.mark.slow_on("verify", "restore")
@pytest.mark.parametrize("action", ["take", "verify", "restore"])
def test_a_stop_ends_the_command_in_time(place: Place, action: str) -> None:
    add_revision(place.project, "1dd1dd1dd1dd")
    argv = ["promote"]
    if action == "restore":
        argv = ["backup", "restore", "--confirm", "dev"]
        assert place.say("backup", "take")[0] == 0
    pid = place.folder / "pid"
    place.configure({action: place.script(f"trap '' TERM INT; echo $$ >{pid}; sleep 300")})
    before, store = database(place), sorted(place.store.iterdir())
    process = subprocess.Popen(
        [*tool(), *argv, "--environment", "dev"],
        cwd=place.project.path,
        env=environment(place.variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 60
    while not (pid.exists() and pid.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    number, started = int(pid.read_text()), time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - started < 10, output
    assert process.returncode == (6 if action == "restore" else 130), output
    assert has_ended(number)
    if action != "restore":  # which has written to the ledger, and backed up the state of before
        assert database(place) == before
        assert sorted(place.store.iterdir()) == store


@pytest.mark.slow
def test_old_snapshots_need_their_commands_also_after_a_change_of_the_backend(
    place: Place,
) -> None:
    assert place.say("backup", "take")[0] == 0
    write_config(place.project, {"dev": {"url": "${CIM_URL}", "backup": "sqlite"}})
    code, output = place.say("backup", "verify")
    assert (code, "has none under `backup.command`" in output) == (4, True), output
    place.configure(settings={"backend": "sqlite"})
    code, output = place.say("backup", "verify")
    assert code == 0, output
    assert place.say("backup", "take")[0] == 0
    code, output = place.say("backup", "prune", "--keep", "1")
    assert code == 0, output
    assert place.vault == []


@pytest.mark.slow
def test_a_delete_that_fails_keeps_the_backup_and_is_a_warning(place: Place) -> None:
    place.configure(
        {"delete": place.script("echo 'still in use' >&2; exit 1")}, settings={"keep": 1}
    )
    add_revision(place.project, "1dd1dd1dd1dd")
    ran = place.run("promote")
    assert ran.outcome == "promoted", ran.output
    assert "still in use" in " ".join(ran.result["warnings"])
    assert len(list(place.store.glob("*.snapshot"))) == 2
    assert place.say("backup", "prune", "--keep", "1")[0] == 4
