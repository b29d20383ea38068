"""The project is found, and its files are read, where Alembic finds and reads them."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.locate import find_project
from ci_migrate.revisions.scan import read_history

pytestmark = pytest.mark.newest  # older versions of Alembic know fewer of these settings

PROJECTS = Path(__file__).parents[2] / "projects"
FORMS = {
    "here": "[alembic]\nscript_location = %(here)s/db\n",
    "relative": "[alembic]\nscript_location = db\n",
    "interpolated": "[alembic]\nfolder = db\nscript_location = %(here)s/%(folder)s\n",
    "package": "[alembic]\nscript_location = shop.inner:db\nprepend_sys_path = src\n",
    "spaces": "[alembic]\nscript_location = db\nversion_locations = db/versions  more\n",
    "commas": "[alembic]\nscript_location = db\nversion_locations = db/versions, more\n",
    "os": "[alembic]\nscript_location = db\nversion_path_separator = os\n"
    f"version_locations = db/versions{os.pathsep}%(here)s/more\n",
    "newline": "[alembic]\nscript_location = db\npath_separator = newline\n"
    "version_locations =\n  db/versions\n  more\n",
    "semicolon": "[alembic]\nscript_location = db\npath_separator = ;\n"
    "version_locations = db/versions;more;missing\n",
    "twice": "[alembic]\nscript_location = db\npath_separator = os\n"
    f"version_locations = db/versions{os.pathsep}db/../db/versions\n",
    "recursive": "[alembic]\nscript_location = db\nrecursive_version_locations = true\n",
    "not recursive": "[alembic]\nscript_location = db\nrecursive_version_locations = yes\n",
    "default section": "[DEFAULT]\nscript_location = db\n[alembic]\n",
    "percent": "[alembic]\nscript_location = %(here)s/db\nsqlalchemy.url = a://b:%%40@c/d\n",
}


def write_revision(folder: Path, name: str, parent: str | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = f"revision = {name!r}\ndown_revision = {parent!r}\n\ndef upgrade():\n    pass\n"
    (folder / f"{name}.py").write_text(text)


def write_tree(root: Path) -> None:
    inner = root / "src" / "shop" / "inner"
    for folder in (root / "db", inner / "db"):
        write_revision(folder / "versions", "a1", None)
        write_revision(folder / "versions", "b2", "a1")
        (folder / "env.py").write_text("from alembic import context\n")
        (folder / "versions" / "__init__.py").write_text("")
        (folder / "versions" / "__init__extra.py").write_text("not python (")
        (folder / "versions" / ".#b2.py").write_text("not python (")
        (folder / "versions" / "b2.py.orig").write_text("not python (")
        (folder / "versions" / "__pycache__").mkdir()
        write_revision(folder / "versions" / "__pycache__", "zz", None)
    # Importing the package must not be needed: it would end the process.
    for package in (inner.parent, inner):
        (package / "__init__.py").write_text("")
    write_revision(root / "db" / "versions" / "2026", "c3", "b2")
    (root / "db" / "versions" / "loop").symlink_to(root / "db", target_is_directory=True)
    write_revision(root / "more", "d4", "b2")
    (root / "more" / "again.py").symlink_to(root / "db" / "versions" / "a1.py")


@pytest.mark.parametrize("form", FORMS)
def test_settings_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    write_tree(tmp_path)
    ini = tmp_path / "alembic.ini"
    ini.write_text(FORMS[form])
    project = find_project(tmp_path, env={})
    history = read_history(project)
    assert (history.problems, history.unreadable) == ((), ())

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = ScriptDirectory.from_config(Config(str(ini)))
        expected = {r.revision for r in script.walk_revisions()}
    assert {revision.id for revision in history.revisions} == expected
    assert len(history.revisions) == len(expected)
    assert project.script_location is not None
    assert project.script_location.resolve() == Path(script.dir).resolve()


def test_toml_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path)
    toml = tmp_path / "pyproject.toml"
    toml.write_text(
        '[tool.alembic]\nscript_location = "%(here)s/db"\nrecursive_version_locations = true\n'
        'version_locations = ["%(here)s/db/versions", "more"]\n'
    )
    history = read_history(find_project(tmp_path, env={}))
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = ScriptDirectory.from_config(Config(toml_file=str(toml)))
        expected = {r.revision for r in script.walk_revisions()}
    assert {revision.id for revision in history.revisions} == expected == {"a1", "b2", "c3", "d4"}


@pytest.mark.parametrize(
    "name", sorted(path.parent.name for path in PROJECTS.glob("*/situation.json"))
)
def test_projects_by_situation(name: str) -> None:
    root = PROJECTS / name
    situation = json.loads((root / "situation.json").read_text())
    told = situation.get("migrations", {})
    project = find_project(
        root,
        config=Path(told["config"]) if "config" in told else None,
        name=told.get("name"),
        flask_app=told.get("flask_app"),
        directory=told.get("directory"),
        versions=tuple(told["versions"]) if "versions" in told else None,
        version_table=told.get("version_table"),
        version_table_schema=told.get("version_table_schema"),
        env={},
    )
    assert project.version_table_known
    assert project.version_table == situation.get("version_table", "alembic_version")
    assert project.version_table_schema == situation.get("version_table_schema")
    history = read_history(project)
    if name == "versions_at_run_time":
        assert history.unreadable
        return
    assert bool(history.unreadable) == (name == "label_constant")
    assert Graph(history.revisions).heads() == tuple(sorted(situation["heads"]))
