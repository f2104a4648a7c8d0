"""Queries: the check values of the server secrets that the data here depends on."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from connector.store.tables import server_secrets
from connector.store.timestamps import now
from connector.store.upsert import insert_for


def tags(connection: Connection) -> list[str]:
    """The tags of all server secrets that were ever used here and not forgotten, oldest first."""
    return list(
        connection.execute(
            select(server_secrets.c.tag).order_by(server_secrets.c.created_at)
        ).scalars()
    )


def remember(connection: Connection, new: Sequence[str]) -> None:
    """Note that data here may depend on these secrets from now on."""
    insert = insert_for(connection.dialect.name)
    for tag in new:
        connection.execute(
            insert(server_secrets).values(tag=tag, created_at=now()).on_conflict_do_nothing()
        )


def forget(connection: Connection, tag: str) -> None:
    """Nothing here depends on this secret any more."""
    connection.execute(delete(server_secrets).where(server_secrets.c.tag == tag))


def rewrite(connection: Connection) -> None:
    """Write what is there already; fails where nothing can be written."""
    connection.execute(update(server_secrets).values(tag=server_secrets.c.tag))
