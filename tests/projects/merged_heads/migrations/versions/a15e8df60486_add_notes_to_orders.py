"""add notes to orders

Revision ID: a15e8df60486
Revises: a383aa18bcaa
Create Date: 2026-07-25 16:06:54.617682

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'a15e8df60486'
down_revision: Union[str, Sequence[str], None] = 'a383aa18bcaa'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("notes", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("orders") as batch_op:
        batch_op.drop_column("notes")
