"""The shop's own commands: python manage.py db upgrade | downgrade [revision]."""

import os
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

MIGRATIONS = Path(__file__).parent / "shop" / "migrations"


def main(arguments: list) -> int:
    if arguments[:1] != ["db"] or arguments[1:2] not in (["upgrade"], ["downgrade"]):
        print(__doc__, file=sys.stderr)
        return 2
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(os.environ["SHOP_DATABASE"])
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        if arguments[1] == "upgrade":
            command.upgrade(config, (arguments[2:] or ["head"])[0])
        else:
            command.downgrade(config, (arguments[2:] or ["-1"])[0])
    print("database: done")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
