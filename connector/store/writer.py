"""Group commit for SQLite: one thread writes for all, many pieces of work per fsync.

SQLite has one writer at a time and every durable commit waits for the disk. Work that arrives
while a commit is under way shares the next one; a savepoint around each piece keeps a failing one
from taking the others with it.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout

T = TypeVar("T")
_Piece = tuple[Callable[[Connection], Any], "Future[Any]"]
_GROUP = 64


class GroupWriter:
    """Runs pieces of work in its own thread, which starts with the first one (after any fork)."""

    def __init__(self, engine: Engine, wait_seconds: float) -> None:
        self._engine, self._wait = engine, wait_seconds
        self._waiting: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that is durable when this returns.

        Raises what `work` raises, a database error, or sqlalchemy's TimeoutError when its turn
        does not come in time (such work is dropped) or when it takes too long (it may still be
        committed).
        """
        if self._thread is None:
            self._start()
        done: Future[T] = Future()
        self._waiting.put((work, done))
        with contextlib.suppress(FutureTimeout):
            return done.result(self._wait)
        if done.cancel():
            raise PoolTimeout("the database is busy")
        try:
            return done.result(self._wait)
        except FutureTimeout:
            raise PoolTimeout("the database takes too long") from None

    def close(self) -> None:
        """Write what is waiting, then end the thread."""
        with self._starting:
            thread = self._thread
        if thread is not None:
            self._waiting.put(None)
            thread.join(self._wait)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._loop, name="writer", daemon=True)
                thread.start()
                self._thread = thread

    def _loop(self) -> None:
        while (first := self._waiting.get()) is not None:
            self._commit(first)

    def _turn(self, first: _Piece) -> list[_Piece]:
        """`first` and the pieces that wait behind it, except those that were given up."""
        pieces = [first]
        with contextlib.suppress(queue.Empty):
            while len(pieces) < _GROUP:
                piece = self._waiting.get_nowait()
                if piece is None:
                    self._waiting.put(None)  # the end comes after these
                    break
                pieces.append(piece)
        return [piece for piece in pieces if piece[1].set_running_or_notify_cancel()]

    def _commit(self, first: _Piece) -> None:
        """One transaction. Whose turn it is shows once the database is ours: while another
        program holds it, everybody can still give up in time."""
        pieces: list[_Piece] | None = None
        results: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self._engine.begin() as connection:
                pieces = self._turn(first)
                for work, done in pieces:
                    # Plain statements: SQLAlchemy's own savepoints cost more than the work.
                    connection.exec_driver_sql("SAVEPOINT piece")
                    try:
                        results.append((done, work(connection), None))
                    except Exception as error:
                        if connection.invalidated:
                            raise  # the connection is lost, and with it every piece
                        connection.exec_driver_sql("ROLLBACK TO piece")
                        results.append((done, None, error))
                    connection.exec_driver_sql("RELEASE piece")
        except BaseException as error:
            if pieces is None:
                pieces = [first] if first[1].set_running_or_notify_cancel() else []
            for _, done in pieces:
                done.set_exception(error)
            return
        for done, result, failure in results:
            if failure is None:
                done.set_result(result)
            else:
                done.set_exception(failure)
