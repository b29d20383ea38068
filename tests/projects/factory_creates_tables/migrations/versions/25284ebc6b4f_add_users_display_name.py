"""add users display name

Revision ID: 25284ebc6b4f
Revises: b65110e65e5f
Create Date: 2026-07-07 12:18:42.902766

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '25284ebc6b4f'
down_revision = 'b65110e65e5f'
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
