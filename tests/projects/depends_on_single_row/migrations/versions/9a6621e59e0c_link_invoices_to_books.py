"""link invoices to books

Revision ID: 9a6621e59e0c
Revises: 96cd67389f6a
Create Date: 2026-02-11 12:28:52.506816

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '9a6621e59e0c'
down_revision: Union[str, Sequence[str], None] = '96cd67389f6a'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = '1d5b81114cc8'


def upgrade() -> None:
    op.create_table(
        "sales",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("book_id", sa.Integer(), sa.ForeignKey("books.id"), nullable=False),
        sa.Column("invoice_id", sa.Integer(), sa.ForeignKey("invoices.id"), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("sales")
