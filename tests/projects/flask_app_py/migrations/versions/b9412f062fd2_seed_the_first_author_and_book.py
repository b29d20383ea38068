"""seed the first author and book

Revision ID: b9412f062fd2
Revises: c3275648be93
Create Date: 2026-07-25 13:15:45.831495

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = 'b9412f062fd2'
down_revision = 'c3275648be93'
branch_labels = None
depends_on = None


def upgrade():
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


def downgrade():
    op.execute("DELETE FROM books WHERE title = 'Emma'")
    op.execute("DELETE FROM authors WHERE name = 'Jane Austen'")
