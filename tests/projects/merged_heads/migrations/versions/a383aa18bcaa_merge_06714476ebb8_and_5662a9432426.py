"""merge 06714476ebb8 and 5662a9432426

Revision ID: a383aa18bcaa
Revises: 06714476ebb8, 5662a9432426
Create Date: 2026-06-24 15:59:41.609763

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'a383aa18bcaa'
down_revision: Union[str, Sequence[str], None] = ('06714476ebb8', '5662a9432426')
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
