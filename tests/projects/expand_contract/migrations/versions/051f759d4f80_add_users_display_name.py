"""add users display name

Revision ID: 051f759d4f80
Revises: ef30e3b302a2
Create Date: 2026-05-05 16:46:34.459302

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '051f759d4f80'
down_revision: Union[str, Sequence[str], None] = 'ef30e3b302a2'
branch_labels: Union[str, Sequence[str], None] = 'expand'
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.add_column("users", sa.Column("display_name", sa.String(length=120), nullable=True))
    users = sa.table(
        "users", sa.column("full_name", sa.String), sa.column("display_name", sa.String)
    )
    op.execute(users.update().values(display_name=users.c.full_name))


def downgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_column("display_name")
