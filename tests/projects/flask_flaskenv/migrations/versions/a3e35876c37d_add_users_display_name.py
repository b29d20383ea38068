"""add users display name

Revision ID: a3e35876c37d
Revises: b2e59da92e71
Create Date: 2026-04-22 10:54:06.807738

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = 'a3e35876c37d'
down_revision = 'b2e59da92e71'
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
