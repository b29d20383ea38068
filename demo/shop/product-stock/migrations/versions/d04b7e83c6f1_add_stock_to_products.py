"""add stock to products

Revision ID: d04b7e83c6f1
Revises: c5de20917fa4
Create Date: 2026-02-20 16:52:11.907745

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = 'd04b7e83c6f1'
down_revision = 'c5de20917fa4'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("products", sa.Column("stock", sa.Integer(), server_default="0", nullable=False))


def downgrade():
    op.drop_column("products", "stock")
