"""The test applications in Flask-Migrate's own source package: one database, and two."""

from __future__ import annotations

import sqlite3
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import POSTGRES
from tests.real.catalog import FLASK_MIGRATE, RealProject
from tests.real.conftest import MakeWorkplace
from tests.real.installing import Installation, install_anew
from tests.real.running import Workplace
from tests.real.schema import OURS, read_rows, read_schema

pytestmark = pytest.mark.real
TWO = replace(FLASK_MIGRATE, env={"FLASK_APP": "app_multidb.py"})


@pytest.fixture
def make_app(
    make: MakeWorkplace, install: Callable[[RealProject], Installation]
) -> Callable[..., Workplace]:
    """Make a folder with the applications, whose databases lie beside them."""
    source = unpack_source(install(FLASK_MIGRATE))

    def make_one(project: RealProject, name: str, database: str) -> Workplace:
        workplace = make(project, "sqlite", name)
        for file in source.glob("app*.py"):
            (workplace.folder / file.name).write_bytes(file.read_bytes())
        return replace(workplace, url=f"sqlite:///{workplace.folder / database}")

    return make_one


def unpack_source(installation: Installation) -> Path:
    """Return the folder of the tests of the source package; downloads it once."""
    target = installation.folder / "source"
    if not list(target.glob("*.tar.gz")):
        (wanted,) = [
            line
            for line in (FLASK_MIGRATE.folder / "requirements.txt").read_text("utf-8").splitlines()
            if line.startswith("flask-migrate==")
        ]
        pip = [installation.python, "-m", "pip", "download", "--quiet", "--no-deps"]
        source = ["--no-binary", ":all:", "--no-build-isolation", "--dest", target]
        install_anew([*pip, *source, wanted])
    (archive,) = target.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(target, filter="data")
    (tests,) = target.glob("*/tests")
    return tests


def test_one_database(make_app: Callable[..., Workplace]) -> None:
    ours, plain = (make_app(FLASK_MIGRATE, name, "app.db") for name in ("ours", "plain"))
    for command in (["init"], ["migrate", "-m", "Create users", "--rev-id", "f1a5c0de0001"]):
        for workplace in (ours, plain):
            done = workplace.run("flask", "db", *command)
            assert done.returncode == 0, done.stdout
    assert plain.upgrade_plainly().returncode == 0

    ran = ours.promote()
    assert ran.exit_code == 0, ran.output
    assert ran.outcome == "promoted", ran.output
    assert read_rows(ours.url, POSTGRES) == read_rows(plain.url, POSTGRES) == ["f1a5c0de0001"]
    assert read_schema(ours.url, POSTGRES) == read_schema(plain.url, POSTGRES)
    again = ours.promote()
    assert again.outcome == "nothing-to-do", again.output


def test_two_databases_are_refused(make_app: Callable[..., Workplace]) -> None:
    ours = make_app(TWO, "ours", "app1.db")
    for command in (["init", "--multidb"], ["migrate"]):
        done = ours.run("flask", "db", *command)
        assert done.returncode == 0, done.stdout
    before = [list_tables(ours.folder / name) for name in ("app1.db", "app2.db")]

    ran = ours.promote()
    assert ran.exit_code == 5, ran.output
    assert ran.outcome == "failed", ran.output
    error = ran.result["error"]
    assert (error["stage"], error["kind"]) == ("probe", "probe")
    assert "env.py configures 2 databases" in error["message"]
    assert "app1.db" in error["message"]
    assert "app2.db" in error["message"]
    assert "an environment of its own" in error["next"]
    assert ran.result["applied"] == []
    assert [list_tables(ours.folder / name) for name in ("app1.db", "app2.db")] == before


def list_tables(file: Path) -> list[str]:
    """Return the tables of a SQLite file but the ledger; none where it does not exist."""
    if not file.exists():
        return []
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    return sorted(name for (name,) in rows if name != OURS)
