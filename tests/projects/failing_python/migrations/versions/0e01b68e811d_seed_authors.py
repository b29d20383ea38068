"""seed authors

Revision ID: 0e01b68e811d
Revises: 12db23c2bf0d
Create Date: 2026-03-21 16:56:44.013632

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '0e01b68e811d'
down_revision: Union[str, Sequence[str], None] = '12db23c2bf0d'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


COUNTRIES = {"Austen": "GB", "Woolf": "GB"}


def country_code(name: str) -> str:
    return COUNTRIES[name]


def upgrade() -> None:
    op.bulk_insert(
        sa.table("authors", sa.column("name", sa.String), sa.column("country", sa.String)),
        [{"name": name, "country": country_code(name)} for name in ("Austen", "Tolstoy", "Woolf")],
    )


def downgrade() -> None:
    op.execute("DELETE FROM authors")
