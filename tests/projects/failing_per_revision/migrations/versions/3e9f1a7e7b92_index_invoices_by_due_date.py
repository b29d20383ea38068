"""index invoices by due date

Revision ID: 3e9f1a7e7b92
Revises: 98f269685ea9
Create Date: 2026-01-19 14:42:18.997794

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '3e9f1a7e7b92'
down_revision: Union[str, Sequence[str], None] = '98f269685ea9'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.create_index("ix_invoices_due_on", "invoices", ["due_on"])


def downgrade() -> None:
    op.drop_index("ix_invoices_due_on", table_name="invoices")
