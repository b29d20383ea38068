"""Modules of the repository that a revision uses count in its hash, as far as it uses them."""

from __future__ import annotations

import pytest

from ci_migrate.revisions.content import content_hash, content_hashes
from ci_migrate.revisions.surroundings import Surroundings

HEAD = 'from alembic import op\nrevision = "b2"\ndown_revision = "a1"\n'
FILES = {
    "shop/__init__.py": "import logging\nlogging.basicConfig()\n",
    "shop/columns.py": (
        '"""Columns."""\nimport sqlalchemy as sa\nfrom .lengths import NAME, UNUSED_LENGTH\nSIZES = {}\n'
        'SIZES["small"] = 1\n\ndef name_column():\n    return sa.Column("name", sa.String(NAME), SIZES)\n\n'
        "def other():\n    return 1\n"
    ),
    "shop/lengths.py": "NAME = 80\nUNUSED_LENGTH = 3\n",
    "tools/sql.py": "VIEW = 'CREATE VIEW v AS SELECT 1'\nGRANT = 'GRANT'\n",
}
USES = {
    "from": "from shop.columns import name_column\ndef upgrade():\n    op.add_column('t', name_column())\n",
    "module": "from shop import columns as c\ndef upgrade():\n    op.add_column('t', c.name_column())\n",
    "dotted": "import shop.columns\ndef upgrade():\n    op.add_column('t', shop.columns.name_column())\n",
    "inside": "def upgrade():\n    from shop.columns import name_column\n    op.add_column('t', name_column())\n",
}


def hashes(source: str, **changes: str) -> tuple[str, ...]:
    """Return the hashes of a revision; `changes` are `old=new` in all files around it."""
    files = dict(FILES)
    for old, new in changes.items():
        files = {path: text.replace(old, new) for path, text in files.items()}
    read = {path: text.encode() for path, text in files.items()}.get
    return content_hashes(HEAD + source, None, Surroundings(search=("",), read=read))


@pytest.mark.parametrize("way", USES)
def test_what_is_used_of_a_module_counts(way: str) -> None:
    newest, former = hashes(USES[way])
    assert newest.startswith("v2:")
    assert former == content_hash(HEAD + USES[way])
    # Also what that uses of the module next to it, and what is put into a value that it uses.
    for change in ({"name_column": "name_column_"}, {"80": "81"}, {"small": "large"}):
        assert hashes(USES[way], **change)[0] != newest
    for change in ({"return 1": "return 2"}, {"= 3": "= 4"}, {"basicConfig": "info"}):
        assert hashes(USES[way], **change)[0] == newest
    assert hashes(USES[way], **{'"""Columns."""': "# Licence\n\n"})[0] == newest


def test_a_module_that_goes_elsewhere_as_a_whole_counts_as_a_whole() -> None:
    source = "import tools.sql as sql\ndef upgrade():\n    run(sql)\n"
    assert hashes(source)[0] != hashes(source, GRANT="REVOKE")[0]
    star = "from tools.sql import *\ndef upgrade():\n    op.execute(VIEW)\n"
    assert hashes(star)[0] != hashes(star, VIEW="X")[0]


def test_what_a_package_passes_on_by_a_star_counts() -> None:
    files = dict(FILES)
    for init in ("from .sql import *\n", "from .sql import *\ndef grant():\n    return GRANT\n"):
        files["tools/__init__.py"] = init
        name = "grant" if "grant" in init else "GRANT"
        source = HEAD + f"from tools import {name}\ndef upgrade():\n    run({name})\n"

        def hash_of(old: str, new: str, source: str = source) -> str:
            read = {path: text.replace(old, new).encode() for path, text in files.items()}.get
            return content_hashes(source, None, Surroundings(search=("",), read=read))[0]

        assert hash_of("", "") != hash_of("'GRANT'", "'REVOKE'")
        # What is not used of it makes no difference.
        assert hash_of("", "") == hash_of("CREATE VIEW v", "CREATE VIEW w")


@pytest.mark.parametrize(
    "source",
    [
        "import sqlalchemy as sa\ndef upgrade():\n    sa.Column()\n",
        "import shop.columns\ndef upgrade():\n    pass\n",  # not used
        "from elsewhere.columns import name_column\ndef upgrade():\n    name_column()\n",
        "from shop.columns import missing\ndef upgrade():\n    missing()\n",
    ],
)
def test_a_revision_without_helpers_has_the_hash_it_always_had(source: str) -> None:
    assert hashes(source) == (content_hash(HEAD + source),)


def test_modules_that_import_each_other_end() -> None:
    files = {
        "a.py": b"from b import g\ndef f():\n    return g()\n",
        "b.py": b"from a import f\nX = 1\ndef g():\n    return f, X\n",
    }
    source = HEAD + "from a import f\ndef upgrade():\n    f()\n"
    first = content_hashes(source, None, Surroundings(search=("",), read=files.get))
    files["b.py"] = files["b.py"].replace(b"X = 1", b"X = 2")
    assert content_hashes(source, None, Surroundings(search=("",), read=files.get)) != first


def test_the_text_alone_tells_most_files_apart() -> None:
    around = Surroundings(search=("",), read={p: t.encode() for p, t in FILES.items()}.get)
    assert all(around.may_have_helpers(HEAD + use) for use in USES.values())
    assert around.may_have_helpers("from tools import sql\n")
    assert not around.may_have_helpers(HEAD + "import sqlalchemy as sa\n")
