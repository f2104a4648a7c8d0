"""Group commit for SQLite: whoever finds nobody writing writes, and those who come meanwhile share
the next commit.

SQLite has one writer at a time and every durable commit waits for the disk. A savepoint around each
piece of work keeps a failing one from taking the others of its group with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.coalescing import Coalescer
from connector.errors import Unavailable
from connector.store import pieces
from connector.store.pieces import Ended, Finish, Piece, Work

_GROUP = 64


class GroupWriter:
    """Runs pieces of work in the threads that bring them, one at a time, on one connection: what
    it has read of the file stays valid as long as nobody else writes."""

    def __init__(self, engine: Engine, wait_seconds: float) -> None:
        self._engine, self._wait = engine, wait_seconds
        self._connection: Connection | None = None
        self._coalescer: Coalescer[None, Piece | None, Ended] = Coalescer(
            self._commit, _GROUP, wait_seconds
        )

    def run(self, work: Work, finish: Finish | None = None) -> Any:
        """Run `work` in a transaction that is durable when this returns.

        Raises what `work` raises, a database error, or sqlalchemy's TimeoutError when its turn
        does not come in time (such work is dropped, unless it was just begun).
        """
        try:
            ended = self._coalescer.run(None, Piece(work, finish=finish))
        except TimeoutError:
            raise PoolTimeout("the database is busy") from None
        if ended.failure is not None:
            raise ended.failure
        return ended.result

    def close(self) -> None:
        """Write what is waiting, then let go of the connection; it is made anew when needed."""
        with contextlib.suppress(DBAPIError, PoolTimeout, Unavailable, TimeoutError):
            self._coalescer.run(None, None)

    def _commit(self, _: None, take: Callable[[], list[Piece | None]]) -> list[Ended]:
        """One transaction. Whose turn it is shows once the database is ours: while another
        program holds it, everybody can still give up in time."""
        connection = self._connection = self._connection or self._open()
        try:
            transaction = connection.begin()
            group = take()
            ended = [_ended(connection, piece, alone=len(group) == 1) for piece in group]
            if len(group) == 1 and ended[0].failure is not None:
                transaction.rollback()
            else:
                transaction.commit()
        except BaseException:
            self._drop(connection)
            raise
        if None in group:
            self._drop(connection)
        return ended

    def _open(self) -> Connection:
        connection = self._engine.connect()
        driver = connection.connection.cursor()
        driver.execute(f"PRAGMA busy_timeout = {int(self._wait * 1000)}")
        driver.close()
        return connection

    def _drop(self, connection: Connection) -> None:
        self._connection = None
        connection.invalidate()
        connection.close()


def _ended(connection: Connection, piece: Piece | None, *, alone: bool) -> Ended:
    """What became of a piece; its own failure undoes what it has written. Raises what took the
    connection, and with it every piece."""
    if piece is None:
        return Ended()
    driver = connection.connection.cursor()  # SQLAlchemy's own savepoints cost more than the work
    if not alone:
        driver.execute("SAVEPOINT piece")
    try:
        result = piece.run(connection)
        pieces.finish(connection, [piece], [result])
    except Exception as error:
        if connection.invalidated:
            raise
        if not alone:
            driver.execute("ROLLBACK TO piece")
            driver.execute("RELEASE piece")
        return Ended(failure=error)
    if not alone:
        driver.execute("RELEASE piece")
    return Ended(result)
