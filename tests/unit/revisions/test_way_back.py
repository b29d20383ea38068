"""What the text of a revision tells of its way back."""

from __future__ import annotations

import textwrap

import pytest

from ci_migrate.revisions.content import is_same_upgrade
from ci_migrate.revisions.drops import Drop
from ci_migrate.revisions.way_back import read_way_back

HEAD = 'from alembic import op\nrevision = "a"\ndown_revision = None\n'


def revision(upgrade: str, downgrade: str | None) -> str:
    """Return a revision file with these bodies."""
    text = f"{HEAD}\ndef upgrade():\n{textwrap.indent(upgrade, '    ')}\n"
    if downgrade is not None:
        text += f"\ndef downgrade():\n{textwrap.indent(downgrade, '    ')}\n"
    return text


def drops(downgrade: str) -> list[tuple[str | None, str | None]]:
    found = read_way_back(revision("op.create_table('t')", downgrade)).destroys
    return [(drop.table, drop.column) for drop in found]


@pytest.mark.parametrize(
    ("downgrade", "expected"),
    [
        ("op.drop_table('orders')", [("orders", None)]),
        ("op.drop_table(table_name='orders', schema='shop')", [("shop.orders", None)]),
        ("op.drop_column('users', 'name')", [("users", "name")]),
        ("NAME = 'orders'\nop.drop_table(NAME)", [("orders", None)]),
        (
            "with op.batch_alter_table('users', schema=None) as batch_op:\n    batch_op.drop_column('name')",
            [("users", "name")],
        ),
        ('op.execute(\'DROP TABLE IF EXISTS "shop"."orders"\')', [("shop.orders", None)]),
        ("op.execute('ALTER TABLE t DROP COLUMN a, DROP b')", [("t", "a"), ("t", "b")]),
        ("op.execute('ALTER TABLE t ALTER COLUMN a DROP NOT NULL, DROP CONSTRAINT c')", []),
        ("op.execute('DELETE FROM users WHERE id = 1; SELECT 1')", [("users", None)]),
        ("for name in tables():\n    op.drop_table(name)", [(None, None)]),
        (
            "op.execute('DROP TABLE orders, shop.users CASCADE')",
            [("orders", None), ("shop.users", None)],
        ),
        ("op.execute('TRUNCATE orders, users')", [("orders", None), ("users", None)]),
        ("for n in ('a', 'b'):\n    op.execute(f'DROP TABLE {n}')", [(None, None)]),
        ("op.execute(f'DROP TABLE orders')", [("orders", None)]),
        ("op.execute(f'DROP TABLE old_{n}')", [(None, None)]),
        ("op.execute('DROP TABLE %s' % name)", [(None, None)]),
        ("op.execute('DROP TABLE ' + name)", [(None, None)]),
        ("op.execute('ALTER TABLE {} DROP COLUMN {}'.format(t, c))", [(None, None)]),
        ("op.execute(f'ALTER TABLE t DROP {c}')", [(None, None)]),
        ("op.execute(f'ALTER TABLE t DROP CONSTRAINT {c}')", []),
        ("op.execute('DROP SCHEMA shop CASCADE')", [(None, None)]),
        ("op.execute('ALTER TABLE t DROP PARTITION p0')", [(None, None)]),
        ("op.execute('DO $$ BEGIN DROP TABLE orders; END $$')", [(None, None)]),
        ("sa.Table('t', m).drop(op.get_bind())", [(None, None)]),
        ("sa.Enum(name='mood').drop(op.get_bind())", []),
        ("mood = postgresql.ENUM(name='mood')\nmood.drop(op.get_bind(), checkfirst=True)", []),
        ("op.execute(users.delete().where(users.c.id == 1))", [(None, None)]),
        ("op.drop_index('ix')", []),
        ("op.drop_constraint('c', 't')", []),
    ],
)
def test_what_a_downgrade_drops(downgrade: str, expected: list[tuple[str | None, str]]) -> None:
    assert drops(downgrade) == expected


@pytest.mark.parametrize(
    ("upgrade", "downgrade", "problem"),
    [
        ("op.create_table('t')", None, "has no downgrade()"),
        (
            "op.create_table('t')",
            "'No way.'\npass",
            "does nothing, although its upgrade() calls create_table()",
        ),
        ("pass", "raise NotImplementedError('never')", "raises NotImplementedError('never')"),
    ],
)
def test_a_downgrade_that_cannot_do_it(upgrade: str, downgrade: str | None, problem: str) -> None:
    assert problem in read_way_back(revision(upgrade, downgrade)).problem


def test_what_the_text_of_a_downgrade_does_not_tell_is_said() -> None:
    imported = "from shop.helpers import take_back\n" + revision("op.f()", "take_back('orders')")
    assert "take_back() of another file" in read_way_back(imported).unread
    assert "not written in it" in read_way_back(revision("op.f()", "op.execute(read())")).unread
    assert not read_way_back(revision("op.f()", "op.execute('SELECT 1')")).unread


def test_an_empty_downgrade_of_what_another_file_did_is_no_way_back() -> None:
    source = "from shop.helpers import build\n" + revision("build('orders')", "return None")
    way = read_way_back(source)
    assert "build() of another file, which may change the schema" in way.problem
    assert not way.leaves_data


def test_nothing_has_to_be_done_for_what_changes_no_schema() -> None:
    assert read_way_back(revision("pass", "pass")) == read_way_back(revision("pass", "return"))
    way = read_way_back(revision("op.execute('UPDATE t SET a = 1')", "pass"))
    assert (way.problem, way.leaves_data) == ("", True)


def test_a_raise_in_a_branch_is_no_refusal() -> None:
    assert not read_way_back(revision("pass", "if x():\n    raise ValueError\nop.f()")).problem


def test_what_the_upgrade_dropped_comes_back_empty() -> None:
    way = read_way_back(revision("op.drop_column('t', 'a')", "op.add_column('t', x)"))
    assert way.restores_empty == (Drop(table="t", column="a", line=6),)


def test_a_changed_downgrade_leaves_the_upgrade_the_same() -> None:
    one = revision("op.create_table('t')", "pass")
    assert is_same_upgrade(one, revision("op.create_table('t')  # same", "op.drop_table('t')"))
    assert not is_same_upgrade(one, revision("op.create_table('u')", "pass"))
