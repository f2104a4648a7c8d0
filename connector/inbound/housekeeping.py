"""What is done when nobody calls: subscriptions looked after, missed events read back, what needs
attention announced, old rows removed. Any number of processes may do this: leases keep them out of
each other's way."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from connector.config.settings import Settings
from connector.deadline import Deadline
from connector.errors import ConnectorError, KeyRefused, UpstreamTimeout, UpstreamUnreachable
from connector.inbound.announcements import announce
from connector.inbound.reconcile import Reconcile
from connector.inbound.subscriptions import Subscriptions
from connector.ledger import evidence
from connector.security.encryption import Encryption
from connector.store import (
    Store,
    attention_rows,
    callback_rows,
    chat_rows,
    counter_rows,
    delivery_rows,
    event_rows,
    hook_rows,
    kept_key_rows,
    ledger_retention,
    session_rows,
    subscription_rows,
    sum_rows,
    token_rows,
    undecided_rows,
)
from connector.store.paywall_rows import Paywall
from connector.store.subscription_rows import READY, Subscription
from connector.upstream import Client, Upstream

ROUND_SECONDS = 60.0
CARE_EVERY = 3600.0
CLEAN_EVERY = 3600.0
_CLEAN_PAUSE = 0.01
FIRST_SECONDS = 5.0
SUMS_DAYS = 400
"""So many days the sums of a day are kept: longer than what they sum up, for whoever looks back."""
_CALL_SECONDS = 60.0
_SIDE_BY_SIDE = 8

_spread = random.Random()  # noqa: S311 -- its own: others may depend on the module's state

log = structlog.get_logger(__name__)


class Housekeeper:
    """Goes its rounds, `round_seconds` apart, until it is stopped. Paywalls are looked after side
    by side; those whose calls take longer than `FIRST_SECONDS` come last, with more time."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        client: Client,
        subscriptions: Subscriptions,
        reconcile: Reconcile,
        encryption: Encryption,
        wake: Callable[[], None],
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        self._settings, self._store, self._client = settings, store, client
        self._subscriptions, self._reconcile = subscriptions, reconcile
        self._encryption, self._round_seconds = encryption, round_seconds
        self._wake = wake
        self._cared: dict[str, float] = {}
        self._cleaned = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="worker", daemon=True)

    def start(self) -> None:
        """Begin; the first round is at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being done right now."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_CALL_SECONDS)

    def round(self) -> None:
        """One round: every paywall with a live hook, what needs attention, then cleaning. Raises
        nothing."""
        rows: list[Subscription] = []
        self._guarded(lambda: rows.extend(self._store.read(subscription_rows.with_live_hooks)))
        with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="worker") as pool:
            done = pool.map(lambda row: self._looked_after(row, FIRST_SECONDS), rows)
            late = [row for row, well in zip(rows, done, strict=True) if not well]
            for _ in pool.map(lambda row: self._looked_after(row, _CALL_SECONDS), late):
                pass
        if self._stopping.is_set():
            return
        self._guarded(self._announce)
        if time.monotonic() - self._cleaned > CLEAN_EVERY or not self._cleaned:
            self._cleaned = time.monotonic()
            self._guarded(self._clean)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self.round()
            self._stopping.wait(self._round_seconds * _spread.uniform(0.9, 1.1))

    def _looked_after(self, row: Subscription, seconds: float) -> bool:
        """Look after one paywall; False where upstream gave no answer within `seconds`."""
        if self._stopping.is_set():
            return True
        error = self._guarded(lambda: self._look_after(row, seconds))
        if not isinstance(error, UpstreamUnreachable | UpstreamTimeout):
            return True
        self._cared.pop(row.paywall_id, None)
        return False

    def _look_after(self, row: Subscription, seconds: float) -> None:
        sealed = row.kept_key
        if not self._settings.public_url or not self._settings.keep_keys:
            return
        if not sealed or row.key_refused_at is not None:
            return
        cared = self._cared.get(row.paywall_id, -CARE_EVERY)
        care = row.state != READY or time.monotonic() - cared >= CARE_EVERY
        read = self._reconcile.due(row.paywall_id)
        if not care and not read:
            return
        key = self._encryption.open(sealed)
        if key is None:
            log.error("kept_key_sealed_under_another_secret", paywall=row.paywall_id)
            return
        paywall = Paywall(row.paywall_id, ids=(row.paywall_id,))
        try:
            if care:
                self._cared[row.paywall_id] = time.monotonic()
                paywall = self._subscriptions.care(key, paywall, self._line(key, seconds))
            if self._reconcile.due(paywall.id):
                self._reconcile.read_back(paywall, self._line(key, seconds))
        except KeyRefused:
            log.warning("kept_key_refused", paywall=row.paywall_id)
            self._store.write(
                lambda connection: kept_key_rows.suspend(connection, row.paywall_id, sealed)
            )

    def _line(self, key: str, seconds: float) -> Upstream:
        return Upstream(self._client, key, Deadline(seconds))

    def _announce(self) -> None:
        """Make the events of what needs somebody's attention."""
        settings = self._settings
        console = f"{settings.public_url}/console" if settings.public_url else ""
        if announce(self._store, timedelta(days=settings.event_retention_days), console):
            self._wake()

    def _clean(self) -> None:
        """Remove what is older than its retention, in small steps."""
        settings = self._settings
        steps: tuple[tuple[str, Callable[[Connection], int]], ...] = (
            ("ledger", lambda c: ledger_retention.purge(c, settings.ledger_retention_days)),
            ("events", lambda c: event_rows.purge(c, settings.event_retention_days)),
            ("proved", evidence.prove_all),
            ("unknown", undecided_rows.overdue_as_unknown),
            ("deliveries", lambda c: delivery_rows.purge(c, settings.delivery_retention_days)),
            ("hooks", hook_rows.purge),
            ("tokens", token_rows.purge),
            ("sessions", session_rows.purge),
            ("chat answers", chat_rows.forget_answers),
            ("callbacks", callback_rows.forget_answers),
            ("chats", lambda c: chat_rows.purge(c, settings.ledger_retention_days)),
            ("counters", lambda c: counter_rows.purge(c, settings.ledger_retention_days)),
            ("sums", lambda c: sum_rows.purge(c, SUMS_DAYS)),
            ("attention", lambda c: attention_rows.purge(c, settings.ledger_retention_days)),
        )
        self._store.write(
            kept_key_rows.forget_needless if settings.keep_keys else kept_key_rows.forget_all
        )
        for name, step in steps:
            removed = 0
            while count := self._store.write(step):
                removed += count
                if self._stopping.wait(_CLEAN_PAUSE):
                    break
            if removed:
                log.info("cleaned", what=name, count=removed)

    def _guarded(self, work: Callable[[], None]) -> ConnectorError | None:
        """Do `work`; what it raises is logged, and given back if it was foreseen."""
        try:
            work()
        except ConnectorError as error:
            log.warning("worker_failed", code=error.code)
            return error
        except Exception:
            log.exception("worker_defect")
        return None
