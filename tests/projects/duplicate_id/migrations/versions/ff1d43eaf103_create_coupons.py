"""create coupons

Revision ID: ff1d43eaf103
Revises: e0aeb0f06037
Create Date: 2026-07-25 17:33:27.259121

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'ff1d43eaf103'
down_revision: Union[str, Sequence[str], None] = 'e0aeb0f06037'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.create_table(
        "coupons",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("code", sa.String(length=40), nullable=False, unique=True),
    )


def downgrade() -> None:
    op.drop_table("coupons")
