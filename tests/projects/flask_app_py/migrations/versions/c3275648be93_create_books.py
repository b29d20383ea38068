"""create books

Revision ID: c3275648be93
Revises: 9518279748f0
Create Date: 2026-06-24 12:08:32.823576

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = 'c3275648be93'
down_revision = '9518279748f0'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "books",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("author_id", sa.Integer(), sa.ForeignKey("authors.id"), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("isbn", sa.String(length=13), nullable=True, unique=True),
        sa.Column("published", sa.Date(), nullable=True),
    )
    op.create_index("ix_books_title", "books", ["title"])


def downgrade():
    op.drop_table("books")
