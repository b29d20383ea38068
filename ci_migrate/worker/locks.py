"""Which locks the revisions take, and until when: read inside their own transaction, just before it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from ci_migrate.worker.protocol import Channel

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

_TABLES = """
    SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'
    UNION ALL
    SELECT i.indexrelid, n.nspname, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE left(n.nspname, 3) <> 'pg_'"""
# A lock of an index that was there counts as one of its table; a new index is locked, too, but harms nobody.
_HELD = """
    SELECT l.mode, l.relation FROM pg_locks l
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    revision: str
    schema: str
    table: str
    at: float


class LockReader:
    """Tells the parent of every lock on a table that was there before the run, when it is given up.

    On PostgreSQL only. What a statement outside of a transaction holds is gone before it could be read here.
    """

    def __init__(self, channel: Channel, revision: Callable[[], str | None]) -> None:
        self._channel = channel
        self._revision = revision
        self._tables: dict[int, tuple[str, str]] = {}
        self._taken: dict[tuple[int, str], _Taken] = {}
        self._statement_began = 0.0

    def begin(self, context: MigrationContext) -> None:
        """Note which tables there are before the first revision."""
        connection = context.connection
        if connection is None or connection.dialect.name != "postgresql":
            return
        rows = connection.exec_driver_sql(_TABLES).fetchall()
        own = (context.version_table_schema, context.version_table)
        self._tables = {
            int(row[0]): (str(row[1]), str(row[2]))
            for row in rows
            if str(row[2]) != own[1] or own[0] not in {None, row[1]}
        }

    def attach(self, engine: Any) -> None:
        """Listen to an engine; a second call for the same engine does nothing."""
        if engine.dialect.name == "postgresql" and not event.contains(
            engine, "before_cursor_execute", self._before
        ):
            event.listen(engine, "before_cursor_execute", self._before)
            event.listen(engine, "after_cursor_execute", self._after)
            event.listen(engine, "commit", self._commit)
            event.listen(engine, "rollback", self._forget)

    def _before(self, *_arguments: Any) -> None:
        self._statement_began = time.monotonic()

    def _after(self, connection: Any, *_arguments: Any) -> None:
        revision = self._revision()
        if revision is None or not self._tables:
            return
        cursor = (
            connection.connection.cursor()
        )  # not by SQLAlchemy, whose events would come here again
        try:
            cursor.execute(_HELD)
            held = cursor.fetchall()
        finally:
            cursor.close()
        for mode, relation in held:
            if int(relation) in self._tables:
                schema, table = self._tables[int(relation)]
                taken = _Taken(
                    revision=revision, schema=schema, table=table, at=self._statement_began
                )
                self._taken.setdefault((int(relation), str(mode)), taken)

    def _commit(self, _connection: Any) -> None:
        now = time.monotonic()
        for (_, mode), taken in self._taken.items():
            self._channel.send(
                "lock",
                revision=taken.revision,
                table=f"{taken.schema}.{taken.table}",
                mode=mode,
                seconds=round(now - taken.at, 4),
            )
        self._taken.clear()

    def _forget(self, _connection: Any) -> None:
        self._taken.clear()
