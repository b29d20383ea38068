"""One environment with its variables: only what it needs, secrets gathered, nothing shown."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ci_migrate.config.backup_settings import BackupSettings
from ci_migrate.config.load import parse_config
from ci_migrate.config.resolve import environment_url, known_secrets, resolve_environment
from ci_migrate.errors import ConfigError, UsageError

TEXT = """\
version: 1
migrations:
  flask_app: shop
  env:
    SHOP_DB: "{url}"
    KEY: "${KEY:-none}"
  x: ["tenant=${TENANT:-acme}", "u={url}"]
  versions: ["${FOLDER:-}", b]
environments:
  dev:
    url: "${DEV_URL}"
    backup: {keep: 3, directory: "${BACKUPS:-/var/backups}"}
  prod:
    branches: main
    url: "postgresql://app:${PROD_PASSWORD}@db/shop"
    lock_url: "${PROD_DIRECT:-}"
    promote_from: dev
    backup: none
    lock_wait: 2h30m
    transaction: per_revision
    notify: {slack: {webhook: "${PROD_SLACK:-}"}}
ledger: {schema: audit, url: "${LEDGER_URL:-}"}
notify: {slack: {webhook: "${SLACK}"}}
"""
ROOT = Path("/srv/shop")
PROD = {"PROD_PASSWORD": "hunter22"}
DEV = {"DEV_URL": "sqlite:///dev.db", "SLACK": "https://hooks.example/T1"}


def config_of(text: str = TEXT):
    return parse_config(text.encode(), ROOT / "ci-migrate.yml")


def test_only_the_variables_of_the_environment_are_needed():
    prod = resolve_environment(config_of(), "prod", PROD)
    assert prod.url == "postgresql://app:hunter22@db/shop"
    assert prod.lock_url == prod.url
    assert prod.branches == ("main",)
    assert prod.promote_from == "dev"
    assert prod.backup == BackupSettings(backend="none", store=str(ROOT / ".ci-migrate/backups"))
    assert prod.lock_wait == 9000.0
    assert prod.transaction == "per_revision"
    assert prod.slack_webhook is None
    assert (prod.ledger_schema, prod.ledger_url) == ("audit", None)
    assert prod.root == ROOT


def test_defaults_and_migrations():
    dev = resolve_environment(config_of(), "dev", DEV | {"KEY": "k-secret"})
    assert dev.branches == ()
    assert dev.promote_from is None
    assert (dev.backup.backend, dev.backup.keep) == ("auto", 3)
    assert dev.backup.store == "/var/backups"
    assert dev.lock_wait == 600.0
    assert dev.transaction == "project"
    assert dev.slack_webhook == "https://hooks.example/T1"
    assert dev.migrations.env == {"SHOP_DB": "{url}", "KEY": "k-secret"}
    assert dev.migrations.x == ("tenant=acme", "u={url}")
    assert dev.migrations.versions == ("b",)
    assert dev.migrations.url_env == ("DATABASE_URL", "SQLALCHEMY_DATABASE_URI")
    assert dev.migrations.upgrade_command is None


def test_a_run_that_tells_nobody_needs_no_webhook() -> None:
    dev = resolve_environment(
        config_of(), "dev", {"DEV_URL": "sqlite:///a", "KEY": "k"}, tells_slack=False
    )
    assert dev.slack_webhook is None


def test_the_command_is_taken_as_written():
    text = "version: 1\nmigrations: {command: {upgrade: [sh, '${X}']}}\nenvironments: {a: {url: 'sqlite://'}}"
    assert resolve_environment(config_of(text), "a", {}).migrations.upgrade_command == (
        "sh",
        "${X}",
    )


def test_the_slack_of_an_environment_comes_before_the_common_one():
    prod = resolve_environment(
        config_of(), "prod", PROD | {"PROD_SLACK": "https://h/P", "SLACK": "x"}
    )
    assert prod.slack_webhook == "https://h/P"


def test_every_missing_variable_is_named_with_key_path_and_line():
    with pytest.raises(ConfigError) as caught:
        resolve_environment(config_of(), "dev", {"DEV_URL": ""})
    assert caught.value.message.split("\n") == [
        (
            "/srv/shop/ci-migrate.yml:11: environments.dev.url: the variable DEV_URL is not set or "
            "empty — set it"
        ),
        (
            "/srv/shop/ci-migrate.yml:23: notify.slack.webhook: the variable SLACK is not set or "
            "empty — set it, or write `${SLACK:-}` to make it optional"
        ),
    ]
    assert caught.value.where.line == 11


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{url: '${X:-}'}", "environments.a.url: is empty once"),
        ("{url: ' '}", "environments.a.url: is empty once"),
        ("{url: '${X:-}hunter22'}", "environments.a.url: not a URL"),
        ("{url: '${X:-}oracle://u:hunter22@h/d'}", "databases of kind `oracle` are not supported"),
        ("{url: '${X:-}hunter22$://u@h/d'}", "databases of this kind are not supported"),
        ("{url: '${X:-}mysql://u@h:hunter22/d'}", "environments.a.url: its port is not a number"),
        ("{url: 'sqlite://', lock_url: '${X:-}hunter22'}", "environments.a.lock_url: not a URL"),
        ("{url: 'sqlite://', notify: {slack: {webhook: hunter22}}}", "slack.webhook: not a URL"),
        ("{url: 'sqlite://', backup: {directory: '${X:-}'}}", "backup.directory: is empty once"),
    ],
)
def test_what_is_wrong_once_filled_in_is_told_without_the_value(line, problem):
    config = config_of(f"version: 1\nenvironments:\n  a: {line}\n")
    with pytest.raises(ConfigError) as caught:
        resolve_environment(config, "a", {})
    assert problem in caught.value.message
    assert caught.value.where.line == 3
    assert "hunter22" not in caught.value.message


def test_secrets_are_what_came_from_variables_and_the_passwords_of_urls():
    env = DEV | {"KEY": "k-secret", "TENANT": "t-secret", "BACKUPS": "/not/secret"}
    env["DEV_URL"] = "postgresql://u:p%40ss@h/d\n"
    dev = resolve_environment(config_of(), "dev", env)
    assert dev.url == "postgresql://u:p%40ss@h/d"
    assert {dev.url, "p%40ss", "p@ss", "k-secret", "t-secret", env["SLACK"]} <= set(dev.secrets)
    assert {"/not/secret", "none", "acme", ""}.isdisjoint(dev.secrets)


def test_a_password_that_is_written_in_the_file_is_a_secret_too():
    text = "version: 1\nenvironments: {a: {url: 'postgresql://u:hunter22@h/d'}}\n"
    text += "notify: {slack: {webhook: 'https://h/T1'}}\n"
    secrets = resolve_environment(config_of(text), "a", {}).secrets
    assert {"hunter22", "https://h/T1"} <= set(secrets)


def test_the_secrets_of_all_environments_are_known_as_far_as_their_variables_are_set():
    env = {
        **PROD,
        "SLACK": "https://hooks.example/services/T0001/secret",
        "KEY": "k3y",
        "AWS_SESSION_TOKEN": "t0ken",
    }
    known = set(known_secrets(config_of(), env))
    assert {
        "hunter22",
        "https://hooks.example/services/T0001/secret",
        "/services/T0001/secret",
        "k3y",
        "t0ken",
    } <= known
    assert known.isdisjoint({"shop", "app", "dev", "prod"})
    assert "hunter22" in known_secrets(config_of(), PROD), (
        "what is missing hides nothing of the rest"
    )


def test_no_secret_is_in_the_repr():
    prod = resolve_environment(
        config_of(),
        "prod",
        dict.fromkeys(["PROD_PASSWORD", "KEY", "TENANT"], "hunter22")
        | dict.fromkeys(["PROD_DIRECT", "LEDGER_URL", "PROD_SLACK"], "mysql://hunter22"),
    )
    assert "hunter22" not in repr(prod)
    assert {field.name for field in dataclasses.fields(prod) if not field.repr} == {
        *("url", "lock_url", "scratch_url", "slack_webhook", "ledger_url", "secrets")
    }


def test_the_url_of_another_environment_needs_nothing_else():
    assert (
        environment_url(config_of(), "dev", {"DEV_URL": "sqlite:///dev.db"}) == "sqlite:///dev.db"
    )
    with pytest.raises(ConfigError, match="DEV_URL"):
        environment_url(config_of(), "dev", {})


def test_an_unknown_environment_is_a_usage_error_with_a_suggestion():
    for resolve in (resolve_environment, environment_url):
        with pytest.raises(UsageError, match="there is no environment prd") as caught:
            resolve(config_of(), "prd", PROD)
        assert caught.value.next_step == "did you mean `prod`?"


def test_names_are_no_secrets_whoever_has_them_as_a_password():
    text = """
version: 1
migrations: {env: {DB_NAME: "${NAME}", KEY: "${KEY}"}}
environments:
  staging: {url: "postgresql://shop:staging@db.example/shop"}
"""
    env = {"NAME": "shop", "KEY": "k-secret"}
    secrets = resolve_environment(config_of(text), "staging", env).secrets
    assert {"k-secret", "shop:staging@"} <= set(secrets)
    assert {"shop", "staging", "db.example"}.isdisjoint(secrets)
