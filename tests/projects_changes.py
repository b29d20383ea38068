"""What happens to the history of a project after it was written: revisions come, change and go."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from tests.projects_builder import Project, find_revision

TEMPLATE = '''"""{message}

Revision ID: {revision}
Revises: {revises}
Create Date: 2026-11-01 12:00:00.000000

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = {revision!r}
down_revision = {parents!r}
branch_labels = {labels!r}
depends_on = {depends_on!r}


def upgrade():
{upgrade}


def downgrade():
{downgrade}
'''


def render_revision(
    revision: str,
    *,
    parents: str | tuple[str, ...] | None,
    message: str,
    upgrade: str = "pass",
    downgrade: str = "pass",
    labels: str | tuple[str, ...] | None = None,
    depends_on: str | tuple[str, ...] | None = None,
) -> str:
    """Return the text of a revision file; `upgrade` and `downgrade` are function bodies."""
    revises = parents if isinstance(parents, str) else ", ".join(parents or ())
    return TEMPLATE.format(
        message=message,
        revision=revision,
        revises=revises,
        parents=parents,
        labels=labels,
        depends_on=depends_on,
        upgrade=textwrap.indent(textwrap.dedent(upgrade).strip("\n"), "    "),
        downgrade=textwrap.indent(textwrap.dedent(downgrade).strip("\n"), "    "),
    )


def add_revision(
    project: Project,
    revision: str,
    *,
    after: str | tuple[str, ...] | None = None,
    upgrade: str | None = None,
    downgrade: str | None = None,
    message: str | None = None,
    folder: Path | None = None,
) -> Path:
    """Write one more revision beside its parent (default: the only head) and return its file.

    Without `upgrade` it creates the table `table_<revision>`.
    """
    parents = after or _only_head(project.situation.heads)
    first = parents if isinstance(parents, str) else parents[0]
    folder = folder or find_revision(project, first).parent
    table = f"table_{revision}"
    text = render_revision(
        revision,
        parents=parents,
        message=message or f"create {table}",
        upgrade=upgrade
        or f'op.create_table("{table}", sa.Column("id", sa.Integer(), primary_key=True))',
        downgrade=downgrade or ("pass" if upgrade else f'op.drop_table("{table}")'),
    )
    file = folder / f"{revision}_added.py"
    file.write_text(text, encoding="utf-8")
    return file


def _only_head(heads: Sequence[str]) -> str:
    if len(heads) != 1:
        raise LookupError(f"name the parent: the project has the heads {', '.join(heads)}")
    return heads[0]


def add_second_head(project: Project, revision: str = "5ec04d4ead01") -> Path:
    """Add a revision beside the head, with the head's own parent: two unlabelled heads."""
    head = _only_head(project.situation.heads)
    text = find_revision(project, head).read_text(encoding="utf-8")
    declared = next(line for line in text.splitlines() if line.startswith("down_revision"))
    parent = declared.rpartition("=")[2].strip().strip("'\"")
    return add_revision(project, revision, after=parent)


def delete_revision(project: Project, revision: str) -> None:
    """Remove the file of a revision; a database that has it is then ahead of the code."""
    find_revision(project, revision).unlink()


def edit_revision(project: Project, revision: str, *, add: str = 'op.execute("SELECT 1")') -> Path:
    """Change what the upgrade of a revision does: one statement more, at its beginning."""
    return _rewrite_upgrade(project, revision, textwrap.indent(add, "    ") + "\n")


def reformat_revision(project: Project, revision: str) -> Path:
    """Change the text of a revision but not what it does: comments and empty lines."""
    return _rewrite_upgrade(project, revision, "    # formatted anew\n\n")


def _rewrite_upgrade(project: Project, revision: str, added: str) -> Path:
    file = find_revision(project, revision)
    text = file.read_text(encoding="utf-8")
    start = text.index("\n", text.index("def upgrade(")) + 1
    file.write_text(text[:start] + added + text[start:], encoding="utf-8")
    return file
