"""index articles

Revision ID: c71abd19b95e
Revises: 0568fd6fb29e
Create Date: 2026-01-19 11:51:09.211607

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'c71abd19b95e'
down_revision: Union[str, Sequence[str], None] = '0568fd6fb29e'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade(engine_name: str) -> None:
    globals()["upgrade_%s" % engine_name]()


def downgrade(engine_name: str) -> None:
    globals()["downgrade_%s" % engine_name]()


def upgrade_accounts() -> None:
    pass


def downgrade_accounts() -> None:
    pass


def upgrade_stock() -> None:
    op.create_index("ix_articles_name", "articles", ["name"])


def downgrade_stock() -> None:
    pass
