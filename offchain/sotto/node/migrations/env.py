"""Alembic runs this file for each upgrade; the connection comes from `migrate`."""

from alembic import context

# SQLite can undo CREATE TABLE, too, which Alembic does not expect of it.
context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
