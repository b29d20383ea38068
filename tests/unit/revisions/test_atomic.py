"""Whether a failing revision leaves something behind."""

from __future__ import annotations

import pytest

from ci_migrate.errors import ProjectError
from ci_migrate.revisions.atomic import describe_atomicity

HEADER = "import sqlalchemy as sa\nfrom alembic import op\n\n\n"


def describe(body: str, dialect: str, before: str = "") -> tuple[bool, str]:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return describe_atomicity(f"{HEADER}{before}def upgrade():\n{lines}", dialect)


TABLE = "op.create_table('a', sa.Column('id', sa.Integer()))"
DATA = "op.execute(\"UPDATE a SET b = 'DROP; x'\")"


@pytest.mark.parametrize(
    "body",
    [
        TABLE,
        DATA,
        "pass",
        "op.execute(\"ALTER TYPE mood ADD VALUE 'fine'\")",
        "op.create_index('i', 'a', ['b'], postgresql_concurrently=False)",
        "op.execute('DO $$ BEGIN UPDATE a SET b = 1; COMMIT; END $$')",
        "op.execute('REFRESH MATERIALIZED VIEW CONCURRENTLY v')",
        "session = Session(bind=op.get_bind())\nsession.commit()",
        "with op.get_bind().begin():\n    pass",
        "op.execute(open('x.sql').read())",
        '"""COMMIT"""',
        "op.execute('-- COMMIT;\\nSELECT 1')",
    ],
)
def test_postgresql_is_atomic(body: str) -> None:
    assert describe(body, "postgresql+psycopg") == (True, "")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("with op.get_context().autocommit_block():\n    pass", "autocommit_block()"),
        ("op.create_index('i', 'a', ['b'], postgresql_concurrently=True)", "concurrently"),
        ("op.drop_index('i', postgresql_concurrently=flag)", "concurrently"),
        ("op.execute('COMMIT')", "ends the transaction"),
        ("op.execute(sa.text('update a set b = 1; commit;'))", "ends the transaction"),
        ("op.execute('VACUUM ANALYZE a')", "outside of a transaction"),
        ("op.execute('create database x')", "outside of a transaction"),
        ("op.execute('CREATE UNIQUE INDEX CONCURRENTLY i ON a (b)')", "outside of a transaction"),
        ("op.execute(f'DROP INDEX CONCURRENTLY {name}')", "outside of a transaction"),
        ("op.get_bind().commit()", "commits the connection"),
        ("conn = op.get_bind()\nconn.commit()", "commits the connection"),
        ("with op.get_bind().engine.begin() as c:\n    c.execute(x)", "connection of its own"),
        ("sa.create_engine(URL)", "connection of its own"),
        ("c = op.get_bind().execution_options(isolation_level='AUTOCOMMIT')", "AUTOCOMMIT"),
    ],
)
def test_postgresql_is_not_atomic(body: str, words: str) -> None:
    atomic, why = describe(body, "postgresql")
    assert not atomic
    assert words in why
    assert "(line " in why


@pytest.mark.parametrize("dialect", ["mysql", "mariadb+pymysql", "sqlite", "sqlite+aiosqlite"])
@pytest.mark.parametrize(
    "body",
    [
        DATA,
        "pass",
        "op.bulk_insert(a, [{'b': 1}])",
        "op.execute(a.update().where(a.c.b == 1).values(b=2))",
        "op.execute(sa.text('DELETE FROM a').bindparams(x=1))",
        "statement = sa.text('DELETE FROM a')\nop.get_bind().execute(statement)",
        "for sql in SQL:\n    op.execute(sql)",
        "for sql in ['DELETE FROM a', 'DELETE FROM b']:\n    op.execute(sql)",
        "op.execute('INSERT INTO create_table VALUES (1)')",
        "session.add(User())",
    ],
)
def test_changes_of_data_are_atomic(body: str, dialect: str) -> None:
    before = "from shop.models import User\nSQL = ('UPDATE a SET b = 1', 'DELETE FROM b')\n"
    assert describe(body, dialect, before) == (True, "")


@pytest.mark.parametrize(
    "body",
    [
        TABLE,
        "with op.batch_alter_table('a') as batch:\n    batch.drop_column('b')",
        "op.execute('alter table a add b int')",
        "op.execute('-- why\\n/* how */ CREATE OR REPLACE VIEW v AS SELECT 1')",
        "op.execute('UPDATE a SET b = 1; DROP TABLE c')",
        "op.execute('/*!50003 CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @x = 1 */')",
        "op.execute('TRUNCATE a')",
        "op.execute('RENAME TABLE a TO b')",
        "op.execute(f'ALTER TABLE {name} ADD b INT')",
        "op.execute('DROP TABLE %s' % name)",
        "op.execute(open('x.sql').read())",
        "op.execute(sql)",
        "op.create_view('v')",
        "Base.metadata.create_all(op.get_bind())",
        "kind.create(op.get_bind(), checkfirst=True)",
        "helper()",
        "add_audit(op)",
        "tools.add_audit(op)",
        "with op.get_context().autocommit_block():\n    pass",
        "for sql in SQL:\n    op.execute(sql)",
    ],
)
def test_changes_of_the_schema_stay_elsewhere(body: str) -> None:
    before = (
        "from shop import tools\nfrom .tools import add_audit\nSQL = ['DELETE FROM a', 'DROP TABLE a']\n"
        "def helper():\n    op.drop_column('a', 'b')\n\n"
    )
    for dialect in ("mariadb", "sqlite", "oracle"):
        atomic, why = describe(body, dialect, before)
        assert not atomic
        assert "(line " in why


def test_reasons_are_plain() -> None:
    assert describe(TABLE, "mariadb") == (
        False,
        "MariaDB commits each DDL statement by itself: it calls create_table() (line 6)",
    )
    assert describe(TABLE, "sqlite")[1].startswith("Python's SQLite driver")
    assert "not known" in describe(TABLE, "oracle")[1]


def test_only_the_upgrade_counts() -> None:
    source = f"{HEADER}def upgrade():\n    {DATA}\n\ndef downgrade():\n    {TABLE}\n"
    assert describe_atomicity(source, "mariadb") == (True, "")


def test_broken_source() -> None:
    with pytest.raises(ProjectError, match=r"v/x\.py is not valid Python"):
        describe_atomicity("def upgrade(:", "sqlite", "v/x.py")
