"""add currency to invoices

Revision ID: d236e528d665
Revises: 902b258f572b
Create Date: 2026-05-14 15:49:31.530573

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'd236e528d665'
down_revision: Union[str, Sequence[str], None] = '902b258f572b'
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
