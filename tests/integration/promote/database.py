"""What the tests look up in a database, with SQLAlchemy, apart from ci-migrate."""

from __future__ import annotations

import importlib.metadata

import pytest
import sqlalchemy as sa
from packaging.version import Version
from sqlalchemy.pool import NullPool

from tests.projects_builder import Situation


def dialect_of(url: str) -> str:
    """Return the name that the situations use for the kind of database of a URL."""
    name = sa.engine.make_url(url).get_backend_name()
    return {"mysql": "mariadb"}.get(name, name)


def skip_unsupported(situation: Situation, dialect: str) -> None:
    """Skip when the project is not for this database, or needs newer packages than are installed."""
    if dialect not in situation.dialects:
        pytest.skip(f"{situation.name} is not for {dialect}")
    for name, lowest in situation.minimum.items():
        installed = importlib.metadata.version(name)
        if Version(installed) < Version(lowest):
            pytest.skip(f"{situation.name} needs {name} {lowest}, not {installed}")


def expected_outcome(situation: Situation, dialect: str) -> str:
    """Return the outcome that the situation promises here."""
    if situation.outcome_sqlalchemy_1 and sa.__version__.startswith("1."):
        return situation.outcome_sqlalchemy_1
    return situation.outcome[dialect]


def run_statements(url: str, statements: list[str]) -> None:
    """Run statements and commit them."""
    engine = sa.create_engine(url, poolclass=NullPool, future=True)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def prepare(url: str, situation: Situation, dialect: str) -> None:
    """Do what an administrator does before the first promotion."""
    run_statements(url, list(situation.prepare.get(dialect, ())))


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    engine = sa.create_engine(url, poolclass=NullPool, future=True)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


def read_rows(url: str, situation: Situation) -> list[str]:
    """Return the version rows."""
    has_schema = dialect_of(url) == "postgresql" and situation.version_table_schema
    prefix = f"{situation.version_table_schema}." if has_schema else ""
    rows = query(url, f"SELECT version_num FROM {prefix}{situation.version_table}")
    return sorted(str(row[0]) for row in rows)


def read_tables(url: str) -> set[str]:
    """Return the names of the tables of the default schema."""
    engine = sa.create_engine(url, poolclass=NullPool, future=True)
    with engine.connect() as connection:
        return set(sa.inspect(connection).get_table_names())
