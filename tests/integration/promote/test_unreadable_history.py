"""Histories and settings that files alone do not tell: the worker loads them first."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.promote.database import read_rows, read_tables
from tests.projects_builder import Project, copy_project
from tests.promotion import Ran, promote, run_tool, write_config

PLACES = """
def configure(config):
    config.set_main_option("version_locations", "histories")
"""


@pytest.mark.slow_on("postgres", "mariadb")
def test_a_setup_that_chooses_the_folders_is_followed(database_url: str, tmp_path: Path) -> None:
    project = copy_project("linear", tmp_path / "work")
    (project.path / "migrations/versions").rename(project.path / "histories")
    (project.path / "places.py").write_text(PLACES, encoding="utf-8")
    situation = replace(project.situation, migrations={"setup": "places:configure"})
    project = replace(project, situation=situation)
    ran = promote(project, database_url)
    assert ran.outcome == "promoted", ran.output
    assert read_rows(database_url, situation) == list(situation.rows)
    assert set(situation.tables) <= read_tables(database_url)
    again = promote(project, database_url)
    assert again.outcome == "nothing-to-do", again.output


def test_a_failing_probe_ends_the_run_with_an_async_driver(
    postgres_url: str, tmp_path: Path
) -> None:
    """The parent's connections live in a thread that is gone when the interpreter ends."""
    pytest.importorskip("asyncpg")
    project = copy_project("versions_at_run_time", tmp_path / "work")
    scheme, _, rest = postgres_url.partition("://")
    ran = promote(project, f"{scheme.partition('+')[0]}+asyncpg://{rest}")
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert ran.result["error"]["kind"] == "probe"
    assert "MissingGreenlet" in ran.result["error"]["message"]


def test_a_plan_does_not_say_what_text_cannot_tell(sqlite_url: str, tmp_path: Path) -> None:
    project = copy_project("versions_at_run_time", tmp_path / "work")
    write_config(project, {"dev": {"url": sqlite_url, "branches": ["main"]}})
    ran = run_tool(project.path, "plan", "--environment", "dev")
    assert (ran.outcome, ran.exit_code) == ("ready", 0), ran.output
    assert "what is pending only the project knows" in ran.output
    assert "READY, 0 revisions" not in ran.output
    assert "pending      nothing" not in ran.output


def with_settings(project: Project, **migrations: object) -> Project:
    """Return a project with other settings of its migrations."""
    return replace(project, situation=replace(project.situation, migrations=migrations))


def ask(project: Project, url: str, command: str) -> Ran:
    """Run a command that only looks, as the last promotion was configured."""
    return run_tool(project.path, command, "--environment", "dev", env={"CIM_URL": url})


@pytest.mark.parametrize("name", ["versions_at_run_time", "version_table_at_run_time"])
def test_what_only_the_project_knows_is_neither_claimed_nor_blocked(
    sqlite_url: str, tmp_path: Path, name: str
) -> None:
    project = with_settings(copy_project(name, tmp_path / "work"))
    assert promote(project, sqlite_url).outcome == "promoted"
    plan, status = ask(project, sqlite_url, "plan"), ask(project, sqlite_url, "status")
    assert (plan.outcome, plan.exit_code) == ("ready", 0), plan.output
    assert plan.result["pending"] == []
    assert "what is pending only the project knows" in plan.output
    assert "`migrations.version_table`" in plan.output
    gates = {gate["name"]: gate["outcome"] for gate in plan.result["gates"]}
    assert (gates["connection"], gates["history"], gates["order"]) == (
        "passed",
        "skipped",
        "skipped",
    )
    assert "pending not known" in status.output
    (found,) = status.result
    assert (found["pending"], found["unknown"], "pending" in found["untold"]) == ([], [], True)
    assert "at base" not in status.output + plan.output, status.output
    assert promote(project, sqlite_url).outcome == "nothing-to-do"


def test_a_branch_whose_labels_are_computed_is_planned_by_its_files(
    sqlite_url: str, tmp_path: Path
) -> None:
    project = copy_project("label_constant", tmp_path / "work")
    write_config(project, {"dev": {"url": "${CIM_URL}", "branches": ["main"]}})
    plan = ask(project, sqlite_url, "plan")
    assert (plan.outcome, len(plan.result["pending"])) == ("ready", 3), plan.output
    assert "branch labels are known only when promote has" in plan.output
    assert promote(project, sqlite_url).outcome == "promoted"
    again = ask(project, sqlite_url, "plan")
    assert (again.outcome, again.exit_code) == ("nothing-to-do", 0), again.output
    assert "nothing pending" in ask(project, sqlite_url, "status").output


def test_a_computed_label_hides_no_heads_that_nobody_meant(sqlite_url: str, tmp_path: Path) -> None:
    project = with_settings(copy_project("label_constant", tmp_path / "work"))
    ran = promote(project, sqlite_url)
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert ask(project, sqlite_url, "plan").outcome == "blocked"


def test_heads_whose_labels_are_computed_are_named_by_ids(tmp_path: Path) -> None:
    project = copy_project("label_constant", tmp_path / "work")
    heads = list(project.situation.heads)
    for command in ("heads", "check"):
        write_config(project, {"dev": {"url": "sqlite:///app.db"}})
        ran = run_tool(project.path, command)
        assert ran.exit_code == 2, ran.output
        assert "by the ids of their first revisions" in ran.output
        write_config(with_settings(project, heads=heads), {"dev": {"url": "sqlite:///app.db"}})
        named = run_tool(project.path, command)
        assert named.exit_code == 0, named.output


def test_a_command_of_its_own_does_not_need_labels(sqlite_url: str, tmp_path: Path) -> None:
    project = copy_project("label_constant", tmp_path / "work")
    command = {"upgrade": ["alembic", "upgrade", "heads"]}
    by_label = with_settings(project, command=command, heads=["expand", "contract"])
    ran = promote(by_label, sqlite_url)
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "name such heads by their ids" in ran.output
    assert ask(by_label, sqlite_url, "plan").outcome == "blocked"
    ini = project.path / "alembic.ini"
    ini.write_text(re.sub("sqlalchemy.url = .*", f"sqlalchemy.url = {sqlite_url}", ini.read_text()))
    named = with_settings(project, command=command, heads=list(project.situation.heads))
    assert promote(named, sqlite_url).outcome == "promoted"
    assert ask(named, sqlite_url, "plan").outcome == "nothing-to-do"


def test_a_plan_of_a_command_whose_revisions_nobody_tells_is_refused(
    sqlite_url: str, tmp_path: Path
) -> None:
    command = {"upgrade": ["alembic", "upgrade", "heads"]}
    project = with_settings(
        copy_project("versions_at_run_time", tmp_path / "work"), command=command
    )
    ran = promote(project, sqlite_url)
    assert ran.exit_code == 2, ran.output
    for command in ("plan", "plan --static"):
        assert ask(project, sqlite_url, command).exit_code == 2


def test_folders_of_which_text_finds_only_some_are_not_judged_by_these(
    sqlite_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    versions = project.path / "migrations/versions"
    versions.rename(project.path / "histories")
    versions.mkdir()
    stray = (
        "revision = 'abc123'\ndown_revision = None\ndef upgrade(): pass\ndef downgrade(): pass\n"
    )
    (versions / "stray.py").write_text(stray, "utf-8")
    (project.path / "places.py").write_text(PLACES, encoding="utf-8")
    project = with_settings(project, setup="places:configure")
    assert promote(project, sqlite_url).outcome == "promoted"
    plan = ask(project, sqlite_url, "plan")
    assert (plan.outcome, plan.result["pending"]) == ("ready", []), plan.output
    heads = run_tool(project.path, "heads")
    assert heads.exit_code == 2, heads.output
    assert "chooses the folders" in heads.output


@pytest.mark.parametrize(
    ("option", "named", "reason"),
    [
        ("version_table=f()", {}, "env.py computes the name of its version table: say it by"),
        ("version_table_schema=g()", {"version_table": "t"}, "env.py computes the schema of its"),
        ("version_table_schema=g()", {"version_table_schema": ""}, None),
    ],
)
def test_what_is_not_known_of_the_version_table_is_named(
    sqlite_url: str, tmp_path: Path, option: str, named: dict[str, str], reason: str | None
) -> None:
    project = copy_project("linear", tmp_path / "work")
    env_py = project.path / "migrations/env.py"
    text = env_py.read_text("utf-8").replace("context.configure(", f"context.configure({option}, ")
    env_py.write_text(f"def g():\n    return None\n\n\n{text}", "utf-8")
    write_config(project, {"dev": {"url": sqlite_url}}, migrations=named)
    ran = run_tool(project.path, "plan", "--environment", "dev")
    assert ran.exit_code == 0, ran.output
    if reason is None:
        assert "READY, 3 revisions pending" in ran.output
        assert run_tool(project.path, "promote", "--environment", "dev").outcome == "promoted"
    else:
        assert reason in ran.output
        assert f"`migrations.{option.partition('=')[0]}`" in ran.output


TAKES_IT_OUT = """
def forget_url(config):
    config.remove_main_option("sqlalchemy.url")
"""
ASKS_ITS_OWN = """
import os

if not config.get_main_option("sqlalchemy.url"):
    config.set_main_option("sqlalchemy.url", os.environ["DATABASE_URL"] + "?timeout=7")
elif "timeout=7" not in config.get_main_option("sqlalchemy.url"):
    raise RuntimeError("this way is for developers")
target_metadata = None
"""


def test_a_setup_may_take_the_url_out_of_alembics_settings(sqlite_url: str, tmp_path: Path) -> None:
    project = copy_project("linear", tmp_path / "work")
    env_py = project.path / "migrations/env.py"
    text = env_py.read_text("utf-8").replace("target_metadata = None\n", ASKS_ITS_OWN)
    env_py.write_text(text, "utf-8")
    ini = project.path / "alembic.ini"
    ini.write_text(re.sub("(?m)^sqlalchemy.url.*$", "", ini.read_text("utf-8")), "utf-8")
    (project.path / "ci_settings.py").write_text(TAKES_IT_OUT, "utf-8")
    for setup, outcome in (({}, "failed"), ({"setup": "ci_settings:forget_url"}, "promoted")):
        situation = replace(project.situation, migrations=setup)
        ran = promote(replace(project, situation=situation), sqlite_url)
        assert ran.outcome == outcome, ran.output


def test_a_schema_that_env_py_does_not_use_is_named_with_the_way_out(
    postgres_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    situation = replace(project.situation, migrations={"version_table_schema": "other"})
    ran = promote(replace(project, situation=situation), postgres_url)
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert '`version_table_schema: ""`' in ran.result["error"]["next"]
