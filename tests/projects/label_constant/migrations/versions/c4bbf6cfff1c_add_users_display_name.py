"""add users display name

Revision ID: c4bbf6cfff1c
Revises: 508bb0cfee89
Create Date: 2026-02-02 13:25:55.435545

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa

from branches import EXPAND_BRANCH


# revision identifiers, used by Alembic.
revision: str = 'c4bbf6cfff1c'
down_revision: Union[str, Sequence[str], None] = '508bb0cfee89'
branch_labels: Union[str, Sequence[str], None] = (EXPAND_BRANCH,)
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
