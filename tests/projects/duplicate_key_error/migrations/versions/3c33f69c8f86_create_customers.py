"""create customers

Revision ID: 3c33f69c8f86
Revises: 
Create Date: 2026-05-23 08:10:10.029470

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '3c33f69c8f86'
down_revision: Union[str, Sequence[str], None] = None
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    customers = op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("email", sa.String(length=255), nullable=False),
    )
    op.bulk_insert(
        customers,
        [
            {"email": "alice@example.com"},
            {"email": "bob@example.com"},
            {"email": "alice@example.com"},
        ],
    )


def downgrade() -> None:
    op.drop_table("customers")
