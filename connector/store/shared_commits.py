"""Group commit for PostgreSQL: calls that write at the same time share a transaction, and with it
the journeys to the database and its wait for the disk.

Without savepoints, which would cost as many journeys as are saved: if anything fails, the
transaction is undone and each piece of the group is done again by its own thread, alone.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.coalescing import Coalescer
from connector.store import pieces
from connector.store.lanes import Lanes
from connector.store.pieces import Ended, Finish, Piece, Work
from connector.store.pooler import LOCK_MILLISECONDS

_GROUP = 32
_ALONE = Ended(alone=True)
_LOCK_MILLISECONDS = 100
"""The others of a group wait along, so who waits for longer does so alone. Groups side by side wait
for each other too, for the sums of the day: for each of them there is as much again."""


class SharedCommits:
    """Runs pieces of work that lock nothing but rows of their own, or do so in their `order`; one
    group at a time, or as many as `most_lanes` where the database is far away.

    Nobody waits longer than `wait_seconds` for those who came before.
    """

    def __init__(self, engine: Engine, wait_seconds: float, most_lanes: int = 1) -> None:
        self._engine, self._lanes = engine, Lanes(most_lanes)
        self._sharing = [
            engine.execution_options(**{LOCK_MILLISECONDS: lanes * _LOCK_MILLISECONDS})
            for lanes in range(1, self._lanes.most + 1)
        ]
        self._coalescer: Coalescer[int, Piece, Ended] = Coalescer(
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
            ended = self._coalescer.run(self._lanes.of(order), piece)
        except TimeoutError:
            raise PoolTimeout("the database is busy") from None
        return self._alone(piece) if ended.alone else ended.result

    def _alone(self, piece: Piece) -> Any:
        with self._engine.begin() as connection:
            (result,) = _all(connection, [piece])
            return result

    def _commit(self, _: int, take: Callable[[], list[Piece]]) -> list[Ended]:
        with self._sharing[self._lanes.count - 1].connect() as connection:
            began = perf_counter()
            transaction = connection.begin()
            self._lanes.began(perf_counter() - began)
            group = take()
            try:
                results = _all(connection, group)
            except Exception:
                if connection.invalidated:
                    raise
                transaction.rollback()
                return [_ALONE] * len(group)
            transaction.commit()
            return [Ended(result) for result in results]


def _all(connection: Connection, group: list[Piece]) -> list[Any]:
    """What their works return, in the order of the group."""
    results: list[Any] = [None] * len(group)
    for place, piece in sorted(enumerate(group), key=lambda one: one[1].order):
        results[place] = piece.run(connection)
    pieces.finish(connection, group, results)
    return results
