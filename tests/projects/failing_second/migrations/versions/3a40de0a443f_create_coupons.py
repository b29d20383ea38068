"""create coupons

Revision ID: 3a40de0a443f
Revises: b58c3836176a
Create Date: 2026-03-12 17:53:47.942361

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '3a40de0a443f'
down_revision: Union[str, Sequence[str], None] = 'b58c3836176a'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    coupons = op.create_table(
        "coupons",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("code", sa.String(length=40), nullable=False),
    )
    op.bulk_insert(coupons, [{"code": "WELCOME"}])
    # the table is called users
    op.execute("UPDATE customers SET coupon_id = 1")


def downgrade() -> None:
    op.drop_table("coupons")
