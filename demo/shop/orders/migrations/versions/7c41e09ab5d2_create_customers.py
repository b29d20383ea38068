"""create customers

Revision ID: 7c41e09ab5d2
Revises: 3f8a1c2d9b47
Create Date: 2026-02-03 15:40:02.118930

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '7c41e09ab5d2'
down_revision = '3f8a1c2d9b47'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade():
    op.drop_table("customers")
