"""A promotion with a snapshot of RDS: waited for, stopped, refused, told how to bring back, removed."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.promote.database import query, run_statements
from tests.projects_builder import Project, copy_project
from tests.projects_changes import add_revision
from tests.promotion import Ran, environment, run_tool, say, tool, write_config
from tests.servers.rds import REGION, RdsServer

pytest.importorskip("boto3")
pytestmark = pytest.mark.newest


class Place:
    """A project at its head on PostgreSQL, which an RDS vouches for, and one pending revision."""

    def __init__(self, rds: RdsServer, url: str, folder: Path) -> None:
        self.rds, self.url = rds, url
        self.project: Project = copy_project("linear", folder / "work")
        self.env = {**rds.env(), "CIM_URL": url, "AWS_REGION": REGION, "INSTANCE": "shop"}
        self.configure("none")
        assert self.run("promote").outcome == "promoted"
        add_revision(self.project, "1dd1dd1dd1dd")
        self.configure()

    def configure(self, backup: object = None, **more: object) -> None:
        rds = {"backend": "rds", "rds": {"instance": "${INSTANCE}"}, **more}
        write_config(self.project, {"dev": {"url": "${CIM_URL}", "backup": backup or rds}})

    def run(self, command: str, *arguments: str) -> Ran:
        return run_tool(
            self.project.path, command, "--environment", "dev", *arguments, env=self.env
        )

    def say(self, *arguments: str) -> tuple[int, str]:
        argv = [*arguments, "--environment", "dev"]
        return say(self.project.path, *argv, env=self.env)

    @property
    def rows(self) -> list[tuple[object, ...]]:
        return query(self.url, "SELECT version_num FROM alembic_version")

    @property
    def snapshots(self) -> list[str]:
        found = self.rds.client().describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
        return [item["DBSnapshotIdentifier"] for item in found]


@pytest.fixture
def place(rds: RdsServer, postgres_url: str, tmp_path: Path) -> Place:
    """Return a place with an instance `shop`."""
    rds.make_instance("shop")
    return Place(rds, postgres_url, tmp_path)


@pytest.mark.slow
def test_a_promotion_waits_for_its_snapshot(place: Place) -> None:
    place.rds.statuses = ["creating 20", "creating 80"]
    ran = place.run("promote")
    assert ran.outcome == "promoted", ran.output
    backup = ran.result["backup"]
    assert backup["backend"] == "rds"
    assert "of instance shop is available, 20 GB" in backup["verified"]
    assert "creating, 20 %" in ran.output
    name = Path(backup["location"]).stem

    code, output = place.say("backup", "list")
    assert (code, f"rds: snapshot ci-migrate-{name.lower()}" in output) == (0, True), output
    code, output = place.say("backup", "verify")
    assert (code, "good" in output) == (0, True), output

    run_statements(place.url, ["DELETE FROM users"])
    target = place.project.path / "restored.json"
    code, output = place.say("backup", "restore", "--json", str(target), "--confirm", "dev")
    error = json.loads(target.read_text())["error"]
    assert (code, error["kind"]) == (4, "backup"), output
    assert "RDS restores none in place" in error["message"]
    assert "aws rds restore-db-instance-from-db-snapshot" in error["next"]
    assert f"--db-snapshot-identifier=ci-migrate-{name.lower()}" in output
    code, output = place.say("backup", "restore", "--into", "sqlite:///x.db")
    assert code == 2, output  # another kind of database
    assert len(place.snapshots) == 1, "no further snapshot was taken"

    code, output = place.say("backup", "take")
    assert (code, len(place.snapshots)) == (0, 2), output
    code, output = place.say("backup", "prune", "--keep", "1")
    assert (code, output.count("removed: ")) == (0, 1), output
    (kept,) = place.snapshots
    assert name.lower() not in kept


@pytest.mark.slow
def test_a_snapshot_that_fails_stops_the_run_before_anything(place: Place) -> None:
    before = place.rows
    place.configure(rds={"instance": "${INSTANCE}", "timeout": "2s"})
    for statuses, message in (
        (["creating", "failed"], "its status is failed"),
        (["creating"] * 99, "not available within 2 s"),
    ):
        place.rds.statuses = list(statuses)
        ran = place.run("promote")
        assert (ran.outcome, ran.exit_code) == ("failed", 4), ran.output
        assert message in ran.result["error"]["message"]
        assert ran.result["error"]["next"]
        assert (place.rows, place.snapshots) == (before, [])
    place.env["INSTANCE"] = "shpo"
    ran = place.run("promote")
    assert (ran.exit_code, "DBInstanceNotFound" in ran.output) == (4, True), ran.output
    assert place.rows == before


@pytest.mark.slow
def test_a_stop_ends_the_wait_in_time(place: Place) -> None:
    place.rds.statuses = ["creating 1"] * 999
    before = place.rows
    process = subprocess.Popen(
        [*tool(), "promote", "--environment", "dev"],
        cwd=place.project.path,
        env=environment(place.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 60
    while "DescribeDBSnapshots" not in place.rds.actions and time.monotonic() < deadline:
        time.sleep(0.05)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - started < 8, output
    assert process.returncode == 130, output
    assert "goes on at AWS" in output
    assert place.rows == before
    assert not list((place.project.path / ".ci-migrate/backups").glob("*.snapshot"))


@pytest.mark.slow
def test_the_key_is_in_no_output(place: Place) -> None:
    place.env["AWS_SECRET_ACCESS_KEY"] = "very/secret+key-of-aws"
    place.rds.statuses = ["failed"]
    ran = place.run("promote")
    assert ran.exit_code == 4
    told = ran.output + json.dumps(ran.result)
    assert "very/secret" not in told
