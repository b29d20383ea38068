"""Whole files: what is accepted, and every problem with file, line, key path and advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_migrate.config.load import find_config, load_config, parse_config
from ci_migrate.errors import ConfigError, ExitCode

HEAD = "version: 1\nenvironments:\n"
DEV = HEAD + "  dev: {url: sqlite://}\n"

EXAMPLE = """\
version: 1
migrations:
  flask_app: "shop:create_app"
  config: alembic.ini
  url_env: DATABASE_URL
  env: {SHOP_DB: "{url}"}
  x: [tenant=acme]
environments:
  dev:     {branches: [dev],   url: "${DEV_URL}",     backup: {keep: 3}}
  staging: {branches: staging, url: "${STAGING_URL}", promote_from: dev, backup: none}
  production:
    branches: [main, "release/*"]
    url: "${PRODUCTION_URL}"
    lock_url: "${DIRECT_URL}"
    promote_from: staging
    transaction: per_revision
    lock_wait: 90
    databases: one
    notify: {slack: {webhook: ""}}
ledger: {schema: audit, url: "${LEDGER_URL:-}"}
notify:
  slack: {webhook: "${SLACK:-}"}
"""


def problems_of(text: str) -> list[str]:
    """Return the lines of the error, each as `LINE: …`."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode(), Path("c.yml"))
    lines = caught.value.message.split("\n")
    assert all(line.startswith("c.yml:") for line in lines)
    return [line.removeprefix("c.yml:") for line in lines]


def test_the_example_is_read_with_its_order():
    config = parse_config(EXAMPLE.encode(), Path("c.yml"))
    assert list(config.environments) == ["dev", "staging", "production"]
    assert config.environments["production"].branches == ("main", "release/*")
    assert config.environments["production"].lock_wait == 90
    assert config.file.ledger.schema == "audit"
    assert config.marks["environments", "production", "url"].line == 13


@pytest.mark.parametrize(
    "text",
    [
        DEV,
        DEV + "migrations: {}\n",
        DEV + "migrations: {config: a.ini, flask_app: shop}\n",
        DEV + "migrations: {env: {EMPTY: ''}}\n",
        DEV + "migrations: {command: {upgrade: [sh, -c, 'x ${Y'], downgrade: [d]}}\n",
        DEV + "migrations: {x: ['${X}', a=b=c, verbose]}\n",
        DEV + "notify: {}\nledger: {}\n",
        HEAD + "  dev: {url: '$${literal}'}\n",
        HEAD
        + "  a: {url: sqlite://, branches: ['r/*']}\n  b: {url: sqlite://, branches: ['r/*/x', r]}\n",
        HEAD + "  a: {url: sqlite://, branches: [x, x]}\n",
        HEAD + "  dev: &d {url: sqlite://}\n  dev2: *d\n",
    ],
)
def test_these_files_are_right(text):
    assert parse_config(text.encode(), Path("c.yml")).file.version == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # shape
        ("a: 1\n", ["1: environments: is missing", "1: version: is missing", "1: a: unknown key"]),
        ("version: 2\nenvironments: {dev: {url: sqlite://}}\n", ["1: version: expected `1` (`2`)"]),
        (
            "version: '1'\nenvironments: {dev: {url: sqlite://}}\n",
            ["1: version: expected `1` (`1`) — write it without quotes"],
        ),
        (
            "version: true\nenvironments: {dev: {url: sqlite://}}\n",
            ["1: version: expected `1` (`true`)"],
        ),
        ("version: 1\nenvironments: {}\n", ["2: environments: is empty"]),
        ("version: 1\nenvironments:\n", ["2: environments: has no value"]),
        ("version: 1\nenvironments: [a]\n", ["2: environments: expected a mapping, found a list"]),
        (HEAD + "  dev:\n", ["3: environments.dev: has no value"]),
        (HEAD + "  dev: {}\n", ["3: environments.dev.url: is missing"]),
        (HEAD + "  dev: {url: ''}\n", ["3: environments.dev.url: is empty"]),
        (HEAD + "  -x: {url: sqlite://}\n", ['3: environments."-x": not a usable name']),
        (HEAD + '  "dev\\n": {url: sqlite://}\n', ['3: environments."dev ": not a usable name']),
        (HEAD + '  "dev ": {url: sqlite://}\n', ['3: environments."dev ": not a usable name']),
        (
            HEAD + "  dev: {url: sqlite://, backup: {keep: '3'}}\n",
            ["3: environments.dev.backup.keep: expected a", "(`3`) — write it without quotes"],
        ),
        (
            HEAD + "  2024: {url: sqlite://}\n",
            ["3: environments: YAML does not read the key `2024`"],
        ),
        (DEV + "migration: {}\n", ["4: migration: unknown key — did you mean `migrations`?"]),
        (DEV + "url_env: X\n", ["4: url_env: unknown key — it belongs under `migrations`"]),
        (
            DEV + "promote_from: x\n",
            ["4: promote_from: unknown key — it belongs under `environments.<name>`"],
        ),
        (DEV + "zzzz: 1\n", ["4: zzzz: unknown key — known: version, migrations"]),
        (DEV + "ledger:\n  schema:\n", ["5: ledger.schema: has no value"]),
        (DEV + "notify: {slack: {}}\n", ["4: notify.slack.webhook: is missing"]),
        (
            DEV + "migrations:\n  command:\n    upgrade: alembic\n",
            ["6: migrations.command.upgrade: expected a list, found text (`alembic`)"],
        ),
        (
            DEV + "migrations: {heads: 3}\n",
            ["4: migrations.heads: expected a list, found a number (`3`)"],
        ),
        (
            DEV + "migrations: {x: t=hunter22}\n",
            ["4: migrations.x: expected a list, found text (`***`)"],
        ),
        (
            DEV + "migrations: {command: [a, b]}\n",
            ["4: migrations.command: expected a mapping, found a list", "such as `{upgrade: …}`"],
        ),
        (
            DEV + "notify: {slack: hunter22}\n",
            ["4: notify.slack: expected a mapping, found text (`***`)", "such as `{webhook: …}`"],
        ),
        (
            DEV + "notify: hunter22\n",
            ["4: notify: expected a mapping, found text (`***`)", "`{slack: {webhook: …}}`"],
        ),
        (
            HEAD + "  dev: hunter22\n",
            ["3: environments.dev: expected a mapping, found text (`***`)", "`{url: …}`"],
        ),
        (
            DEV + "ledger: hunter22\n",
            ["4: ledger: expected a mapping, found text (`***`)", "such as `{url: …}`"],
        ),
        (DEV + "migrations: {command: {}}\n", ["4: migrations.command.upgrade: is missing"]),
        (DEV + "migrations: {setup: shop}\n", ["4: migrations.setup: expected text of another"]),
        (DEV + "migrations: {url_env: []}\n", ["4: migrations.url_env: is empty"]),
        (DEV + "migrations: {url_env: {}}\n", ["4: migrations.url_env: expected text of another"]),
        (DEV + "migrations: {env: {1A: x}}\n", ["4: migrations.env.1A: not a usable name"]),
        (
            HEAD + "  dev:\n    url: sqlite://\n    backup: postgre\n",
            ["5: environments.dev.backup: expected one of", "did you mean `postgres`?"],
        ),
        (
            HEAD + "  dev:\n    url: sqlite://\n    backup: no\n",
            ["5: environments.dev.backup: expected one of", "(`no`) — did you mean `none`?"],
        ),
        (
            HEAD + "  dev:\n    url: sqlite://\n    backup:\n",
            ["5: environments.dev.backup: has no value"],
        ),
        (
            HEAD + "  dev:\n    url: sqlite://\n    backup:\n      keep: 0\n",
            ["6: environments.dev.backup.keep: expected a whole number from 1 to"],
        ),
        (
            HEAD + "  dev: {url: sqlite://, databases: many}\n",
            ["3: environments.dev.databases: expected `one` (`many`)"],
        ),
        # traps of YAML 1.1
        *(
            (
                HEAD + f"  dev:\n    url: sqlite://\n    branches:\n      - x\n      - {trap}\n",
                [f"7: environments.dev.branches[1]: YAML reads this as {meaning}", f'"{trap}"'],
            )
            for trap, meaning in [
                ("on", "true"),
                ("yes", "true"),
                ("010", "the number 8"),
                ("1e3", "a number"),
                ("12:30", "the number 750"),
                ("1.10", "a number"),
                ("7", "a number"),
                ("false", "true or false"),
                ("2024-01-01", "a date"),
            ]
        ),
        (
            DEV + "migrations: {env: {PORT: 5432}}\n",
            ["4: migrations.env.PORT: YAML reads this as a number, not as text (`***`) — put it"],
        ),
        (
            HEAD + "  dev: {url: sqlite://, lock_wait: 12:30}\n",
            ["3: environments.dev.lock_wait: expected text of another form (`12:30`)"],
        ),
        (
            HEAD + "  dev: {url: sqlite://, lock_wait: 1.5}\n",
            ["3: environments.dev.lock_wait: expected text of another form (`1.5`)"],
        ),
        (
            HEAD + "  dev: {url: sqlite://, lock_wait: -1}\n",
            ["3: environments.dev.lock_wait: expected a whole number from 0"],
        ),
        # rules between keys
        (
            HEAD + "  dev: {url: sqlite://}\n  prod: {url: sqlite://, promote_from: deb}\n",
            ["4: environments.prod.promote_from: there is no environment", "mean `dev`?"],
        ),
        (
            HEAD + "  dev: {url: sqlite://, promote_from: dev}\n",
            ["3: environments.dev.promote_from: an environment cannot be promoted from itself"],
        ),
        (
            HEAD
            + "  a: {url: sqlite://, promote_from: c}\n  b: {url: sqlite://, promote_from: a}\n"
            + "  c: {url: sqlite://, promote_from: b}\n  d: {url: sqlite://, promote_from: a}\n",
            ["3: environments.a.promote_from: goes round in a circle: a → c → b → a"],
        ),
        (
            HEAD
            + "  a: {url: sqlite://, branches: x}\n  b:\n    url: sqlite://\n    branches: [y, x]\n",
            ["6: environments.b.branches[1]: the environment a claims this branch too (`x`)"],
        ),
        (
            HEAD
            + "  a: {url: sqlite://, branches: ['r/*']}\n  b: {url: sqlite://, branches: 'r/*'}\n",
            ["4: environments.b.branches: the environment a claims this branch too"],
        ),
        (
            HEAD + "  a: {url: sqlite://, branches: r/1}\n  b: {url: sqlite://, branches: 'r/*'}\n",
            ["3: environments.a.branches: the environment b claims this branch too"],
        ),
        (
            HEAD + "  a: {url: sqlite://, branches: refs/heads/main}\n",
            ["3: environments.a.branches: not a branch name (`refs/heads/main`)"],
        ),
        (
            HEAD + "  a: {url: sqlite://, branches: '${B}'}\n",
            ["3: environments.a.branches: variables are not filled in here"],
        ),
        (HEAD + "  a:\n    url: $URL\n", ["4: environments.a.url: a variable needs", "— ${URL}"]),
        (
            HEAD + "  a: {url: 'sqlite:///a.db'}\n  b: {url: 'sqlite:///a.db'}\n",
            ["4: environments.b.url: the environment a has this very URL"],
        ),
        (
            HEAD + "  a:\n    url: sqlite://\n    branches: ['*', '!main']\n",
            ["5: environments.a.branches[1]: nothing is taken out again here"],
        ),
        (HEAD + "  a:\n    url: ${URL\n", ["4: environments.a.url: write `${NAME}`"]),
        (HEAD + "  a:\n    url: ${URL:-x\n", ["4: environments.a.url: a `${` is not closed"]),
        (
            HEAD + "  a:\n    url: ${{ secrets.URL }}\n",
            ["4: environments.a.url: `${{ }}` is GitHub's syntax"],
        ),
        (
            DEV + "migrations:\n  env:\n    A: ok\n    B: ${1}\n",
            ["7: migrations.env.B: write `${NAME}`"],
        ),
    ],
)
def test_a_problem_is_told_with_its_line(text, expected):
    told = problems_of(text)
    start, *parts = expected
    if all(part[:1].isdigit() and ": " in part[:4] for part in expected):
        assert len(told) == len(expected)
        assert all(any(line.startswith(part) for line in told) for part in expected)
    else:
        (line,) = told
        assert line.startswith(start)
        assert all(part in line for part in parts)


def test_all_problems_come_together_in_the_order_of_the_file():
    told = problems_of(
        "version: 3\n"
        "migrations:\n"
        "  flaskapp: x\n"
        "  x: [1]\n"
        "environments:\n"
        "  a: {url: sqlite://, branches: [m], promote_from: b}\n"
        "  a: {url: sqlite://}\n"
        "  b: {url: 5, branches: [m], promote_from: a, tenants: 1h}\n"
        "notify: {slack: {webhook: '${'}}\n"
    )
    assert [line.split(" ")[:2] for line in told] == [
        ["1:", "version:"],
        ["3:", "migrations.flaskapp:"],
        ["4:", "migrations.x[0]:"],
        ["6:", "environments.a.promote_from:"],
        ["7:", "environments.a:"],
        ["8:", "environments.b.url:"],
        ["8:", "environments.b.branches[0]:"],
        ["8:", "environments.b.tenants:"],
        ["9:", "notify.slack.webhook:"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "  dev: {url: [hunter22]}\n",
        HEAD + "  dev: {url: sqlite://, lock_url: 1e22, branches: 'postgresql://u:hunter22@h/d'}\n",
        HEAD + "  dev: {url: sqlite://, transaction: 'postgresql://u:hunter22@h/d'}\n",
        HEAD + "  dev: {url: sqlite://, 'postgresql://u:hunter22@h/d': x}\n",
        HEAD + "  dev: {url: sqlite://, passwrd: hunter22}\n",
        HEAD + "  'postgresql://u:hunter22@h/d': {url: sqlite://}\n",
        DEV + "migrations: {env: {A: {hunter22: 1}}}\nx: 1\n",
        DEV + "migrations: {x: [hunter22]}\n",
        DEV + "notify: {slack: {webhook: '${hunter22'}}\n",
        DEV + "notify: {slack: {webhook: [hunter22]}}\n",
        DEV + "ledger: {url: hunter22, url: hunter22}\n",
    ],
)
def test_no_secret_is_shown(text):
    try:
        config = parse_config(text.encode(), Path("c.yml"))
    except ConfigError as error:
        assert "hunter22" not in error.message
    else:
        assert "hunter22" not in repr(config)


def test_a_typed_configuration_does_not_show_its_urls():
    config = parse_config(
        (HEAD + "  dev: {url: 'postgresql://u:hunter22@h'}\n").encode(), Path("c.yml")
    )
    assert "hunter22" not in repr(config) + repr(config.file) + repr(config.environments)


def test_long_and_hostile_values_are_one_short_line():
    told = problems_of(
        HEAD + '  dev: {url: sqlite://, transaction: "a\\n::error::b\\e[31m' + "x" * 500 + '"}\n'
    )
    assert [line.split(": ")[2][:8] for line in told] == ["holds a ", "expected"]
    assert all(len(line) < 300 and "\x1b" not in line for line in told)


def test_hundreds_of_problems_are_cut_short():
    with pytest.raises(ConfigError) as caught:
        parse_config((DEV + "".join(f"k{n}: 1\n" for n in range(200))).encode(), Path("c.yml"))
    assert caught.value.message.count("\n") == 50
    assert caught.value.message.endswith("… and 150 more problems in c.yml")


def test_the_error_is_for_exit_code_2_and_points_at_the_first_line():
    with pytest.raises(ConfigError) as caught:
        parse_config((DEV + "b: 1\na: 1\n").encode(), Path("c.yml"))
    assert caught.value.exit_code is ExitCode.USAGE
    assert (caught.value.where.file, caught.value.where.line) == ("c.yml", 4)
    assert caught.value.next_step


def test_the_file_is_found_by_its_two_names(tmp_path):
    with pytest.raises(ConfigError, match=r"ci-migrate\.yml or ci-migrate\.yaml"):
        find_config(None, tmp_path)
    (tmp_path / "ci-migrate.yaml").write_text(DEV)
    assert find_config(None, tmp_path) == tmp_path / "ci-migrate.yaml"
    (tmp_path / "ci-migrate.yml").write_text(DEV)
    assert find_config(None, tmp_path) == tmp_path / "ci-migrate.yml"


def test_a_file_in_a_folder_above_is_named_but_not_taken(tmp_path):
    (tmp_path / "ci-migrate.yaml").write_text(DEV)
    folder = tmp_path / "my app" / "web"
    folder.mkdir(parents=True)
    with pytest.raises(ConfigError) as caught:
        find_config(None, folder)
    assert "--config ../../ci-migrate.yaml`" in caught.value.next_step


def test_a_file_that_was_asked_for_must_be_there(tmp_path):
    (tmp_path / "ci-migrate.yml").write_text(DEV)
    with pytest.raises(ConfigError, match=r"other\.yml"):
        find_config(Path("other.yml"), tmp_path)
    (tmp_path / "other.yml").write_text(DEV)
    assert find_config(Path("other.yml"), tmp_path) == tmp_path / "other.yml"
    assert find_config(tmp_path / "other.yml", Path("/")) == tmp_path / "other.yml"


def test_a_file_that_cannot_be_read_is_an_error_of_ours(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_config(tmp_path / "none.yml")


def test_a_file_is_loaded_from_disk(tmp_path):
    path = tmp_path / "c.yml"
    path.write_text(DEV)
    assert load_config(path).path == path
