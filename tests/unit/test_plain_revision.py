"""Which revision files are watched for the end of their transaction: all but those that autogenerate writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_migrate.plain_revision import is_plain_file, is_plain_text
from ci_migrate.revisions.atomic import describe_atomicity
from ci_migrate.revisions.syntax import is_python
from tests.projects_changes import render_revision

ROOT = Path(__file__).parents[2]
STOCK = """
op.create_table("t", sa.Column("id", sa.Integer(), nullable=False), sa.PrimaryKeyConstraint("id"))
with op.batch_alter_table("t") as batch_op:
    batch_op.add_column(sa.Column("x", sa.String(20)))
op.create_index(op.f("ix_t_x"), "t", ["x"])
"""
OTHERS = (
    'op.execute("ROLLBACK")',
    "op.get_bind().rollback()",
    'batch_op.execute("x")',
    "op.run_async(f)",
    "op.replace_view(v)",
    "from shop import helper",
    "import os",
    "x = 1; import helper; helper.change(op)",
    "if True: from shop import helper",
    "from shop \\\n    import helper",
    "from sqlalchemy.orm import Session as S",
    "from alembic import op as o",
    "getattr(op, name)()",
    "exec(text)",
    "__import__('os').system('x')",
    "with op.get_context().autocommit_block(): pass",
    'op.create_index("ix", "t", ["x"], postgresql_concurrently=True)',
)


def write(folder: Path, upgrade: str) -> str:
    file = folder / "one.py"
    file.write_text(
        render_revision("aaaa", parents=None, message="one", upgrade=upgrade), encoding="utf-8"
    )
    return str(file)


def test_what_autogenerate_writes_is_plain(tmp_path: Path) -> None:
    assert is_plain_file(write(tmp_path, STOCK))
    assert is_plain_file(write(tmp_path, "from sqlalchemy.dialects import postgresql\npass"))
    file = Path(write(tmp_path, STOCK))
    file.write_text(f"from __future__ import annotations\n{file.read_text('utf-8')}", "utf-8")
    assert is_plain_file(str(file))


@pytest.mark.parametrize("line", OTHERS)
def test_anything_else_is_watched(tmp_path: Path, line: str) -> None:
    assert not is_plain_file(write(tmp_path, STOCK + line))


def test_a_file_that_cannot_be_read_is_watched(tmp_path: Path) -> None:
    assert not is_plain_file(str(tmp_path / "gone.pyc"))


def test_words_that_only_contain_another_are_no_matter(tmp_path: Path) -> None:
    columns = (
        'op.add_column("t", sa.Column("opened_at", sa.DateTime(), comment="evaluated, compiled"))'
    )
    assert is_plain_file(write(tmp_path, columns))


def test_what_is_plain_leaves_nothing_behind_on_postgresql() -> None:
    """Who only looks at the words never calls one atomic that its syntax tree tells not to be."""
    plain = [text for text in every_revision() if is_plain_text(text) and is_python(text)]
    assert len(plain) > 20
    assert [text for text in plain if not describe_atomicity(text, "postgresql")[0]] == []


def every_revision() -> list[str]:
    """Return the texts of the revisions of all projects that the tests have."""
    files = (ROOT / "tests" / "projects").rglob("versions/**/*.py")
    return [file.read_text("utf-8", "replace") for file in files]
