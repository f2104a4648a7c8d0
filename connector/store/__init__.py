"""What the connector remembers: tables, migrations and queries, on SQLite and PostgreSQL.

Knows nothing of HTTP. All of it is scoped by the local paywall that a key proves.
"""

from connector.store.engine import Store, make_engine

__all__ = ["Store", "make_engine"]
