"""What changes the hash of a revision, and what does not."""

from __future__ import annotations

import pytest

from ci_migrate.errors import ProjectError
from ci_migrate.revisions.content import content_hash

BASE = '''"""Add the orders

Revision ID: b2
"""
import sqlalchemy as sa
from alembic import op

revision = "b2"
down_revision = "a1"
branch_labels = None
depends_on = None

SIZES = {"small": 0x10, "large": 1_000_000, "none": -1}
UNUSED = "nothing uses this"


def upgrade():
    """Add the table."""
    op.create_table("orders", sa.Column("id", sa.Integer()), sa.Column("name", sa.String(80)))
    for name, size in SIZES.items():
        op.execute(f"INSERT INTO orders (id, name) VALUES ({size!r:>4}, '{name}' " "|| 'x')")
    _fill()


def downgrade():
    op.drop_table("orders")


def _fill():
    with op.batch_alter_table("orders") as batch, op.get_context().autocommit_block():
        batch.add_column(sa.Column("at", sa.DateTime(), server_default=sa.text("now()")))


def _unused():
    pass
'''

REFORMATTED = """# Licence: all of it is ours.
#
'''Another docstring.'''
from __future__ import annotations

from typing import TYPE_CHECKING, Union
from alembic import op
import logging
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Sequence

# revision identifiers
revision : str = ('b2')
down_revision: Union[str, Sequence[str], None] = u'a1'
branch_labels = None; depends_on = None
SIZES = {
    'small': 16,
    'large': 1000000,
    'none': -1,
}
other = logging.getLogger()


def upgrade() -> None:
    op.create_table(
        'orders',
        sa.Column('id', sa.Integer()),
        sa.Column(
            'name',
            sa.String(80),
        ),
    )
    for (name, size) in SIZES.items():
        op.execute(
            f"INSERT INTO orders (id, name) "
            f"VALUES ({size!r:>4}, '{name}' || 'x')"
        )
    _fill()
    pass


def downgrade() -> None:
    \"\"\"Drop it.\"\"\"
    op.drop_table(('orders'))


def _fill() -> None:
    with (
        op.batch_alter_table('orders') as batch,
        op.get_context().autocommit_block(),
    ):
        hint: str = 'x'
        batch.add_column(sa.Column('at', sa.DateTime(), server_default=sa.text('now' '()')))
""".replace("        hint: str = 'x'\n", "")


def test_formatting_is_not_content() -> None:
    assert content_hash(REFORMATTED) == content_hash(BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('revision = "b2"', 'revision = "b3"'),
        ('down_revision = "a1"', 'down_revision = ("a1", "c3")'),
        ("branch_labels = None", 'branch_labels = "x"'),
        ("depends_on = None", 'depends_on = "x"'),
        ("String(80)", "String(81)"),
        ("String(80)", "Text(80)"),
        ("-1}", "+1}"),
        ("0x10", "0x11"),
        ("0x10", "16.0"),
        ("0x10", '"16"'),
        ("0x10", "True"),
        ('"now()"', '"now( )"'),
        ("INSERT INTO orders", "INSERT INTO  orders"),
        ("{size!r:>4}", "{size!r:>5}"),
        ("{size!r:>4}", "{size!s:>4}"),
        ('    op.drop_table("orders")', "    pass"),
        ("    _fill()\n", "    _fill(), _unused()\n"),
        ("import sqlalchemy as sa", "import other_sqlalchemy as sa"),
        ("UNUSED =", "op.execute('x')\nUNUSED ="),
        ("UNUSED =", "sa.String = None\nUNUSED ="),
        ("UNUSED =", "if True:\n    revision = 'c'\nUNUSED ="),
        ("def upgrade():", "@once\ndef upgrade():"),
        ("def upgrade():", "def upgrade(tables=1):"),
    ],
)
def test_content_changes_the_hash(old: str, new: str) -> None:
    assert old in BASE
    assert content_hash(BASE.replace(old, new)) != content_hash(BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"nothing uses this"', '"still nothing"'),
        ("def _unused():\n    pass", "def _unused():\n    return 1"),
        (
            "import sqlalchemy as sa\nfrom alembic import op",
            "from alembic import op, context\nimport sqlalchemy as sa",
        ),
        ("def upgrade():", "def upgrade() -> None:  # noqa"),
    ],
)
def test_what_is_not_used_is_not_content(old: str, new: str) -> None:
    assert old in BASE
    assert content_hash(BASE.replace(old, new)) == content_hash(BASE)


def test_a_docstring_that_is_read_is_content() -> None:
    source = 'def upgrade():\n    """DROP TABLE a"""\n    op.execute(upgrade.__doc__)\n'
    assert content_hash(source) != content_hash(source.replace("TABLE a", "TABLE b"))
    source = '"""DROP TABLE a"""\ndef upgrade():\n    op.execute(__doc__)\n'
    assert content_hash(source) != content_hash(source.replace("TABLE a", "TABLE b"))


def test_annotations_of_a_class_are_content() -> None:
    source = "class Row(Base):\n    a: Mapped[int]\n\ndef upgrade():\n    Row()\n"
    assert content_hash(source) != content_hash(source.replace("int", "str"))


# The same on every Python: an AST that changes between versions must not raise alarms.
F_STRINGS = """
def upgrade():
    x = f'{a}' 'b' f'{c!r:{w}}' f''
    return -1, 1e400, 2j, b'\\xff', ...
"""
TEXTS = "def upgrade():\n    op.execute('\\U0001fae8 \\xe4 \\ud800' 'x')\n    del (a, b)\n"
MATCH = """
def upgrade():
    match x:
        case {'a': [1, *r], **k} if r: pass
        case _: y()
"""
ASYNC = """
async def upgrade(a, /, b: int = 1, *c, d=2, **e):
    return [z async for z in (lambda *q: q)()] or (v := 3)
"""
GOLDEN = {
    "def upgrade():\n    pass\n": "v1:fe184df840e25f26f6684ffdf009439bbf279b6c5e664519206a8a6a67df4023",
    BASE: "v1:f9d0ed65cd8d5afedf5f8b063981be204cea0debf990ed7eb9619160c5475a41",
    F_STRINGS: "v1:068533d6cdfaba5a02540a2e095713896fdd10ad8e09b9463117e0eb58d7d625",
    TEXTS: "v1:1c95e9217499b1f8c9d75c59d82a4a6efacbacd576509cdac5fce2fee4f6357b",
    MATCH: "v1:22db4975cb7cd7caeadbdf7b54911e2e9bbefd1889db6e686cd7aa33a61a2607",
    ASYNC: "v1:7fe536fcbe7997baeba94a13b73303a6561438d7a9c939ad80f0d5d785e4447e",
}


@pytest.mark.parametrize("source", GOLDEN)
def test_golden_hashes(source: str) -> None:
    assert content_hash(source) == GOLDEN[source]


def test_long_expressions_and_large_numbers() -> None:
    assert content_hash("def upgrade():\n    x = " + " + ".join(["'a'"] * 900)).startswith("v1:")
    assert content_hash("def upgrade():\n    x = 0x" + "f" * 20_000).startswith("v1:")


@pytest.mark.parametrize("source", ["x = 1\ndef upgrade(:\n", "x = '\0'", "x = '\ud800'"])
def test_broken_source(source: str) -> None:
    with pytest.raises(ProjectError, match=r"v/x\.py is not valid Python") as caught:
        content_hash(source, "v/x.py")
    assert caught.value.where.file == "v/x.py"
    if "upgrade" in source:
        assert caught.value.where.line == 2
