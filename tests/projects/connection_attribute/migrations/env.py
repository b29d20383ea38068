from logging.config import fileConfig

from alembic import context

from shop.db import make_engine

config = context.config

if config.config_file_name is not None:
    fileConfig(config.config_file_name)


def run_migrations(connection) -> None:
    context.configure(connection=connection, target_metadata=None)

    with context.begin_transaction():
        context.run_migrations()


connection = config.attributes.get("connection", None)
if connection is None:
    with make_engine().connect() as connection:
        run_migrations(connection)
else:
    run_migrations(connection)
