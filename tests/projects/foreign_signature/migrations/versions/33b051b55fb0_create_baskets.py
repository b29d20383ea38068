"""create baskets

Revision ID: 33b051b55fb0
Revises: 177ead14d217
Create Date: 2026-09-09 08:50:50.346230

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '33b051b55fb0'
down_revision: Union[str, Sequence[str], None] = '177ead14d217'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade(tables: dict) -> None:
    op.create_table(
        tables["prefix"] + "baskets",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("label", sa.String(length=80), nullable=False),
    )


def downgrade(tables: dict) -> None:
    op.drop_table(tables["prefix"] + "baskets")
