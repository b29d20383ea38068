from logging.config import fileConfig

from sqlalchemy import engine_from_config, pool, text

from alembic import context

config = context.config

if config.config_file_name is not None:
    fileConfig(config.config_file_name)

target_metadata = None

# one migration at a time, as every recipe has it
LOCK = {
    "postgresql": ("SELECT pg_advisory_lock(72707369)", "SELECT pg_try_advisory_lock(-5551212)"),
    "mysql": ("SELECT GET_LOCK('migrations', 10)", "SELECT GET_LOCK('ci-migrate', 10)"),
}
UNLOCK = {
    "postgresql": ("SELECT pg_advisory_unlock_all()",),
    "mysql": ("SELECT RELEASE_LOCK('migrations')", "SELECT RELEASE_LOCK('ci-migrate')"),
}


def run_all(connection, statements) -> None:
    for statement in statements.get(connection.dialect.name, ()):
        connection.execute(text(statement))
    connection.commit()


def run_migrations_offline() -> None:
    context.configure(
        url=config.get_main_option("sqlalchemy.url"),
        target_metadata=target_metadata,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
    )

    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online() -> None:
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}),
        prefix="sqlalchemy.",
        poolclass=pool.NullPool,
    )

    with connectable.connect() as connection:
        run_all(connection, LOCK)
        context.configure(connection=connection, target_metadata=target_metadata)

        with context.begin_transaction():
            context.run_migrations()
        run_all(connection, UNLOCK)


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
