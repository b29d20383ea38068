"""Which project is found, and what is said when none is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ci_migrate.errors import ExitCode, ProjectError
from ci_migrate.revisions.locate import find_project
from ci_migrate.revisions.project import Project

FLASK_ENV = "from flask import current_app\ncontext.configure(connection=c, **args)\n"


def find(root: Path, env: dict[str, str] | None = None, **options: Any) -> Project:
    return find_project(root, env=env or {}, **options)


def make_plain(root: Path, ini: str = "[alembic]\nscript_location = %(here)s/db\n") -> None:
    (root / "db" / "versions").mkdir(parents=True)
    (root / "db" / "env.py").write_text("context.configure(connection=c)\n")
    (root / "alembic.ini").write_text(ini)


def make_flask(root: Path, name: str = "migrations") -> None:
    (root / name / "versions").mkdir(parents=True)
    (root / name / "env.py").write_text(FLASK_ENV)
    (root / name / "alembic.ini").write_text("[alembic]\n# no script_location\n")


def test_plain(tmp_path: Path) -> None:
    make_plain(tmp_path)
    project = find(tmp_path)
    assert project.kind == "alembic"
    assert project.config_file == tmp_path / "alembic.ini"
    assert project.version_locations == (tmp_path / "db" / "versions",)
    assert project.env_py == tmp_path / "db" / "env.py"
    assert (project.version_table, project.version_table_known) == ("alembic_version", True)
    assert (project.unreadable, project.notes) == ((), ())


def test_flask_folder(tmp_path: Path) -> None:
    make_flask(tmp_path)
    project = find(tmp_path)
    assert (project.kind, project.flask_app) == ("flask", None)
    assert project.config_file == tmp_path / "migrations" / "alembic.ini"
    assert project.script_location == tmp_path / "migrations"
    assert project.version_locations == (tmp_path / "migrations" / "versions",)


def test_flask_app_from_the_environment(tmp_path: Path) -> None:
    make_flask(tmp_path)
    assert find(tmp_path, {"FLASK_APP": "shop:create_app"}).flask_app == "shop:create_app"
    assert find(tmp_path, {"FLASK_APP": "shop"}, flask_app="other").flask_app == "other"


def test_flask_directory(tmp_path: Path) -> None:
    make_flask(tmp_path, "database")
    by_option = find(tmp_path, directory="database")
    by_variable = find(tmp_path, {"FLASK_DB_DIRECTORY": "database"})
    assert by_option == by_variable
    assert by_option.script_location == tmp_path / "database"
    by_file = find(tmp_path, config=Path("database/alembic.ini"))
    assert (by_file.kind, by_file.script_location) == ("flask", tmp_path / "database")


def test_a_config_that_names_its_folder_needs_no_flask_app(tmp_path: Path) -> None:
    """Its env.py may mention the current application, and make one where there is none."""
    make_flask(tmp_path)
    ini = tmp_path / "migrations" / "alembic.ini"
    ini.write_text("[alembic]\nscript_location = %(here)s\n[other]\n")
    named = Path("migrations/alembic.ini")
    by_itself = find(tmp_path, config=named)
    assert (by_itself.kind, by_itself.script_location) == ("alembic", tmp_path / "migrations")
    # The application is used where it is named, or where only the application knows the folder.
    assert find(tmp_path, config=named, flask_app="shop").kind == "flask"
    assert find(tmp_path, config=named, name="other").kind == "flask"


def test_ini_and_flask_folder(tmp_path: Path) -> None:
    make_plain(tmp_path)
    make_flask(tmp_path)
    project = find(tmp_path)
    assert project.kind == "alembic"
    assert "migrations.flask_app" in project.notes[0]
    chosen = find(tmp_path, flask_app="shop")
    assert (chosen.kind, chosen.script_location) == ("flask", tmp_path / "migrations")
    assert "alembic.ini is not used" in chosen.notes[0]


def test_flask_app_without_its_folder_is_unreadable(tmp_path: Path) -> None:
    project = find(tmp_path, flask_app="shop")
    assert project.unreadable == ("the script folder migrations does not exist",)
    assert not project.version_table_known


def test_pyproject(tmp_path: Path) -> None:
    pytest.importorskip("tomllib")
    make_plain(tmp_path)
    (tmp_path / "alembic.ini").unlink()
    (tmp_path / "pyproject.toml").write_text('[tool.alembic]\nscript_location = "%(here)s/db"\n')
    assert find(tmp_path).script_location == tmp_path / "db"
    assert find(tmp_path, config=Path("pyproject.toml")).kind == "alembic"


def test_ini_settings_come_before_pyproject(tmp_path: Path) -> None:
    pytest.importorskip("tomllib")
    make_plain(tmp_path, "[alembic]\nsqlalchemy.url = sqlite://\n")
    (tmp_path / "pyproject.toml").write_text('[tool.alembic]\nscript_location = "db"\n')
    assert find(tmp_path).script_location == tmp_path / "db"
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = other\n")
    assert find(tmp_path).script_location == tmp_path / "other"


def test_alembic_config_variable(tmp_path: Path) -> None:
    make_plain(tmp_path)
    (tmp_path / "alembic.ini").rename(tmp_path / "other.ini")
    assert find(tmp_path, {"ALEMBIC_CONFIG": "other.ini"}).config_file == tmp_path / "other.ini"
    with pytest.raises(ProjectError, match=r"gone\.ini") as caught:
        find(tmp_path, {"ALEMBIC_CONFIG": "gone.ini"})
    assert "ALEMBIC_CONFIG" in (caught.value.next_step or "")


def test_named_section(tmp_path: Path) -> None:
    make_plain(tmp_path, "[billing]\nscript_location = db\n[other]\nx = 1\n")
    assert find(tmp_path, name="billing").ini_section == "billing"
    with pytest.raises(ProjectError, match=r"no section \[alembic\]") as caught:
        find(tmp_path)
    assert caught.value.next_step == "Set migrations.name to one of: billing."


def test_nothing_found(tmp_path: Path) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "alembic.ini").write_text("")
    with pytest.raises(ProjectError) as caught:
        find(tmp_path)
    assert caught.value.exit_code == ExitCode.USAGE
    assert all(word in str(caught.value) for word in ("alembic.ini", "env.py", "[tool.alembic]"))
    step = caught.value.next_step or ""
    assert "backend/alembic.ini" in step
    assert "migrations.config" in step
    assert "migrations.flask_app" in step


@pytest.mark.parametrize(
    "options",
    [
        {"config": Path("gone.ini")},
        {"directory": "gone"},
        {"directory": "gone", "flask_app": "shop"},
        {"versions": ("gone",)},
    ],
)
def test_named_places_must_exist(tmp_path: Path, options: dict[str, Any]) -> None:
    if "versions" in options:
        make_plain(tmp_path)
    with pytest.raises(ProjectError, match="gone") as caught:
        find(tmp_path, **options)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("ini", "word"),
    [
        ("[alembic]\nscript_location = gone\n", "gone"),
        ("[alembic]\nscript_location = no_such_package_here:db\n", "no_such_package_here"),
        ("[alembic]\nscript_location = %(unknown)s/db\n", "unknown"),
        ("[alembic]\nscript_location = db\nversion_locations = x y\n", "x, y"),
        (
            "[alembic]\nscript_location = db\npath_separator = bar\nversion_locations = x\n",
            "path_separator",
        ),
    ],
)
def test_what_text_cannot_tell(tmp_path: Path, ini: str, word: str) -> None:
    make_plain(tmp_path, ini)
    (reason,) = find(tmp_path).unreadable
    assert word in reason
    assert find(tmp_path, versions=("db/versions",)).unreadable == ()


@pytest.mark.parametrize(
    ("ini", "word"),
    [
        ("no section\n", "no section"),
        ("[alembic]\nx = 1\nx = 2\n", "already exists"),
        ("[alembic]\nx = 1\n", "no script_location"),
    ],
)
def test_ini_files_that_alembic_refuses(tmp_path: Path, ini: str, word: str) -> None:
    make_plain(tmp_path, ini)
    with pytest.raises(ProjectError, match=word) as caught:
        find(tmp_path)
    assert caught.value.where.file == str(tmp_path / "alembic.ini")


def test_overrides(tmp_path: Path) -> None:
    make_plain(tmp_path)
    (tmp_path / "db" / "env.py").write_text(
        "context.configure(version_table=name(), version_table_schema=name())\n"
    )
    assert not find(tmp_path).version_table_known
    assert not find(tmp_path, version_table="t").version_table_known
    project = find(tmp_path, version_table="t", version_table_schema="s")
    assert (project.version_table, project.version_table_schema) == ("t", "s")
    assert project.version_table_known
    project = find(tmp_path, version_table="t", version_table_schema="")
    assert (project.version_table_schema, project.version_table_known) == (None, True)


def test_own_runner_without_settings(tmp_path: Path) -> None:
    make_plain(tmp_path)
    (tmp_path / "alembic.ini").unlink()
    project = find(tmp_path, versions=("db/versions",))
    assert (project.config_file, project.script_location) == (None, tmp_path / "db")
    assert project.unreadable == ()


def test_package_location_imports_nothing(tmp_path: Path) -> None:
    for folder in (tmp_path / "shop_pkg", tmp_path / "shop_pkg" / "inner"):
        folder.mkdir()
        (folder / "__init__.py").write_text("raise SystemExit('imported')\n")
    (tmp_path / "shop_pkg" / "inner" / "db" / "versions").mkdir(parents=True)
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = shop_pkg.inner:db\n")
    assert find(tmp_path).script_location == tmp_path / "shop_pkg" / "inner" / "db"


def test_path_with_percent_sign(tmp_path: Path) -> None:
    root = tmp_path / "100%(sure)s"
    root.mkdir()
    make_plain(root)
    assert find(root).script_location == root / "db"
