"""create payments

Revision ID: f10e184c7167
Revises: 180b71c6c965
Create Date: 2026-09-09 17:23:17.704791

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'f10e184c7167'
down_revision: Union[str, Sequence[str], None] = '180b71c6c965'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.create_table(
        "payments",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("invoice_id", sa.Integer(), sa.ForeignKey("invoices.id"), nullable=False),
        sa.Column("amount", sa.Numeric(10, 2), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("payments")
