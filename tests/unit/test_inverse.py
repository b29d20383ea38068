"""The statement that takes exactly one thing away again, or why there is none."""

from __future__ import annotations

from typing import Any

import pytest

from ci_migrate.recovery.inverse import Made, find_made, invert


class Objects:
    """A schema whose tables and columns have rows or not, as the test says."""

    def __init__(self, *, rows: int = 0, values: int = 0) -> None:
        self.rows, self.values = rows, values

    def count_rows(self, table: str) -> int:
        return self.rows

    def count_values(self, table: str, column: str) -> int:
        return self.values


TABLE = Made(kind="table", table="t")
INDEX = Made(kind="index", table="t", name="i")
COLUMN = Made(kind="column", table="t", name="c")


@pytest.mark.parametrize(
    ("statement", "made"),
    [
        ("CREATE TABLE t (id INT)", TABLE),
        ("create unique index `i` on `t` (c)", INDEX),
        ("ALTER TABLE t ADD COLUMN c INT DEFAULT 1", COLUMN),
        ("ALTER TABLE t ADD c NUMERIC(3, 2)", COLUMN),
        ("DROP TABLE t", Made(kind="table", table="t", makes=False)),
        ("ALTER TABLE t DROP COLUMN c", Made(kind="column", table="t", name="c", makes=False)),
        # Whether these made anything, their text does not tell.
        ("CREATE TABLE IF NOT EXISTS t (id INT)", None),
        ("CREATE INDEX IF NOT EXISTS i ON t (c)", None),
        ("ALTER TABLE t ADD COLUMN IF NOT EXISTS c INT", None),
        ("ALTER TABLE t ADD IF NOT EXISTS c INT", None),
        ("ALTER TABLE t DROP COLUMN IF EXISTS c", None),
        ("DROP TABLE IF EXISTS t", None),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", None),
        ("ALTER TABLE t ADD COLUMN c INT, ADD COLUMN d INT", None),
        ("CREATE TABLE t AS SELECT 1", None),
        ("ALTER TABLE t ADD COLUMN c VARCHAR(10) DEFAULT …", None),
    ],
)
def test_what_a_statement_made(statement: str, made: Made | None) -> None:
    assert find_made(statement) == made


@pytest.mark.parametrize(
    ("item", "dialect", "statement"),
    [
        (TABLE, "postgresql", 'DROP TABLE "t"'),
        (TABLE, "mysql", "DROP TABLE `t`"),
        (INDEX, "postgresql", 'DROP INDEX "i"'),
        (INDEX, "sqlite", 'DROP INDEX "i"'),
        (INDEX, "mysql", "DROP INDEX `i` ON `t`"),
        (COLUMN, "postgresql", 'ALTER TABLE "t" DROP COLUMN "c"'),
        (COLUMN, "sqlite", 'ALTER TABLE "t" DROP COLUMN "c"'),
        (COLUMN, "mysql", "ALTER TABLE `t` DROP COLUMN `c`"),
    ],
)
def test_the_statement_that_takes_it_away(item: Made, dialect: str, statement: str) -> None:
    assert invert(item, [item], Objects(), dialect).statement == statement  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "objects", "problem"),
    [
        (TABLE, {"rows": 1}, "the table t has rows"),
        (COLUMN, {"values": 1}, "the column t.c has values"),
        (Made(kind="table", table="t", makes=False), {}, "only a backup has it"),
    ],
)
def test_what_holds_data_is_not_taken_away(
    item: Made, objects: dict[str, Any], problem: str
) -> None:
    found = invert(item, [item], Objects(**objects), "sqlite")  # type: ignore[arg-type]
    assert (found.statement, problem in found.problem) == ("", True)
