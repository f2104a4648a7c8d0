"""A piece of work that is committed together with others, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

Work = Callable[[Connection], Any]
Finish = Callable[[Connection, Sequence[Any]], None]
"""What is still to be written for several pieces, once for all of them: it is called with what
their works returned, before they are committed."""


@dataclass(frozen=True)
class Piece:
    """Work, and the context of who asked for it: whoever runs it, its log lines are that one's.
    `order`: pieces that lock the same rows do so in this order, so that no two groups wait for one
    another."""

    work: Work
    order: str = ""
    finish: Finish | None = None
    context: Context = field(default_factory=copy_context)

    def run(self, connection: Connection) -> Any:
        """Do the work; what it returns. Raises what it raises."""
        return self.context.run(self.work, connection)


@dataclass(frozen=True)
class Ended:
    """How a piece ended: with a result or a failure; with `alone` it has to be done again, in a
    transaction of its own."""

    result: Any = None
    failure: Exception | None = None
    alone: bool = False


def finish(connection: Connection, pieces: Sequence[Piece], results: Sequence[Any]) -> None:
    """Write what is left to be written for these pieces, whose works returned `results`."""
    alike: dict[Finish, list[Any]] = {}
    for piece, result in zip(pieces, results, strict=True):
        if piece.finish is not None:
            alike.setdefault(piece.finish, []).append(result)
    for together, of_all in alike.items():
        together(connection, of_all)
