"""Eight threads that write fifty times each: run as a program, `many_writes.py URL NAME`."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection, func, select, text

from connector.store import Store, make_engine, secret_rows
from connector.store.tables import server_secrets

THREADS, WRITES = 8, 50
_COUNTER = "counter"


def main(database_url: str, name: str) -> None:
    """Insert rows, and count them by reading and writing back, which a lost update would show."""
    store = Store(make_engine(database_url))

    def write(thread: int) -> None:
        for number in range(WRITES):
            store.write(lambda connection, tag=f"{name}{thread}-{number}": _one(connection, tag))  # type: ignore[misc]

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write, range(THREADS)))
    store.close()


def found(connection: Connection) -> tuple[int, int]:
    """How many rows there are, and how many were counted."""
    rows = connection.execute(select(func.count()).select_from(server_secrets)).scalar_one()
    return rows - 1, _counted(connection)


def _one(connection: Connection, tag: str) -> None:
    secret_rows.remember(connection, [tag])
    counted = _counted(connection)
    connection.execute(
        text("INSERT OR REPLACE INTO server_secrets (tag, created_at) VALUES (:tag, :count)"),
        {"tag": _COUNTER, "count": counted + 1},
    )


def _counted(connection: Connection) -> int:
    query = text("SELECT created_at FROM server_secrets WHERE tag = :tag")
    return connection.execute(query, {"tag": _COUNTER}).scalar() or 0


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
