"""Headers as the templates write them: read quickly, and never otherwise than by parsing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_migrate.revisions.reader import read_revision_bytes
from ci_migrate.revisions.template import read_template
from tests.projects_builder import PROJECTS

HINTED = '''"""create users

Revision ID: b2
Revises: a1

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'b2'
down_revision: Union[str, Sequence[str], None] = 'a1'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


'''
OLD = HINTED.replace(": Union[str, Sequence[str], None]", "").replace("revision: str", "revision")
NEWEST = HINTED.replace("Union[str, Sequence[str], None]", "str | Sequence[str] | None")
UPGRADE = b"def upgrade():\n    pass\n"


def parse(header: str) -> object:
    """Read a header by parsing: the pattern does not take a file that begins with a blank."""
    return read_revision_bytes(b"\n" + header.encode() + UPGRADE, "x.py")


@pytest.mark.parametrize("header", [HINTED, OLD, NEWEST])
@pytest.mark.parametrize("parent", ["None", "'a1'"])
@pytest.mark.parametrize("needed", ["None", '"c3"'])
def test_a_header_of_the_templates_is_known(header: str, parent: str, needed: str) -> None:
    header = header.replace("'a1'", parent).replace("None\n\n", f"{needed}\n\n")
    revision = read_template(header.encode(), "x.py")
    assert revision is not None
    assert revision.parents == (() if parent == "None" else ("a1",))
    assert revision.depends_on == (() if needed == "None" else ("c3",))
    assert (revision.id, revision.message, revision.file) == ("b2", "create users", "x.py")
    assert read_template(b"\n" + header.encode(), "x.py") is None
    assert parse(header) == read_revision_bytes(header.encode() + UPGRADE, "x.py")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("create users", 'create \\"users\\"'),
        ("'b2'", "'b' '2'"),
        ("'b2'", "'b2'.upper()"),
        ("'b2'", "''"),
        ("'b2'\n", "'b2'; down_revision = 'z9'\n"),
        ("'a1'", "('a1', 'a2')"),
        ("'a1'", "\\\n'a1'"),
        ("'a1'", "'a\\x31'"),
        ("import sqlalchemy as sa", "from shared import *"),
        ("import sqlalchemy as sa", "import (sa"),
        ("# revision identifiers", "# a\rrevision = 'c3'\r#"),
        ("branch_labels: Union[str, Sequence[str], None] = None", "branch_labels = ('shop',)"),
        ("None\n\n", "None\nrevision = 'c3'\n\n"),
        ('"""\nfrom', '""".strip()\nfrom'),
    ],
)
def test_what_is_written_otherwise_is_left_to_the_parser(old: str, new: str) -> None:
    header = HINTED.replace(old, new, 1)
    assert header != HINTED
    assert read_template(header.encode(), "x.py") is None


@given(st.text(alphabet="\"'\\\n\r\t #=,()[]{}:.|*aNone\0é\ufeff\x0c", max_size=12), st.data())
def test_no_text_is_read_otherwise_than_by_parsing(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(HINTED)))
    header = HINTED[:place] + text + HINTED[place:]
    revision = read_template(header.encode(), "x.py")
    if revision is not None:
        found = read_revision_bytes(b"\n" + header.encode() + UPGRADE, "x.py")
        # `import None` and the like, which the whole file's parsing finds when it is planned.
        if found.problem is None or "not valid Python" not in found.problem.message:
            assert found.revision == revision


def test_real_files_are_read_alike() -> None:
    files = sorted(PROJECTS.glob("*/**/versions/**/*.py"))
    known = [file for file in files if read_template(_header(file.read_bytes()), "x.py")]
    assert len(known) > len(files) / 2
    for file in known:
        data = file.read_bytes()
        assert read_revision_bytes(data, "x.py") == read_revision_bytes(b"\n" + data, "x.py")


def _header(data: bytes) -> bytes:
    return data.partition(b"\ndef ")[0]
