"""add currency to invoices

Revision ID: 08dec137e12e
Revises: 7d5201781403
Create Date: 2026-01-19 17:33:27.783981

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '08dec137e12e'
down_revision: Union[str, Sequence[str], None] = '7d5201781403'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.add_column("invoices", sa.Column("currency", sa.String(length=3), nullable=True))
    op.execute("UPDATE invoices SET currency = 'EUR' WHERE currency IS NULL")
    with op.batch_alter_table("invoices") as batch_op:
        batch_op.alter_column("currency", existing_type=sa.String(length=3), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("invoices") as batch_op:
        batch_op.drop_column("currency")
