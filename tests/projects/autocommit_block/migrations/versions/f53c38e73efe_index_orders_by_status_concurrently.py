"""index orders by status concurrently

Revision ID: f53c38e73efe
Revises: 5540e0f7b60b
Create Date: 2026-08-17 08:10:10.554330

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'f53c38e73efe'
down_revision: Union[str, Sequence[str], None] = '5540e0f7b60b'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_orders_status_user_id", "orders", ["status", "user_id"], postgresql_concurrently=True
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(
            "ix_orders_status_user_id", table_name="orders", postgresql_concurrently=True
        )
