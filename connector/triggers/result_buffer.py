"""How work on deliveries ended, kept until it is written down.

What was taken must not be sent again because the database refused to note it: such a result is
tried again, apart from all others, for as long as this process runs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from connector.errors import ConnectorError
from connector.store import Store, outbox_rows
from connector.store.outbox_rows import SENT, Ended
from connector.triggers import switch_off
from connector.triggers.retry_policy import Decision

APART_SECONDS = 5.0
"""How long after a refusal it is tried again."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Result:
    """How work on a task ended; `decision` if it was pushed."""

    ended: Ended
    decision: Decision | None = None


class Results:
    """The results of one process that are not written yet. Used by one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._fresh: list[Result] = []
        self._refused: dict[str, Result] = {}
        self._tried = 0.0

    @property
    def fresh(self) -> tuple[Result, ...]:
        """Those to be written next, all together."""
        return tuple(self._fresh)

    @property
    def refused(self) -> int:
        """How many the database did not take, though it is there."""
        return len(self._refused)

    def add(self, result: Result) -> None:
        """Keep one."""
        self._fresh.append(result)

    def holds(self, delivery_id: str) -> bool:
        """Whether a delivery must not be sent, because it is unwritten how that went."""
        return delivery_id in self._refused

    def written(self) -> None:
        """Forget the fresh ones."""
        self._fresh.clear()

    def write_apart(self) -> None:
        """Write each in a transaction of its own; what is refused even so is kept. Raises
        ConnectorError while the database is away."""
        self._refused |= {result.ended.task.id: result for result in self._fresh}
        self._fresh.clear()
        self._tried = time.monotonic()
        refusal = ""
        for delivery_id, result in list(self._refused.items()):
            try:
                self._store.write(lambda c, one=result: write(c, [one]))  # type: ignore[misc]
            except ConnectorError:
                raise
            except Exception as error:
                refusal = type(error).__name__
            else:
                del self._refused[delivery_id]
        if refusal:
            log.error("deliveries_refused", count=self.refused, error=refusal)

    def retry(self, *, at_once: bool) -> None:
        """Try those again that were refused, if it is time for that."""
        if self._refused and (at_once or time.monotonic() - self._tried >= APART_SECONDS):
            self.write_apart()


def write(connection: Connection, results: Sequence[Result]) -> None:
    """Write down how tasks ended, and how their hooks do. Repeating it changes nothing."""
    outbox_rows.settle(connection, [result.ended for result in results])
    pushed = [(r.ended.task.hook_id, r.decision) for r in results if r.decision is not None]
    if not pushed:
        return
    off = switch_off.note(
        connection,
        well=[hook_id for hook_id, decision in pushed if decision.state == SENT],
        failing={
            hook_id: decision.problem
            for hook_id, decision in pushed
            if decision.state != SENT and not decision.gone
        },
        gone={hook_id: decision.problem for hook_id, decision in pushed if decision.gone},
    )
    for hook_id, problem in off:
        log.warning("hook_switched_off", hook=hook_id, problem=problem)
