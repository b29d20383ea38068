"""drop users created at

Revision ID: 99657eb5467c
Revises: ef30e3b302a2
Create Date: 2026-07-07 08:00:00.475140

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '99657eb5467c'
down_revision: Union[str, Sequence[str], None] = 'ef30e3b302a2'
branch_labels: Union[str, Sequence[str], None] = 'contract'
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_column("created_at")


def downgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("created_at", sa.DateTime(), nullable=True))
