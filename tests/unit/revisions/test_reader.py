"""Revision files as people write them, and broken ones."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_migrate.errors import ProjectError
from ci_migrate.revisions.reader import (
    REVISION_FILE,
    ParsedFile,
    read_revision,
    read_revision_bytes,
    read_source,
)

TYPICAL = '''"""Add the orders

of the shop.

Revision ID: b2
Revises: a1
"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa

# revision identifiers, used by Alembic.
revision: str = "b2"
down_revision: Union[str, Sequence[str], None] = "a1"
branch_labels: Union[str, Sequence[str], None] = ("shop", "orders")
depends_on: Union[str, Sequence[str], None] = ["c3"]


def upgrade() -> None:
    op.create_table("orders", sa.Column("id", sa.Integer()))
'''


def read(source: str | bytes, name: str = "versions/x.py") -> ParsedFile:
    return read_revision_bytes(source.encode() if isinstance(source, str) else source, name)


def test_typical_file() -> None:
    revision = read(TYPICAL).revision
    assert revision is not None
    assert (revision.id, revision.parents) == ("b2", ("a1",))
    assert (revision.labels, revision.depends_on) == (("shop", "orders"), ("c3",))
    assert (revision.message, revision.file) == ("Add the orders", "versions/x.py")


@pytest.mark.parametrize(
    ("value", "parents"),
    [
        ("None", ()),
        ("()", ()),
        ("'a' 'b'", ("ab",)),
        ("'a' + TAIL", ("a-tail",)),
        ("('a', 'b')", ("a", "b")),
        ("['b', 'a']", ("b", "a")),
        ("{'b', 'a'}", ("a", "b")),
        ("set(['b', 'a'])", ("a", "b")),
        ("TAIL", ("-tail",)),
    ],
)
def test_literal_forms(value: str, parents: tuple[str, ...]) -> None:
    parsed = read(f"TAIL = '-tail'\nrevision = 'x'\ndown_revision = {value}\n")
    assert parsed.revision is not None
    assert parsed.revision.parents == parents


@pytest.mark.parametrize(
    "source",
    [
        "def upgrade():\n    pass\n\nrevision = 'x'\ndown_revision = None\n",
        "revision, down_revision = 'x', None\n",
        "revision = 'old'\ndown_revision = None\ndef f(): pass\nrevision = 'x'\n",
        '"""Doc\ndef is no code here\n@ neither\n"""\nrevision = "x"\ndown_revision = None\n',
        "# -*- coding: latin-1 -*-\n'''\xe4'''\nrevision = 'x'\ndown_revision = None\n",
        "\ufeffrevision = 'x'\r\ndown_revision = None\r\n\r\ndef upgrade():\r\n    pass\r\n",
        "revision = 'x'\ndown_revision = None\npattern = '\\d'\n",
    ],
)
def test_unusual_but_readable(source: str) -> None:
    data = source.encode("latin-1" if "latin-1" in source else "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parsed = read(data)
    assert parsed.revision is not None, parsed
    assert parsed.revision.id == "x"


@pytest.mark.parametrize(
    "source",
    [
        "import os\nrevision = os.path.basename(__file__)[:4]\ndown_revision = None\n",
        "from x import parent\nrevision = 'x'\ndown_revision = parent\n",
        "revision = 'x'\nif True:\n    down_revision = None\nelse:\n    down_revision = 'a'\n",
        "from base import *\n",
        "revision = 'x'\ndown_revision = None\nrevision += 'y'\n",
        "revision = 'x'\ndown_revision = None\ndef f(): pass\nfor revision in []: pass\n",
        "revision = 'x'\ndown_revision = None\ndepends_on = f()\n",
    ],
)
def test_computed_values_are_unreadable(source: str) -> None:
    parsed = read(source)
    assert parsed.unreadable
    assert parsed.unreadable.startswith("versions/x.py: ")
    assert parsed.revision is parsed.problem is None


def test_unknown_labels_leave_the_graph_known() -> None:
    parsed = read("revision = 'x'\ndown_revision = 'a'\nbranch_labels = (names.EXPAND,)\n")
    assert parsed.revision is not None
    assert parsed.revision.parents == ("a",)
    assert parsed.unreadable
    assert "`branch_labels`" in parsed.unreadable
    assert "line 3" in parsed.unreadable


@pytest.mark.parametrize(
    ("source", "line", "word"),
    [
        ("revision = 'x'\ndown_revision = (\n", 2, "not valid Python"),
        ("revision = 5\ndown_revision = None\n", 1, "non-empty string"),
        ("\nrevision = ''\ndown_revision = None\n", 2, "non-empty string"),
        ("revision = 'x'\ndown_revision = 7\n", 2, "several strings"),
        ("revision = 'x'\ndown_revision = ('a', 7)\n", 2, "several strings"),
        ("revision = 'x'\n", None, "no `down_revision`"),
        ("down_revision = None\n", None, "no `revision`"),
        ("", None, "no `revision`"),
        ("x = '\0'", None, "not valid Python"),
        ("# coding: no-such-thing\n", None, "not valid Python"),
    ],
)
def test_broken_files_are_problems(source: str, line: int | None, word: str) -> None:
    problem = read(source).problem
    assert problem is not None
    assert word in problem.message
    assert (problem.file, problem.next_step is None) == ("versions/x.py", False)
    if line is not None:
        assert problem.line == line


def test_id_from_the_file_name_as_in_old_alembic() -> None:
    parsed = read("down_revision = None\n", "versions/1975ea83b712.py")
    assert parsed.revision is not None
    assert parsed.revision.id == "1975ea83b712"


def test_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert read_revision(tmp_path / "gone.py", "gone.py").problem is not None


def test_deep_nesting_is_a_problem() -> None:
    assert read("x = " + "(" * 5000 + ")" * 5000).problem is not None
    assert read("revision = " + "-" * 100_000 + "1").problem is not None


def test_source_is_decoded_by_its_own_coding_line(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_bytes("# coding: latin-1\r\nname = '\xe4'\r\n".encode("latin-1"))
    assert read_source(path) == "# coding: latin-1\nname = '\xe4'\n"
    path.write_bytes(b"name = '\xe4'\n")
    with pytest.raises(ProjectError, match=r"x\.py"):
        read_source(path, "x.py")
    with pytest.raises(ProjectError, match="cannot be read"):
        read_source(tmp_path / "gone.py")


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("a1_.py", True),
        ("env.py", True),
        (".#a1.py", False),
        ("__init__.py", False),
        ("__init__x.py", False),
        ("a1.pyc", False),
        ("a1.py~", False),
    ],
)
def test_file_filter(name: str, counts: bool) -> None:
    assert bool(REVISION_FILE.match(name)) is counts


def is_one_answer(parsed: ParsedFile) -> bool:
    answers = [parsed.revision, parsed.problem, parsed.unreadable]
    return len([answer for answer in answers if answer]) == 1 or bool(
        parsed.revision and parsed.unreadable and not parsed.problem
    )


@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer(data: bytes) -> None:
    assert is_one_answer(read(data))


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(TYPICAL)),
            st.integers(0, 6),
            st.text(alphabet="'\"()[]{}=:,\\\n\t @#defclassrevision\0\xe4", max_size=4),
        ),
        max_size=4,
    )
)
def test_damaged_files_give_an_answer(edits: list[tuple[int, int, str]]) -> None:
    text = TYPICAL
    for start, length, new in edits:
        text = text[:start] + new + text[start + length :]
    assert is_one_answer(read(text))
