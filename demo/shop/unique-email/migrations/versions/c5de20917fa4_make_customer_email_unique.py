"""make customer email unique

Revision ID: c5de20917fa4
Revises: b92d6f4e1a08
Create Date: 2026-02-16 11:03:48.264519

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = 'c5de20917fa4'
down_revision = 'b92d6f4e1a08'
branch_labels = None
depends_on = None


def upgrade():
    op.create_index("ix_customers_email", "customers", ["email"], unique=True)


def downgrade():
    op.drop_index("ix_customers_email", table_name="customers")
