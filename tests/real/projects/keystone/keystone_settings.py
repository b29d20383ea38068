"""What `keystone-manage` does before it calls Alembic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keystone.conf
from keystone.common.sql import core, upgrades

if TYPE_CHECKING:
    from alembic.config import Config


def configure(config: Config) -> None:
    """Configure keystone's settings, then name the folders of revisions that keystone names itself."""
    core.initialize()
    keystone.conf.configure()
    keystone.conf.CONF([], project="keystone", default_config_files=[])
    keystone.conf.CONF.set_override(
        "connection", config.get_main_option("sqlalchemy.url"), "database"
    )
    folders = upgrades._find_alembic_conf().get_main_option("version_locations")
    config.set_main_option("version_locations", folders)
    config.attributes["configure_logger"] = False
