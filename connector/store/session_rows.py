"""Queries: who is signed in to the console."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from connector.store.session_tables import console_sessions
from connector.store.timestamps import fixed, now


@dataclass(frozen=True)
class SessionRow:
    """What is kept of a session that has not ended: its sealed keys, and which one is chosen."""

    keys: str
    chosen: int


def insert(connection: Connection, session_id: str, keys: str, seconds: int) -> None:
    """A new session that ends in so many seconds."""
    connection.execute(
        console_sessions.insert().values(
            id=session_id, sealed_keys=keys, chosen=0, created_at=now(), ends_at=now(seconds)
        )
    )


def find(connection: Connection, session_id: str) -> SessionRow | None:
    """A session that has not ended."""
    row = connection.execute(
        select(console_sessions.c.sealed_keys, console_sessions.c.chosen).where(
            console_sessions.c.id == session_id, console_sessions.c.ends_at > now()
        )
    ).first()
    return None if row is None else SessionRow(*row)


def change(connection: Connection, session_id: str, keys: str, chosen: int) -> None:
    """Other keys, or another one chosen."""
    connection.execute(
        update(console_sessions)
        .where(console_sessions.c.id == session_id)
        .values(sealed_keys=keys, chosen=chosen)
    )


def delete_one(connection: Connection, session_id: str) -> None:
    """End a session, and forget its keys."""
    connection.execute(delete(console_sessions).where(console_sessions.c.id == session_id))


def purge(connection: Connection, limit: int = 500) -> int:
    """Forget at most `limit` sessions that have ended; how many."""
    over = select(console_sessions.c.id).where(console_sessions.c.ends_at < fixed(now()))
    ended = delete(console_sessions).where(console_sessions.c.id.in_(over.limit(limit)))
    return connection.execute(ended).rowcount
