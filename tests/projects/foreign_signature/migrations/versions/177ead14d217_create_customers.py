"""create customers

Revision ID: 177ead14d217
Revises: 
Create Date: 2026-08-08 17:43:37.338311

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '177ead14d217'
down_revision: Union[str, Sequence[str], None] = None
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade(tables: dict) -> None:
    op.create_table(
        tables["prefix"] + "customers",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("label", sa.String(length=80), nullable=False),
    )


def downgrade(tables: dict) -> None:
    op.drop_table(tables["prefix"] + "customers")
