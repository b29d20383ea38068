"""add users display name

Revision ID: d9554c6d2563
Revises: 9b36bcc4fb3a
Create Date: 2026-04-04 09:57:03.879009

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = 'd9554c6d2563'
down_revision = '9b36bcc4fb3a'
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
