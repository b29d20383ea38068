"""add users display name

Revision ID: 031e1cd50be0
Revises: c256f9b5b70a
Create Date: 2026-01-01 16:36:24.855252

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '031e1cd50be0'
down_revision = 'c256f9b5b70a'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("users", sa.Column("display_name", sa.String(length=120), nullable=True))
    users = sa.table(
        "users", sa.column("full_name", sa.String), sa.column("display_name", sa.String)
    )
    op.execute(users.update().values(display_name=users.c.full_name))


def downgrade():
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_column("display_name")
