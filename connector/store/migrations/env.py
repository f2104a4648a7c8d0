"""How alembic runs the scripts beside this file: on a connection that the caller holds."""

from alembic import context

from connector.store import (  # noqa: F401 -- so that the metadata knows their tables
    chat_tables,
    feature_tables,
    session_tables,
    token_tables,
    trigger_tables,
)
from connector.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
