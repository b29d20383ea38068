"""index invoices by due date

Revision ID: 8ebccf069077
Revises: 6be20d887d7b
Create Date: 2026-07-16 11:21:39.974037

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '8ebccf069077'
down_revision: Union[str, Sequence[str], None] = '6be20d887d7b'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.create_index("ix_invoices_due_on", "invoices", ["due_on"])


def downgrade() -> None:
    op.drop_index("ix_invoices_due_on", table_name="invoices")
