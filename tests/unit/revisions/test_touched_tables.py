"""Which tables a revision names."""

from __future__ import annotations

import pytest

from ci_migrate.revisions.touched_tables import find_touched_tables
from tests.projects_changes import render_revision


@pytest.mark.parametrize(
    ("upgrade", "tables"),
    [
        ('op.create_table("orders", sa.Column("id", sa.Integer()))', {"orders"}),
        ('op.add_column("orders", sa.Column("x", sa.Integer()), schema="shop")', {"shop.orders"}),
        ('op.create_index(op.f("ix_orders_x"), op.f("orders"), ["x"])', {"orders"}),
        ('op.drop_constraint("fk", table_name="orders")', {"orders"}),
        ('op.create_foreign_key("fk", "orders", "users", ["u"], ["id"])', {"orders", "users"}),
        ('op.rename_table("a", "b")', {"a", "b"}),
        (
            'with op.batch_alter_table("orders") as batch:\n    batch.drop_column("title")',
            {"orders"},
        ),
        ('op.bulk_insert(sa.table("tags", sa.column("n")), [])', {"tags"}),
        ("op.execute('UPDATE only_this SET x = 1; DELETE FROM \"public\".\"Users\" WHERE 1=1')",
         {"only_this", "public.Users"}),
        ('op.execute("CREATE UNIQUE INDEX CONCURRENTLY ix ON orders (x)")', {"orders"}),
        ('op.execute("ALTER TABLE IF EXISTS ONLY orders ADD COLUMN x int")', {"orders"}),
        ('op.execute("-- ALTER TABLE old\\nTRUNCATE logs")', {"logs"}),
        ('op.execute("INSERT INTO `tags` VALUES (1)")', {"tags"}),
        ('op.create_table(name_of("orders"))', set()),
        ("pass", set()),
    ],
)  # fmt: skip
def test_tables_are_found(upgrade: str, tables: set[str]) -> None:
    source = render_revision("aaa", parents=None, message="x", upgrade=upgrade)
    assert find_touched_tables(source) == tables


def test_only_the_upgrade_counts_and_what_it_calls() -> None:
    source = render_revision(
        "aaa", parents=None, message="x", upgrade="helper()", downgrade='op.drop_table("b")'
    )
    source += (
        '\n\ndef helper():\n    op.create_table("a")\n\n\ndef unused():\n    op.create_table("c")\n'
    )
    assert find_touched_tables(source) == {"a"}


def test_what_is_not_python_names_none() -> None:
    assert find_touched_tables("def upgrade(:") == set()
