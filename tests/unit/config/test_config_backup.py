"""The section `backup`: what goes together, what is secret, what may be regretted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ci_migrate.backup_risks import find_risks
from ci_migrate.config.load import parse_config
from ci_migrate.config.resolve import resolve_environment
from ci_migrate.errors import ConfigError

ROOT = Path("/srv/shop")


def resolve(
    backup: object, env: dict[str, str] | None = None, *, name: str = "dev", **more: object
):
    section = {"url": "sqlite:///x.db", "backup": backup, **more}
    before = {"test": {"url": "sqlite:///t.db"}}
    text = json.dumps({"version": 1, "environments": {**before, name: section}})
    config = parse_config(text.encode(), ROOT / "ci-migrate.yml")
    return resolve_environment(config, name, env or {})


def test_every_key_arrives():
    backup = resolve(
        {
            "store": "s3://acme-${TEAM}/production",
            "encrypt_to": ["${KEYS}", "ssh-ed25519 AAAA me@home"],
            "identity_file": "~/key.txt",
            "keep": 3,
            "keep_days": 30,
            "format": "directory",
            "jobs": 4,
            "compress": "zstd:3",
            "exclude_schemas": ["audit"],
            "exclude_tables": ["log.lines"],
        },
        {"TEAM": "shop", "KEYS": "age1aaa\n age1bbb\n"},
    ).backup
    assert backup.store == "s3://acme-shop/production"
    assert backup.encrypt_to == ("age1aaa", "age1bbb", "ssh-ed25519 AAAA me@home")
    assert (backup.keep, backup.keep_days, backup.format, backup.jobs) == (3, 30, "directory", 4)
    assert (backup.compress, backup.identity_file) == ("zstd:3", "~/key.txt")
    assert (backup.exclude_schemas, backup.exclude_tables) == (("audit",), ("log.lines",))
    assert backup.is_remote


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ({}, ROOT / ".ci-migrate/backups"),
        ({"directory": "old"}, ROOT / "old"),
        ({"store": "old"}, ROOT / "old"),
        ({"store": "file:///var/backups"}, Path("/var/backups")),
        ("postgres", ROOT / ".ci-migrate/backups"),
    ],
)
def test_folder_by_whatever_key(written, place):
    backup = resolve(written).backup
    assert backup.store == str(place)
    assert not backup.is_remote


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"directory": "a", "store": "b"}, "`directory` is set, too"),
        ({"identity_env": "A", "identity_file": "b"}, "`identity_env` is set, too"),
        ({"jobs": 2}, "format: directory"),
        ({"jobs": 0}, "jobs"),
        ({"compress": "rar"}, "compress"),
        ({"keep_days": 0}, "keep_days"),
        ({"format": "plain"}, "format"),
    ],
)
def test_what_does_not_go_together_is_told(written, message):
    with pytest.raises(ConfigError, match=message):
        resolve(written)


def test_keys_of_the_store_and_of_the_archives_are_secrets():
    env = {
        "AWS_SECRET_ACCESS_KEY": "s3-secret",
        "AZURE_STORAGE_ACCOUNT_KEY": "azure-secret",
        "AGE": "# created today\nAGE-SECRET-KEY-1ABC\n",
        "OTHER": "no secret",
    }
    secrets = resolve({"identity_env": "AGE"}, env).secrets
    assert {"s3-secret", "azure-secret", "AGE-SECRET-KEY-1ABC"} <= set(secrets)
    assert "no secret" not in secrets


@pytest.mark.parametrize(
    ("name", "backup", "more", "words"),
    [
        ("production", {}, {}, ["not encrypted"]),
        ("eu", {}, {"promote_from": "test"}, ["not encrypted"]),
        ("production", {"encrypt_to": "age1x"}, {}, []),
        ("production", "none", {}, []),
        ("dev", {}, {}, []),
    ],
)
def test_what_may_be_regretted_is_found(name, backup, more, words):
    environment = resolve(backup, name=name, **more)
    hosted = {"RUNNER_ENVIRONMENT": "github-hosted"}
    risks = list(find_risks(environment, {}))
    assert [word for word in words if word not in "".join(risks)] == []
    assert len(risks) == len(words)
    is_local = backup != "none"
    assert len(list(find_risks(environment, hosted))) == len(words) + is_local
    remote = {"store": "s3://b/p", **(backup if isinstance(backup, dict) else {})}
    environment = resolve(remote, name=name, **more)
    assert len(list(find_risks(environment, hosted))) == len(list(find_risks(environment, {})))


COMMANDS = {"take": ["ops/snap", "take"], "verify": ["ops/snap", "$CHECK", "${NOT_FILLED_IN}"]}


def test_commands_arrive_as_they_are_written():
    env = {"TOKEN": "cloud-token"}
    written = {**COMMANDS, "timeout": "2m", "secrets": ["TOKEN", "UNSET"]}
    environment = resolve({"backend": "command", "command": written}, env)
    command = environment.backup.command
    assert command.take == ("ops/snap", "take")
    assert command.verify == ("ops/snap", "$CHECK", "${NOT_FILLED_IN}")
    assert (command.restore, command.delete, command.seconds) == (None, None, 120.0)
    assert command.root == ROOT
    assert "cloud-token" in environment.secrets
    assert resolve({"backend": "sqlite", "command": COMMANDS}).backup.command is not None


@pytest.mark.parametrize(
    ("written", "more", "message"),
    [
        ("command", {}, "the backend `command` needs the key `command`"),
        ({"backend": "command"}, {}, "the backend `command` needs the key `command`"),
        ({"command": COMMANDS}, {}, "add `backend: command`"),
        ({"backend": "auto", "command": COMMANDS}, {}, "add `backend: command`"),
        ({"backend": "command", "command": {"take": ["a"]}}, {}, "verify.* is missing"),
        ({"backend": "command", "command": {**COMMANDS, "take": "a b"}}, {}, "expected a list"),
        ({"backend": "command", "command": {**COMMANDS, "take": []}}, {}, "take.*is empty"),
        ({"encrypt_to": "age1x"}, {}, "encrypt_to.*writes no dump"),
        ({"exclude_tables": ["a"]}, {}, "exclude_tables.*writes no dump"),
        ({"jobs": 1}, {}, "jobs.*writes no dump"),
        ({"prove": "restore"}, {}, "prove.*has no `restore`"),
        ({}, {"rehearse": True}, "rehearse.*has no `restore`"),
    ],
)
def test_what_is_missing_for_commands_is_told(written, more, message):
    if isinstance(written, dict) and not {"backend", "command"} & set(written):
        written = {"backend": "command", "command": COMMANDS, **written}
    with pytest.raises(ConfigError, match=message):
        resolve(written, **more)


def test_a_restore_command_lets_snapshots_be_restored_for_trial():
    command = {**COMMANDS, "restore": ["ops/snap"]}
    environment = resolve({"backend": "command", "command": command, "prove": "restore"})
    assert environment.backup_prove == "restore"


def test_a_snapshot_is_no_file_with_rows():
    backup = {"backend": "command", "command": COMMANDS}
    environment = resolve(backup, name="production")
    assert list(find_risks(environment, {})) == []
    (risk,) = find_risks(environment, {"RUNNER_ENVIRONMENT": "github-hosted"})
    assert "record of the snapshot" in risk


def test_rds_arrives_with_its_variables_filled_in():
    env = {"INSTANCE": "shop-production"}
    written = {"backend": "rds", "rds": {"instance": "${INSTANCE}", "region": "${REGION:-}"}}
    rds = resolve(written, env).backup.rds
    assert (rds.instance, rds.cluster, rds.region, rds.seconds) == (
        "shop-production",
        "",
        "",
        3600.0,
    )


@pytest.mark.parametrize(
    ("written", "more", "message"),
    [
        ("rds", {}, "the backend `rds` needs the key `rds`"),
        ({"rds": {"instance": "a"}}, {}, "add `backend: rds`"),
        ({"backend": "rds", "rds": {}}, {}, "either `instance` or `cluster`"),
        ({"backend": "rds", "rds": {"instance": "a", "cluster": "b"}}, {}, "either `instance`"),
        ({"backend": "rds", "rds": {"instance": "${UNSET}"}}, {}, "UNSET"),
        (
            {"backend": "rds", "rds": {"instance": "a"}, "prove": "restore"},
            {},
            "prove.*new instance",
        ),
        (
            {"backend": "rds", "rds": {"instance": "a"}},
            {"rehearse": True},
            "rehearse.*new instance",
        ),
        ({"backend": "rds", "rds": {"instance": "a"}, "encrypt_to": "age1x"}, {}, "encrypt_to"),
    ],
)
def test_what_is_missing_for_rds_is_told(written, more, message):
    with pytest.raises(ConfigError, match=message):
        resolve(written, **more)
