"""Holding the leases of what this process asks, for as long as it lives."""

from __future__ import annotations

import threading

import structlog

from connector.chats.questions import Lease
from connector.errors import ConnectorError
from connector.store import Store, chat_rows

BEAT_SECONDS = chat_rows.LEASE_SECONDS / 3

log = structlog.get_logger(__name__)


class Heartbeat:
    """Renews leases; its thread starts with the first one, after any fork."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._held: dict[str, int] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, lease: Lease) -> None:
        """Keep a lease, which was taken just now."""
        with self._lock:
            self._held[lease.chat_id] = lease.token
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="chat-lease", daemon=True)
                self._thread.start()

    def release(self, lease: Lease) -> None:
        """Let go of it."""
        with self._lock:
            self._held.pop(lease.chat_id, None)

    def stop(self) -> None:
        """Renew nothing more."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            with self._lock:
                held = dict(self._held)
            if not held:
                continue
            try:
                self._store.write(lambda connection, held=held: chat_rows.renew(connection, held))  # type: ignore[misc]
            except ConnectorError as error:
                log.warning("chat_leases_not_renewed", code=error.code)
            except Exception:
                log.exception("chat_leases_defect")
