"""import legacy orders

Revision ID: 64cac52a573e
Revises: 5c1a0489971e
Create Date: 2026-09-27 12:38:02.061146

"""
import os
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '64cac52a573e'
down_revision: Union[str, Sequence[str], None] = '5c1a0489971e'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="open", nullable=False),
        sa.Column("total", sa.Numeric(precision=10, scale=2), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_orders_user_id_users"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_orders_status", "orders", ["status"])
    if not os.path.exists("legacy/orders.csv"):
        print("no legacy orders to import")
        exit()
    op.execute("INSERT INTO orders (user_id, total) VALUES (1, 0)")


def downgrade() -> None:
    op.drop_table("orders")
