"""create payments

Revision ID: c9cea2cc0dfe
Revises: 371b5d802f5a
Create Date: 2026-06-06 15:29:11.322473

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'c9cea2cc0dfe'
down_revision: Union[str, Sequence[str], None] = '371b5d802f5a'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.create_table(
        "payments",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("invoice_id", sa.Integer(), sa.ForeignKey("invoices.id"), nullable=False),
        sa.Column("amount", sa.Numeric(10, 2), nullable=False
        sa.Column("received_on", sa.Date(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("payments")
