"""add notes to orders

Revision ID: e6a95c1f7b30
Revises: c5de20917fa4
Create Date: 2026-02-20 17:05:36.441208

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = 'e6a95c1f7b30'
down_revision = 'c5de20917fa4'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("orders", sa.Column("note", sa.Text()))


def downgrade():
    op.drop_column("orders", "note")
