"""create payments

Revision ID: 6be20d887d7b
Revises: 5cc3fd1143ac
Create Date: 2026-06-15 10:14:26.966118

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '6be20d887d7b'
down_revision: Union[str, Sequence[str], None] = '5cc3fd1143ac'
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
