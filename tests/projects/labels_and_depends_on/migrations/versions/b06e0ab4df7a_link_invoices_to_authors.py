"""link invoices to authors

Revision ID: b06e0ab4df7a
Revises: bd2f25a43741
Create Date: 2026-09-27 11:11:29.419707

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'b06e0ab4df7a'
down_revision: Union[str, Sequence[str], None] = 'bd2f25a43741'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = '2b1f6a8399a2'


def upgrade() -> None:
    op.create_table(
        "royalties",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("author_id", sa.Integer(), sa.ForeignKey("authors.id"), nullable=False),
        sa.Column("invoice_id", sa.Integer(), sa.ForeignKey("invoices.id"), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("royalties")
