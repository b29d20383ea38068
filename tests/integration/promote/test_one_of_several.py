"""Several environments, projects or histories where one is easily taken for the other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.promote.database import query, read_tables
from tests.integration.promote.shop import build_shop, gates, message
from tests.integration.restore.asking import restore
from tests.projects_builder import Project, build_repository, copy_project, find_revision
from tests.projects_changes import add_revision, render_revision
from tests.promotion import Ran, promote, run_tool, write_config

pytestmark = pytest.mark.newest


def test_a_secret_that_was_copied_does_not_end_in_nothing_to_do(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    assert shop.promote("dev").outcome == "promoted"
    ran = shop.promote("production", PRODUCTION_URL=shop.urls["dev"] + "?timeout=5")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert gates(ran)["connection"] == "failed"
    assert "leads to the same database as that of dev" in message(ran, "connection")
    assert shop.promote("staging").outcome == "promoted"


def test_the_stage_that_finds_the_wrong_database_does_not_name_the_right_one(
    tmp_path: Path, sqlite_url: str
) -> None:
    ran = promote(copy_project("wrong_database", tmp_path / "work"), sqlite_url, backup="none")
    assert (ran.outcome, ran.result["error"]["stage"]) == ("failed", "probe"), ran.output
    assert "\nprobe    failed  (" in ran.output
    assert "env.py opens" not in ran.output


def test_one_variable_for_all_is_not_read_as_the_url_of_another(tmp_path: Path) -> None:
    """GitHub's environments have secrets of the same name: a job knows its own only."""
    project = build_repository("linear", tmp_path / "shop", branches=("dev", "production"))
    section = {"url": "${DATABASE_URL}", "backup": "none"}
    write_config(
        project,
        {
            "dev": {**section, "branches": ["dev"]},
            "production": {**section, "branches": ["production"], "promote_from": "dev"},
        },
    )
    ran = run_tool(
        project.path, "plan", "--environment", "production",
        env={"DATABASE_URL": f"sqlite:///{tmp_path}/production.db"},
    )  # fmt: skip
    said = message(ran, "order")
    assert "made of the same variables as that of production" in said, ran.output


def write_history(folder: Path, table: str) -> None:
    """Write a script folder with one revision `0001`, and a version table of its own."""
    (folder / "versions").mkdir(parents=True)
    text = render_revision(
        "0001",
        parents=None,
        message=f"first of {table}",
        upgrade=f'op.create_table("{table}", sa.Column("id", sa.Integer()))',
        downgrade=f'op.drop_table("{table}")',
    )
    (folder / "versions" / "0001_first.py").write_text(text, "utf-8")


def two_histories(folder: Path) -> Project:
    project = copy_project("named_section", folder)
    for section in ("catalogue", "billing"):
        scripts = project.path / section / "migrations"
        for file in (scripts / "versions").glob("*.py"):
            file.unlink()
        (scripts / "versions").rmdir()
        write_history(scripts, section)
        env_py = scripts / "env.py"
        text = env_py.read_text("utf-8")
        assert "context.configure(" in text
        env_py.write_text(
            text.replace("context.configure(", f'context.configure(version_table="{section}_v", '),
            "utf-8",
        )
    return project


@pytest.mark.slow_on("postgres")
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_two_sections_with_equal_ids_are_two_histories(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    dev = request.getfixturevalue(f"{kind}_url")
    server = None if kind == "sqlite" else request.getfixturevalue("postgres")
    production = server.create_database() if server else f"sqlite:///{tmp_path}/production.db"
    project = two_histories(tmp_path / "work")
    env = {"DEV_URL": dev, "PRODUCTION_URL": production}
    environments = {
        "dev": {"url": "${DEV_URL}", "backup": "none"},
        "production": {"url": "${PRODUCTION_URL}", "backup": "none", "promote_from": "dev"},
    }

    def run(section: str, *arguments: str) -> Ran:
        write_config(project, environments, migrations={"name": section})
        return run_tool(project.path, *arguments, env=env)

    for environment in ("dev", "production"):
        for section in ("catalogue", "billing"):
            ran = run(section, "promote", "--environment", environment)
            assert ran.outcome == "promoted", ran.output
    for section in ("catalogue", "billing"):
        ran = run(section, "promote", "--environment", "dev")
        assert ran.outcome == "nothing-to-do", ran.output
        (told,) = run(section, "history", "--environment", "dev").result
        assert told["revisions"][0]["message"] == f"first of {section}"
    back = run("billing", "rollback", "--environment", "dev", "--expect", "0001")
    assert back.outcome == "rolled-back", back.output
    assert "catalogue" in read_tables(dev)
    assert "billing" not in read_tables(dev)


def test_a_store_that_two_projects_share_keeps_the_backups_of_both(tmp_path: Path) -> None:
    backups = tmp_path / "store"
    archives = []
    for name in ("first", "second"):
        project = build_repository("linear", tmp_path / name)
        settings = {"backup": {"directory": str(backups), "keep": 1}}
        ran = promote(project, f"sqlite:///{tmp_path}/{name}.db", **settings)
        assert ran.outcome == "promoted", ran.output
        archives.append(Path(ran.result["backup"]["location"]))
        assert archives[0].exists()
        # And what is restored without a name is its own.
        back = restore(project, f"sqlite:///{tmp_path}/{name}.db", "--confirm", "dev")
        assert back.outcome == "restored", back.output
        assert any(archives[-1].name in gate for gate in back.output.splitlines()), back.output
    assert len(list(backups.glob("dev-*.sqlite"))) >= 2


@pytest.mark.parametrize(
    ("config", "location", "said"),
    [
        ("backend/alembic.ini", "alembic", "alembic of backend/alembic.ini does not exist"),
        ("backend/alembic/alembic.ini", ".", ". of backend/alembic/alembic.ini has no env.py"),
    ],
)
def test_a_script_folder_beside_the_settings_is_named(
    tmp_path: Path, config: str, location: str, said: str
) -> None:
    project = build_repository("linear", tmp_path / "shop")
    backend = project.path / "backend"
    backend.mkdir()
    shutil.move(project.path / "migrations", backend / "alembic")
    ini = project.path / "alembic.ini"
    text = ini.read_text("utf-8").replace(
        "script_location = migrations", f"script_location = {location}"
    )
    (project.path / config).write_text(text, "utf-8")
    ini.unlink()
    write_config(project, {"dev": {"url": "sqlite:///dev.db"}}, migrations={"config": config})
    for command in ("plan", "promote"):
        ran = run_tool(project.path, command, "--environment", "dev")
        assert ran.exit_code == 2, ran.output
        assert f"the script folder {said}" in ran.output
        folder = Path(config).parent
        assert f"lies in {folder}: put ci-migrate.yml into {folder}" in ran.output
    assert not (project.path / ".ci-migrate").exists()


WIDEN = 'op.alter_column("alembic_version", "version_num", type_=sa.String(255))'
HOOK = """
from alembic.ddl.postgresql import PostgresqlImpl
import sqlalchemy as sa


def wide(self, *, version_table, version_table_schema, version_table_pk, **kw):
    return sa.Table(
        version_table, sa.MetaData(), sa.Column("version_num", sa.String(128), primary_key=True)
    )


PostgresqlImpl.version_table_impl = wide
"""


@pytest.mark.parametrize("by", ["nobody", "revision", "env.py"])
def test_a_version_column_that_the_project_widens_itself(
    tmp_path: Path, postgres_url: str, by: str
) -> None:
    project = copy_project("linear", tmp_path / "work")
    if by == "revision":
        add_revision(project, "aaaaaaaaaa01", upgrade=WIDEN)
    if by == "env.py":
        env_py = find_revision(project, "8f67280c2894").parents[1] / "env.py"
        env_py.write_text(HOOK + env_py.read_text("utf-8"), "utf-8")
    long = "20240101_create_the_table_of_the_customers"
    after = "aaaaaaaaaa01" if by == "revision" else "5c00753421f7"
    add_revision(project, long, after=after)
    ran = promote(project, postgres_url, backup="none")
    if by == "nobody":
        assert ran.exit_code == 3, ran.output
        assert "has 42 characters; the version column holds 32" in message(ran, "history")
        return
    assert ran.outcome == "promoted", ran.output
    assert query(postgres_url, "SELECT version_num FROM alembic_version") == [(long,)]


def test_a_role_that_may_only_read_mariadb(
    tmp_path: Path, mariadb_url: str, request: pytest.FixtureRequest
) -> None:
    name = mariadb_url.partition("?")[0].rpartition("/")[2]
    mariadb = request.getfixturevalue("mariadb")
    url = mariadb.url_of_role(mariadb_url, "only_reads", "SELECT")
    project = copy_project("linear", tmp_path / "work")
    ran = promote(project, url, backup="none")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    said = next(gate for gate in ran.result["gates"] if gate["name"] == "connection")
    assert f"may not CREATE, DELETE, INSERT, UPDATE in database {name}" in said["message"]
    assert said["next"].startswith(
        f"GRANT CREATE, DELETE, INSERT, UPDATE ON `{name}`.* TO 'only_reads'@"
    )
    mariadb.run_sql(said["next"])
    mariadb.run_sql(f"GRANT ALTER, INDEX, REFERENCES, DROP ON `{name}`.* TO only_reads")
    assert promote(project, url, backup="none").outcome == "promoted"


def test_a_role_that_may_only_read_the_ledger_postgresql(
    tmp_path: Path, postgres_url: str, request: pytest.FixtureRequest
) -> None:
    postgres = request.getfixturevalue("postgres")
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    project = copy_project("linear", tmp_path / "work")
    assert promote(project, postgres_url, backup="none").outcome == "promoted"
    postgres.create_role("only reads", "pa55word of it")
    for grant in (
        "USAGE ON SCHEMA ci_migrate",
        "SELECT ON ci_migrate.ci_migrate_ledger",
        "USAGE, CREATE ON SCHEMA public",
        "ALL ON ALL TABLES IN SCHEMA public",
        "ALL ON ALL SEQUENCES IN SCHEMA public",
    ):
        postgres.run_sql(f'GRANT {grant} TO "only reads"', name)
    url = postgres.tcp_url(name, role="only reads", password="pa55word of it")
    add_revision(project, "aaaaaaaaaa01", upgrade="op.execute('CREATE TABLE later (id integer)')")
    ran = promote(project, url)
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    said = next(gate for gate in ran.result["gates"] if gate["name"] == "connection")
    assert "role only reads may not write ci_migrate.ci_migrate_ledger" in said["message"]
    start, grants = said["next"].split(": ")
    assert start == "Let an administrator run"
    assert "GRANT INSERT, UPDATE ON ci_migrate.ci_migrate_ledger" in grants
    assert "GRANT USAGE, SELECT ON SEQUENCE ci_migrate.ci_migrate_ledger_id_seq" in grants
    postgres.run_sql(grants, name)
    ran = promote(project, url)
    assert ran.outcome == "promoted", ran.output
