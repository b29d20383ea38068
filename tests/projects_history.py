"""Long histories, for benchmarks and for what only shows with many revisions."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Literal

from tests.projects_builder import PROJECTS
from tests.projects_changes import render_revision

Kind = Literal["noop", "typical"]

TYPICAL_UPGRADE = """
op.create_table(
    "{table}",
    sa.Column("id", sa.Integer(), nullable=False),
    sa.Column("name", sa.String(length=80), nullable=False),
    sa.Column("code", sa.String(length=20), nullable=True),
    sa.Column("state", sa.String(length=20), server_default="new", nullable=False),
    sa.Column("amount", sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column("created_at", sa.DateTime(), nullable=True),
    sa.PrimaryKeyConstraint("id"),
)
op.create_index("ix_{table}_name", "{table}", ["name"])
op.create_index("ix_{table}_code", "{table}", ["code"])
op.create_index("ix_{table}_state", "{table}", ["state"])
op.create_index("ix_{table}_created_at", "{table}", ["created_at"])
op.add_column("{table}", sa.Column("remark", sa.String(length=200), nullable=True))
"""


def name_revision(number: int) -> str:
    """Return the id of revision `number` (from 1) of a long history."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:12]


def write_linear_history(path: Path, count: int, kind: Kind = "noop") -> list[str]:
    """Write a stock Alembic project with `count` revisions in a row; return their ids, base first.

    `noop` revisions do nothing; `typical` ones create a table, four indexes and a column.
    env.py reads `sqlalchemy.url` of alembic.ini, which names app.db in the working directory.
    """
    versions = path / "migrations" / "versions"
    versions.mkdir(parents=True)
    stock = PROJECTS / "linear"
    for file in ("alembic.ini", "migrations/env.py", "migrations/script.py.mako"):
        shutil.copyfile(stock / file, path / file)
    ids = [name_revision(number) for number in range(1, count + 1)]
    parents = [None, *ids]
    for number, (revision, parent) in enumerate(zip(ids, parents, strict=False), start=1):
        table = f"items_{number:05d}"
        is_typical = kind == "typical"
        text = render_revision(
            revision,
            parents=parent,
            message=f"create {table}" if is_typical else f"change number {number}",
            upgrade=TYPICAL_UPGRADE.format(table=table) if is_typical else "pass",
            downgrade=f'op.drop_table("{table}")' if is_typical else "pass",
        )
        (versions / f"{revision}_change_{number:05d}.py").write_text(text, encoding="utf-8")
    return ids
