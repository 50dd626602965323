"""How Alembic reaches the history: by the connection that it is given, within that one's transaction."""

from alembic import context

from ensemble.records.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
