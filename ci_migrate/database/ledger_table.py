"""The ledger's table: its columns, how it is created, written and read."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ci_migrate.database.engine import Database
from ci_migrate.errors import DatabaseFailedError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

LEDGER_TABLE = "ci_migrate_ledger"
MOST_CHARACTERS = (2**24 - 1) // 4
"""How long a text may be on MySQL and MariaDB: for so many characters of utf8mb4 they choose MEDIUMTEXT."""
CREATE_PAUSES = (0.1, 0.5)
"""Seconds before each further attempt to create it."""
Row = Mapping[str, Any]
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@functools.cache
def ledger_table(schema: str | None) -> Any:
    """Return the `sqlalchemy.Table`; times are UTC text in ISO 8601, lists and mappings JSON text."""
    from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, String, Table, Text

    def text() -> Any:
        # Its MEDIUMTEXT, without the import of everything that SQLAlchemy knows of MySQL.
        medium = Text(MOST_CHARACTERS)
        return Text().with_variant(medium, "mysql").with_variant(medium, "mariadb")

    columns: list[Column[Any]] = [
        Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
        Column("run_id", String(36), nullable=False, index=False),
        Column("kind", String(16), nullable=False),  # run | revision | override
        Column("environment", String(200), nullable=False),
        Column("command", String(32), nullable=False),  # that made the run
        Column("outcome", String(32), nullable=False),  # run: started, then its outcome;
        # revision: planned, then executed or not-executed; override: the gate
        Column("started_at", String(32), nullable=False),
        Column("finished_at", String(32)),
        Column("revision", String(255)),
        Column("direction", String(16)),
        Column("parents", text()),
        Column("message", text()),
        Column("content_hash", String(100)),
        Column("source", text()),
        Column("seconds", Float()),
        Column("from_rows", text()),
        Column("to_rows", text()),
        Column("branch", text()),
        Column("commit_sha", String(64)),
        Column("actor", text()),
        Column("run_url", text()),
        Column("host", text()),
        Column("backup", text()),
        Column("failure", text()),
        Column("versions", text()),
        Column("detail", text()),
    ]
    return Table(LEDGER_TABLE, MetaData(), *columns, schema=schema)


def ledger_exists(database: Database, schema: str | None) -> bool:
    """Return whether the ledger's table is there."""
    from sqlalchemy import inspect

    if database.is_missing_file:
        return False
    return database.run(lambda c: bool(inspect(c).has_table(LEDGER_TABLE, schema=schema)))


def create_ledger(database: Database, schema: str | None) -> None:
    """Create the schema and table that are missing."""
    from sqlalchemy import inspect
    from sqlalchemy.schema import CreateSchema

    def create(connection: Connection) -> None:
        if schema and schema not in inspect(connection).get_schema_names():
            connection.execute(CreateSchema(schema))
        table, dialect = ledger_table(schema), connection.dialect.name
        if dialect in {"mysql", "mariadb"}:
            # Not in `ledger_table`: an option of a dialect imports it, also where the database is another.
            table.dialect_options[dialect]["charset"] = "utf8mb4"
        table.create(connection, checkfirst=True)

    for pause in CREATE_PAUSES:
        try:
            database.run_in_transaction(create)
        except DatabaseFailedError:
            # The first runs of several environments that share a ledger make it at the same time.
            time.sleep(pause)
        else:
            return
    database.run_in_transaction(create)


def insert_rows(database: Database, schema: str | None, rows: Iterable[Row]) -> None:
    """Insert rows, all or none; every row has the same keys. Without rows nothing is asked of the database."""
    values = [_storable(row) for row in rows]
    if not values:
        return
    database.run_in_transaction(lambda c: c.execute(ledger_table(schema).insert(), values))


def update_run(
    database: Database, schema: str | None, run_id: str, values: Row, revisions: Mapping[str, Row]
) -> None:
    """Change the row of a run, and those of its revisions as `revisions` says by id, all or none."""
    from sqlalchemy import bindparam, select

    def update(connection: Connection) -> None:
        table = ledger_table(schema)
        # Found once and changed by primary key: a search for each of thousands would read them all.
        found = select(table.c.revision, table.c.id).where(
            table.c.run_id == run_id, table.c.kind.in_(("run", "revision"))
        )
        changes: dict[tuple[str, ...], list[Row]] = {}
        for revision, number in connection.execute(found):
            change = values if revision is None else revisions.get(revision)
            if change:
                changes.setdefault(tuple(change), []).append({**_storable(change), "row": number})
        by_number = table.update().where(table.c.id == bindparam("row"))
        for rows in changes.values():  # one statement for the rows that change the same columns
            connection.execute(by_number, rows)

    database.run_in_transaction(update)


def _storable(row: Row) -> dict[str, Any]:
    """Return a row in whose texts is nothing that a database refuses: a NUL, or half of a character.

    They come from outside: names of branches and of people, and what failed.
    """
    return {
        key: _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
        if isinstance(value, str)
        else value
        for key, value in row.items()
    }


def select_rows(
    database: Database,
    schema: str | None,
    match: Row,
    *,
    without: tuple[str, ...] = ("source",),
    newest: int | None = None,
) -> list[dict[str, Any]]:
    """Return the rows that match, oldest first; only the `newest` ones where that is given."""
    from sqlalchemy import select

    table = ledger_table(schema)
    columns = [column for column in table.columns if column.name not in without]
    conditions = [table.c[name] == value for name, value in match.items()]
    query = select(*columns).where(*conditions)
    newest_first = query.order_by(table.c.id.desc()).limit(newest)
    rows = database.run(
        lambda c: [dict(row._mapping) for row in c.execute(newest_first)]  # noqa: SLF001
    )
    return rows[::-1]
