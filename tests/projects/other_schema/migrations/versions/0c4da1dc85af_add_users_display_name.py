"""add users display name

Revision ID: 0c4da1dc85af
Revises: 6a305b177f5e
Create Date: 2026-08-17 11:01:19.340517

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '0c4da1dc85af'
down_revision: Union[str, Sequence[str], None] = '6a305b177f5e'
branch_labels: Union[str, Sequence[str], None] = None
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
