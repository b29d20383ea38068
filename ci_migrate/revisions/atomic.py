"""Whether a revision that fails leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterable

from ci_migrate.revisions.escapes import find_escapes
from ci_migrate.revisions.finding import Finding
from ci_migrate.revisions.reach import foreign_names, select_parts
from ci_migrate.revisions.schema_changes import find_schema_changes
from ci_migrate.revisions.syntax import parse_revision_source

_UNKNOWN = "it is not known whether this database can undo a schema change"
_WHY_SCHEMA_STAYS = {
    "mysql": "MySQL and MariaDB commit each DDL statement by itself",
    "mariadb": "MariaDB commits each DDL statement by itself",
    "sqlite": "Python's SQLite driver does not undo a schema change that comes first",
}


def describe_atomicity(
    source: str, dialect: str, file: str | None = None, function: str = "upgrade"
) -> tuple[bool, str]:
    """Return whether a failing `upgrade()` or `downgrade()` leaves nothing behind, and why not, in words.

    On PostgreSQL it is atomic unless something is seen that leaves the transaction. Elsewhere it is
    so only when nothing can change the schema; code and SQL that are not in the file count as such.
    `dialect` is SQLAlchemy's name, with or without a driver. `file` is for the message.
    Raises ProjectError when the source is not Python.
    """
    parts = select_parts(parse_revision_source(source, file), (function,), keep_strings=False)
    nodes = [node for part in parts if not part.imported for node in part.meaning.nodes]
    name = dialect.partition("+")[0].lower()
    is_postgresql = name in {"postgresql", "postgres"}
    escape = _first(find_escapes(nodes, postgresql=is_postgresql))
    if escape is not None:
        return False, f"it {escape}"
    change = None if is_postgresql else _first(find_schema_changes(nodes, foreign_names(parts)))
    if change is None:
        return True, ""
    return False, f"{_WHY_SCHEMA_STAYS.get(name, _UNKNOWN)}: it {change}"


def _first(findings: Iterable[Finding]) -> Finding | None:
    return min(findings, key=lambda finding: finding.line, default=None)
