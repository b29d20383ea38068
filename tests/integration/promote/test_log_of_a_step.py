"""What a command prints in a step of a workflow, by commands that are no promotion: nothing in it is obeyed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from ci_migrate.backup.manifest import RUN_SUFFIX
from tests.integration.promote.shop import Shop, build_shop
from tests.projects_changes import add_revision
from tests.promotion import environment, tool
from tests.unit.report.runner_log import read_log

pytestmark = pytest.mark.newest
FORGED = "##[error]forged ##[set-output name=outcome]promoted"


def run(shop: Shop, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    variables: Mapping[str, str] = {**shop.env, "GITHUB_ACTIONS": "true", "PYTHONUTF8": "1", **env}
    return subprocess.run(
        [*tool(), *arguments],
        cwd=shop.path,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop whose dev ran all but its last revision, which has a message of a stranger."""
    shop = build_shop(tmp_path_factory.mktemp("log") / "shop")
    assert shop.promote("dev").outcome == "promoted"
    add_revision(shop.project, "c0ffee000001", message=FORGED)
    return shop


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--environment", "dev"),
        ("status",),
        ("heads",),
        ("check",),
        ("promote", "--environment", "production"),
    ],
)
def test_json_on_stdout_holds_no_command(shop: Shop, arguments: tuple[str, ...]) -> None:
    ran = run(shop, *arguments, "--json", "-", GITHUB_ACTIONS="")
    json.loads(ran.stdout)
    assert read_log(ran.stdout).commands == []
    if arguments[0] in {"plan", "heads"}:
        assert FORGED in json.dumps(json.loads(ran.stdout))


@pytest.mark.parametrize(
    "arguments", [("status",), ("heads",), ("history", "--environment", "dev"), ("backup", "list")]
)
def test_a_json_file_that_cannot_be_written_is_a_usage_error(
    shop: Shop, arguments: tuple[str, ...]
) -> None:
    more = ("--environment", "dev") if arguments == ("backup", "list") else ()
    ran = run(shop, *arguments, *more, "--json", "/nonexistent/x")
    assert (ran.returncode, "bug" in ran.stderr) == (2, False), ran.stderr
    assert "the file of --json, /nonexistent/x, cannot be written: No such file" in ran.stderr


def test_a_backup_is_not_taken_for_a_json_file_that_cannot_be_written(shop: Shop) -> None:
    folder = shop.path / ".ci-migrate" / "backups"
    before = sorted(folder.iterdir())
    ran = run(shop, "backup", "take", "--environment", "dev", "--json", "/nonexistent/x")
    assert (ran.returncode, sorted(folder.iterdir())) == (2, before), ran.stderr


FORGED_ARGUMENT = "x\n::add-mask::e\n::error::forged ##[error]y"


@pytest.mark.parametrize("argument", [FORGED_ARGUMENT, f"--{FORGED_ARGUMENT}"])
def test_an_argument_of_a_stranger_is_quoted_and_not_obeyed(shop: Shop, argument: str) -> None:
    ran = run(shop, "promote", argument)
    assert (ran.returncode, read_log(ran.stdout + ran.stderr).commands) == (2, []), ran.stderr
    assert "Usage: ci-migrate promote" in ran.stderr
    # In the action it is an annotation, and nothing in that is one more command.
    ran = run(shop, CI_MIGRATE_COMMAND="promote", CI_MIGRATE_ARGS=shlex.quote(argument))
    (command,) = read_log(ran.stdout + ran.stderr).commands
    assert (ran.returncode, command.partition(" ")[0]) == (2, "error")


def test_a_secret_that_was_typed_as_an_argument_is_not_shown(shop: Shop) -> None:
    secret = "s3cretly/long"
    url = f"postgresql://u:{secret}@h/d"
    ran = run(shop, "promote", url, DEV_URL=url)
    assert (ran.returncode, secret in ran.stdout + ran.stderr) == (2, False)
    ran = run(shop, CI_MIGRATE_COMMAND="promote", CI_MIGRATE_ARGS=url, DEV_URL=url)
    assert (ran.returncode, secret in ran.stdout + ran.stderr) == (2, False)


def test_a_configuration_of_a_stranger_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop")
    file = shop.path / "x##[error]y.yml"
    config = json.loads((shop.path / "ci-migrate.yml").read_text("utf-8"))
    config["environments"]["dev"]["branches"].append(FORGED)
    file.write_text(json.dumps(config), "utf-8")
    ran = run(shop, "config", "check", "--config", file.name)
    assert ran.returncode == 0, ran.stderr
    assert "forged" in ran.stdout
    assert read_log(ran.stdout + ran.stderr).commands == []


def test_a_damaged_record_beside_the_backups_is_told(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={"evidence": ["store"]})
    assert shop.promote("dev").outcome == "promoted"
    (copy,) = (shop.path / ".ci-migrate" / "backups").glob(f"dev-*{RUN_SUFFIX}")
    content = json.loads(copy.read_bytes())
    del content["rows"][1]["revision"]
    copy.write_text(json.dumps(content), "utf-8")
    for arguments in (("history", "--from", "store"), ("ledger", "reconcile")):
        ran = run(shop, *arguments, "--environment", "dev")
        assert "Traceback" not in ran.stderr, ran.stderr
        assert "is not a usable record of a run: TypeError: revision is None" in (
            ran.stdout + ran.stderr
        )
    planned = run(shop, "plan", "--environment", "staging", DEV_URL="")
    assert (planned.returncode, "is not a usable record" in planned.stdout) == (3, True)


def test_a_file_name_of_a_stranger_beside_the_backups(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop")
    assert shop.promote("dev").outcome == "promoted"
    name = f"dev-20261101T120000Z-x\n::error::forged ##[error]y\x1b[31m{RUN_SUFFIX}"
    (shop.path / ".ci-migrate" / "backups" / name).write_text("{}", "utf-8")
    ran = run(shop, "history", "--environment", "dev", "--from", "store")
    assert "is not a usable record" in ran.stderr
    assert read_log(ran.stdout + ran.stderr).commands == []
    assert "\x1b" not in ran.stdout + ran.stderr
    assert os.linesep in ran.stdout
