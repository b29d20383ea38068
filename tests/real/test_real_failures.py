"""Real projects whose history fails: what is said is what the database holds, and the way back works."""

from __future__ import annotations

import subprocess

import pytest

from tests.conftest import POSTGRES
from tests.real.catalog import GALAXY, OPTUNA
from tests.real.conftest import MakeWorkplace
from tests.real.schema import read_rows, read_schema

pytestmark = pytest.mark.real


def test_optuna_stops_in_the_middle_on_mariadb(make: MakeWorkplace) -> None:
    ours, plain = make(OPTUNA, "mariadb", "ours"), make(OPTUNA, "mariadb", "plain")
    empty = read_schema(ours.url, POSTGRES)
    assert plain.upgrade_plainly().returncode == 1

    ran = ours.promote()
    assert ran.exit_code == 6, ran.output
    assert ran.outcome == "partial", ran.output
    assert read_rows(ours.url, POSTGRES) == read_rows(plain.url, POSTGRES) == ["v1.3.0.a"]
    assert read_schema(ours.url, POSTGRES) == read_schema(plain.url, POSTGRES)

    assert ran.result["reached"] == ["v1.3.0.a"]
    done = [item["revision"] for item in ran.result["applied"]]
    assert done == ["v0.9.0.a", "v1.2.0.a", "v1.3.0.a"]
    error = ran.result["error"]
    assert (error["stage"], error["revision"]) == ("upgrade", "v2.4.0.a")
    assert (error["file"], error["line"]) == ("alembic/versions/v2.4.0.a.py", 171)
    assert error["statement"] == "ALTER TABLE trial_values DROP COLUMN step"
    assert "1072" in error["message"]
    assert error["executed"][-1] == "ALTER TABLE studies DROP COLUMN direction"
    assert "The version row says v1.3.0.a, but parts of v2.4.0.a are in" in error["next"]

    restore = error["next"].splitlines()[-1]
    assert ran.result["backup"]["location"] in restore
    subprocess.run(restore, shell=True, check=True, stdin=subprocess.DEVNULL, timeout=60)
    assert read_schema(ours.url, POSTGRES) == empty
    again = ours.promote()
    assert again.outcome == "partial", again.output
    assert again.result["reached"] == ["v1.3.0.a"]


def test_galaxy_hides_its_errors_on_sqlite(make: MakeWorkplace) -> None:
    """Its env.py catches OperationalError, and raises it only where it was a deadlock on PostgreSQL."""
    ours, plain = make(GALAXY, "sqlite", "ours"), make(GALAXY, "sqlite", "plain")
    done = plain.upgrade_plainly()
    assert done.returncode == 0, "this is what it shows: a failure that ends 0"

    ran = ours.promote()
    assert ran.exit_code == 6, ran.output
    assert ran.outcome == "partial", ran.output
    assert len(ran.result["pending"]) > 50
    assert read_rows(ours.url, POSTGRES) == read_rows(plain.url, POSTGRES) == ["e7b6dcb09efd"]
    assert read_schema(ours.url, POSTGRES) == read_schema(plain.url, POSTGRES)
    assert ran.result["error"]["revision"] == "b182f655505f"
    assert "no such table: workflow" in ran.result["error"]["message"]


def test_galaxy_leaves_postgresql_as_it_was(make: MakeWorkplace) -> None:
    """Its first revisions expect tables that it creates in another way; one transaction takes all back."""
    ours = make(GALAXY, "postgresql", "ours")
    empty = read_schema(ours.url, POSTGRES)
    ran = ours.promote()
    assert ran.exit_code == 5, ran.output
    assert ran.outcome == "failed", ran.output
    assert ran.result["applied"] == []
    assert ran.result["error"]["revision"] == "b182f655505f"
    assert read_schema(ours.url, POSTGRES) == empty
