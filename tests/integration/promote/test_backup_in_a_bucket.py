"""A promotion whose backup streams into a bucket, encrypted; its secrets stay where they are."""

from __future__ import annotations

import json
from pathlib import Path

import pyrage
import pytest

from ci_migrate.backup.encryption import parse_identities
from ci_migrate.backup.inventory import take_inventory
from ci_migrate.backup.stores.opening import open_store
from ci_migrate.backup.verify import verify_backup
from tests.integration.promote.database import read_tables
from tests.projects_builder import build_repository
from tests.promotion import environment, run_tool, say, write_config
from tests.servers.object_store import SECRET_KEY, ObjectStoreServer

pytestmark = pytest.mark.newest


@pytest.mark.parametrize(
    "kind", ["postgres", *(pytest.param(k, marks=pytest.mark.slow) for k in ("mariadb", "sqlite"))]
)
def test_backup_goes_into_the_bucket(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, object_store: ObjectStoreServer
) -> None:
    database_url = request.getfixturevalue(f"{kind}_url")
    identity = pyrage.x25519.Identity.generate()
    project = build_repository("linear", tmp_path / "shop")
    place = f"s3://backups/promote-{kind}"
    env_py = project.path / "migrations/env.py"
    leak = "import os; print(os.environ['AWS_SECRET_ACCESS_KEY'], os.environ['AGE_IDENTITY'])\n"
    env_py.write_text(leak + env_py.read_text("utf-8"), "utf-8")
    backup = {
        "store": place,
        "encrypt_to": str(identity.to_public()),
        "identity_env": "AGE_IDENTITY",
        "keep": 1,
    }
    settings = {"url": "${SHOP_URL}", "branches": ["main"], "backup": backup}
    write_config(project, {"production": settings})
    env = {"SHOP_URL": database_url, **object_store.env(), "AGE_IDENTITY": str(identity)}
    ran = run_tool(project.path, "promote", "--environment", "production", env=env)
    assert ran.exit_code == 0, ran.output
    taken = ran.result["backup"]
    assert taken["location"].startswith(f"{place}/production-")
    assert taken["location"].endswith(".age")
    store = open_store(place, root=tmp_path, env=env)
    (manifest,) = take_inventory(store, "production").backups
    assert store.locate(manifest.archive) == taken["location"]
    assert manifest.stored.sha256 == taken["sha256"]
    verify_backup(manifest, store, parse_identities(str(identity)), env=environment())
    asked = ("--environment", "production")
    code, output = say(project.path, "backup", "verify", *asked, env=env)
    assert (code, "decrypted" in output) == (0, True), output
    again = ("backup", "restore", *asked, "--confirm", "production", manifest.name)
    code, output = say(project.path, *again, env=env)
    assert code == 0, output
    assert "users" not in read_tables(database_url), "the backup is of before the first promotion"
    assert not (project.path / ".ci-migrate/backups").exists()
    for secret in (SECRET_KEY, str(identity)):
        assert secret not in ran.output + json.dumps(ran.result)
    assert "***" in ran.output, "the project printed its variables"
    assert "not encrypted" not in ran.output


def test_store_that_refuses_stops_before_the_first_statement(
    sqlite_url: str, tmp_path: Path, object_store: ObjectStoreServer
) -> None:
    project = build_repository("linear", tmp_path / "shop")
    write_config(
        project,
        {"production": {"url": "${SHOP_URL}", "backup": {"store": "s3://backups/refused"}}},
    )
    env = {"SHOP_URL": sqlite_url, **object_store.env(secret="wrong-secret-word")}
    ran = run_tool(project.path, "promote", "--environment", "production", env=env)
    assert (ran.exit_code, ran.outcome) == (4, "failed"), ran.output
    assert "SignatureDoesNotMatch" in ran.result["error"]["message"]
    assert ran.result["applied"] == []


def test_backup_of_production_in_plain_text_is_told(sqlite_url: str, tmp_path: Path) -> None:
    project = build_repository("linear", tmp_path / "shop")
    write_config(project, {"production": {"url": "${SHOP_URL}"}})
    ran = run_tool(
        project.path, "promote", "--environment", "production", env={"SHOP_URL": sqlite_url}
    )
    assert ran.exit_code == 0, ran.output
    assert "the backups of production are not encrypted" in ran.output


def test_encrypted_backup_is_restored_for_trial_without_the_private_key(
    sqlite_url: str, tmp_path: Path, object_store: ObjectStoreServer
) -> None:
    identity = pyrage.x25519.Identity.generate()
    project = build_repository("linear", tmp_path / "shop")
    place = "s3://backups/trial"
    backup = {"store": place, "encrypt_to": str(identity.to_public()), "prove": "restore"}
    write_config(project, {"production": {"url": "${SHOP_URL}", "backup": backup}})
    env = {"SHOP_URL": sqlite_url, **object_store.env()}
    ran = run_tool(project.path, "promote", "--environment", "production", env=env)
    assert ran.exit_code == 0, ran.output
    store = open_store(place, root=tmp_path, env=env)
    (manifest,) = take_inventory(store, "production").backups
    assert manifest.proof == "restore"
    assert manifest.recipients == (str(identity.to_public()),)
    verify_backup(manifest, store, parse_identities(str(identity)), env=environment())
