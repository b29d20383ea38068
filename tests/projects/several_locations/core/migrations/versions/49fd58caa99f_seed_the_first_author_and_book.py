"""seed the first author and book

Revision ID: 49fd58caa99f
Revises: 7cfc83d19c1f
Create Date: 2026-08-08 12:58:22.269246

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '49fd58caa99f'
down_revision: Union[str, Sequence[str], None] = '7cfc83d19c1f'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    connection = op.get_bind()
    connection.execute(
        sa.text("INSERT INTO authors (name, country) VALUES (:name, :country)"),
        {"name": "Jane Austen", "country": "GB"},
    )
    author_id = connection.execute(
        sa.text("SELECT id FROM authors WHERE name = :name"), {"name": "Jane Austen"}
    ).scalar()
    connection.execute(
        sa.text("INSERT INTO books (author_id, title) VALUES (:author_id, :title)"),
        {"author_id": author_id, "title": "Emma"},
    )


def downgrade() -> None:
    op.execute("DELETE FROM books WHERE title = 'Emma'")
    op.execute("DELETE FROM authors WHERE name = 'Jane Austen'")
