"""create visits

Revision ID: 3e0200c16e52
Revises: 33b051b55fb0
Create Date: 2026-01-10 09:57:03.354149

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '3e0200c16e52'
down_revision: Union[str, Sequence[str], None] = '33b051b55fb0'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade(tables: dict) -> None:
    op.create_table(
        tables["prefix"] + "visits",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("label", sa.String(length=80), nullable=False),
    )


def downgrade(tables: dict) -> None:
    op.drop_table(tables["prefix"] + "visits")
