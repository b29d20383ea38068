"""`merge` and `rebase`: two branches become one history, after a proof on scratch databases."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.integration.promote.database import query, read_tables, run_statements
from tests.projects_builder import Project, build_repository, commit, find_revision, run_git
from tests.projects_changes import add_revision
from tests.promotion import Ran, run_tool, write_config

pytestmark = pytest.mark.newest
ONE, TWO, THREE = "aaaaaaaaaa01", "bbbbbbbbbb02", "cccccccccc03"
ADD = 'op.add_column("orders", sa.Column("{0}", sa.Integer()))'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = build_repository("linear", tmp_path / "shop", branches=("main",))
    environments = {"dev": {"url": "${DEV_URL}", "branches": ["main"], "backup": "none"}}
    environments["production"] = {**environments["dev"], "url": "${PRODUCTION_URL}", "branches": []}
    write_config(project, environments)
    with (project.path / ".gitignore").open("a") as ignored:
        ignored.write(".ci-migrate-result.json\n")
    return project


def run(project: Project, url: str, command: str, *arguments: str) -> Ran:
    return run_tool(project.path, command, *arguments, env={"DEV_URL": url})


def two_branches(project: Project, one: str, two: str) -> None:
    for revision, upgrade in ((ONE, one), (TWO, two)):
        add_revision(project, revision, upgrade=upgrade, message=f"change by {revision[:3]}")
    commit(project, "two heads")


def three_branches(project: Project, one: str, two: str, three: str) -> None:
    two_branches(project, one, two)
    add_revision(project, THREE, upgrade=three, message=f"change by {THREE[:3]}")
    commit(project, "three heads")


@pytest.mark.slow_on("postgres", "mariadb")
@pytest.mark.parametrize("database", ["sqlite", "postgres", "mariadb"])
def test_heads_whose_order_does_not_matter_are_merged(
    project: Project, database: str, request: pytest.FixtureRequest
) -> None:
    database_url = request.getfixturevalue(f"{database}_url")
    two_branches(project, ADD.format("a"), ADD.format("b"))
    dry = run(project, database_url, "merge", "--dry-run")
    assert (dry.exit_code, run_git(project, "status", "--porcelain")) == (0, ""), dry.output
    ran = run(project, database_url, "merge")
    assert ran.exit_code == 0, ran.output
    assert ran.result["proof"]["orders"] == [[ONE, TWO], [TWO, ONE]]
    file = project.path / ran.result["file"]
    assert "merge_change_by_aaa_and_change_by_bbb" in file.name
    assert f"('{ONE}', '{TWO}')" in file.read_text()
    assert "both touch  orders" in ran.output
    assert "give the same schema" in ran.output
    assert run_tool(project.path, "heads").exit_code == 0
    promoted = run(project, database_url, "promote", "--environment", "dev")
    assert promoted.outcome == "promoted", promoted.output
    assert query(database_url, "SELECT version_num FROM alembic_version") == [
        (ran.result["revision"],)
    ]


def test_heads_whose_order_matters_are_refused_with_the_difference(
    project: Project, either_url: str
) -> None:
    index = 'op.execute("CREATE INDEX IF NOT EXISTS ix_orders_shared ON orders ({0})")'
    two_branches(project, index.format("id"), index.format("user_id"))
    ran = run(project, either_url, "merge")
    assert ran.exit_code == 3, ran.output
    assert "the order of the heads matters" in ran.output
    assert "index orders.ix_orders_shared is" in ran.output
    assert "ci-migrate rebase" in ran.output
    assert run_git(project, "status", "--porcelain") == ""


def test_a_head_that_fails_after_the_other_is_refused(project: Project, either_url: str) -> None:
    two_branches(project, ADD.format("same"), ADD.format("same"))
    ran = run(project, either_url, "merge")
    assert ran.exit_code == 3, ran.output
    assert "failed on a scratch database" in ran.output
    if either_url.startswith("sqlite"):
        assert not Path(either_url.removeprefix("sqlite:///")).exists(), "dev was not touched"
    else:
        assert read_tables(either_url) == set(), "dev was not touched"


@pytest.mark.slow
def test_three_heads_are_merged_after_each_came_before_each_other(
    project: Project, either_url: str
) -> None:
    three_branches(project, *(ADD.format(name) for name in "abc"))
    ran = run(project, either_url, "merge")
    assert ran.exit_code == 0, ran.output
    orders = ran.result["proof"]["orders"]
    assert orders == [[ONE, TWO, THREE], [TWO, THREE, ONE], [THREE, ONE, TWO]]
    for first, second in itertools.permutations((ONE, TWO, THREE), 2):
        assert any(order.index(first) < order.index(second) for order in orders)
    assert ran.result["message"] == "merge change by aaa, change by bbb and change by ccc"
    text = (project.path / ran.result["file"]).read_text()
    assert f"down_revision: Union[str, Sequence[str], None] = ('{ONE}', '{TWO}', '{THREE}')" in text
    promoted = run(project, either_url, "promote", "--environment", "dev")
    assert promoted.outcome == "promoted", promoted.output
    assert query(either_url, "SELECT version_num FROM alembic_version") == [
        (ran.result["revision"],)
    ]
    assert query(either_url, "SELECT a, b, c FROM orders") == []


@pytest.mark.slow
def test_two_of_three_heads_are_merged_by_name(project: Project, either_url: str) -> None:
    three_branches(project, *(ADD.format(name) for name in "abc"))
    ran = run(project, either_url, "merge", ONE, THREE)
    assert ran.exit_code == 0, ran.output
    left = run_tool(project.path, "heads")
    assert left.exit_code == 3
    assert {head["revision"] for head in left.result["heads"]} == {TWO, ran.result["revision"]}


@pytest.mark.slow
def test_one_of_three_that_gets_in_the_way_of_another_is_refused(
    project: Project, either_url: str
) -> None:
    index = 'op.execute("CREATE INDEX IF NOT EXISTS ix_orders_shared ON orders ({0})")'
    three_branches(project, index.format("id"), ADD.format("b"), index.format("user_id"))
    ran = run(project, either_url, "merge")
    assert ran.exit_code == 3, ran.output
    assert "the order of the heads matters" in ran.output
    assert f"the order {TWO}, {THREE}, {ONE}" in ran.output
    assert run_git(project, "status", "--porcelain") == ""


def test_one_head_is_nothing_to_merge(project: Project, either_url: str) -> None:
    ran = run(project, either_url, "merge")
    assert (ran.exit_code, "nothing to merge" in ran.output) == (2, True), ran.output


@pytest.mark.slow_on("postgres")
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_branch_goes_after_the_other_head(
    project: Project, database: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{database}_url")
    two_branches(project, ADD.format("a"), ADD.format("b"))
    add_revision(project, "cccccccccc03", after=TWO)
    commit(project, "on top")
    file = find_revision(project, TWO)
    before = file.read_text()
    refused = run(project, url, "rebase", TWO)
    assert (refused.exit_code, "--not-in production" in refused.output) == (3, True), refused.output
    dry = run(project, url, "rebase", TWO, "--dry-run", "--not-in", "production")
    assert (dry.exit_code, run_git(project, "status", "--porcelain")) == (0, ""), dry.output
    assert f"+down_revision = '{ONE}'" in dry.output
    ran = run(project, url, "rebase", TWO, "--not-in", "production")
    assert ran.exit_code == 0, ran.output
    parent = project.situation.heads[0]
    assert ran.result["branch"] == [TWO, "cccccccccc03"]
    assert file.read_text() == before.replace(parent, ONE)
    changed = file.relative_to(project.path).as_posix()
    assert run_git(project, "status", "--porcelain").split() == ["M", changed]
    assert "production could not be asked" in ran.output
    assert run_tool(project.path, "heads").result["heads"][0]["revision"] == "cccccccccc03"


def test_what_an_environment_has_executed_is_not_rebased(project: Project, either_url: str) -> None:
    add_revision(project, ONE)
    commit(project, "one")
    assert run(project, either_url, "promote", "--environment", "dev").outcome == "promoted"
    add_revision(project, TWO)
    ran = run(project, either_url, "rebase", ONE)
    assert ran.exit_code == 3, ran.output
    assert f"dev has already executed {ONE}" in ran.output
    assert f"ci-migrate merge {TWO} {ONE}" in ran.output
    other = run(project, either_url, "rebase", TWO, "--dry-run", "--not-in", "production")
    assert other.exit_code == 0, other.output


def test_what_an_environment_was_stamped_with_is_not_rebased(
    project: Project, either_url: str
) -> None:
    two_branches(project, ADD.format("a"), ADD.format("b"))
    run_statements(
        either_url,
        [
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
            f"INSERT INTO alembic_version VALUES ('{ONE}')",
        ],
    )
    ran = run(project, either_url, "rebase", ONE)
    assert (ran.exit_code, f"dev has already executed {ONE}" in ran.output) == (3, True), ran.output


def test_a_branch_that_does_not_run_after_the_other_stays(
    project: Project, either_url: str
) -> None:
    two_branches(project, 'op.rename_table("orders", "sales")', ADD.format("b"))
    ran = run(project, either_url, "rebase", TWO, "--not-in", "production")
    assert ran.exit_code == 3, ran.output
    assert f"{TWO} failed on a scratch database" in ran.output
    assert run_git(project, "status", "--porcelain") == ""


def test_a_revision_in_the_middle_of_its_branch_names_the_first(
    project: Project, either_url: str
) -> None:
    two_branches(project, ADD.format("a"), ADD.format("b"))
    add_revision(project, "cccccccccc03", after=TWO)
    ran = run(project, either_url, "rebase", "cccccccccc03")
    assert ran.exit_code == 2, ran.output
    assert TWO in ran.output
