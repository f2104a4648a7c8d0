"""Reading missed events back from upstream's delivery log, and telling where that is not enough.

The log gives at most 100 rows a question and has no cursor: it is asked per subscription of ours
and per status, and per event type where a page is full. A full page that does not reach back to
the last complete reading is a possible gap (FACTS: whatever an outage of over an hour cost).

What upstream had an answer for was stored before that: shortly after a complete reading, a full
page of such events that are all known needs no second look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product

import structlog
from sqlalchemy import Connection

from connector.brands import spellings
from connector.catalog.events import EVENTS_BY_TYPE, UPSTREAM_TYPES
from connector.inbound.envelope import InboundEvent, event_of
from connector.inbound.recording import record
from connector.store import Store, event_rows, subscription_rows
from connector.store.paywall_rows import Paywall
from connector.telemetry.metrics import events_read_back, gap_found
from connector.upstream import Upstream, webhooks

READING_SECONDS = 120
EVERY = timedelta(minutes=15)
STATUSES = ("pending", "error", "success")
"""In the order in which a delivery goes through them, so that none slips by between questions."""
_SKEW = timedelta(minutes=5)
"""By how much upstream's clock may be behind ours."""
_SHORTLY = timedelta(hours=1)
"""A database that was restored from a copy had its last complete reading longer ago than that."""
_MORE = "More events than Paywalls shows afterwards may have been missed. Their kinds:"
_SUBSCRIPTIONS = 5
_BATCH, _ASKED = 50, 500

log = structlog.get_logger(__name__)


@dataclass
class Reading:
    """What one reading found; `incomplete` names what may be missing for good, `unfinished` tells
    that upstream still tries to send more than it shows, so that it is too early to say."""

    events: dict[str, InboundEvent] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)
    unfinished: bool = False


class Reconcile:
    """Reads back. `wake` is called when what was read back put something into the outbox."""

    def __init__(
        self, store: Store, retention_days: int, wake: Callable[[], None] = lambda: None
    ) -> None:
        self._store, self._wake = store, wake
        self._retention = timedelta(days=retention_days)
        self._started: datetime | None = None
        self._read_here: dict[str, datetime] = {}

    def due(self, paywall_id: str) -> bool:
        """Whether it is time: not read by any process since this one started or since the
        subscription had to be made anew, or 15 minutes ago."""
        now = self._store.clock.now()
        if self._started is None:
            self._started = now
        row = self._store.read(lambda connection: subscription_rows.get(connection, paywall_id))
        if row is None or row.endpoint_id is None:
            return False
        # One that was not complete counts for this process only.
        readings = [one for one in (self._read_here.get(paywall_id), row.read_at) if one]
        if not readings or row.made_at is None:
            return True
        last = max(readings)
        return last < max(self._started, row.made_at, now - EVERY)

    def is_forgotten(self, moment: datetime) -> bool:
        """Whether events of that time are not kept any more."""
        return moment < self._store.clock.now() - self._retention

    def read_back(self, paywall: Paywall, upstream: Upstream) -> int:
        """Insert every event of upstream's log that is new; how many. 0 too when another process
        reads right now. Raises as upstream does; then the reading counts as not made."""
        began = self._store.write(
            lambda connection: subscription_rows.take_reading(
                connection, paywall.id, READING_SECONDS
            )
        )
        if began is None:
            return 0
        try:
            reading = self._ask(paywall, upstream)
            new = self._insert(paywall, reading)
        except BaseException:
            self._end(paywall, None, [])
            raise
        complete_from = None if reading.unfinished else began
        self._end(paywall, complete_from, sorted(set(reading.incomplete)))
        self._read_here[paywall.id] = began
        events_read_back(new)
        if new:
            log.info("events_read_back", paywall=paywall.id, count=new)
            self._wake()
        return new

    def _end(self, paywall: Paywall, complete_from: datetime | None, missing: list[str]) -> None:
        def end(connection: Connection) -> None:
            subscription_rows.end_reading(connection, paywall.id, complete_from=complete_from)
            if missing:
                note = f"{_MORE} {', '.join(missing)}."
                subscription_rows.note_gap(connection, paywall.id, note)

        self._store.write(end)
        if missing:
            gap_found()
            log.error("possible_gap", paywall=paywall.id, what=missing)

    def _ask(self, paywall: Paywall, upstream: Upstream) -> Reading:
        row, ids = self._store.read(
            lambda connection: (
                subscription_rows.get(connection, paywall.id),
                subscription_rows.upstream_ids(connection, paywall.id),
            )
        )
        before = row.read_at if row is not None else None
        reading = Reading()
        for subscription_id in ids[:_SUBSCRIPTIONS]:
            for status in STATUSES:
                self._pages(reading, paywall, upstream, subscription_id, status, before)
        return reading

    def _pages(
        self,
        reading: Reading,
        paywall: Paywall,
        upstream: Upstream,
        subscription_id: str,
        status: str,
        before: datetime | None,
    ) -> None:
        page = webhooks.log(upstream, subscription_id, status)
        rows = list(_events(page))
        reading.events |= {event.id: event for event in rows}
        if not _cut(page, rows, before):
            return
        shortly = before is not None and before > self._store.clock.now() - _SHORTLY
        if status == "success" and shortly and not self._unknown(paywall, rows):
            return
        # Types that upstream added later are asked for too, as far as the page shows them.
        kinds = sorted(UPSTREAM_TYPES | {event.type for event in rows})
        for kind, brand in product(kinds, spellings(webhooks.types(page))):
            page = webhooks.log(upstream, subscription_id, status, brand.spelled(kind))
            rows = list(_events(page))
            new = bool(self._unknown(paywall, rows))
            reading.events |= {event.id: event for event in rows}
            if not _cut(page, rows, before):
                continue
            if status == "pending":
                reading.unfinished = True
            # What was acknowledged was stored: a full page of it tells nothing new.
            elif new or status != "success":
                label = EVENTS_BY_TYPE[kind].label if kind in EVENTS_BY_TYPE else kind
                reading.incomplete.append(f"{label} ({status})")

    def _unknown(self, paywall: Paywall, rows: Iterable[InboundEvent]) -> list[InboundEvent]:
        """Those of the events that are not stored here."""
        events_by_id = {event.id: event for event in rows}
        ids, known = list(events_by_id), set[str]()
        for start in range(0, len(ids), _ASKED):
            some = ids[start : start + _ASKED]
            known |= self._store.read(lambda c, some=some: event_rows.known(c, paywall.id, some))  # type: ignore[misc]
        return [event for event in events_by_id.values() if event.id not in known]

    def _insert(self, paywall: Paywall, reading: Reading) -> int:
        # Most of what upstream shows was stored long ago: only the rest is worth a transaction.
        unknown = self._unknown(paywall, reading.events.values())
        waiting = sorted(unknown, key=lambda event: event.created_at)
        new = 0
        for start in range(0, len(waiting), _BATCH):
            batch = waiting[start : start + _BATCH]

            def insert(connection: Connection, batch: list[InboundEvent] = batch) -> int:
                results, _ = record(connection, paywall.id, batch, self._retention)
                return results.count("stored")

            new += self._store.write(insert)
        return new


def _cut(page: list[dict[str, object]], rows: list[InboundEvent], before: datetime | None) -> bool:
    """Whether a page is full and does not reach back to the last complete reading."""
    if len(page) < webhooks.LOG_PAGE:
        return False
    oldest = min((event.created_at for event in rows), default=None)
    return before is None or oldest is None or oldest > before - _SKEW


def _events(rows: list[dict[str, object]]) -> Iterator[InboundEvent]:
    for row in rows:
        event = event_of(row.get("event"))
        if event is not None:
            yield event
