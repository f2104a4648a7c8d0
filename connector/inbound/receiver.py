"""Deliveries that come in from upstream: who sent them, and what becomes of them.

In a burst the events of an address share transactions: they would wait for each other anyway, for
the counter that numbers them. What may be our own fault is told as 503, because upstream gives up
for good on most 4xx.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Lock

import structlog
from cachetools import TTLCache
from sqlalchemy import Connection

from connector.circuit_breaker import CircuitBreaker, CircuitOpen
from connector.coalescing import Coalescer
from connector.errors import (
    EndpointGone,
    InvalidField,
    SignatureRefused,
    Unavailable,
)
from connector.inbound.endpoints import Endpoints, Known
from connector.inbound.envelope import InboundEvent, read
from connector.inbound.recording import record
from connector.store import Store, event_rows, subscription_rows
from connector.store.subscription_rows import Endpoint
from connector.telemetry.metrics import inbound_received

PROBE_SECONDS = 1.0
"""How often one delivery tries whether the database is back."""
_AGAIN_SECONDS = 60.0
_FOREIGN, _UNKNOWN, _DEFECT = "foreign", "unknown", "defect"
_OURS = {
    _UNKNOWN: "This address is ours, but not known to this database yet.",
    _DEFECT: "This delivery could not be kept. The connector's log says why.",
}
"""What may be our own fault, with its words."""

log = structlog.get_logger(__name__)


_Delivery = tuple[InboundEvent | None, bytes]
"""The event that was read, if it could be, and the body that it came in."""


class Inbound:
    """Takes deliveries. `wake` is called after a commit that put something into the outbox."""

    def __init__(
        self,
        store: Store,
        endpoints: Endpoints,
        retention_days: int,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._endpoints, self._wake = store, endpoints, wake
        self._retention = timedelta(days=retention_days)
        self._circuit_breaker = CircuitBreaker(Unavailable, PROBE_SECONDS)
        self._coalescer: Coalescer[str, _Delivery, str] = Coalescer(
            lambda endpoint_id, take: self._keep_all(endpoint_id, take())
        )
        self._said: TTLCache[str, bool] = TTLCache(maxsize=16, ttl=_AGAIN_SECONDS)
        self._saying = Lock()

    def take(self, endpoint_id: str, body: bytes, signatures: Sequence[str]) -> str:
        """Take one delivery; when this returns, it is durable. What became of it, in one word.
        `signatures`: what its headers offer, of which one has to be right.

        Raises EndpointGone, SignatureRefused, InvalidField (another paywall's event) or
        Unavailable.
        """
        known = self._endpoints.known(endpoint_id)
        if known is Known.NEVER_MADE:
            raise EndpointGone("This address was never made by this connector.")
        if known is Known.NOT_LOADED:
            inbound_received("secret_missing")
            self._now_and_then("inbound_secret_missing", endpoint_id)
            raise Unavailable("The server secret of this address is not loaded.", retry_after=60)
        if not self._endpoints.signed(endpoint_id, body, signatures):
            inbound_received("bad_signature")
            self._now_and_then("inbound_bad_signature", endpoint_id)
            raise SignatureRefused("The signature of this delivery is missing or wrong.")
        try:
            with self._circuit_breaker.watched():
                result = self._together(endpoint_id, (read(body), body))
            if result in _OURS:
                raise Unavailable(_OURS[result])
        except Unavailable:
            inbound_received("unavailable")
            raise
        except CircuitOpen:
            inbound_received("unavailable")
            raise Unavailable("The connector's database is away.", retry_after=5) from None
        if result == _FOREIGN:
            raise InvalidField("This event belongs to another paywall.", field="paywallId")
        inbound_received(result)
        return result

    def _together(self, endpoint_id: str, delivery: _Delivery) -> str:
        """What became of a delivery, kept with those that come in meanwhile. Raises Unavailable."""
        try:
            return self._coalescer.run(endpoint_id, delivery)
        except TimeoutError:
            raise Unavailable(
                "The connector is busy. Try again in a moment.", retry_after=5
            ) from None

    def _now_and_then(self, what: str, endpoint_id: str) -> None:
        """Log what anybody in the internet can cause, but not each time; metrics count them all."""
        with self._saying:
            news = what not in self._said
            if news:
                self._said[what] = True
        if news:
            log.warning(what, endpoint=endpoint_id[:8])

    def _keep_all(self, endpoint_id: str, batch: Sequence[_Delivery]) -> list[str]:
        """Keep what came in at an endpoint, in one transaction; what became of each, in one word.
        One that cannot be kept does not take the others with it."""
        try:
            results, pushed = self._store.write(
                lambda connection: self._keep(connection, endpoint_id, batch)
            )
        except Unavailable:
            raise
        except Exception:
            if len(batch) > 1:
                return [self._keep_all(endpoint_id, [delivery])[0] for delivery in batch]
            log.exception("inbound_defect", endpoint=endpoint_id[:8])
            return [_DEFECT]
        if pushed:
            self._wake()
        return results

    def _keep(
        self, connection: Connection, endpoint_id: str, batch: Sequence[_Delivery]
    ) -> tuple[list[str], int]:
        """What became of each, and how many pushes they caused."""
        endpoint = subscription_rows.endpoint(connection, endpoint_id)
        if endpoint is None:
            return [_UNKNOWN] * len(batch), 0
        new: dict[str, InboundEvent] = {}
        for event, body in batch:
            if event is None:
                event_rows.keep_unreadable(connection, endpoint.paywall_id, body)
                log.warning("inbound_unreadable", endpoint=endpoint_id[:8], size=len(body))
            elif not _foreign(event, endpoint):
                new.setdefault(event.id, event)
        kept, pushed = record(connection, endpoint.paywall_id, list(new.values()), self._retention)
        words = dict(zip(new, kept, strict=True))

        def became(event: InboundEvent | None) -> str:
            if event is None:
                return "unreadable"
            if _foreign(event, endpoint):
                return _FOREIGN
            return words[event.id] if new[event.id] is event else "duplicate"

        return [became(event) for event, _ in batch], pushed


def _foreign(event: InboundEvent, endpoint: Endpoint) -> bool:
    return bool(endpoint.upstream_id) and event.paywall_id != endpoint.upstream_id
