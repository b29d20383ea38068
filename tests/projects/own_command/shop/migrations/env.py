from alembic import context

# only manage.py runs this
context.configure(connection=context.config.attributes["connection"], target_metadata=None)

with context.begin_transaction():
    context.run_migrations()
