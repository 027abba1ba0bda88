"""Run migrations on the connection that ``Store.migrate`` opened."""

from alembic import context

from gem_integration.storage.tables import Base

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("run `gem-integration migrate`: it opens the database from the settings")
context.configure(connection=connection, target_metadata=Base.metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
