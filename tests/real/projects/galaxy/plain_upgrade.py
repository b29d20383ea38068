"""What galaxy's `manage_db.sh upgrade` comes to where both of its histories share a database."""

from __future__ import annotations

import os

from alembic import command
from alembic.config import Config

config = Config(f"{os.environ['SITE_PACKAGES']}/galaxy/model/migrations/alembic.ini")
config.set_main_option("sqlalchemy.url", os.environ["GALAXY_URL"].replace("%", "%%"))
command.upgrade(config, "heads")
