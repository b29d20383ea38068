"""`ci-migrate heads`: what is there, and what a merge would make, in real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects_builder import Project, build_repository, commit, run_git
from tests.projects_changes import add_revision, add_second_head, find_revision
from tests.promotion import Ran, run_tool, write_config

pytestmark = pytest.mark.newest
FIRST, SECOND = "aaaaaaaaaa01", "bbbbbbbbbb02"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose configuration needs a variable that is not set: heads asks no database."""
    project = build_repository("linear", tmp_path / "shop", branches=("main",))
    write_config(project, {"dev": {"url": "${NOT_SET}", "branches": ["main"], "backup": "none"}})
    commit(project, "configure")
    return project


def branch_with(project: Project, name: str, revision: str, table: str) -> None:
    """Make a branch from main with one revision after its head."""
    run_git(project, "checkout", "-q", "-b", name, "main")
    upgrade = f'op.add_column("{table}", sa.Column("c_{revision}", sa.Integer()))'
    add_revision(project, revision, upgrade=upgrade, message=f"extend {table}")
    commit(project, f"extend {table}")


def against(project: Project, ref: str) -> Ran:
    return run_tool(project.path, "heads", "--against", ref)


def test_one_head(project: Project) -> None:
    ran = run_tool(project.path, "heads")
    assert ran.exit_code == 0, ran.output
    assert [head["revision"] for head in ran.result["heads"]] == list(project.situation.heads)
    assert (ran.result["stray"], ran.result["blocked"]) == ([], False)


def test_two_heads_are_explained_with_authors_files_tables_and_the_command(
    project: Project,
) -> None:
    file = add_second_head(project).relative_to(project.path).as_posix()
    commit(project, "second head")
    ran = run_tool(project.path, "heads")
    assert ran.exit_code == 3, ran.output
    stray = [*project.situation.heads, "5ec04d4ead01"]
    assert sorted(ran.result["stray"]) == sorted(stray)
    command = f'alembic merge -m "merge {" and ".join(sorted(stray))}" {" ".join(sorted(stray))}'
    for words in (file, "added by tests on 2", "touches table_5ec04d4ead01", command):
        assert words in ran.output


def test_two_green_branches_make_two_heads_together(project: Project) -> None:
    branch_with(project, "one", FIRST, "books")
    branch_with(project, "two", SECOND, "books")
    run_git(project, "branch", "-q", "-f", "merged", "one")
    assert run_tool(project.path, "heads").exit_code == 0
    assert against(project, "main").exit_code == 0
    status = run_git(project, "status", "--porcelain")
    ran = against(project, "one")
    assert ran.exit_code == 3, ran.output
    assert ran.result["stray"] == [FIRST, SECOND]
    sides = {head["revision"]: head["side"] for head in ran.result["heads"]}
    assert sides == {FIRST: "one", SECOND: "this commit"}
    assert ran.result["shared"] == [{"table": "books", "revisions": [FIRST, SECOND]}]
    assert "both touch  books" in ran.output
    assert run_git(project, "status", "--porcelain") == status


def test_a_pull_request_that_builds_on_the_other_is_fine(project: Project) -> None:
    branch_with(project, "one", FIRST, "books")
    run_git(project, "checkout", "-q", "-b", "two")
    add_revision(project, SECOND, after=FIRST)
    commit(project, "on top")
    assert against(project, "one").exit_code == 0


def test_two_files_with_the_same_revision_are_a_defect(project: Project) -> None:
    branch_with(project, "one", FIRST, "books")
    branch_with(project, "two", FIRST, "authors")
    file = find_revision(project, FIRST)
    file.rename(file.with_name("another_name.py"))
    commit(project, "another name")
    ran = against(project, "one")
    assert ran.exit_code == 3, ran.output
    assert FIRST in ran.result["problems"][0]["message"]


def test_a_revision_file_in_conflict_blocks(project: Project) -> None:
    branch_with(project, "one", FIRST, "books")
    branch_with(project, "two", FIRST, "authors")
    ran = against(project, "one")
    assert ran.exit_code == 3, ran.output
    assert ran.result["conflicts"] == [find_revision(project, FIRST).relative_to(project.path).as_posix()]  # fmt: skip


def test_several_heads_that_are_meant_are_fine(project: Project) -> None:
    names = [*project.situation.heads, "5ec04d4ead01"]
    config = project.path / "ci-migrate.yml"
    config.write_text(config.read_text().replace('"migrations": {', f'"migrations": {{"heads": {names},'))  # fmt: skip
    add_second_head(project)
    ran = run_tool(project.path, "heads")
    assert ran.exit_code == 0, ran.output
    assert "all named in migrations.heads" in ran.output


def test_heads_that_are_meant_and_are_nowhere_are_told(project: Project) -> None:
    config = project.path / "ci-migrate.yml"
    config.write_text(config.read_text().replace('"migrations": {', '"migrations": {"heads": ["core"],'))  # fmt: skip
    ran = run_tool(project.path, "heads")
    assert ran.exit_code == 3, ran.output
    assert "the files have none of the heads that `migrations.heads` names (core)" in ran.output


def test_what_is_not_committed_is_told(project: Project) -> None:
    branch_with(project, "one", FIRST, "books")
    run_git(project, "checkout", "-q", "main")
    add_revision(project, SECOND)
    ran = against(project, "one")
    assert (ran.exit_code, ran.result["stray"]) == (0, []), ran.output
    assert "not committed and not counted" in ran.output


def test_a_ref_that_is_not_here_says_what_to_fetch(project: Project) -> None:
    ran = against(project, "origin/main")
    assert ran.exit_code == 2, ran.output
    assert "git fetch origin main" in ran.output
