"""The database: migrations, the group writer, a database that is away, queries."""
