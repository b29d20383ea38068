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
    # The oldest of several customers with the same address stays, and takes over their orders.
    op.execute(
        """UPDATE orders SET customer_id = (
            SELECT MIN(same.id) FROM customers AS mine JOIN customers AS same ON same.email = mine.email
            WHERE mine.id = orders.customer_id
        )"""
    )
    op.execute("DELETE FROM customers WHERE id NOT IN (SELECT MIN(id) FROM customers GROUP BY email)")
    op.create_index("ix_customers_email", "customers", ["email"], unique=True)


def downgrade():
    op.drop_index("ix_customers_email", table_name="customers")
