"""create users

Revision ID: e5baa9b18efa
Revises: 
Create Date: 2026-02-20 08:40:40.791900

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = 'e5baa9b18efa'
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    users = op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("full_name", sa.String(length=120), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_users_email", "users", ["email"], unique=True)
    op.bulk_insert(users, [{"email": "shop@example.com", "full_name": "The Shop"}])


def downgrade():
    op.drop_index("ix_users_email", table_name="users")
    op.drop_table("users")
