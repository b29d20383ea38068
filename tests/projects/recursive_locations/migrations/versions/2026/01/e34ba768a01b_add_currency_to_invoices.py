"""add currency to invoices

Revision ID: e34ba768a01b
Revises: c1a5c9297020
Create Date: 2026-02-11 15:19:01.293003

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'e34ba768a01b'
down_revision: Union[str, Sequence[str], None] = 'c1a5c9297020'
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
