"""create authors

Revision ID: b8d4648e9024
Revises: 981e66f7ca15
Create Date: 2026-08-26 08:40:40.267040

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'b8d4648e9024'
down_revision: Union[str, Sequence[str], None] = '981e66f7ca15'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.create_table(
        "authors",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=True),
    )
    op.create_index("ix_authors_name", "authors", ["name"])


def downgrade() -> None:
    op.drop_table("authors")
