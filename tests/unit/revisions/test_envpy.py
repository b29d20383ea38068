"""What is read from env.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_migrate.revisions.envpy import EnvPySettings, read_env_py

TWICE = """
def offline():
    context.configure(version_table="t")

def online():
    context.configure(version_table="t")
"""


def read(tmp_path: Path, source: str) -> EnvPySettings:
    path = tmp_path / "env.py"
    path.write_text(source)
    return read_env_py(path)


@pytest.mark.parametrize(
    ("source", "table", "schema"),
    [
        ("context.configure(connection=c)", "alembic_version", None),
        ("context.configure(connection=c, **options)", "alembic_version", None),
        ("context.configure(version_table='t', version_table_schema='s')", "t", "s"),
        ("T = 't'\ndef run():\n    context.configure(version_table=T)", "t", None),
        ("T: str = 'a' + 'b'\ncontext.configure(version_table=T)", "ab", None),
        (TWICE, "t", None),
        ("o = {'version_table': 't'}\ncontext.configure(**o)", "t", None),
        ("o = dict(version_table='t')\ncontext.configure(**o)", "t", None),
        ("o['version_table_schema'] = 's'\ncontext.configure(**o)", "alembic_version", "s"),
        ("context.configure(version_table_schema=None)", "alembic_version", None),
        ("logging.basicConfig(version_table=f())", "alembic_version", None),
    ],
)
def test_known(tmp_path: Path, source: str, table: str, schema: str | None) -> None:
    found = read(tmp_path, source)
    assert (found.version_table, found.version_table_schema) == (table, schema)
    assert (found.table_known, found.schema_known, found.unreadable) == (True, True, None)


@pytest.mark.parametrize(
    "source",
    [
        "context.configure(version_table=os.environ['T'])",
        "from settings import T\ncontext.configure(version_table=T)",
        "T = 'a'\nT = f(T)\ncontext.configure(version_table=T)",
        "T = 'a'\ndef run(T):\n    context.configure(version_table=T)",
        "T = 'a'\ndef run():\n    T = f()\n    context.configure(version_table=T)",
        "for T in TABLES:\n    context.configure(version_table=T)",
        "context.configure(version_table='a')\ncontext.configure(version_table='b')",
        "context.configure(version_table=f'{name}_version')",
        "context.configure(version_table=None)",
    ],
)
def test_unknown_table(tmp_path: Path, source: str) -> None:
    found = read(tmp_path, source)
    assert (found.table_known, found.schema_known) == (False, True)


@pytest.mark.parametrize(
    ("source", "chosen"),
    [
        ("config.set_main_option('version_locations', x)", True),
        ("config.set_main_option('script_location', x)", True),
        ("config.set_section_option('alembic', 'version_locations', x)", True),
        ("config.file_config.set('alembic', 'version_locations', x)", True),
        ("context.script.version_locations = [x]", True),
        ("context.script._version_locations = [x]", True),
        ("version_locations = pick()", True),
        ("section['version_locations'] = x", True),
        ("ScriptDirectory(d, version_locations=[x])", True),
        ("config.set_main_option('sqlalchemy.url', url)", False),
        ("x = config.get_main_option('version_locations')", False),
        ("# version_locations = 1", False),
    ],
)
def test_choice_of_the_folder(tmp_path: Path, source: str, chosen: bool) -> None:
    assert bool(read(tmp_path, source).unreadable) is chosen


@pytest.mark.parametrize("source", ["def (", "x = '\0'"])
def test_broken_env_py(tmp_path: Path, source: str) -> None:
    found = read(tmp_path, source)
    assert found.unreadable
    assert not found.table_known


def test_missing_env_py(tmp_path: Path) -> None:
    assert read_env_py(tmp_path / "env.py").unreadable
