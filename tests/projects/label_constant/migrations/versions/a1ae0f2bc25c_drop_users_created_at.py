"""drop users created at

Revision ID: a1ae0f2bc25c
Revises: 508bb0cfee89
Create Date: 2026-03-03 14:32:08.443464

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa

from branches import CONTRACT_BRANCH


# revision identifiers, used by Alembic.
revision: str = 'a1ae0f2bc25c'
down_revision: Union[str, Sequence[str], None] = '508bb0cfee89'
branch_labels: Union[str, Sequence[str], None] = (CONTRACT_BRANCH,)
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_column("created_at")


def downgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("created_at", sa.DateTime(), nullable=True))
