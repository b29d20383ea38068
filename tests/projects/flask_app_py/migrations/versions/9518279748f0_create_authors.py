"""create authors

Revision ID: 9518279748f0
Revises: 
Create Date: 2026-05-23 11:01:19.815657

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '9518279748f0'
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "authors",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=True),
    )
    op.create_index("ix_authors_name", "authors", ["name"])


def downgrade():
    op.drop_table("authors")
