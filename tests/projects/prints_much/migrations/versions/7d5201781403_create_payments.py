"""create payments

Revision ID: 7d5201781403
Revises: e975c04761ea
Create Date: 2026-09-18 16:26:14.776062

"""
import os
import sys
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '7d5201781403'
down_revision: Union[str, Sequence[str], None] = 'e975c04761ea'
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
    for number in range(2_000):
        print(f"row {number}: ##[group]copied \033[31mred\033[0m ::warning::{'.' * 60}")
        print(f"row {number} on stderr", file=sys.stderr)
    # neither a line end nor valid UTF-8
    os.write(1, b"progress \xff\xfe 100%\r" * 500)


def downgrade() -> None:
    op.drop_table("payments")
