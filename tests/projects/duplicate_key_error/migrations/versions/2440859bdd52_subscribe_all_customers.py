"""subscribe all customers

Revision ID: 2440859bdd52
Revises: 410f72bb3ba9
Create Date: 2026-07-25 10:24:36.045308

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '2440859bdd52'
down_revision: Union[str, Sequence[str], None] = '410f72bb3ba9'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT email FROM customers ORDER BY id")).fetchall()
    for row in rows:
        connection.execute(
            sa.text("INSERT INTO subscribers (email) VALUES (:email)"), {"email": row[0]}
        )


def downgrade() -> None:
    op.execute("DELETE FROM subscribers")
