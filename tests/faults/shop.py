"""The project of the fault tests: three revisions that create tables and insert rows, with points to hit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.projects_changes import render_revision

UNCOUNTED = {"backup": {"count_rows": "none"}}
"""Settings with which the dump itself is the first to wait for a table that somebody holds."""
INI = "[alembic]\nscript_location = migrations\n"
SYNC = """
from alembic import context
from sqlalchemy import create_engine, pool
from points import begin_env, point

stage = begin_env()
point(stage + ".import")
engine = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration={per_revision})
    point(stage + ".configured")
    with context.begin_transaction():
        context.run_migrations()
    point(stage + ".end")
"""
ASYNC = """
import asyncio
from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine
from points import begin_env, point

stage = begin_env()

def run(connection):
    context.configure(connection=connection, transaction_per_migration={per_revision})
    point(stage + ".configured")
    with context.begin_transaction():
        context.run_migrations()

async def main():
    point(stage + ".import")
    url = context.config.get_main_option("sqlalchemy.url")
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    point(stage + ".end")
    await engine.dispose()

asyncio.run(main())
"""
UPGRADE = """
from points import point
point("{id}.begin", op.get_bind())
table = op.create_table(
    "{table}", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("name", sa.String(20))
)
point("{id}.middle", op.get_bind())
op.execute(table.insert().values([{{"id": n, "name": "{table}"}} for n in range(1, {rows} + 1)]))
op.execute(sa.text("INSERT INTO journal (what) VALUES ('{id}')"))
point("{id}.end", op.get_bind())
"""
TABLES = {"r1": ("customers", 3), "r2": ("orders", 5), "r3": ("payments", 7)}
POINTS = (
    "probe.import",
    "probe.configured",
    "probe.end",
    "upgrade.import",
    "upgrade.configured",
    *(f"{revision}.{place}" for revision in TABLES for place in ("begin", "middle", "end")),
    "upgrade.end",
)
HEAD = "r3"


def build_shop(folder: Path, *, is_async: bool = False, per_revision: bool = False) -> Path:
    """Write the project and return its folder; `per_revision` commits each revision by itself."""
    versions = folder / "migrations/versions"
    versions.mkdir(parents=True)
    env = (ASYNC if is_async else SYNC).replace("{per_revision}", str(per_revision))
    (folder / "alembic.ini").write_text(INI)
    (folder / "migrations/env.py").write_text(env)
    shutil.copy(Path(__file__).parent / "points.py", folder)
    before = None
    for revision, (table, rows) in TABLES.items():
        upgrade = UPGRADE.format(id=revision, table=table, rows=rows)
        add_revision(folder, revision, before, upgrade)
        before = revision
    return folder


def add_revision(folder: Path, revision: str, parent: str | None, upgrade: str) -> Path:
    """Write a revision; `upgrade` is the body of its function."""
    file = folder / f"migrations/versions/{revision}_step.py"
    file.write_text(
        render_revision(revision, parents=parent, message=f"step {revision}", upgrade=upgrade)
    )
    return file


def write_settings(folder: Path, settings: Mapping[str, Any] | None = None, **more: Any) -> None:
    """Write ci-migrate.yml with the one environment `dev`, its URL in `CIM_URL`."""
    environment = {"url": "${CIM_URL}", "branches": ["main"], **(settings or {})}
    config = {"version": 1, "environments": {"dev": environment}, **more}
    (folder / "ci-migrate.yml").write_text(json.dumps(config), encoding="utf-8")
