"""create invoices

Revision ID: 5281f9d7f5d2
Revises: 
Create Date: 2026-02-02 14:52:28.076984

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '5281f9d7f5d2'
down_revision: Union[str, Sequence[str], None] = None
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.create_table(
        "invoices",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("number", sa.String(length=30), nullable=False, unique=True),
        sa.Column("customer", sa.String(length=200), nullable=False),
        sa.Column("amount", sa.Numeric(10, 2), nullable=False),
        sa.Column("paid", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_index("ix_invoices_customer", "invoices", ["customer"])


def downgrade() -> None:
    op.drop_table("invoices")
