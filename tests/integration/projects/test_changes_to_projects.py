"""What tests do to a project's history is what happens to real ones: shown with plain Alembic."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects_builder import (
    Project,
    build_repository,
    commit,
    copy_project,
    find_revision,
    read_situation,
    run_git,
)
from tests.projects_changes import (
    add_revision,
    add_second_head,
    delete_revision,
    edit_revision,
    reformat_revision,
)
from tests.projects_history import name_revision, write_linear_history
from tests.projects_plain import upgrade_plainly


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data.db'}"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return copy_project("linear", tmp_path / "project")


def test_copy_holds_only_what_a_user_has(project: Project) -> None:
    assert sorted(path.name for path in project.path.iterdir()) == ["alembic.ini", "migrations"]


def test_repository_has_its_branches_at_one_commit(tmp_path: Path) -> None:
    project = build_repository("linear", tmp_path / "app", branches=("dev", "staging", "main"))

    start = run_git(project, "rev-parse", "HEAD")
    assert run_git(project, "branch", "--show-current") == "dev"
    assert {run_git(project, "rev-parse", name) for name in ("staging", "main")} == {start}
    add_revision(project, "added0000001")
    assert commit(project, "Add a table") != start
    assert run_git(project, "status", "--porcelain") == ""


def test_added_revision_runs_after_the_head(project: Project, url: str) -> None:
    add_revision(project, "added0000001", message="create a table")

    done = upgrade_plainly(project, url)

    assert done.returncode == 0
    assert "-> added0000001, create a table" in done.stdout


def test_second_head_is_refused(project: Project, url: str) -> None:
    add_second_head(project)

    done = upgrade_plainly(project, url)

    assert done.returncode == 255
    assert "Multiple head revisions" in done.stdout


def test_deleted_revision_leaves_the_database_ahead_of_the_code(project: Project, url: str) -> None:
    upgrade_plainly(project, url)
    head = project.situation.heads[0]
    delete_revision(project, head)

    done = upgrade_plainly(project, url)

    assert done.returncode == 255
    assert f"Can't locate revision identified by '{head}'" in done.stdout


@pytest.mark.parametrize("change", [edit_revision, reformat_revision])
def test_changed_revision_still_runs(project: Project, url: str, change: object) -> None:
    head = project.situation.heads[0]
    before = find_revision(project, head).read_text(encoding="utf-8")

    file = change(project, head)  # type: ignore[operator]

    assert file.read_text(encoding="utf-8") != before
    assert upgrade_plainly(project, url).returncode == 0


@pytest.mark.parametrize("kind", ["noop", "typical"])
def test_long_history_reaches_its_head(tmp_path: Path, url: str, kind: str) -> None:
    ids = write_linear_history(tmp_path / "long", 12, kind)  # type: ignore[arg-type]
    project = Project(path=tmp_path / "long", situation=read_situation("linear"))

    done = upgrade_plainly(project, url)

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Running upgrade") == 12
    assert ids[-1] == name_revision(12)
    assert f"-> {ids[-1]}" in done.stdout
