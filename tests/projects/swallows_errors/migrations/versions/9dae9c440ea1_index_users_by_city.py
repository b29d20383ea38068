"""index users by city

Revision ID: 9dae9c440ea1
Revises: b5befe97eca3
Create Date: 2026-06-06 08:20:20.108660

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '9dae9c440ea1'
down_revision: Union[str, Sequence[str], None] = 'b5befe97eca3'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.create_index("ix_users_city", "users", ["city"])


def downgrade() -> None:
    op.drop_index("ix_users_city", table_name="users")
