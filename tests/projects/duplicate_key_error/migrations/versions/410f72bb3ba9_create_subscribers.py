"""create subscribers

Revision ID: 410f72bb3ba9
Revises: 3c33f69c8f86
Create Date: 2026-06-24 09:17:23.037389

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '410f72bb3ba9'
down_revision: Union[str, Sequence[str], None] = '3c33f69c8f86'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.UniqueConstraint("email", name="uq_subscribers_email"),
    )


def downgrade() -> None:
    op.drop_table("subscribers")
