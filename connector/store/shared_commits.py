"""Group commit for PostgreSQL: calls that write at the same time share a transaction, and with it
the journeys to the database and its wait for the disk.

Without savepoints, which would cost as many journeys as are saved: if anything fails, the
transaction is undone and each piece of the group is done again by its own thread, alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.coalescing import Coalescer
from connector.store import failures, pieces
from connector.store.pieces import Ended, Finish, Piece, Work

_GROUP = 32
_ALONE = Ended(alone=True)


class SharedCommits:
    """Runs pieces of work that lock nothing but rows of their own, or do so in their `order`.

    Nobody waits longer than `wait_seconds` for those who came before.
    """

    def __init__(self, engine: Engine, wait_seconds: float) -> None:
        self._engine = engine
        self._coalescer: Coalescer[None, Piece, Ended] = Coalescer(
            self._commit, _GROUP, wait_seconds
        )

    def run(self, work: Work, order: str | None, finish: Finish | None) -> Any:
        """Run `work` in a transaction that is durable when this returns; it may be run twice. It
        is alone there if there is no `order`.

        Raises what `work` raises, a database error, or sqlalchemy's TimeoutError when its turn
        does not come in time.
        """
        if order is None:
            return self._alone(Piece(work, finish=finish))
        piece = Piece(work, order, finish)
        try:
            ended = self._coalescer.run(None, piece)
        except TimeoutError:
            raise PoolTimeout("the database is busy") from None
        if ended.alone:
            return self._alone(piece)
        if ended.failure is not None:
            raise ended.failure
        return ended.result

    def _alone(self, piece: Piece) -> Any:
        with self._engine.begin() as connection:
            result = piece.run(connection)
            pieces.finish(connection, [piece], [Ended(result)])
            return result

    def _commit(self, _: None, take: Callable[[], list[Piece]]) -> list[Ended]:
        with self._engine.connect() as connection:
            transaction = connection.begin()
            group = take()
            try:
                ended = _all(connection, group)
            except Exception as error:
                if connection.invalidated:
                    raise
                transaction.rollback()
                return [_ALONE] * len(group) if len(group) > 1 else [Ended(failure=error)]
            if any(end.failure is not None for end in ended):
                transaction.rollback()
                return ended
            transaction.commit()
            return ended


def _all(connection: Connection, group: list[Piece]) -> list[Ended]:
    """What became of the pieces. One that waited in vain for another transaction has had its time,
    and the others are to be done alone. Raises any other failure."""
    ended: dict[int, Ended] = {}
    for place, piece in sorted(enumerate(group), key=lambda one: one[1].order):
        try:
            ended[place] = Ended(piece.run(connection))
        except Exception as error:
            if not failures.kept_waiting(error):
                raise
            return [Ended(failure=error) if one is piece else _ALONE for one in group]
    in_order = [ended[place] for place in range(len(group))]
    pieces.finish(connection, group, in_order)
    return in_order
